#include "connection/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/connection/receiving.h"
#include "tests/support/connection_pair.h"

namespace simpul::connection {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Connection, GoesFromNewOverCheckingToConnected) {
  ConnectionPair pair;
  EXPECT_EQ(pair.state(), State::kNew);
  pair.check();
  EXPECT_EQ(pair.state(), State::kChecking);
  EXPECT_TRUE(pair.out.state_changed);
  EXPECT_THAT(pair.out.validated, ElementsAre(pair.home));
  EXPECT_EQ(pair.connection.selected(), pair.home);
  pair.start_client();
  EXPECT_EQ(pair.state(), State::kConnected);
  EXPECT_TRUE(pair.client.connected());
  EXPECT_EQ(pair.reason(), CloseReason::kNone);
}

TEST(Connection, SaysHelloItselfToAPeerThatWaitsForIt) {
  ConnectionPair pair({}, dtls::Role::kClient);
  EXPECT_EQ(pair.sent(ice::DatagramKind::kDtls), 0u);
  pair.check(false);
  EXPECT_EQ(pair.sent(ice::DatagramKind::kDtls), 0u);
  pair.check(true);
  EXPECT_EQ(pair.state(), State::kConnected);
}

TEST(Connection, HoldsAHelloUntilItsPathIsNominated) {
  ConnectionPair pair;
  pair.check(false);
  pair.start_client();
  EXPECT_EQ(pair.state(), State::kChecking);
  EXPECT_EQ(pair.sent(ice::DatagramKind::kDtls), 0u);
  pair.check(true);
  EXPECT_EQ(pair.state(), State::kConnected);
  EXPECT_EQ(pair.connection.selected(), pair.home);
}

TEST(Connection, HoldsNoMoreThanAFewDatagramsOfAHandshake) {
  ConnectionPair pair;
  pair.check(false);
  const std::vector<uint8_t> hello(100, 22);
  for (size_t i = 0; i < Connection::kHeldMax + 5; ++i) pair.receive(hello);
  EXPECT_EQ(pair.drops(Drop::kDtls), 5u);
  EXPECT_EQ(pair.sent(ice::DatagramKind::kDtls), 0u);
}

TEST(Connection, ANominationOfOnePathBeginsNothingOnAnother) {
  ConnectionPair pair;
  const ice::Path elsewhere = ConnectionPair::path(4711);
  pair.check(false, elsewhere);
  const std::vector<uint8_t> hello(100, 22);
  pair.receive(hello, elsewhere);
  pair.check(true);
  EXPECT_EQ(pair.sent(ice::DatagramKind::kDtls), 0u);
  pair.start_client();
  EXPECT_EQ(pair.state(), State::kConnected);
}

TEST(Connection, FinishesAHandshakeByAnotherPathWhenItsOwnIsGone) {
  ConnectionPair pair;
  pair.holds_steps = true;
  pair.check();
  pair.start_client();
  ASSERT_NE(pair.held_step, nullptr);
  pair.connection.forget_path(pair.home);
  EXPECT_EQ(pair.connection.selected(), std::nullopt);
  pair.home = ConnectionPair::path(4711);
  pair.check();
  EXPECT_EQ(pair.connection.selected(), pair.home);
  pair.log.clear();
  pair.holds_steps = false;
  pair.run_step();
  EXPECT_EQ(pair.state(), State::kConnected);
  EXPECT_GT(pair.sent(ice::DatagramKind::kDtls), 0u);
  for (const Datagram& datagram : pair.log) EXPECT_EQ(datagram.path, pair.home);
}

TEST(Connection, AnswersAHandshakeByTheSelectedPathWhereverItsBytesCameFrom) {
  ConnectionPair pair;
  pair.check();
  const ice::Path selected = pair.home;
  pair.home = ConnectionPair::path(4711);
  pair.check(true);
  ASSERT_EQ(pair.connection.selected(), selected) << "a nomination alone moves nothing";
  pair.log.clear();
  pair.start_client();
  EXPECT_EQ(pair.state(), State::kConnected);
  EXPECT_GT(pair.sent(ice::DatagramKind::kDtls), 0u);
  for (const Datagram& datagram : pair.log) EXPECT_EQ(datagram.path, selected);
}

