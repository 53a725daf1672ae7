#include "net/tcp_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>

#include "net/event_loop.h"

namespace simpul::net {
namespace {

using ::testing::HasSubstr;

const Address kLoopback = Address::v4({127, 0, 0, 1}, 0);

// A client with blocking calls, for a thread of its own.
class Client {
 public:
  explicit Client(const Address& server) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_text(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void end_sending() const { shutdown(fd_, SHUT_WR); }
  // Up to the peer's end.
  std::string read_all() const {
    std::string all;
    std::array<char, 4096> part{};
    while (true) {
      const ssize_t count = recv(fd_, part.data(), part.size(), 0);
      if (count == 0) return all;
      if (count < 0) return all + " error " + std::to_string(errno);
      all.append(part.data(), static_cast<size_t>(count));
    }
  }
  // So that closing sends a reset.
  void close_by_reset() const {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  int fd_;
};

// A server of one connection, whose handlers each test gives.
class TcpStreamTest : public ::testing::Test {
 protected:
  void listen(std::function<void()> on_accepted) {
    auto listener = TcpListener::listen(loop_, kLoopback, [this, on_accepted](TcpStream stream) {
      stream_ = std::move(stream);
      on_accepted();
    });
    ASSERT_TRUE(listener.has_value()) << listener.error();
    listener_ = std::move(*listener);
  }
  // Runs the client on its own thread and the server until someone stops the loop.
  template <class Body>
  void run_with_client(Body body) {
    std::jthread client([&] {
      const Client connection(listener_->local_address());
      body(connection);
    });
    loop_.run();
  }

  EventLoop loop_;
  std::optional<TcpListener> listener_;
  std::optional<TcpStream> stream_;
};

TEST_F(TcpStreamTest, ReadsAndWrites) {
  std::string received;
  listen([&] {
    stream_->start({.on_data =
                        [&](Bytes data) {
                          received += as_text(data);
                          if (received != "hello") return;
                          stream_->write("good ");
                          stream_->write("day");
                          stream_->close_after_write();
                        },
                    .on_close = [&] { loop_.stop(); }});
  });
  std::string answer;
  run_with_client([&](const Client& client) {
    client.send_text("hello");
    answer = client.read_all();
  });
  EXPECT_EQ(received, "hello");
  EXPECT_EQ(answer, "good day");
}

TEST_F(TcpStreamTest, KnowsItsPeer) {
  listen([&] {
    EXPECT_EQ(stream_->remote_address().ip, kLoopback.ip);
    EXPECT_NE(stream_->remote_address().port, 0);
    loop_.stop();
  });
  run_with_client([](const Client&) {});
}

TEST_F(TcpStreamTest, ClosesWhenThePeerEnds) {
  int closed = 0;
  listen([&] {
    stream_->start({.on_close = [&] {
      ++closed;
      loop_.stop();
    }});
  });
  run_with_client([](const Client&) {});
  EXPECT_EQ(closed, 1);
}

TEST_F(TcpStreamTest, ClosesWhenThePeerResets) {
  int closed = 0;
  listen([&] {
    stream_->start({.on_end = [] { FAIL() << "a reset is not an end"; },
                    .on_close =
                        [&] {
                          ++closed;
                          loop_.stop();
                        }});
  });
  run_with_client([](const Client& client) { client.close_by_reset(); });
  EXPECT_EQ(closed, 1);
}

TEST_F(TcpStreamTest, StillAnswersAPeerThatEndedItsSide) {
  listen([&] {
    stream_->start({.on_end =
                        [&] {
                          loop_.post([&] {
                            stream_->write("late answer");
                            stream_->close_after_write();
                          });
                        },
                    .on_close = [&] { loop_.stop(); }});
  });
  std::string answer;
  run_with_client([&](const Client& client) {
    client.end_sending();
    answer = client.read_all();
  });
  EXPECT_EQ(answer, "late answer");
}

TEST_F(TcpStreamTest, DeliversTheAnswerToAPeerThatIsStillSending) {
  listen([&] {
    stream_->start({.on_data =
                        [&](Bytes) {
                          stream_->write("too much");
                          stream_->close_after_write();
                        },
                    .on_close = [&] { loop_.stop(); }});
  });
  std::string answer;
  run_with_client([&](const Client& client) {
    client.send_text(std::string(500'000, 'x'));
    answer = client.read_all();
  });
  EXPECT_EQ(answer, "too much");
}

TEST_F(TcpStreamTest, GivesUpOnAPeerThatNeverStopsSending) {
  listen([&] {
    stream_->start({.on_data =
                        [&](Bytes) {
                          stream_->write("too much");
                          stream_->close_after_write();
                        },
                    .on_close = [&] { loop_.stop(); }});
  });
  run_with_client([&](const Client& client) {
    // More than is read and than the kernel holds: ends only because the server closes.
    client.send_text(std::string(64 * TcpStream::kLingerBytesMax, 'x'));
  });
  EXPECT_EQ(stream_->bytes_queued(), 0u);
}

TEST_F(TcpStreamTest, CountsWhatIsQueuedAndTellsWhenItIsGone) {
  constexpr size_t kSize = 32 * 1024 * 1024;
  size_t queued = 0;
  bool drained = false;
  listen([&] {
    stream_->start({.on_drained =
                        [&] {
                          drained = true;
                          stream_->close_after_write();
                        },
                    .on_close = [&] { loop_.stop(); }});
    stream_->write(std::string(kSize, 'x'));
    queued = stream_->bytes_queued();
  });
  std::string answer;
  run_with_client([&](const Client& client) { answer = client.read_all(); });
  EXPECT_GT(queued, 0u);
  EXPECT_TRUE(drained);
  EXPECT_EQ(answer.size(), kSize);
}

TEST_F(TcpStreamTest, ReadsNothingWhileItIsPaused) {
  size_t received = 0;
  bool paused = false;
  int while_paused = 0;
  listen([&] {
    stream_->start({.on_data =
                        [&](Bytes data) {
                          while_paused += paused;
                          received += data.size();
                          paused = true;
                          stream_->pause_reading();
                          loop_.post([&] {
                            loop_.post([&] {
                              paused = false;
                              stream_->resume_reading();
                            });
                          });
                        },
                    .on_end = [&] { loop_.stop(); }});
  });
  run_with_client([&](const Client& client) {
    client.send_text(std::string(1'000'000, 'x'));
    client.end_sending();
  });
  EXPECT_EQ(received, 1'000'000u);
  EXPECT_EQ(while_paused, 0);
}

TEST_F(TcpStreamTest, ClosesLaterThanTheCallThatAsksForIt) {
  bool inside = false;
  int closed = 0;
  listen([&] {
    stream_->start({.on_close = [&] {
      EXPECT_FALSE(inside);
      ++closed;
      loop_.stop();
    }});
    inside = true;
    stream_->close();
    stream_->close();
    stream_->write("nobody reads this");
    inside = false;
  });
  run_with_client([](const Client& client) { EXPECT_EQ(client.read_all(), ""); });
  EXPECT_EQ(closed, 1);
}

TEST_F(TcpStreamTest, MayBeDestroyedInItsOwnCallbacks) {
  std::string seen;
  listen([&] {
    stream_->start(
        {.on_data =
             [&, text = std::string("a capture that is longer than a small string")](Bytes) {
               stream_->write("lost or not");
               stream_.reset();
               seen = text;
             },
         .on_close = [] { FAIL() << "nobody is there to be told"; }});
  });
  run_with_client([&](const Client& client) {
    client.send_text("x");
    client.read_all();
    loop_.stop();
  });
  EXPECT_EQ(seen, "a capture that is longer than a small string");
}

TEST_F(TcpStreamTest, MayBeDestroyedWhenItIsToldOfItsEnd) {
  std::string seen;
  listen([&] {
    stream_->start(
        {.on_close = [&, text = std::string("a capture that is longer than a small string")] {
          stream_.reset();
          seen = text;
          loop_.stop();
        }});
  });
  run_with_client([](const Client&) {});
  EXPECT_EQ(seen, "a capture that is longer than a small string");
}

TEST_F(TcpStreamTest, ClosesAConnectionThatNobodyKeeps) {
  auto listener = TcpListener::listen(loop_, kLoopback, [](const TcpStream&) {});
  ASSERT_TRUE(listener.has_value());
  listener_ = std::move(*listener);
  std::string answer;
  run_with_client([&](const Client& client) {
    answer = client.read_all();
    loop_.stop();
  });
  EXPECT_EQ(answer, "");
}

TEST_F(TcpStreamTest, SaysWhyItCannotListen) {
  listen([] {});
  const auto second = TcpListener::listen(loop_, listener_->local_address(), [](TcpStream) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error(),
            "listen on " + listener_->local_address().to_string() + ": address already in use");
  EXPECT_FALSE(TcpListener::listen(loop_, Address::v4({192, 0, 2, 1}, 0), [](TcpStream) {}));
}

TEST_F(TcpStreamTest, MayStopListeningInsideItsCallback) {
  listen([&] {
    listener_.reset();
    loop_.stop();
  });
  const Address address = listener_->local_address();
  std::jthread client([&] { const Client connection(address); });
  loop_.run();
  EXPECT_TRUE(stream_.has_value());
}

}  // namespace
}  // namespace simpul::net
