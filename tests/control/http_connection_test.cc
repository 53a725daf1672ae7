#include "control/http_connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::control {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view kGetB = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";

class HttpConnectionTest : public ::testing::Test {
 protected:
  HttpConnection::Output receive(std::string_view text) {
    HttpConnection::Output out;
    connection_.receive(as_bytes(text), now_, out);
    return out;
  }
  HttpConnection::Output end() {
    HttpConnection::Output out;
    connection_.receive_end(now_, out);
    return out;
  }
  HttpConnection::Output respond(uint64_t serial, std::string body = "ok") {
    HttpConnection::Output out;
    connection_.respond(serial, {.status = 200, .headers = {}, .body = std::move(body)}, now_, out);
    return out;
  }
  HttpConnection::Output sent() {
    HttpConnection::Output out;
    connection_.on_sent(now_, out);
    return out;
  }
  HttpConnection::Output after(Duration elapsed) {
    now_ += elapsed;
    HttpConnection::Output out;
    connection_.advance(now_, out);
    return out;
  }
  void expect_quiet(const HttpConnection::Output& out) {
    EXPECT_THAT(out.bytes, IsEmpty());
    EXPECT_FALSE(out.request || out.end || out.close);
  }

  TimePoint now_{};
  HttpConnection connection_{{}, {}, now_};
};

TEST_F(HttpConnectionTest, GivesTheRequestAndSendsTheAnswer) {
  const auto out = receive(kGet);
  ASSERT_TRUE(out.request.has_value());
  EXPECT_THAT(out.request->path, ElementsAre("a"));
  const auto answer = respond(out.serial);
  EXPECT_THAT(answer.bytes, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer.bytes, HasSubstr("Connection: keep-alive"));
  EXPECT_FALSE(answer.end);
}

TEST_F(HttpConnectionTest, AnswersPipelinedRequestsOneByOneAsTheAnswersLeave) {
  const auto first = receive(std::string(kGet) + std::string(kGetB));
  EXPECT_THAT(first.request->path, ElementsAre("a"));
  EXPECT_FALSE(respond(first.serial).request.has_value());
  expect_quiet(sent());
  EXPECT_EQ(connection_.next_deadline(), now_);
  const auto second = after(0s);
  ASSERT_TRUE(second.request.has_value());
  EXPECT_THAT(second.request->path, ElementsAre("b"));
  EXPECT_NE(second.serial, first.serial);
}

TEST_F(HttpConnectionTest, AnswersARequestWhoseFirstPartWasPipelined) {
  const auto first = receive(std::string(kGet) + std::string(kGetB.substr(0, 10)));
  respond(first.serial);
  sent();
  EXPECT_FALSE(after(0s).request.has_value());
  EXPECT_TRUE(receive(kGetB.substr(10)).request.has_value());
}

TEST_F(HttpConnectionTest, KeepsTheOrderOfWhatComesBetweenTwoPipelinedRequests) {
  const auto first = receive(std::string(kGet) + std::string(kGetB));
  respond(first.serial);
  sent();
  expect_quiet(receive("GET /c HTTP/1.1\r\nHost: x\r\n\r\n"));
  const auto second = after(0s);
  EXPECT_THAT(second.request->path, ElementsAre("b"));
  respond(second.serial);
  sent();
  EXPECT_THAT(after(0s).request->path, ElementsAre("c"));
}

TEST_F(HttpConnectionTest, EndsBetweenTwoPipelinedRequestsOfAPeerThatSendsNoMoreOrTooMuch) {
  for (const bool ends : {true, false}) {
    connection_ = HttpConnection({}, {}, now_);
    respond(receive(std::string(kGet) + std::string(kGetB)).serial);
    sent();
    expect_quiet(ends ? end() : receive(std::string(kPipelinedMax, 'x')));
    EXPECT_TRUE(after(0s).end);
  }
}

