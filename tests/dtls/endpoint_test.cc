#include "dtls/endpoint.h"

#include <algorithm>

#include "tests/support/dtls_records.h"
#include "tests/support/dtls_server.h"
#include "tests/support/hex.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::DtlsServer;
using ::simpul::testing::from_hex;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_null_hello;
using ::simpul::testing::make_record;
using ::simpul::testing::read_test_data;

struct Hello {
  const char* client;
  int parts;
  const char* srtp_extension;  // of the answer
};

class RealHello : public DtlsServer, public ::testing::WithParamInterface<Hello> {};

TEST_P(RealHello, IsAnsweredOnceItIsWhole) {
  Datagrams answers;
  for (int part = 0; part < GetParam().parts; ++part) {
    EXPECT_TRUE(answers.empty()) << "answered a part of a hello";
    answers = receive(read_test_data("dtls/" + std::string(GetParam().client) + "-hello-" +
                                     std::to_string(part) + ".bin"));
  }
  ASSERT_FALSE(answers.empty());
  for (const auto& datagram : answers) EXPECT_LE(datagram.size(), 1200u);
  EXPECT_EQ(answers[0][0], 22);
  EXPECT_EQ(answers[0][13], 2);  // ServerHello
  const auto profile = from_hex(GetParam().srtp_extension);
  EXPECT_NE(std::search(answers[0].begin(), answers[0].end(), profile.begin(), profile.end()),
            answers[0].end());
  // The very same bytes again after 50 ms.
  EXPECT_EQ(advance(49ms), Datagrams{});
  EXPECT_EQ(advance(1ms), answers);
}

INSTANTIATE_TEST_SUITE_P(Clients, RealHello,
                         ::testing::Values(Hello{"chromium", 2, "000e0005 0002 0007 00"},
                                           Hello{"chromium-nopqc", 1, "000e0005 0002 0007 00"},
                                           Hello{"firefox", 2, "000e0005 0002 0007 00"},
                                           Hello{"aiortc", 1, "000e0005 0002 0001 00"},
                                           Hello{"gst", 2, "000e0005 0002 0001 00"}),
                         [](const auto& given) {
                           std::string name = given.param.client;
                           std::erase(name, '-');
                           return name;
                         });

TEST_F(DtlsServer, TakesTheTwoPartsOfAHelloInEitherOrder) {
  EXPECT_TRUE(receive(read_test_data("dtls/firefox-hello-1.bin")).empty());
  EXPECT_FALSE(receive(read_test_data("dtls/firefox-hello-0.bin")).empty());
}

TEST_F(DtlsServer, ResendsWithDoublingPausesAndGivesUpAfterFifteenSeconds) {
  const auto flight = receive(read_test_data("dtls/chromium-nopqc-hello-0.bin"));
  std::vector<int64_t> times;
  while (server_.next_deadline() != kNever) {
    const Duration pause = server_.next_deadline() - now_;
    if (advance(pause) == flight) times.push_back(now_.time_since_epoch() / 1ms);
  }
  EXPECT_EQ(times, (std::vector<int64_t>{50, 150, 350, 750, 1550, 2550, 3550, 4550, 5550, 6550,
                                         7550, 8550}));
  EXPECT_EQ(now_, TimePoint{} + 15s);
  expect_failed(HandshakeFailure::kTimeout);
}

TEST_F(DtlsServer, GivesUpOnAPeerThatNeverSaysAnything) {
  Endpoint::Output out;
  server_.start(now_, out);
  EXPECT_EQ(server_.next_deadline(), TimePoint{} + 15s);
  EXPECT_TRUE(advance(15s).empty());
  expect_failed(HandshakeFailure::kTimeout);
  EXPECT_TRUE(receive(read_test_data("dtls/chromium-nopqc-hello-0.bin")).empty());
  EXPECT_EQ(steps_, 0);
}

TEST_F(DtlsServer, IsNotImpressedByTenThousandFragmentsOfOneMessage) {
  for (uint32_t i = 0; i < 10'000; ++i) {
    now_ += 1ms;
    const uint32_t offset = i * 7919 % 3'000;
    receive(
        make_record(22, make_fragment({.length = 3'072, .offset = offset, .bytes = {1}}), 0, i));
  }
  EXPECT_TRUE(events_.empty());
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(server_.counters().restarts, 0u);
  advance(5s + 1ms);
  expect_failed(HandshakeFailure::kTimeout);
}

TEST_F(DtlsServer, DropsFragmentsOfNoBytesWithoutAnyWork) {
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_TRUE(receive(make_record(22, make_fragment({.length = 500}))).empty());
  }
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(server_.counters().datagrams_dropped, 10'000u);
}

TEST_F(DtlsServer, ConnectsAfterAForgedHelloThatNobodyCanAnswer) {
  EXPECT_TRUE(receive(make_null_hello()).empty());  // no alert either
  EXPECT_EQ(server_.counters().restarts, 1u);
  DtlsRawClient client;
  give_certificate(client);
  EXPECT_TRUE(connect(client));
  EXPECT_TRUE(server_.connected());
}

TEST_F(DtlsServer, ConnectsAfterAForgedFragmentThatContradictsTheHello) {
  receive(make_record(22, make_fragment({.length = 999, .bytes = {1, 2, 3}})));
  DtlsRawClient client;
  give_certificate(client);
  EXPECT_TRUE(connect(client));
  EXPECT_TRUE(server_.connected());
  EXPECT_EQ(server_.counters().restarts, 0u);
}

TEST_F(DtlsServer, ConnectsThoughForgedRecordsClaimEverySequenceNumber) {
  receive(make_record(20, {1}, 0, 0));
  receive(make_record(20, {1}, 0, 0xffffffffffff));
  DtlsRawClient client;
  give_certificate(client);
  EXPECT_TRUE(connect(client));
  EXPECT_EQ(server_.counters().restarts, 0u);
}

TEST_F(DtlsServer, KeepsAHandshakeThatIsUnderWayAgainstContradictions) {
  DtlsRawClient client;
  give_certificate(client);
  client.handshake();
  Datagrams answers;
  for (const auto& datagram : client.take_written()) answers = receive(datagram);
  EXPECT_TRUE(receive(make_null_hello()).empty());
  EXPECT_EQ(server_.counters().restarts, 0u);
  client.handshake(answers);
  for (const auto& datagram : client.take_written()) answers = receive(datagram);
  EXPECT_TRUE(client.handshake(answers));
  EXPECT_TRUE(server_.connected());
}

TEST_F(DtlsServer, EndsAfterTheSixthErrorOfAHandshake) {
  for (int i = 0; i < 5; ++i) receive(make_null_hello());
  EXPECT_EQ(server_.counters().restarts, 5u);
  EXPECT_TRUE(events_.empty());
  receive(make_null_hello());
  expect_failed(HandshakeFailure::kProtocol);
}

}  // namespace
}  // namespace simpul::dtls
