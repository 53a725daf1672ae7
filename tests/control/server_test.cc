#include "control/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "config/config.h"
#include "net/event_loop.h"
#include "tests/support/fake_engine.h"
#include "tests/support/loopback_client.h"

namespace simpul::control {
namespace {

using testing::FakeEngine;
using ::testing::HasSubstr;
using testing::LoopbackClient;
using ::testing::StartsWith;

config::Config make_config(const Address& listen) {
  config::Config config;
  config.dev = true;
  config.http.listen = listen;
  return config;
}

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    auto server = Server::start(make_config(Address::v4({127, 0, 0, 1}, 0)),
                                std::make_unique<FakeEngine>(), loop_);
    if (!server) return;
    server_ = *std::move(server);
    address_ = server_->address();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~ServerTest() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    server_.reset();
  }
  std::string ask(std::string_view request) {
    LoopbackClient client(address_);
    client.send(request);
    return client.receive_all();
  }

  net::EventLoop loop_;
  std::unique_ptr<Server> server_;
  Address address_;
  std::thread thread_;
};

TEST_F(ServerTest, TakesAnOfferAndGivesTheAnswer) {
  const auto response =
      ask("POST /whip/stage HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
          "Content-Length: 5\r\nConnection: close\r\n\r\noffer");
  EXPECT_THAT(response, StartsWith("HTTP/1.1 201 Created\r\nLocation: /whip/stage/c_"));
  EXPECT_THAT(response, HasSubstr("\r\n\r\nv=0\r\n"));
}

TEST_F(ServerTest, ServesThePageAndTheMetrics) {
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              HasSubstr("Content-Type: text/html"));
  EXPECT_THAT(ask("GET /metrics HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"),
              HasSubstr(R"(simpul_http_requests_total{route="/",code="200"} 1)"));
}

TEST_F(ServerTest, RefusesAPathThatLeadsElsewhere) {
  for (const auto* path : {"/../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd", "/..%2fetc"}) {
    EXPECT_THAT(ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                StartsWith("HTTP/1.1 400 "))
        << path;
  }
}

TEST_F(ServerTest, RefusesARequestOfARebornName) {
  EXPECT_THAT(ask("GET /v1/rooms HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 403 "));
}

TEST_F(ServerTest, SaysWhyItCannotBind) {
  net::EventLoop loop;
  const auto second = Server::start(make_config(address_), std::make_unique<FakeEngine>(), loop);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr(address_.to_string()));
}

TEST_F(ServerTest, ListensOnLoopbackOnlyWhileNobodyIsAuthenticated) {
  net::EventLoop loop;
  for (const auto& address : {Address::v4({0, 0, 0, 0}, 0), Address::v4({192, 0, 2, 1}, 0)}) {
    const auto server = Server::start(make_config(address), std::make_unique<FakeEngine>(), loop);
    ASSERT_FALSE(server.has_value());
    EXPECT_THAT(server.error(), StartsWith("http.listen: "));
  }
}

}  // namespace
}  // namespace simpul::control
