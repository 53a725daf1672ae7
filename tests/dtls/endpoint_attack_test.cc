// Attacks on the handshake and on what is connected, against an endpoint alone. The letters and
// numbers are the rows of docs/attacks.md.
#include <random>

#include "tests/support/dtls_flight.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::Datagrams;
using ::simpul::testing::DtlsIdentity;
using ::simpul::testing::DtlsPair;
using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::DtlsServer;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::read_test_data;
using ::simpul::testing::renumbered;
using ::simpul::testing::StoppedHandshake;
using enum StoppedHandshake::Part;

// A peer that takes part in the handshake and lies in it.
class AttackByThePeer : public ::testing::Test {
 protected:
  void expect_no_keys(StoppedHandshake& handshake) {
    EXPECT_FALSE(handshake.connected());
    EXPECT_EQ(handshake.keys(), 0u);
    handshake.listener().advance(15s);
    ASSERT_EQ(handshake.listener().events_.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<Failed>(handshake.listener().events_[0]));
  }
  void send_rest(StoppedHandshake& handshake, const Datagrams& messages) {
    const auto finished = handshake.make_finished(messages);
    for (const auto& message : messages) handshake.send(message);
    handshake.send(handshake.part(kChange));
    handshake.send(finished);
  }
};

TEST_F(AttackByThePeer, OfWhichTheToolsWorkWhereNothingIsWrong) {
  StoppedHandshake handshake;
  send_rest(handshake,
            {handshake.part(kCertificate), handshake.part(kKeyExchange), handshake.part(kVerify)});
  EXPECT_TRUE(handshake.connected());
  EXPECT_EQ(handshake.keys(), 1u);
}

TEST_F(AttackByThePeer, D8_ACertificateWithoutProofOfItsKeyGivesNoKeys) {
  StoppedHandshake handshake;
  send_rest(handshake, {handshake.part(kCertificate), handshake.part(kKeyExchange)});
  expect_no_keys(handshake);
}

TEST_F(AttackByThePeer, D8_AnEmptyListOfCertificatesGivesNoKeys) {
  StoppedHandshake handshake;
  const auto empty = make_record(
      22, make_fragment({.type = 11, .length = 3, .message_seq = 1, .bytes = {0, 0, 0}}));
  send_rest(handshake, {empty, renumbered(handshake.part(kKeyExchange), 2)});
  expect_no_keys(handshake);
}

TEST_F(AttackByThePeer, D8_AWrongSignatureGivesNoKeys) {
  for (const size_t from_the_end : {1u, 20u, 60u}) {
    StoppedHandshake handshake;
    auto verify = handshake.part(kVerify);
    verify[verify.size() - from_the_end] ^= 1;
    send_rest(handshake, {handshake.part(kCertificate), handshake.part(kKeyExchange), verify});
    EXPECT_EQ(handshake.server().counters().restarts, 0u);
    expect_no_keys(handshake);
  }
}

TEST_F(AttackByThePeer, D8_AnothersCertificateGivesNoKeysToWhoHasNotItsKey) {
  // Mallory has a certificate, and says that it is the client's.
  const DtlsIdentity mallory;
  StoppedHandshake own(mallory);
  StoppedHandshake genuine;
  send_rest(own, {genuine.part(kCertificate), own.part(kKeyExchange), own.part(kVerify)});
  expect_no_keys(own);
}

TEST_F(AttackByThePeer, D8_AnotherCertificateEndsTheConnectionAtOnce) {
  const DtlsIdentity mallory;
  StoppedHandshake handshake(mallory);
  for (const auto& record : handshake.flight()) EXPECT_TRUE(handshake.send(record).empty());
  ASSERT_EQ(handshake.listener().events_.size(), 1u);
  EXPECT_EQ(std::get<Failed>(handshake.listener().events_[0]).reason,
            HandshakeFailure::kFingerprint);
}

TEST_F(AttackByThePeer, D12_AFinishedThatProvesSomethingElseGivesNoKeys) {
  StoppedHandshake handshake;
  const Datagrams messages = {handshake.part(kCertificate), handshake.part(kKeyExchange),
                              handshake.part(kVerify)};
  const auto finished = handshake.make_finished(messages, true);
  for (const auto& message : messages) handshake.send(message);
  handshake.send(handshake.part(kChange));
  handshake.send(finished);
  expect_no_keys(handshake);
}

