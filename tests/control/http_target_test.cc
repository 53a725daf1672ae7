#include "control/http_target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> path_of(std::string_view text) {
  const auto target = parse_target(text);
  return target ? target->path : std::vector<std::string>{"refused"};
}

TEST(HttpTarget, SplitsAndDecodesThePath) {
  EXPECT_THAT(path_of("/"), IsEmpty());
  EXPECT_THAT(path_of("/v1/rooms"), ElementsAre("v1", "rooms"));
  EXPECT_THAT(path_of("/whip/a%20b%C3%a9"), ElementsAre("whip", "a b\xc3\xa9"));
  EXPECT_THAT(path_of("/v1//rooms/"), ElementsAre("v1", "", "rooms", ""));
  EXPECT_THAT(path_of("/a+b"), ElementsAre("a+b"));
}

TEST(HttpTarget, DecodesOnceOnly) { EXPECT_THAT(path_of("/%252e%252e"), ElementsAre("%2e%2e")); }

class BadTarget : public ::testing::TestWithParam<const char*> {};

TEST_P(BadTarget, IsRefused) { EXPECT_FALSE(parse_target(GetParam()).has_value()); }

INSTANTIATE_TEST_SUITE_P(, BadTarget,
                         ::testing::Values("", "*", "x", "x:443", "/../etc/passwd", "/a/../b",
                                           "/a/..", "/./a", "/%2e%2e/a", "/%2E./a", "/.%2e",
                                           "/a%2fb", "/a%2F..%2Fb", "/a%5cb", "/a\\b", "/a%00b",
                                           "/a%0d%0ab", "/a%7f", "/%", "/%4", "/%zz", "/a#b",
                                           "/a?b=%", "/a?b=%00", "ftp://x/a", "http:/a"));

TEST(HttpTarget, TakesTheHostOfAnAbsoluteTarget) {
  const auto target = parse_target("HTTP://Localhost:8080/a?b=c");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->host, "Localhost:8080");
  EXPECT_THAT(target->path, ElementsAre("a"));
  EXPECT_THAT(target->query, ElementsAre(Parameter{"b", "c"}));
  EXPECT_EQ(parse_target("http://localhost")->host, "localhost");
}

TEST(HttpTarget, DecodesTheQuery) {
  const auto target = parse_target("/a?x=1&y=a%26b+c&flag&=v&x=2");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->query,
              ElementsAre(Parameter{"x", "1"}, Parameter{"y", "a&b c"}, Parameter{"flag", ""},
                          Parameter{"", "v"}, Parameter{"x", "2"}));
  EXPECT_THAT(parse_target("/a?")->query, IsEmpty());
}

TEST(HttpTarget, RefusesMoreParametersThanItsNumber) {
  std::string text = "/a?x";
  for (size_t i = 1; i < kParametersMax; ++i) text += "&x";
  EXPECT_TRUE(parse_target(text).has_value());
  EXPECT_FALSE(parse_target(text + "&x").has_value());
}

TEST(Ids, AreOneToSixtyFourOfTheirCharacters) {
  EXPECT_TRUE(is_valid_id("a"));
  EXPECT_TRUE(is_valid_id("Stage_1.b-C"));
  EXPECT_TRUE(is_valid_id(std::string(64, 'x')));
  EXPECT_FALSE(is_valid_id(std::string(65, 'x')));
  for (const auto* bad : {"", ".", "..", "a b", "a/b", "a%", "\xc3\xa9", "a\n", "<a>"}) {
    EXPECT_FALSE(is_valid_id(bad)) << bad;
  }
}

}  // namespace
}  // namespace simpul::control
