#include "control/if_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::control {
namespace {

// "any", "yes", "no" or "malformed": whether the field asks for xyzzy.
std::string outcome(std::string_view field) {
  const auto parsed = IfMatch::parse(field);
  if (!parsed) return "malformed";
  if (parsed->is_any()) return "any";
  return parsed->matches("xyzzy") ? "yes" : "no";
}

TEST(IfMatch, IsAnyOrAListOfEntityTags) {
  EXPECT_EQ(outcome("*"), "any");
  EXPECT_EQ(outcome(" * "), "any");
  EXPECT_EQ(outcome("\"xyzzy\""), "yes");
  EXPECT_EQ(outcome("\"a\", \"xyzzy\""), "yes");
  EXPECT_EQ(outcome("\"a\" ,,\t\"xyzzy\","), "yes");
  EXPECT_EQ(outcome("\"xyzz\""), "no");
  EXPECT_EQ(outcome("\"XYZZY\""), "no");
  EXPECT_EQ(outcome("\"\""), "no");
}

TEST(IfMatch, TakesTheStarInQuotesThatTheRfcShows) { EXPECT_EQ(outcome("\"*\""), "any"); }

TEST(IfMatch, ComparesStrongly) {
  EXPECT_EQ(outcome("W/\"xyzzy\""), "no");
  EXPECT_EQ(outcome("W/\"*\""), "no");
  EXPECT_EQ(outcome("W/\"xyzzy\", \"xyzzy\""), "yes");
}

TEST(IfMatch, IsNothingElse) {
  for (const auto* field :
       {"", " ", ",", "xyzzy", "\"xyzzy", "xyzzy\"", "\"xy zzy\"", "w/\"xyzzy\"", "W/ \"xyzzy\"",
        "W/", "\"a\" \"xyzzy\"", "*, \"xyzzy\"", "**", "\"a\", xyzzy", "\"a\x7f\"", "\"a\tb\""}) {
    EXPECT_EQ(outcome(field), "malformed") << field;
  }
}

TEST(IfMatch, JoinsTheFieldsOfARequest) {
  Request request;
  EXPECT_EQ(if_match_of(request), std::nullopt);
  request.headers = {{"if-match", "\"a\""}, {"accept", "x"}, {"if-match", "\"b\""}};
  EXPECT_EQ(if_match_of(request), "\"a\", \"b\"");
}

}  // namespace
}  // namespace simpul::control
