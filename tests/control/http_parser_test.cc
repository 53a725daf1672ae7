#include "control/http_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using State = HttpParser::State;

struct Result {
  State state = State::kIdle;
  uint16_t status = 0;  // of the problem
  Request request;
};

Result parse(std::string_view text, const HttpLimits& limits = {}) {
  HttpParser parser(limits);
  parser.feed(as_bytes(text));
  Result result{.state = parser.state(), .status = 0, .request = {}};
  if (result.state == State::kFailed) result.status = parser.problem().status;
  if (result.state == State::kComplete) result.request = parser.take_request();
  return result;
}

uint16_t status_of(std::string_view text) { return parse(text).status; }

TEST(HttpParser, ReadsARequestWithABody) {
  const auto [state, status, request] = parse(
      "POST /whip/stage?participant=alice HTTP/1.1\r\nHost: localhost:8080\r\n"
      "Content-Type:  application/sdp \r\nContent-Length: 5\r\n\r\nv=0\r\n");
  ASSERT_EQ(state, State::kComplete);
  EXPECT_EQ(request.method, Method::kPost);
  EXPECT_THAT(request.path, ElementsAre("whip", "stage"));
  EXPECT_EQ(*request.parameter("participant"), "alice");
  EXPECT_EQ(*request.header("content-type"), "application/sdp");
  EXPECT_EQ(request.host, "localhost:8080");
  EXPECT_EQ(request.body, "v=0\r\n");
  EXPECT_TRUE(request.keep_alive);
}

TEST(HttpParser, ReadsARequestByteByByte) {
  const std::string text =
      "POST /whip/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n";
  HttpParser parser({});
  size_t taken = 0;
  for (const char c : text) {
    taken += parser.feed(as_bytes({&c, 1}));
    if (parser.state() == State::kComplete) break;
  }
  ASSERT_EQ(parser.state(), State::kComplete);
  EXPECT_EQ(taken, text.find("GET"));
  EXPECT_EQ(parser.take_request().body, "abc");
  EXPECT_EQ(parser.state(), State::kIdle);
}

TEST(HttpParser, StopsWhereARequestEndsAndGoesOnWithTheNext) {
  const std::string first = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string second = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  HttpParser parser({});
  EXPECT_EQ(parser.feed(as_bytes(first + second)), first.size());
  EXPECT_THAT(parser.take_request().path, ElementsAre("a"));
  EXPECT_EQ(parser.feed(as_bytes(second)), second.size());
  EXPECT_THAT(parser.take_request().path, ElementsAre("b"));
}

