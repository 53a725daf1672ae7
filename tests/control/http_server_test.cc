#include "control/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

#include "tests/support/loopback_client.h"

namespace simpul::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::LoopbackClient;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
constexpr std::string_view kGetAndClose =
    "GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// A server whose loop has a thread of its own; what the test does to it is posted there.
class HttpServerTest : public ::testing::Test {
 protected:
  ~HttpServerTest() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }

  void start(const HttpServerLimits& limits = {}) {
    auto server =
        HttpServer::start(loop_, Address::v4({127, 0, 0, 1}, 0), limits,
                          {.on_request =
                               [this](const Request& request, HttpServer::Respond respond) {
                                 if (request.path == std::vector<std::string>{"stream"}) {
                                   Response first{.body = "[first]"};
                                   first.stream = ResponseStream{.gone = [this] { gone_ += 1; }};
                                   respond(std::move(first));
                                   held_ = std::move(respond);
                                   holding_.set_value();
                                 } else if (request.path == std::vector<std::string>{"later"}) {
                                   held_ = std::move(respond);
                                   holding_.set_value();
                                 } else {
                                   if (on_request_) on_request_();
                                   respond({.status = 200, .headers = {}, .body = "[ok]"});
                                 }
                               },
                           .on_refused = [this](uint16_t status) { refused_.push_back(status); }});
    ASSERT_TRUE(server.has_value()) << server.error();
    server_ = *std::move(server);
    address_ = server_->address();
    thread_ = std::thread([this] { loop_.run(); });
  }
  void on_loop(std::function<void()> task) {
    std::promise<void> done;
    loop_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }
  std::string get() {
    LoopbackClient client(address_);
    client.send(kGetAndClose);
    return client.receive_all();
  }

  net::EventLoop loop_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
  Address address_;
  HttpServer::Respond held_;
  std::promise<void> holding_;
  std::function<void()> on_request_;
  std::vector<uint16_t> refused_;
  std::atomic<int> gone_ = 0;  // streams
};

TEST_F(HttpServerTest, AnswersRequestAfterRequestOnOneConnection) {
  start();
  LoopbackClient client(address_);
  for (int i = 0; i < 3; ++i) {
    client.send(kGet);
    EXPECT_THAT(client.receive_until("[ok]"), StartsWith("HTTP/1.1 200 OK"));
  }
}

TEST_F(HttpServerTest, EndsTheConnectionAfterTheAnswerWhenAsked) {
  start();
  EXPECT_THAT(get(), HasSubstr("Connection: close\r\n\r\n[ok]"));
}

TEST_F(HttpServerTest, AnswersAThousandPipelinedRequestsInOrder) {
  start();
  LoopbackClient client(address_);
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += kGet;
  client.send(requests + std::string(kGetAndClose));
  const auto answers = client.receive_all();
  size_t count = 0;
  for (size_t at = 0; (at = answers.find("[ok]", at)) != std::string::npos; ++at) ++count;
  EXPECT_EQ(count, 1001u);
}

TEST_F(HttpServerTest, LetsOthersHaveTheirTurnBetweenPipelinedRequests) {
  constexpr size_t kRequests = 1000;
  size_t requests = 0;
  size_t before_others = 0;
  on_request_ = [&] {
    if (++requests == 1) loop_.post([&] { before_others = requests; });
  };
  start();
  LoopbackClient client(address_);
  std::string all;
  for (size_t i = 0; i + 1 < kRequests; ++i) all += kGet;
  client.send(all + std::string(kGetAndClose));
  client.receive_all();
  on_loop([&] {
    EXPECT_EQ(requests, kRequests);
    EXPECT_LE(before_others, 3u);  // one a turn; a task may have to wait for the next one but one
  });
}