TEST_F(HttpConnectionTest, EndsWhenTheClientWantsItTo) {
  const auto out = receive("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto answer = respond(out.serial);
  EXPECT_THAT(answer.bytes, HasSubstr("Connection: close"));
  EXPECT_TRUE(answer.end);
  EXPECT_EQ(connection_.next_deadline(), kNever);
}

class HttpStream : public HttpConnectionTest {
 protected:
  using Step = ResponseStream::Step;

  HttpConnection::Output stream(Step step, std::string body = {}) {
    HttpConnection::Output out;
    connection_.respond(serial_, {.body = std::move(body), .stream = ResponseStream{.step = step}},
                        now_, out);
    return out;
  }
  HttpConnection::Output begin() {
    serial_ = receive(kGet).serial;
    return stream(Step::kBegin, "first");
  }

  uint64_t serial_ = 0;
};

TEST_F(HttpStream, BeginsWithAHeadWithoutLength) {
  const auto out = begin();
  EXPECT_THAT(out.bytes, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(out.bytes, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(out.bytes, HasSubstr("Connection: close\r\n\r\nfirst"));
  EXPECT_FALSE(out.end || out.close);
  EXPECT_TRUE(connection_.is_streaming());
}

TEST_F(HttpStream, GoesOnAndEndsWhenItsSourceDoes) {
  begin();
  sent();
  EXPECT_EQ(stream(Step::kGoOn, "second").bytes, "second");
  sent();
  const auto last = stream(Step::kEnd);
  EXPECT_TRUE(last.end);
  EXPECT_THAT(last.bytes, IsEmpty());
  expect_quiet(stream(Step::kGoOn, "too late"));
}

TEST_F(HttpStream, WaitsForNoReaderWhereThereIsNothingToSay) {
  begin();
  sent();
  const TimePoint deadline = connection_.next_deadline();
  expect_quiet(stream(Step::kGoOn, ""));
  EXPECT_EQ(connection_.next_deadline(), deadline);
  EXPECT_EQ(stream(Step::kGoOn, "second").bytes, "second");
}

TEST_F(HttpStream, KeepsOnlyTheNewestForWhoDoesNotRead) {
  begin();
  for (int i = 0; i < 1'000; ++i) expect_quiet(stream(Step::kGoOn, std::to_string(i)));
  EXPECT_EQ(sent().bytes, "999");
  expect_quiet(sent());
}

TEST_F(HttpStream, SaysThatItIsStillThere) {
  begin();
  sent();
  expect_quiet(after(9s));
  EXPECT_EQ(after(1s).bytes, ":\n\n");
  sent();
  EXPECT_EQ(after(10s).bytes, ":\n\n");
}

TEST_F(HttpStream, IsClosedWhenThePeerDoesNotRead) {
  begin();
  stream(Step::kGoOn, "second");
  expect_quiet(after(29s));
  EXPECT_TRUE(after(1s).close);
  EXPECT_FALSE(connection_.is_streaming());
}

TEST_F(HttpStream, IsClosedWhenThePeerSendsNoMore) {
  begin();
  EXPECT_TRUE(end().close);
}

TEST_F(HttpStream, TakesNoOtherRequest) {
  serial_ = receive(std::string(kGet) + std::string(kGetB)).serial;
  stream(Step::kBegin);
  expect_quiet(receive(std::string(1'000'000, 'x')));
  expect_quiet(sent());
  expect_quiet(receive(kGetB));
}

TEST_F(HttpStream, GoesOnForItsOwnRequestAlone) {
  begin();
  sent();
  expect_quiet(respond(serial_));
  ++serial_;
  expect_quiet(stream(Step::kGoOn, "x"));
}

TEST_F(HttpStream, IsNoneForHead) {
  serial_ = receive("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").serial;
  EXPECT_TRUE(stream(Step::kBegin, "first").end);
  EXPECT_FALSE(connection_.is_streaming());
}

TEST_F(HttpConnectionTest, SendsNoBodyToHead) {
  const auto out = receive("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(respond(out.serial, "body").bytes.ends_with("\r\n\r\n"));
}

TEST_F(HttpConnectionTest, TellsAClientThatWaitsToContinue) {
  const auto out = receive(
      "POST /whip/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(out.bytes, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(receive("ab").request.has_value());
}

TEST_F(HttpConnectionTest, AnswersGarbageAndEnds) {
  const auto out = receive("\x16\x03\x01");
  EXPECT_THAT(out.bytes, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(out.bytes, HasSubstr("application/problem+json"));
  EXPECT_TRUE(out.end);
  EXPECT_EQ(out.refused, 400);
  expect_quiet(receive(kGet));
}

TEST_F(HttpConnectionTest, AnswersAChunkedBodyWithLengthRequired) {
  const auto out = receive("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_THAT(out.bytes, HasSubstr("HTTP/1.1 411 Length Required"));
  EXPECT_THAT(out.bytes, HasSubstr("/problems/length-required"));
  EXPECT_TRUE(out.end);
}

TEST_F(HttpConnectionTest, GivesASilentConnectionTenSeconds) {
  EXPECT_EQ(connection_.next_deadline(), now_ + 10s);
  expect_quiet(after(9'999ms));
  const auto out = after(1ms);
  EXPECT_THAT(out.bytes, StartsWith("HTTP/1.1 408 Request Timeout"));
  EXPECT_TRUE(out.end);
}

TEST_F(HttpConnectionTest, GivesAHeadTenSecondsHoweverItTrickles) {
  for (int i = 0; i < 9; ++i) {
    expect_quiet(receive(kGet.substr(static_cast<size_t>(i), 1)));
    expect_quiet(after(1s));
  }
  receive("x");
  EXPECT_EQ(after(1s).refused, 408);
}

TEST_F(HttpConnectionTest, GivesALaterHeadTenSecondsFromItsFirstByte) {
  respond(receive(kGet).serial);
  sent();
  expect_quiet(after(29s));
  receive("G");
  expect_quiet(after(9'999ms));
  EXPECT_EQ(after(1ms).refused, 408);
}

TEST_F(HttpConnectionTest, GivesABodyTwentySecondsHoweverItTrickles) {
  after(5s);
  receive("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n");
  for (int i = 0; i < 19; ++i) {
    receive("x");
    expect_quiet(after(1s));
  }
  EXPECT_EQ(after(1s).refused, 408);
}

TEST_F(HttpConnectionTest, ClosesAnIdleConnectionSilentlyAfterThirtySeconds) {
  respond(receive(kGet).serial);
  sent();
  EXPECT_EQ(connection_.next_deadline(), now_ + 30s);
  expect_quiet(after(29'999ms));
  const auto out = after(1ms);
  EXPECT_TRUE(out.close);
  EXPECT_THAT(out.bytes, IsEmpty());
}

TEST_F(HttpConnectionTest, ClosesOnAClientThatDoesNotRead) {
  respond(receive(kGet).serial, std::string(1'000'000, 'x'));
  expect_quiet(receive(kGetB));
  expect_quiet(after(29'999ms));
  EXPECT_TRUE(after(1ms).close);
}

TEST_F(HttpConnectionTest, AnswersForAHandlerThatTakesTooLongAndIgnoresItThen) {
  const auto request = receive(kGet);
  const auto out = after(15s);
  EXPECT_EQ(out.refused, 500);
  EXPECT_TRUE(out.end);
  expect_quiet(respond(request.serial));
}

TEST_F(HttpConnectionTest, IgnoresASecondAnswerAndOneToAnEarlierRequest) {
  const auto first = receive(kGet);
  respond(first.serial);
  expect_quiet(respond(first.serial));
  sent();
  receive(kGetB);
  expect_quiet(respond(first.serial));
}

TEST_F(HttpConnectionTest, AnswersTheLastRequestOfAClientThatSendsTooFarAhead) {
  const auto request = receive(kGet);
  for (size_t size = 0; size <= kPipelinedMax; size += 1024) receive(std::string(1024, 'x'));
  const auto out = respond(request.serial);
  EXPECT_THAT(out.bytes, HasSubstr("Connection: close"));
  EXPECT_TRUE(out.end);
}

TEST_F(HttpConnectionTest, KeepsAllThatMayBeSentAhead) {
  const auto request = receive(kGet);
  receive(std::string(kGetB) + std::string(kPipelinedMax - kGetB.size(), 'x'));
  EXPECT_FALSE(respond(request.serial).end);
  sent();
  EXPECT_THAT(after(0s).request->path, ElementsAre("b"));
}

TEST_F(HttpConnectionTest, ClosesWhenAnIdlePeerEnds) { EXPECT_TRUE(end().close); }

TEST_F(HttpConnectionTest, AnswersARequestThatEndsInItsMiddle) {
  receive("GET / HT");
  const auto out = end();
  EXPECT_EQ(out.refused, 400);
  EXPECT_TRUE(out.end);
}

TEST_F(HttpConnectionTest, StillAnswersAPeerThatSendsNoMore) {
  const auto request = receive(kGet);
  expect_quiet(end());
  const auto out = respond(request.serial);
  EXPECT_THAT(out.bytes, StartsWith("HTTP/1.1 200"));
  EXPECT_TRUE(out.end);
}

TEST_F(HttpConnectionTest, EndsAfterTheAnswerWhenThePeerEndedMeanwhile) {
  respond(receive(kGet).serial);
  expect_quiet(end());
  EXPECT_TRUE(sent().end);
}

}  // namespace
}  // namespace simpul::control
