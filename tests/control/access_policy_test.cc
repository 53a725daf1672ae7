#include "control/access_policy.h"

#include <gtest/gtest.h>

namespace simpul::control {
namespace {

const Address kBound = Address::v4({127, 0, 0, 1}, 8080);

Request from(const std::string& origin, Method method = Method::kGet) {
  Request request;
  request.method = method;
  request.headers = {{"origin", origin}, {"access-control-request-method", "POST"}};
  return request;
}

Response headers_for(const AccessPolicy& policy, const Request& request) {
  Response response;
  policy.add_headers(request, "POST, OPTIONS", response);
  return response;
}

const AccessPolicy kDev({.any_origin = true, .allowed_origins = {}, .bound = kBound});
const AccessPolicy kStrict({.any_origin = false,
                            .allowed_origins = {"https://event.example"},
                            .bound = kBound});

TEST(AccessPolicy, TakesLoopbackNamesAndAddressesAsHost) {
  for (const auto* host : {"localhost", "localhost:8080", "LOCALHOST:1", "app.localhost",
                           "127.0.0.1", "127.0.0.1:8080", "127.9.9.9", "[::1]", "[::1]:8080"}) {
    EXPECT_TRUE(kDev.allows_host(host)) << host;
  }
}

TEST(AccessPolicy, RefusesAnyOtherHostEvenIfItPointsHere) {
  for (const auto* host : {"", "evil.example", "evil.example:8080", "localhost.evil.example",
                           "127.0.0.1.evil.example", "notlocalhost", "192.0.2.1:8080", "[::1",
                           "[2001:db8::1]:8080", "0.0.0.0", "2130706433", "127.1", "::1"}) {
    EXPECT_FALSE(kDev.allows_host(host)) << host;
  }
}

TEST(AccessPolicy, TakesTheAddressThatIsListenedOn) {
  const AccessPolicy policy(
      {.any_origin = false, .allowed_origins = {}, .bound = Address::v4({192, 0, 2, 1}, 8080)});
  EXPECT_TRUE(policy.allows_host("192.0.2.1"));
  EXPECT_TRUE(policy.allows_host("192.0.2.1:9"));
  EXPECT_FALSE(policy.allows_host("192.0.2.2"));
}

TEST(AccessPolicy, LetsEveryPageReadInDevelopmentWithoutCredentials) {
  const auto response = headers_for(kDev, from("https://any.example"));
  EXPECT_EQ(*response.header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(*response.header("Access-Control-Expose-Headers"),
            "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch, Allow");
  EXPECT_EQ(response.header("Access-Control-Allow-Credentials"), nullptr);
}

TEST(AccessPolicy, LetsOnlyTheConfiguredPagesReadOtherwise) {
  const auto good = headers_for(kStrict, from("https://event.example"));
  EXPECT_EQ(*good.header("Access-Control-Allow-Origin"), "https://event.example");
  EXPECT_EQ(*good.header("Vary"), "Origin");
  for (const auto* origin : {"https://evil.example", "http://event.example", "null",
                             "https://event.example.evil.example", "https://event.example:444"}) {
    const auto bad = headers_for(kStrict, from(origin));
    EXPECT_EQ(bad.header("Access-Control-Allow-Origin"), nullptr) << origin;
    EXPECT_EQ(*bad.header("Vary"), "Origin") << origin;
  }
}

TEST(AccessPolicy, AnswersAPreflightWithMethodsAndHeaders) {
  const auto response = headers_for(kStrict, from("https://event.example", Method::kOptions));
  EXPECT_EQ(*response.header("Access-Control-Allow-Methods"), "POST, OPTIONS");
  EXPECT_EQ(*response.header("Access-Control-Allow-Headers"),
            "Authorization, Content-Type, If-Match, If-None-Match");
  EXPECT_EQ(*response.header("Access-Control-Max-Age"), "600");
}

TEST(AccessPolicy, AddsNothingForRequestsOfNoPage) {
  EXPECT_TRUE(headers_for(kDev, Request{}).headers.empty());
}

}  // namespace
}  // namespace simpul::control
