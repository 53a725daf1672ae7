#include "ice/stun_message.h"

#include <algorithm>

#include "tests/support/hex.h"
#include "tests/support/read_file.h"

namespace simpul::ice {
namespace {

using ::simpul::testing::from_hex;
using ::simpul::testing::read_test_data;

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";
const crypto::HmacSha1 kKey(as_bytes(kPassword));
constexpr TransactionId kId = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                               0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

// RFC 5769 §2.1 to §2.3.
const auto kSampleRequest = from_hex(
    "00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74"
    "00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
    "00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf");
const auto kSampleResponseV4 = from_hex(
    "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    "00200008 0001a147e112a643 00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7"
    "80280004 c07d4c96");
const auto kSampleResponseV6 = from_hex(
    "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
    "00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c");

// A message with these attributes, its length right; unsigned.
std::vector<uint8_t> message_of(std::string_view attributes_hex, std::string_view type = "0001") {
  auto bytes = from_hex(type);
  const auto attributes = from_hex(attributes_hex);
  bytes.push_back(static_cast<uint8_t>(attributes.size() >> 8));
  bytes.push_back(static_cast<uint8_t>(attributes.size()));
  const auto rest = from_hex("2112a442 b7e7a701bc34d686fa87dfae");
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  bytes.insert(bytes.end(), attributes.begin(), attributes.end());
  return bytes;
}

StunError error_of(Bytes bytes) {
  const auto message = StunMessage::parse(bytes);
  EXPECT_FALSE(message.has_value());
  return message ? StunError::kTooLong : message.error();
}

TEST(StunMessage, ReadsTheRequestOfRfc5769) {
  const auto message = StunMessage::parse(kSampleRequest);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->message_class(), StunClass::kRequest);
  EXPECT_EQ(message->method(), kBindingMethod);
  EXPECT_TRUE(std::ranges::equal(message->transaction_id(), kId));
  EXPECT_EQ(message->username(), "evtj:h6vY");
  EXPECT_EQ(message->priority(), 0x6e0001ffu);
  EXPECT_EQ(message->controlled(), 0x932ff9b151263b36u);
  EXPECT_FALSE(message->controlling().has_value());
  EXPECT_FALSE(message->use_candidate());
  EXPECT_TRUE(message->has_plausible_fingerprint());
  EXPECT_TRUE(message->has_integrity(kKey));
  EXPECT_TRUE(message->unknown_attributes().empty());
}

TEST(StunMessage, ReadsTheResponsesOfRfc5769) {
  const auto v4 = StunMessage::parse(kSampleResponseV4);
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(v4->message_class(), StunClass::kSuccess);
  EXPECT_EQ(v4->mapped_address(), Address::parse("192.0.2.1", 32853));
  EXPECT_TRUE(v4->has_integrity(kKey));
  EXPECT_TRUE(v4->has_plausible_fingerprint());

  const auto v6 = StunMessage::parse(kSampleResponseV6);
  ASSERT_TRUE(v6.has_value());
  EXPECT_EQ(v6->mapped_address(), Address::parse("2001:db8:1234:5678:11:2233:4455:6677", 32853));
  EXPECT_TRUE(v6->has_integrity(kKey));
  EXPECT_TRUE(v6->has_plausible_fingerprint());
}

TEST(StunMessage, RefusesEveryTruncationAndEveryAddedByte) {
  for (size_t size = 0; size < kSampleRequest.size(); ++size) {
    EXPECT_FALSE(StunMessage::parse(Bytes(kSampleRequest).first(size)).has_value()) << size;
  }
  auto longer = kSampleRequest;
  longer.push_back(0);
  EXPECT_EQ(error_of(longer), StunError::kBadLength);
}

TEST(StunMessage, NoticesEveryFlippedByteThatIsSigned) {
  const size_t unsigned_from = kSampleRequest.size() - 8;  // FINGERPRINT's own type and length
  for (size_t i = 0; i < kSampleRequest.size(); ++i) {
    if (i >= unsigned_from && i < unsigned_from + 4) continue;
    auto bytes = kSampleRequest;
    bytes[i] ^= 0x01;
    const auto message = StunMessage::parse(bytes);
    if (!message) continue;
    EXPECT_FALSE(message->has_integrity(kKey) && message->has_plausible_fingerprint()) << i;
  }
}

TEST(StunMessage, DoesNotTakeAnotherPassword) {
  const auto message = StunMessage::parse(kSampleRequest);
  EXPECT_FALSE(message->has_integrity(crypto::HmacSha1(as_bytes("VOkJxbRl1RmTxUk/WvJxBu"))));
}

TEST(StunMessage, RefusesWhatHasNoMagicCookie) {
  auto legacy = message_of("");
  legacy[4] = 0;
  EXPECT_EQ(error_of(legacy), StunError::kNotStun);
  auto high_bits = message_of("");
  high_bits[0] = 0x80;
  EXPECT_EQ(error_of(high_bits), StunError::kNotStun);
}

TEST(StunMessage, RefusesLengthsThatDoNotFit) {
  auto bytes = message_of("00240004 6e0001ff");
  bytes[3] = 4;
  EXPECT_EQ(error_of(bytes), StunError::kBadLength);
  EXPECT_EQ(error_of(message_of("8022")), StunError::kBadLength);
  EXPECT_EQ(error_of(message_of("80220005 61626364")), StunError::kBadAttribute);
  EXPECT_EQ(error_of(message_of("8022ffff 61626364")), StunError::kBadAttribute);
  EXPECT_EQ(error_of(std::vector<uint8_t>(kStunSizeMax + 4)), StunError::kTooLong);
}

TEST(StunMessage, RefusesKnownAttributesOfAnotherSize) {
  for (const auto attribute :
       {"00240000", "80290004 00000000", "802a0000", "00250004 00000000", "00080004 00000000",
        "80280000", "00200004 00010000", "00200008 0002000000000000", "00090000"}) {
    EXPECT_EQ(error_of(message_of(attribute)), StunError::kBadAttribute) << attribute;
  }
}

TEST(StunMessage, TakesTheLongestUsernameAndNoLongerOne) {
  const auto with_name = [](size_t size) {
    return make_binding_request({.id = kId, .username = std::string(size, 'a')});
  };
  EXPECT_TRUE(StunMessage::parse(with_name(512)).has_value());
  EXPECT_EQ(error_of(with_name(513)), StunError::kBadAttribute);
}

TEST(StunMessage, ReadsAnEmptyMessageAndEmptyAttributes) {
  EXPECT_TRUE(StunMessage::parse(message_of("")).has_value());
  const auto bytes = message_of("00060000");
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->username(), "");
}