TEST(HttpParser, TakesNothingMoreBeforeTheRequestIsTaken) {
  HttpParser parser({});
  parser.feed(as_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(parser.feed(as_bytes("GET /")), 0u);
}

TEST(HttpParser, ForgetsTheBodyOfTheRequestBefore) {
  HttpParser parser({});
  parser.feed(as_bytes("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"));
  EXPECT_EQ(parser.take_request().body, "a");
  parser.feed(as_bytes("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nbc"));
  EXPECT_EQ(parser.take_request().body, "bc");
}

TEST(HttpParser, TakesOneEmptyLineBeforeARequestAndNoMore) {
  EXPECT_EQ(parse("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(status_of("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST(HttpParser, ClosesAfterHttp10AndAfterConnectionClose) {
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
  EXPECT_FALSE(
      parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: te, Close\r\n\r\n").request.keep_alive);
}

TEST(HttpParser, TakesTheHostOfAnAbsoluteTarget) {
  const auto request =
      parse("GET http://127.0.0.1:8080/v1/node HTTP/1.1\r\nHost: b\r\n\r\n").request;
  EXPECT_EQ(request.host, "127.0.0.1:8080");
  EXPECT_THAT(request.path, ElementsAre("v1", "node"));
}

TEST(HttpParser, AsksToContinueOnceWhenTheBodyIsWaitedFor) {
  HttpParser parser({});
  parser.feed(
      as_bytes("POST /whip/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
               "Expect: 100-continue\r\n\r\n"));
  EXPECT_TRUE(parser.take_continue());
  EXPECT_FALSE(parser.take_continue());
  parser.feed(as_bytes("ab"));
  EXPECT_EQ(parser.state(), State::kComplete);
}

TEST(HttpParser, DoesNotAskToContinueWhenTheBodyIsThereAlready) {
  HttpParser parser({});
  parser.feed(
      as_bytes("POST /whip/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
               "Expect: 100-continue\r\n\r\nab"));
  EXPECT_FALSE(parser.take_continue());
}

TEST(HttpParser, KnowsAllMethodsAndCallsTheRestOther) {
  for (const auto method : {Method::kGet, Method::kHead, Method::kDelete, Method::kOptions}) {
    const auto text = std::string(to_string(method)) + " / HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(parse(text).request.method, method);
  }
  EXPECT_EQ(parse("BREW / HTTP/1.1\r\nHost: x\r\n\r\n").request.method, Method::kOther);
  EXPECT_EQ(parse("get / HTTP/1.1\r\nHost: x\r\n\r\n").request.method, Method::kOther);
}

// What two servers on one path could cut into requests differently (RFC 9112 §11.2).
struct Smuggled {
  const char* what;
  const char* text;
  uint16_t status;
};

class HttpSmuggling : public ::testing::TestWithParam<Smuggled> {};

TEST_P(HttpSmuggling, IsRefused) {
  EXPECT_EQ(status_of(GetParam().text), GetParam().status) << GetParam().what;
}

#define REQUEST(headers) "POST /whip/a HTTP/1.1\r\nHost: x\r\n" headers "\r\n\r\n"

INSTANTIATE_TEST_SUITE_P(
    , HttpSmuggling,
    ::testing::Values(
        Smuggled{"length and chunks", REQUEST("Content-Length: 3\r\nTransfer-Encoding: chunked"),
                 400},
        Smuggled{"chunks and length", REQUEST("Transfer-Encoding: chunked\r\nContent-Length: 3"),
                 400},
        Smuggled{"length and an unknown coding",
                 REQUEST("Transfer-Encoding: identity\r\nContent-Length: 3"), 400},
        Smuggled{"chunks", REQUEST("Transfer-Encoding: chunked"), 411},
        Smuggled{"chunks in capitals", REQUEST("Transfer-Encoding: CHUNKED"), 411},
        Smuggled{"coded chunks", REQUEST("Transfer-Encoding: gzip, chunked"), 411},
        Smuggled{"chunks that are not last", REQUEST("Transfer-Encoding: chunked, gzip"), 400},
        Smuggled{"no chunks at all", REQUEST("Transfer-Encoding: gzip"), 400},
        Smuggled{"vertical tab before chunked", REQUEST("Transfer-Encoding: \vchunked"), 400},
        Smuggled{"two codings",
                 REQUEST("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), 400},
        Smuggled{"two lengths", REQUEST("Content-Length: 3\r\nContent-Length: 4"), 400},
        Smuggled{"the same length twice", REQUEST("Content-Length: 3\r\nContent-Length: 3"), 400},
        Smuggled{"a list of lengths", REQUEST("Content-Length: 3, 3"), 400},
        Smuggled{"a negative length", REQUEST("Content-Length: -1"), 400},
        Smuggled{"a length with a sign", REQUEST("Content-Length: +3"), 400},
        Smuggled{"a hexadecimal length", REQUEST("Content-Length: 0x3"), 400},
        Smuggled{"a length beyond 64 bits", REQUEST("Content-Length: 18446744073709551617"), 400},
        Smuggled{"no length", REQUEST("Accept: */*"), 411},
        Smuggled{"an empty length", REQUEST("Content-Length:"), 400},
        Smuggled{"blank before the colon", REQUEST("Content-Length : 3"), 400},
        Smuggled{"a folded line", REQUEST("Accept: a\r\n b"), 400},
        Smuggled{"a line without a colon", REQUEST("Accept"), 400},
        Smuggled{"a header without a name", REQUEST(": x"), 400},
        Smuggled{"two hosts", REQUEST("Host: y"), 400},
        Smuggled{"bare line feeds", "GET / HTTP/1.1\nHost: x\n\n", 400},
        Smuggled{"a bare carriage return", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400},
        Smuggled{"a zero byte", "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        Smuggled{"a blank in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"two blanks", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"a blank before the line", " GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"no version", "GET /\r\nHost: x\r\n\r\n", 400},
        Smuggled{"version 0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
        Smuggled{"version 2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        Smuggled{"another protocol", "GET / ICAP/1.1\r\nHost: x\r\n\r\n", 400},
        Smuggled{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Smuggled{"a target of CONNECT", "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400}));

TEST(HttpParser, KnowsTlsAtItsFirstByte) { EXPECT_EQ(status_of("\x16"), 400); }

TEST(HttpParser, SaysWhatIsWrong) {
  HttpParser parser({});
  parser.feed(as_bytes("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
  EXPECT_THAT(parser.problem().detail, HasSubstr("Content-Length"));
  EXPECT_EQ(parser.problem().type, ProblemType::kLengthRequired);
}

TEST(HttpParser, ReadsNothingMoreOnceItFailed) {
  HttpParser parser({});
  parser.feed(as_bytes("\x16"));
  EXPECT_EQ(parser.feed(as_bytes("GET / HTTP/1.1\r\n")), 0u);
  EXPECT_EQ(parser.state(), State::kFailed);
}

TEST(HttpParserLimits, RefusesAHeadOfMoreThanItsBytes) {
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
  const HttpLimits limits{};
  const auto fitting = start + std::string(limits.head_bytes - start.size() - 4, 'a') + "\r\n\r\n";
  EXPECT_EQ(parse(fitting).state, State::kComplete);
  EXPECT_EQ(status_of(start + std::string(limits.head_bytes, 'a')), 431);
}

TEST(HttpParserLimits, RefusesATargetOfMoreThanTheHeadsBytes) {
  EXPECT_EQ(status_of("GET /" + std::string(20'000, 'a')), 431);
}

TEST(HttpParserLimits, RefusesMoreHeadersThanItsNumber) {
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (size_t i = 1; i < HttpLimits{}.headers; ++i) text += "A: b\r\n";
  EXPECT_EQ(parse(text + "\r\n").state, State::kComplete);
  EXPECT_EQ(status_of(text + "A: b\r\n\r\n"), 431);
}

TEST(HttpParserLimits, RefusesABodyByItsLengthBeforeItComes) {
  const auto head = [](size_t size) {
    return "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " +
           std::to_string(size) + "\r\n\r\n";
  };
  EXPECT_EQ(parse(head(HttpLimits{}.body_bytes)).state, State::kBody);
  EXPECT_EQ(status_of(head(HttpLimits{}.body_bytes + 1)), 413);
  EXPECT_EQ(status_of(head(10'000'000'000)), 413);
}

TEST(HttpParserLimits, TakesABodyOfExactlyTheLimit) {
  const std::string body(HttpLimits{}.body_bytes, 'x');
  const auto result =
      parse("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body);
  EXPECT_EQ(result.request.body.size(), body.size());
}

}  // namespace
}  // namespace simpul::control
