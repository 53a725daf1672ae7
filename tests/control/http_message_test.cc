#include "control/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::control {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HttpMessage, WritesAResponse) {
  const Response response{.status = 201, .headers = {{"Location", "/whip/a/b"}}, .body = "v=0"};
  EXPECT_EQ(write_response(response, {}),
            "HTTP/1.1 201 Created\r\nLocation: /whip/a/b\r\nContent-Length: 3\r\n"
            "Connection: keep-alive\r\n\r\nv=0");
}

TEST(HttpMessage, TellsHeadTheLengthWithoutTheBody) {
  EXPECT_EQ(write_response({.status = 200, .headers = {}, .body = "abc"},
                           {.keep_alive = false, .with_body = false}),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
}

TEST(HttpMessage, GivesNoLengthWhereThereIsNeverABody) {
  for (const uint16_t status : {uint16_t{204}, uint16_t{304}}) {
    const auto text = write_response({.status = status, .headers = {}, .body = "abc"}, {});
    EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
    EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  }
}

TEST(HttpMessage, LetsNoValueBeginALine) {
  const Response response{.status = 200, .headers = {{"Location", "/a\r\nSet-Cookie: x"}}};
  EXPECT_THAT(write_response(response, {}), HasSubstr("Location: /aSet-Cookie: x\r\n"));
}

TEST(HttpMessage, HasAPhraseForEveryStatusThatIsUsed) {
  for (const int status : {200, 201, 204, 304, 400, 403, 404, 405, 406, 408, 409, 411, 413, 415,
                           429, 431, 500, 503, 505}) {
    EXPECT_NE(reason_phrase(static_cast<uint16_t>(status)), "Unknown") << status;
  }
  EXPECT_EQ(reason_phrase(299), "Unknown");
}

TEST(HttpMessage, FindsHeadersOfAResponseInAnyCase) {
  const Response response{.status = 200, .headers = {{"ETag", "\"1\""}}};
  EXPECT_EQ(*response.header("etag"), "\"1\"");
  EXPECT_EQ(response.header("location"), nullptr);
}

TEST(HttpMessage, TrimsBlanksAndTabs) {
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim("  "), "");
}

}  // namespace
}  // namespace simpul::control