TEST(StunMessage, TakesTheFirstOfTwoAttributes) {
  const auto bytes = message_of("00060004 61626364 00060004 65666768");
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->username(), "abcd");
}

TEST(StunMessage, RefusesAFingerprintThatIsNotTheLastAttribute) {
  EXPECT_EQ(error_of(message_of("80280004 00000000 00250000")), StunError::kBadAttribute);
  EXPECT_EQ(error_of(message_of("80280004 00000000 80280004 00000000")), StunError::kBadAttribute);
}

TEST(StunMessage, IgnoresWhatFollowsTheIntegrity) {
  const auto bytes =
      message_of("00080014 0000000000000000000000000000000000000000 00250000 7fff0000");
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_FALSE(message->use_candidate());
  EXPECT_TRUE(message->unknown_attributes().empty());
}

TEST(StunMessage, ListsUnknownAttributesThatMustBeUnderstoodUpToALimit) {
  std::string attributes = "7ffe0000 ffff0000";
  for (int i = 0; i < 300; ++i) attributes += "7ffd0000";
  const auto bytes = message_of(attributes);
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message.has_value());
  ASSERT_EQ(message->unknown_attributes().size(), StunMessage::kUnknownMax);
  EXPECT_EQ(message->unknown_attributes()[0], 0x7ffe);
  EXPECT_EQ(message->unknown_attributes()[1], 0x7ffd);
}

TEST(StunMessage, TellsClassesAndMethodsApart) {
  EXPECT_EQ(StunMessage::parse(message_of("", "0011"))->message_class(), StunClass::kIndication);
  EXPECT_EQ(StunMessage::parse(message_of("", "0111"))->message_class(), StunClass::kError);
  EXPECT_EQ(StunMessage::parse(message_of("", "0003"))->method(), 3);
  EXPECT_EQ(StunMessage::parse(message_of("", "3eef"))->method(), 0xfff);
}

TEST(StunWriter, WritesASuccessThatItsReaderVerifies) {
  for (const auto* ip : {"192.0.2.1", "2001:db8::1"}) {
    const auto address = *Address::parse(ip, 4321);
    const auto bytes = make_binding_success(kId, address, kKey);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(message->message_class(), StunClass::kSuccess);
    EXPECT_TRUE(std::ranges::equal(message->transaction_id(), kId));
    EXPECT_EQ(message->mapped_address(), address);
    EXPECT_TRUE(message->has_integrity(kKey));
    EXPECT_TRUE(message->has_plausible_fingerprint());
    EXPECT_EQ(bytes.size(), address.is_v4() ? 64u : 76u);
  }
}

