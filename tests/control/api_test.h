#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/application.h"
#include "control/http_target.h"
#include "tests/support/fake_engine.h"

namespace simpul::testing {

// An application over an engine that does as it is told, and how to ask it.
class ApiTest : public ::testing::Test {
 protected:
  explicit ApiTest(std::vector<config::IceServer> ice_servers = {})
      : application_(engine_, {.access = {.any_origin = true,
                                          .allowed_origins = {},
                                          .bound = Address::v4({127, 0, 0, 1}, 8080)},
                               .pages = {},
                               .now_unix_ms = [] { return int64_t{1'795'284'042'500}; },
                               .ice_servers = std::move(ice_servers)}) {}

  static control::Request make_request(control::Method method, std::string_view target) {
    const auto parsed = control::parse_target(target);
    control::Request request;
    request.method = method;
    request.path = parsed->path;
    request.query = parsed->query;
    request.host = "127.0.0.1:8080";
    return request;
  }
  control::Response ask(const control::Request& request) {
    std::optional<control::Response> result;
    application_.handle(request, [&](control::Response response) { result = std::move(response); });
    EXPECT_TRUE(result.has_value());
    return result.value_or(control::Response{.status = 0});
  }
  static void expect_problem(const control::Response& response, uint16_t status,
                             const std::string& type) {
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(*response.header("Content-Type"), "application/problem+json");
    EXPECT_EQ(response.header("ETag"), nullptr);
    EXPECT_THAT(response.body, ::testing::HasSubstr(R"({"type":"/problems/)" + type + "\""));
    EXPECT_THAT(response.body, ::testing::HasSubstr("\"status\":" + std::to_string(status)));
  }

  FakeEngine engine_;
  control::Application application_;
};

}  // namespace simpul::testing
