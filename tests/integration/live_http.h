#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "bench/peer/http_client.h"
#include "control/server.h"
#include "tests/integration/live_node.h"

namespace simpul::testing {

// The HTTP side of a live node, on the same loop, and a client on a thread of its own.
class LiveHttp {
 public:
  explicit LiveHttp(LiveNode& node, config::Config config = {}) : node_(node) {
    config.dev = true;
    config.http.listen = Address::v4({127, 0, 0, 1}, 0);
    auto server = control::Server::start(config, node.node(), node.loop());
    EXPECT_TRUE(server) << server.error();
    if (server) server_ = *std::move(server);
  }

  peer::HttpAnswer ask(const std::string& method, const std::string& target,
                       const std::string& type = {}, const std::string& body = {},
                       const std::string& more = {}) {
    Expected<peer::HttpAnswer, std::string> answer = unexpected(std::string("none"));
    std::atomic<bool> done = false;
    std::jthread client([&] {
      answer = peer::request(server_->address(), method, target, type, body, more);
      done = true;
    });
    EXPECT_TRUE(node_.run_until([&] { return done.load(); }));
    client.join();
    EXPECT_TRUE(answer) << answer.error();
    return answer.value_or(peer::HttpAnswer{});
  }
  Address address() const { return server_->address(); }
  peer::HttpAnswer patch(const std::string& location, const std::string& condition,
                         const std::string& fragment) {
    return ask("PATCH", location, "application/trickle-ice-sdpfrag", fragment,
               condition.empty() ? "" : "If-Match: " + condition + "\r\n");
  }

 private:
  LiveNode& node_;
  std::unique_ptr<control::Server> server_;
};

}  // namespace simpul::testing