TEST_F(AttackByThePeer, D12_AFinishedThatWasChangedOnItsWayIsDroppedAndTheGenuineOneCounts) {
  StoppedHandshake handshake;
  for (const auto part : {kCertificate, kKeyExchange, kVerify, kChange}) {
    handshake.send(handshake.part(part));
  }
  for (size_t bit = 8 * kRecordHeaderSize; bit < 8 * handshake.part(kFinished).size(); bit += 7) {
    auto forged = handshake.part(kFinished);
    forged[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_TRUE(handshake.send(forged).empty()) << bit;
    ASSERT_FALSE(handshake.connected()) << bit;
  }
  handshake.send(handshake.part(kFinished));
  EXPECT_TRUE(handshake.connected());
}

TEST_F(AttackByThePeer, D12_AFloodOfChangesOfCiphersChangesNothing) {
  StoppedHandshake handshake;
  const auto change = make_record(20, {1});
  for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(handshake.send(change).empty());
  for (const auto part : {kCertificate, kKeyExchange, kVerify, kChange}) {
    handshake.send(handshake.part(part));
  }
  for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(handshake.send(change).empty());
  handshake.send(handshake.part(kFinished));
  EXPECT_TRUE(handshake.connected());
  handshake.listener().now_ += 1s;
  for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(handshake.send(change).empty());
  EXPECT_TRUE(handshake.connected());
  EXPECT_EQ(handshake.listener().events_.size(), 1u);
}

TEST_F(DtlsServer, D2_AHostileHelloOfEachKindDelaysAGenuineOneAndNoMore) {
  const auto genuine = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  std::mt19937 random(3);
  for (int round = 0; round < 5; ++round) {  // as many as it forgives
    auto forged = genuine;
    // Somewhere in the body: versions, suites, extensions, lengths that lie.
    for (int i = 0; i < 20; ++i) {
      forged[25 + random() % (forged.size() - 25)] = static_cast<uint8_t>(random());
    }
    receive(forged);
    EXPECT_TRUE(events_.empty());
    if (server_.counters().restarts < static_cast<uint64_t>(round)) break;  // it was answered
  }
  EXPECT_LE(server_.counters().restarts, 5u);
  EXPECT_FALSE(server_.handshake_over());
}

TEST_F(DtlsServer, D4_StartsNothingForAHelloThatIsNotWhole) {
  const auto part = read_test_data("dtls/firefox-hello-0.bin");
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(receive(part).empty());
  EXPECT_EQ(steps_, 0);  // without a step there is no object of OpenSSL
}

TEST_F(DtlsServer, D5_TenMessagesAtOnceStartNothing) {
  for (uint16_t message = 0; message < 10; ++message) {
    receive(make_record(
        22,
        make_fragment(
            {.type = 11, .length = 1'000, .message_seq = message, .offset = 5, .bytes = {1, 2}})));
  }
  EXPECT_EQ(steps_, 0);
  EXPECT_EQ(server_.counters().datagrams_dropped, 9u);  // a certificate is the second of a client
}

TEST_F(DtlsServer, D7_RecordsThatAreRepeatedForgedOrOddCountForNothing) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  client.take_written();
  client.write(as_bytes("hello"));
  const auto data = client.take_written().at(0);
  // Forged ones with the highest numbers come first: no window moves.
  for (const uint64_t number : {uint64_t{0xffffffffffff}, uint64_t{5'000}, uint64_t{1}}) {
    receive(make_record(23, std::vector<uint8_t>(60, 0x77), 1, number));
    receive(make_record(21, std::vector<uint8_t>(26, 0x77), 1, number));
    receive(make_record(23, std::vector<uint8_t>(60, 0x77), 2, number));
  }
  EXPECT_EQ(server_.counters().data_records_dropped, 0u);
  auto with_garbage = data;
  with_garbage.insert(with_garbage.end(), 40, 0xEE);
  receive(with_garbage);
  EXPECT_EQ(server_.counters().data_records_dropped, 1u);
  receive(data);  // replayed
  EXPECT_EQ(server_.counters().data_records_dropped, 1u);
  // Two records in one datagram.
  client.write(as_bytes("one"));
  client.write(as_bytes("two"));
  std::vector<uint8_t> both;
  for (const auto& datagram : client.take_written()) {
    both.insert(both.end(), datagram.begin(), datagram.end());
  }
  receive(both);
  EXPECT_EQ(server_.counters().data_records_dropped, 3u);
  EXPECT_TRUE(server_.connected());
}

TEST_F(DtlsServer, D11_AnswersWithDtls12WhateverTheHelloOffersBesides) {
  const auto hello = read_test_data("dtls/chromium-hello-0.bin");
  receive(hello);
  const auto answers = receive(read_test_data("dtls/chromium-hello-1.bin"));
  ASSERT_FALSE(answers.empty());
  // A ServerHello begins with its version behind the record's and the message's head.
  EXPECT_EQ(load_be16(Bytes(answers[0]).subspan(25).first<2>()), 0xfefd);
}

TEST_F(DtlsServer, D11_RefusesSuitesThatEncryptNothingAndPeersWithoutSrtp) {
  for (const auto* suites : {"eNULL:@SECLEVEL=0", "aNULL:@SECLEVEL=0", "CAMELLIA:@SECLEVEL=0"}) {
    DtlsRawClient weak;
    give_certificate(weak);
    ASSERT_EQ(SSL_CTX_set_cipher_list(weak.context(), suites), 1) << suites;
    EXPECT_FALSE(connect(weak)) << suites;
    EXPECT_TRUE(events_.empty()) << suites;
  }
  DtlsRawClient without_srtp(DtlsRawClient::Part::kClient, nullptr);
  give_certificate(without_srtp);
  EXPECT_FALSE(connect(without_srtp));
  expect_failed(HandshakeFailure::kNoSrtpProfile);
}

TEST_F(DtlsServer, D11_DoesNotEchoAnSrtpProfileThatItDoesNotKnow) {
  auto hello = read_test_data("dtls/aiortc-hello-0.bin");
  const std::array<uint8_t, 4> head = {0x00, 0x0e, 0x00, 0x05};  // use_srtp
  auto at = std::search(hello.begin(), hello.end(), head.begin(), head.end());
  if (at == hello.end()) GTEST_FAIL() << "no use_srtp in the sample";
  for (auto profile = at + 6; profile < at + 8; ++profile) *profile = 0x77;
  const auto answers = receive(hello);
  ASSERT_FALSE(answers.empty());
  EXPECT_EQ(std::search(answers[0].begin(), answers[0].end(), head.begin(), head.begin() + 3),
            answers[0].end());
}

TEST_F(DtlsServer, D12_HeartbeatsAreNotEvenRecords) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  const int steps = steps_;
  EXPECT_TRUE(receive(make_record(24, {1, 0x40, 0, 1, 2, 3})).empty());
  EXPECT_TRUE(receive(make_record(24, std::vector<uint8_t>(60), 1, 9)).empty());
  EXPECT_EQ(steps_, steps);
  EXPECT_TRUE(server_.connected());
}

TEST(AttackOnTheClientRole, D12_HelloRequestsAreIgnored) {
  DtlsPair pair;
  pair.start();
  const auto request = make_record(22, make_fragment({.type = 0}));
  pair.deliver(false, request);
  pair.run(1s);
  ASSERT_TRUE(pair.connected());
  const size_t datagrams = pair.datagrams;
  for (int i = 0; i < 100; ++i) pair.deliver(false, request);
  EXPECT_EQ(pair.datagrams, datagrams);
  EXPECT_TRUE(pair.connected());
}

TEST_F(DtlsServer, D13_AGenuineFatalAlertEndsTheConnectionOnce) {
  StoppedHandshake handshake;
  for (const auto& record : handshake.flight()) handshake.send(record);
  ASSERT_TRUE(handshake.connected());
  const RecordKeys keys = handshake.record_keys();
  RecordCipher cipher(keys.client_write, keys.server_write, {.sequence_number = 50, .nonce = 1});
  handshake.send(cipher.seal(ContentType::kAlert, std::array<uint8_t, 2>{1, 90}));  // a warning
  handshake.send(cipher.seal(ContentType::kAlert, std::array<uint8_t, 1>{2}));
  EXPECT_TRUE(handshake.connected());
  const auto fatal = cipher.seal(ContentType::kAlert, std::array<uint8_t, 2>{2, 80});
  handshake.send(fatal);
  handshake.send(fatal);
  EXPECT_FALSE(handshake.connected());
  ASSERT_EQ(handshake.listener().events_.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Closed>(handshake.listener().events_[1]));
}

}  // namespace
}  // namespace simpul::dtls
