#include "bench/load/http_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "net/tcp_stream.h"

namespace simpul::load {
namespace {

using ::testing::HasSubstr;

const Address kHere = Address::v4({127, 0, 0, 1}, 0);

TEST(HttpText, IsARequestWithItsLength) {
  const std::string text =
      to_text({.method = "POST", .target = "/whep/a", .type = "application/sdp", .body = "v=0"},
              Address::v4({192, 0, 2, 1}, 80));
  EXPECT_EQ(text,
            "POST /whep/a HTTP/1.1\r\nHost: 192.0.2.1:80\r\nConnection: close\r\n"
            "Content-Type: application/sdp\r\nContent-Length: 3\r\n\r\nv=0");
}

TEST(HttpText, ReadsAWholeAnswer) {
  const auto answer =
      parse_answer("HTTP/1.1 201 Created\r\nlocation: /whep/a/1\r\nContent-Length: 3\r\n\r\nv=0");
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->location, "/whep/a/1");
  EXPECT_EQ(answer->body, "v=0");
}

TEST(HttpText, AHeaderMayBeEmpty) {
  for (const char* text : {"HTTP/1.1 201 Created\r\nLocation:\r\n\r\n",
                           "HTTP/1.1 201 Created\r\nLocation:  \r\nA: b\r\n\r\n"}) {
    const auto answer = parse_answer(text);
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(answer->location, "");
    EXPECT_EQ(answer->header("retry-after"), "");
  }
}

TEST(HttpText, RefusesWhatIsNoWholeAnswer) {
  for (const char* text :
       {"", "HTTP/1.1 201 Created\r\n", "SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 \r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nv="}) {
    EXPECT_FALSE(parse_answer(text)) << text;
  }
}

// A server on a loop, which answers as it is told, or never.
class HttpRequestsTest : public ::testing::Test {
 protected:
  void serve(std::string answer) {
    answer_ = std::move(answer);
    auto listener = net::TcpListener::listen(loop_, kHere, [this](net::TcpStream stream) {
      const size_t number = streams_.size();
      auto [at, added] = streams_.emplace(number, std::move(stream));
      at->second.start({.on_data = [this, number](Bytes bytes) { take(number, bytes); }});
    });
    ASSERT_TRUE(listener) << listener.error();
    listener_.emplace(std::move(*listener));
  }
  void take(size_t number, Bytes bytes) {
    std::string& request = received_[number];
    request += as_text(bytes);
    open_max_ = std::max(open_max_, streams_.size() - answered_);
    if (answer_.empty() || !request.ends_with("\r\n\r\n")) return;
    ++answered_;
    streams_.at(number).write(answer_);
    streams_.at(number).close_after_write();
  }
  // Until so many were answered.
  void run_until(size_t count) {
    wanted_ = count;
    loop_.run();
  }
  HttpRequests::Handler collect() {
    return [this](const HttpRequests::Answer& answer) {
      results_.push_back(answer ? std::to_string(answer->status) : answer.error());
      if (results_.size() == wanted_) loop_.stop();
    };
  }

  net::EventLoop loop_;
  std::string answer_;
  std::optional<net::TcpListener> listener_;
  std::map<size_t, net::TcpStream> streams_;
  std::map<size_t, std::string> received_;
  std::vector<std::string> results_;
  size_t answered_ = 0;
  size_t open_max_ = 0;
  size_t wanted_ = 0;
};

TEST_F(HttpRequestsTest, AreUnderWayAtOnceUpToALimitAndAllAnswered) {
  serve("HTTP/1.1 204 No Content\r\n\r\n");
  HttpRequests requests(loop_, listener_->local_address());
  constexpr size_t kCount = HttpRequests::kInFlightMax + 100;
  for (size_t i = 0; i < kCount; ++i) {
    requests.send({.method = "DELETE", .target = "/" + std::to_string(i)}, collect());
  }
  EXPECT_EQ(requests.pending(), kCount);
  run_until(kCount);
  EXPECT_EQ(results_, std::vector<std::string>(kCount, "204"));
  EXPECT_LE(open_max_, HttpRequests::kInFlightMax);
}

TEST_F(HttpRequestsTest, SayWhenNobodyListens) {
  serve("");
  const Address address = listener_->local_address();
  listener_.reset();
  HttpRequests requests(loop_, address);
  requests.send({.method = "GET", .target = "/"}, collect());
  run_until(1);
  EXPECT_THAT(results_[0], HasSubstr("connect"));
}

TEST_F(HttpRequestsTest, SayWhenAnAnswerIsCutShortOrTooLong) {
  serve("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
  HttpRequests requests(loop_, listener_->local_address());
  requests.send({.method = "GET", .target = "/"}, collect());
  run_until(1);
  EXPECT_EQ(results_[0], "no whole answer");
  answer_ = "HTTP/1.1 200 OK\r\n\r\n" + std::string(HttpRequests::kAnswerMax, 'x');
  requests.send({.method = "GET", .target = "/"}, collect());
  run_until(2);
  EXPECT_EQ(results_[1], "too long an answer from " + listener_->local_address().to_string());
}

TEST_F(HttpRequestsTest, AreDroppedWithTheirOwner) {
  serve("");
  {
    HttpRequests requests(loop_, listener_->local_address());
    requests.send({.method = "GET", .target = "/"}, collect());
    loop_.post([this] { loop_.stop(); });
    loop_.run();
  }
  EXPECT_TRUE(results_.empty());
}

}  // namespace
}  // namespace simpul::load