TEST_F(HttpServerTest, AnswersGarbageAndABodyThatIsTooLarge) {
  start();
  LoopbackClient tls(address_);
  tls.send("\x16\x03\x01\x02");
  EXPECT_THAT(tls.receive_all(), StartsWith("HTTP/1.1 400 "));
  LoopbackClient large(address_);
  large.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" +
             std::string(900'000, 'x'));
  EXPECT_THAT(large.receive_all(), StartsWith("HTTP/1.1 413 "));
  on_loop([&] { EXPECT_THAT(refused_, ::testing::ElementsAre(400, 413)); });
}

TEST_F(HttpServerTest, AnswersAClientThatSendsNoMore) {
  start();
  LoopbackClient client(address_);
  client.send(kGet);
  client.end();
  EXPECT_THAT(client.receive_all(), HasSubstr("[ok]"));
}

TEST_F(HttpServerTest, AnswersLater) {
  start();
  LoopbackClient client(address_);
  client.send("GET /later HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  holding_.get_future().wait();
  on_loop([&] { held_({.status = 201}); });
  EXPECT_THAT(client.receive_all(), StartsWith("HTTP/1.1 201 Created"));
}

TEST_F(HttpServerTest, IgnoresAnAnswerForAClientThatIsGone) {
  start();
  std::optional<LoopbackClient> client(std::in_place, address_);
  client->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  holding_.get_future().wait();
  client.reset();
  EXPECT_THAT(get(), HasSubstr("[ok]"));
  on_loop([&] {
    held_({.status = 201});
    held_({.status = 201});
  });
  EXPECT_THAT(get(), HasSubstr("[ok]"));
}

TEST_F(HttpServerTest, IgnoresAnAnswerAfterItsOwnEnd) {
  start();
  LoopbackClient client(address_);
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  holding_.get_future().wait();
  on_loop([&] {
    server_.reset();
    held_({.status = 201});
  });
  EXPECT_THAT(client.receive_all(), IsEmpty());
}

class HttpServerStream : public HttpServerTest {
 protected:
  using Step = ResponseStream::Step;

  void begin(LoopbackClient& client) {
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.receive_until("[first]"), StartsWith("HTTP/1.1 200 OK"));
    holding_.get_future().wait();
  }
  void say(Step step, const std::string& body = {}) {
    on_loop([&] { held_({.body = body, .stream = ResponseStream{.step = step}}); });
  }
  void wait_until_gone() {
    while (gone_ == 0) get();
  }
};

TEST_F(HttpServerStream, CarriesWhatIsSaidLaterUntilItEnds) {
  start();
  LoopbackClient client(address_);
  begin(client);
  say(Step::kGoOn, "[second]");
  EXPECT_EQ(client.receive_until("[second]"), "[second]");
  EXPECT_EQ(gone_, 0);
  say(Step::kEnd);
  EXPECT_THAT(client.receive_all(), IsEmpty());
  client.end();
  wait_until_gone();
  say(Step::kGoOn, "[third]");
  EXPECT_EQ(gone_, 1);
}

TEST_F(HttpServerStream, TellsOnceWhenItsClientHasGone) {
  start();
  std::optional<LoopbackClient> client(std::in_place, address_);
  begin(*client);
  client.reset();
  wait_until_gone();
  say(Step::kEnd);
  EXPECT_EQ(gone_, 1);
}

TEST_F(HttpServerStream, ThatBeginsInVainIsGoneAtOnce) {
  start();
  std::optional<LoopbackClient> client(std::in_place, address_);
  client->send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  holding_.get_future().wait();
  client.reset();
  while (true) {
    size_t connections = 0;
    on_loop([&] { connections = server_->connections(); });
    if (connections == 0) break;
  }
  on_loop([&] { held_({.stream = ResponseStream{.gone = [this] { gone_ += 1; }}}); });
  EXPECT_EQ(gone_, 1);
}

TEST_F(HttpServerStream, TakesAPlaceAmongTheConnections) {
  start({.connections = 1});
  LoopbackClient client(address_);
  begin(client);
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, RefusesConnectionsOverItsLimitAndTakesThemAgainLater) {
  start({.connections = 2});
  std::optional<LoopbackClient> first(std::in_place, address_);
  LoopbackClient second(address_);
  for (auto* client : {&*first, &second}) {
    client->send(kGet);
    EXPECT_THAT(client->receive_until("[ok]"), HasSubstr("200"));
  }
  const auto refused = get();
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(refused, HasSubstr("Retry-After: 5"));
  first.reset();
  std::string answer;  // the server sees the end some turns later
  for (int i = 0; i < 10'000 && !answer.starts_with("HTTP/1.1 200"); ++i) answer = get();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, CountsOnlyThoseWhoAreServed) {
  start({.connections = 1, .connections_per_address = 1});
  std::optional<LoopbackClient> served(std::in_place, address_);
  served->send(kGet);
  EXPECT_THAT(served->receive_until("[ok]"), HasSubstr("200"));
  LoopbackClient refused(address_);  // told so, and stays
  EXPECT_THAT(refused.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 429 "));
  served->end();
  EXPECT_THAT(served->receive_all(), IsEmpty());
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, RefusesConnectionsOfOneAddressOverItsLimit) {
  start({.connections_per_address = 1});
  LoopbackClient first(address_);
  first.send(kGet);
  first.receive_until("[ok]");
  EXPECT_THAT(get(), StartsWith("HTTP/1.1 429 "));
}

TEST_F(HttpServerTest, ClosesSilentlyWhenEvenTheRefusedAreTooMany) {
  start({.connections = 0, .refused_at_once = 1});
  LoopbackClient refused(address_);
  EXPECT_THAT(refused.receive_until("\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  LoopbackClient closed(address_);
  EXPECT_THAT(closed.receive_all(), IsEmpty());
}

}  // namespace
}  // namespace simpul::control
