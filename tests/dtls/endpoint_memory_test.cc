// What an association costs in memory, OpenSSL's part included (row D5 of docs/attacks.md).
#include "tests/support/dtls_flight.h"
#include "tests/support/made_certificate.h"
#include "tests/support/memory_in_use.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::DtlsListener;
using ::simpul::testing::DtlsPair;
using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::memory_in_use;
using ::simpul::testing::read_test_data;

constexpr size_t kHalfOpenMax = 64 * 1024;
constexpr size_t kConnectedMax = 4 * 1024;

class DtlsMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    DtlsPair warm;  // what OpenSSL sets aside once and for all
    warm.start();
    warm.run(1s);
  }

  // A hello of nearly the largest size: a list of protocols that nobody speaks.
  static void pad_hello(DtlsRawClient& client, size_t size) {
    std::vector<uint8_t> protocols;
    while (protocols.size() + 101 < size) {
      protocols.push_back(100);
      protocols.insert(protocols.end(), 100, 'x');
    }
    SSL_CTX_set_alpn_protos(client.context(), protocols.data(),
                            static_cast<unsigned>(protocols.size()));
  }
  static void announce(DtlsListener& listener, uint8_t type, uint32_t length, uint16_t number) {
    listener.receive(make_record(
        22,
        make_fragment(
            {.type = type, .length = length, .message_seq = number, .offset = 7, .bytes = {1}})));
  }
};

TEST_F(DtlsMemory, BeforeAWholeHelloIsWhatIsAnnouncedAtMost) {
  const size_t before = memory_in_use();
  DtlsListener listener;
  for (uint16_t number = 0; number < 8; ++number) {
    announce(listener, 1, 3'000, number);
    announce(listener, 11, 5'000, number);
  }
  EXPECT_LT(memory_in_use() - before, 3'072 * 9 / 8 + 4'096);
  EXPECT_EQ(listener.steps_, 0);
}

TEST_F(DtlsMemory, OfAHandshakeThatStopsAfterItsHelloIsBounded) {
  const auto hello = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  const size_t before = memory_in_use();
  DtlsListener listener;
  ASSERT_FALSE(listener.receive(hello).empty());
  const size_t used = memory_in_use() - before;
  RecordProperty("bytes", static_cast<int>(used));
  EXPECT_LT(used, 48u * 1024);
}

TEST_F(DtlsMemory, OfAHostileHalfOpenHandshakeIsBelow64Kilobytes) {
  DtlsRawClient client;
  pad_hello(client, 2'700);
  client.handshake();
  const auto hello = client.take_written();
  const size_t before = memory_in_use();
  DtlsListener listener;
  ASSERT_FALSE(listener.receive_all(hello).empty());
  // As much as there may be of each message, whole and signed by nobody, and as much again of which
  // one byte came.
  uint16_t number = 1;
  for (const auto& [type, length] : {std::pair{uint8_t{11}, 5'120u}, {16, 192}, {15, 1'088}}) {
    listener.receive(make_record(22, make_fragment({.type = type,
                                                    .length = length,
                                                    .message_seq = number,
                                                    .bytes = std::vector<uint8_t>(length)})));
    announce(listener, type, length, number++);
  }
  for (int i = 0; i < 10; ++i) {
    listener.receive(make_record(22, std::vector<uint8_t>(256, 7), 1, static_cast<uint64_t>(i)));
  }
  const size_t used = memory_in_use() - before;
  RecordProperty("bytes", static_cast<int>(used));
  EXPECT_LT(used, kHalfOpenMax);
  listener.advance(15s);
  EXPECT_LT(memory_in_use() - before, kConnectedMax);
}

// The client proves all but the last step, with as large a certificate as may be.
TEST_F(DtlsMemory, OfAHandshakeThatStopsBeforeItsEndIsBelow64Kilobytes) {
  auto key = ::simpul::testing::make_ec_key();
  const auto x509 = ::simpul::testing::make_x509(key.get(), 0, 4'000'000'000, 4'600);
  DtlsRawClient client;
  pad_hello(client, 2'700);
  SSL_CTX_use_certificate(client.context(), x509.get());
  SSL_CTX_use_PrivateKey(client.context(), key.get());
  client.handshake();
  const auto hello = client.take_written();
  const size_t before = memory_in_use();
  DtlsListener listener;
  const auto answer = listener.receive_all(hello);
  const size_t between = memory_in_use();
  client.handshake(answer);
  const auto flight = client.take_written();
  const size_t of_client = memory_in_use() - between;
  for (const auto& record : ::simpul::testing::records_of(flight)) {
    const bool is_message = record[0] == 22 && record[4] == 0;
    if (is_message) listener.receive(record);
  }
  const size_t used = memory_in_use() - before - of_client;
  RecordProperty("bytes", static_cast<int>(used));
  EXPECT_LT(used, kHalfOpenMax);
}

TEST_F(DtlsMemory, OfAConnectedAssociationIsBelow4Kilobytes) {
  DtlsRawClient client;
  DtlsListener::give_certificate(client);
  client.handshake();
  const auto hello = client.take_written();
  const size_t before = memory_in_use();
  auto listener = std::make_unique<DtlsListener>();
  const auto answer = listener->receive_all(hello);
  const size_t between = memory_in_use();
  client.handshake(answer);
  const auto flight = client.take_written();
  const size_t of_client = memory_in_use() - between;
  listener->receive_all(flight);
  ASSERT_TRUE(listener->server_.connected());
  const size_t used = memory_in_use() - before - of_client;
  RecordProperty("bytes", static_cast<int>(used));
  EXPECT_LT(used, kConnectedMax);
}

}  // namespace
}  // namespace simpul::dtls
