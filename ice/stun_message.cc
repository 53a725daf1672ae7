#include "ice/stun_message.h"

#include <algorithm>

#include "crypto/secret.h"
#include "ice/stun_format.h"

namespace simpul::ice {
namespace {

constexpr size_t kUsernameMax = 512;  // RFC 8489 §14.3 ends a little below

// The mask of XOR-MAPPED-ADDRESS (RFC 8489 §14.2) is the header from the cookie on, and what is
// masked may be shorter.
void unmask(MutableBytes ip, Bytes header) {
  for (size_t i = 0; i < ip.size(); ++i) ip[i] = static_cast<uint8_t>(ip[i] ^ header[4 + i]);
}

std::optional<Address> read_mapped_address(Bytes value, Bytes header) {
  if (value.size() < 4) return std::nullopt;
  const auto port =
      static_cast<uint16_t>(load_be16(value.subspan<2, 2>()) ^ (stun::kMagicCookie >> 16));
  const Bytes ip = value.subspan(4);
  if (value[1] == stun::kFamilyV4 && ip.size() == 4) {
    std::array<uint8_t, 4> four{};
    std::ranges::copy(ip, four.begin());
    unmask(four, header);
    return Address::v4(four, port);
  }
  if (value[1] == stun::kFamilyV6 && ip.size() == 16) {
    Address address;
    std::ranges::copy(ip, address.ip.begin());
    unmask(address.ip, header);
    address.port = port;
    return address;
  }
  return std::nullopt;
}

template <class T>
void keep_first(std::optional<T>& kept, T value) {
  if (!kept) kept = value;
}

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |0 0|     STUN Message Type     |         Message Length        |
// |                         Magic Cookie                          |
// |                  Transaction ID (96 bits)                     |
// |  attributes: type, length, value padded to a multiple of four |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
Expected<StunMessage, StunError> StunMessage::parse(Bytes bytes) {
  if (bytes.size() < stun::kHeaderSize) return unexpected(StunError::kTooShort);
  if (bytes.size() > kStunSizeMax) return unexpected(StunError::kTooLong);
  const Bytes header = bytes.first(stun::kHeaderSize);
  if ((header[0] & 0xc0) != 0 || load_be32(header.subspan<4, 4>()) != stun::kMagicCookie) {
    return unexpected(StunError::kNotStun);
  }
  const size_t length = load_be16(header.subspan<2, 2>());
  if (length % 4 != 0 || length != bytes.size() - stun::kHeaderSize) {
    return unexpected(StunError::kBadLength);
  }

  StunMessage message(bytes);
  Bytes rest = bytes.subspan(stun::kHeaderSize);
  while (!rest.empty()) {
    if (message.fingerprint_at_) return unexpected(StunError::kBadAttribute);  // not the last
    const uint16_t type = load_be16(rest.first<2>());
    const size_t size = load_be16(rest.subspan<2, 2>());
    const size_t whole = stun::kAttributeHeaderSize + stun::padded(size);
    if (rest.size() < whole) return unexpected(StunError::kBadAttribute);
    const size_t offset = bytes.size() - rest.size();
    if (!message.read_attribute(type, rest.subspan(stun::kAttributeHeaderSize, size), offset)) {
      return unexpected(StunError::kBadAttribute);
    }
    rest = rest.subspan(whole);
  }
  return message;
}

bool StunMessage::read_attribute(uint16_t type, Bytes value, size_t offset) {
  if (type == stun::kFingerprint) {
    fingerprint_at_ = offset;
    return value.size() == stun::kFingerprintSize;
  }
  if (integrity_at_) return true;  // nothing but FINGERPRINT counts behind it
  if (type == stun::kMessageIntegrity) {
    integrity_at_ = offset;
    return value.size() == stun::kIntegritySize;
  }
  return read_known(type, value);
}

bool StunMessage::read_known(uint16_t type, Bytes value) {
  switch (type) {
    case stun::kUsername:
      keep_first(username_, as_text(value));
      return value.size() <= kUsernameMax;
    case stun::kPriority:
      if (value.size() != 4) return false;
      keep_first(priority_, load_be32(value.first<4>()));
      return true;
    case stun::kUseCandidate:
      use_candidate_ = true;
      return value.empty();
    case stun::kIceControlling:
    case stun::kIceControlled:
      if (value.size() != 8) return false;
      keep_first(type == stun::kIceControlling ? controlling_ : controlled_,
                 load_be64(value.first<8>()));
      return true;
    case stun::kXorMappedAddress:
      if (!mapped_address_) mapped_address_ = read_mapped_address(value, bytes_);
      return mapped_address_.has_value();
    case stun::kErrorCode:
      if (value.size() < 4) return false;
      keep_first(error_code_, static_cast<uint16_t>((value[2] & 7) * 100 + value[3]));
      return true;
    case stun::kUnknownAttributes:
    case stun::kMessageIntegritySha256:
      return true;
    default:
      if (type < stun::kFirstOptional && unknown_count_ < kUnknownMax) {
        unknown_[unknown_count_++] = type;
      }
      return true;
  }
}

StunClass StunMessage::message_class() const {
  switch (load_be16(bytes_.first<2>()) & stun::kClassMask) {
    case stun::kClassRequest:
      return StunClass::kRequest;
    case stun::kClassIndication:
      return StunClass::kIndication;
    case stun::kClassSuccess:
      return StunClass::kSuccess;
    default:
      return StunClass::kError;
  }
}

uint16_t StunMessage::method() const {
  const uint16_t type = load_be16(bytes_.first<2>());
  return static_cast<uint16_t>((type & 0x000f) | (type & 0x00e0) >> 1 | (type & 0x3e00) >> 2);
}

bool StunMessage::has_integrity(const crypto::HmacSha1& key) const {
  if (!integrity_at_) return false;
  // The header is signed as if the message ended with MESSAGE-INTEGRITY.
  std::array<uint8_t, stun::kHeaderSize> header{};
  std::ranges::copy(bytes_.first(stun::kHeaderSize), header.begin());
  const size_t end = *integrity_at_ + stun::kAttributeHeaderSize + stun::kIntegritySize;
  store_be16(std::span(header).subspan<2, 2>(), static_cast<uint16_t>(end - stun::kHeaderSize));
  const Bytes attributes = bytes_.subspan(stun::kHeaderSize, *integrity_at_ - stun::kHeaderSize);
  const auto expected = key.digest(header, attributes);
  return crypto::constant_time_equal(
      expected, bytes_.subspan(*integrity_at_ + stun::kAttributeHeaderSize, stun::kIntegritySize));
}

bool StunMessage::has_plausible_fingerprint() const {
  if (!fingerprint_at_) return true;
  const uint32_t expected = crypto::crc32(bytes_.first(*fingerprint_at_)) ^ stun::kFingerprintXor;
  return load_be32(bytes_.subspan(*fingerprint_at_ + stun::kAttributeHeaderSize).first<4>()) ==
         expected;
}

std::optional<std::string_view> username_fragment_of(Bytes stun) {
  const auto message = StunMessage::parse(stun);
  if (!message || !message->username()) return std::nullopt;
  const size_t colon = message->username()->find(':');
  if (colon == 0 || colon == std::string_view::npos) return std::nullopt;
  return message->username()->substr(0, colon);
}

std::string_view to_string(StunError error) {
  switch (error) {
    case StunError::kTooShort:
      return "stun_too_short";
    case StunError::kNotStun:
      return "stun_no_cookie";
    case StunError::kBadLength:
      return "stun_bad_length";
    case StunError::kBadAttribute:
      return "stun_bad_attribute";
    case StunError::kTooLong:
      return "stun_too_long";
  }
  return "unknown";
}

}  // namespace simpul::ice