TEST(Connection, TakesNoRoundTripFromBytesThatAnybodyCanSend) {
  ConnectionPair pair;
  pair.check();
  pair.client_is_deaf = true;
  pair.start_client();
  ASSERT_GT(pair.sent(ice::DatagramKind::kDtls), 0u) << "a flight waits for its answer";
  pair.advance(20ms);
  pair.receive(std::vector<uint8_t>(100, 22));
  pair.receive(std::vector<uint8_t>{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1});
  EXPECT_EQ(pair.connection.round_trip(), std::nullopt);
  EXPECT_EQ(pair.state(), State::kChecking);
}

TEST(Connection, SaysNothingWhileItHasNoPath) {
  ConnectionPair pair;
  ASSERT_TRUE(pair.connect());
  pair.connection.forget_path(pair.home);
  pair.log.clear();
  pair.connection.send_report({.ssrc = ConnectionPair::kOwnSsrc}, pair.out);
  pair.advance(1s);
  EXPECT_THAT(pair.log, IsEmpty());
  EXPECT_EQ(pair.state(), State::kConnected);
  pair.close();
  EXPECT_THAT(pair.log, IsEmpty());
}

TEST(Connection, TakesDtlsFromValidatedPathsOnly) {
  ConnectionPair pair;
  pair.start_client();
  EXPECT_EQ(pair.state(), State::kNew);
  EXPECT_EQ(pair.drops(Drop::kPathNotValidated), 1u);
  EXPECT_THAT(pair.log, IsEmpty());
}

TEST(Connection, AnswersNoCheckThatIsNotSignedWithItsPassword) {
  ConnectionPair pair;
  pair.receive(pair.make_check(true, "another-password-of-24ch"));
  EXPECT_EQ(pair.state(), State::kNew);
  EXPECT_EQ(pair.drops(Drop::kStun), 1u);
  EXPECT_THAT(pair.log, IsEmpty());
}

TEST(Connection, DropsWhatBeginsLikeNothingItKnows) {
  ConnectionPair pair;
  pair.check();
  pair.receive(std::vector<uint8_t>{0xff, 1, 2, 3});
  pair.receive(std::vector<uint8_t>{});
  EXPECT_EQ(pair.drops(Drop::kUnknownFirstByte), 2u);
}

TEST(Connection, EndsWhenNothingIsHeardForTheIdleTimeout) {
  ConnectionPair pair;
  ASSERT_TRUE(pair.connect());
  pair.advance(29s);
  EXPECT_EQ(pair.state(), State::kConnected);
  EXPECT_LE(pair.connection.next_deadline(), pair.now + 1s);
  pair.advance(1s);
  EXPECT_EQ(pair.state(), State::kClosed);
  EXPECT_EQ(pair.reason(), CloseReason::kIdle);
  EXPECT_EQ(pair.connection.next_deadline(), kNever);
}

TEST(Connection, EndsWhenTheHandshakeTakesTooLong) {
  ConnectionPair pair;
  pair.check();
  pair.client_is_deaf = true;
  pair.start_client();
  for (int i = 0; i < 200 && pair.state() != State::kClosed; ++i) {
    pair.advance(100ms);
    pair.check();
  }
  EXPECT_EQ(pair.reason(), CloseReason::kHandshake);
}

TEST(Connection, EndsWhenTheCertificateIsNotTheOneOfTheOffer) {
  ConnectionPair pair({}, dtls::Role::kServer, server_identity());
  EXPECT_FALSE(pair.connect());
  EXPECT_EQ(pair.state(), State::kClosed);
  EXPECT_EQ(pair.reason(), CloseReason::kFingerprint);
}

TEST(Connection, EndsWhenThePeerSaysGoodBye) {
  ConnectionPair pair;
  ASSERT_TRUE(pair.connect());
  pair.close_client();
  EXPECT_EQ(pair.state(), State::kClosed);
  EXPECT_EQ(pair.reason(), CloseReason::kByPeer);
}