TEST(StunWriter, WritesErrorsWithTheirCodes) {
  for (const auto code : {StunErrorCode::kBadRequest, StunErrorCode::kUnauthenticated,
                          StunErrorCode::kRoleConflict}) {
    const auto bytes = make_binding_error(kId, code, {}, kKey);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_EQ(message->message_class(), StunClass::kError);
    EXPECT_EQ(message->error_code(), static_cast<uint16_t>(code));
    EXPECT_TRUE(message->has_integrity(kKey));
  }
}

TEST(StunWriter, ListsWhatWasNotUnderstood) {
  const std::array<uint16_t, 3> unknown = {0x7ffe, 0x7ffd, 0x0003};
  const auto bytes = make_binding_error(kId, StunErrorCode::kUnknownAttribute, unknown, kKey);
  const auto listed = from_hex("000a0006 7ffe7ffd00030000");
  EXPECT_NE(std::search(bytes.begin(), bytes.end(), listed.begin(), listed.end()), bytes.end());
  EXPECT_EQ(StunMessage::parse(bytes)->error_code(), 420);
}

TEST(StunWriter, WritesTheRequestOfAControllingPeer) {
  const auto bytes = make_binding_request({.id = kId,
                                           .username = "evtj:h6vY",
                                           .priority = 7,
                                           .controlling = 0x0102030405060708,
                                           .use_candidate = true,
                                           .key = kPassword});
  const auto message = StunMessage::parse(bytes);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->username(), "evtj:h6vY");
  EXPECT_EQ(message->priority(), 7u);
  EXPECT_EQ(message->controlling(), 0x0102030405060708u);
  EXPECT_TRUE(message->use_candidate());
  EXPECT_TRUE(message->has_integrity(kKey));
}

TEST(UsernameFragment, IsThePartBeforeTheColon) {
  EXPECT_EQ(username_fragment_of(kSampleRequest), "evtj");
}

TEST(UsernameFragment, IsAbsentWithoutColonOrFragmentOrStun) {
  const auto named = [](std::string_view name) {
    return make_binding_request({.id = kId, .username = name});
  };
  EXPECT_FALSE(username_fragment_of(named("evtjh6vY")).has_value());
  EXPECT_FALSE(username_fragment_of(named(":h6vY")).has_value());
  EXPECT_FALSE(username_fragment_of(named("")).has_value());
  EXPECT_FALSE(username_fragment_of(Bytes(kSampleRequest).first(30)).has_value());
}

struct Client {
  const char* file;
  const char* fragment;
  bool nominates;
};

TEST(RealClients, SendChecksThatAreLargerThanOurAnswers) {
  const auto v6 = *Address::parse("2001:db8::1", 1);
  for (const Client& client : {Client{"aiortc-request-0.bin", "KcwWxjtzShQJmiFl", false},
                               Client{"aiortc-request-1.bin", "KcwWxjtzShQJmiFl", true},
                               Client{"chromium-request-0.bin", "drwiuBkwKfTtESOi", false},
                               Client{"chromium-request-1.bin", "drwiuBkwKfTtESOi", true},
                               Client{"chromium-nopqc-request-0.bin", "WGFdBGAkGSDXPTFy", false},
                               Client{"chromium-nopqc-request-1.bin", "WGFdBGAkGSDXPTFy", true},
                               Client{"firefox-request-0.bin", "fkIqspRDKffzBeld", true},
                               Client{"gst-request-0.bin", "emxEQuSWTlBydxqD", false},
                               Client{"gst-request-1.bin", "emxEQuSWTlBydxqD", true}}) {
    SCOPED_TRACE(client.file);
    const auto bytes = read_test_data(std::string("stun/") + client.file);
    const auto message = StunMessage::parse(bytes);
    ASSERT_TRUE(message.has_value());
    EXPECT_TRUE(message->controlling().has_value());
    EXPECT_TRUE(message->has_plausible_fingerprint());
    EXPECT_TRUE(message->unknown_attributes().empty());
    EXPECT_EQ(message->use_candidate(), client.nominates);
    EXPECT_GE(bytes.size(), make_binding_success(kId, v6, kKey).size());
    EXPECT_EQ(username_fragment_of(bytes), client.fragment);
  }
}

}  // namespace
}  // namespace simpul::ice