TEST(Connection, SaysByeForEverySourceAndClosesTheAssociation) {
  ConnectionPair pair({.receiving = {},
                       .sending = {{.mid = "0", .ssrc = rtp::Ssrc(11), .rtx_ssrc = {}},
                                   {.mid = "1", .ssrc = rtp::Ssrc(12), .rtx_ssrc = rtp::Ssrc(13)}},
                       .extensions = {},
                       .cname = "us"});
  ASSERT_TRUE(pair.connect());
  pair.close();
  EXPECT_EQ(pair.reason(), CloseReason::kByUs);
  EXPECT_TRUE(pair.client_closed);
  ASSERT_EQ(pair.rtcp.size(), 1u);
  std::vector<uint32_t> gone;
  rtp::RtcpReader reader(pair.rtcp[0]);
  ASSERT_TRUE(std::holds_alternative<rtp::ReceiverReport>(*reader.next()));
  while (const auto part = reader.next()) {
    for (const rtp::Ssrc ssrc : std::get<rtp::Bye>(*part).ssrcs) gone.push_back(ssrc.value());
  }
  EXPECT_THAT(gone, ElementsAre(11u, 12u));
}

TEST(Connection, HasNobodyToSayGoodByeToBeforeACheck) {
  ConnectionPair pair;
  pair.close();
  EXPECT_EQ(pair.state(), State::kClosed);
  EXPECT_THAT(pair.log, IsEmpty());
}

TEST(Connection, DoesNothingOnceItIsClosed) {
  ConnectionPair pair;
  ASSERT_TRUE(pair.connect());
  pair.close();
  pair.log.clear();
  pair.out.clear();
  pair.check();
  pair.advance(60s);
  pair.close();
  EXPECT_THAT(pair.log, IsEmpty());
  EXPECT_FALSE(pair.out.state_changed);
  EXPECT_EQ(pair.reason(), CloseReason::kByUs);
}

TEST(Connection, TakesAStepBackThatRanWhileItWasClosed) {
  ConnectionPair pair;
  pair.holds_steps = true;
  pair.check();
  pair.start_client();
  ASSERT_TRUE(pair.held_step);
  pair.close();
  pair.log.clear();
  pair.run_step();
  EXPECT_EQ(pair.state(), State::kClosed);
  EXPECT_THAT(pair.log, IsEmpty());
}

TEST(Connection, GoesOnWithAStepThatRanElsewhere) {
  ConnectionPair pair;
  pair.holds_steps = true;
  pair.check();
  pair.start_client();
  for (int i = 0; i < 8 && pair.held_step; ++i) pair.run_step();
  EXPECT_EQ(pair.state(), State::kConnected);
}

TEST(Connection, KeepsNoMoreHandshakeDatagramsThanItMayWhileAStepIsOut) {
  ConnectionPair pair;
  pair.holds_steps = true;
  pair.check();
  pair.start_client();
  ASSERT_TRUE(pair.held_step);
  // A handshake record of epoch 0, as long as it says.
  std::vector<uint8_t> record = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 12};
  record.resize(13 + 12);
  record[13] = 1;
  for (int i = 0; i < 40; ++i) pair.receive(record);
  EXPECT_GE(pair.drops(Drop::kDtls), 40u - dtls::EndpointLimits{}.waiting_datagrams_max);
}

TEST(Connection, StaysWithAPathUntilMediaComesByTheNewOne) {
  ConnectionPair pair;
  ASSERT_TRUE(pair.connect());
  const ice::Path other = ConnectionPair::path(5000);
  pair.advance(1s);
  pair.check(true, other);
  EXPECT_EQ(pair.connection.selected(), pair.home);
  std::array<uint8_t, 64> room{};
  rtp::RtcpWriter writer(room);
  writer.receiver_report(rtp::Ssrc(1), {});
  pair.receive(pair.seal_rtcp(writer.written()), other);
  EXPECT_EQ(pair.connection.selected(), other);
}

TEST(Connection, NamesEveryReasonAndEveryDrop) {
  using enum CloseReason;
  std::vector<std::string> names;
  for (const CloseReason reason : {kNone, kIdle, kHandshake, kFingerprint, kByPeer, kByUs}) {
    names.emplace_back(to_string(reason));
  }
  EXPECT_THAT(names, ElementsAre("none", "idle", "handshake", "fingerprint", "peer", "us"));
  names.clear();
  for (size_t i = 0; i < kDropKinds; ++i) names.emplace_back(to_string(static_cast<Drop>(i)));
  EXPECT_THAT(
      names, ElementsAre("first_byte", "stun", "path", "dtls", "before_keys", "authentication",
                         "replay", "sources", "malformed", "unknown_source", "unknown_rtcp", "rate",
                         "false_report", "late_repair"));
}

}  // namespace
}  // namespace simpul::connection
