#include "dtls/certificate_check.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

namespace simpul::dtls {
namespace {

// Tags of DER (X.690 §8).
constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kBitString = 0x03;
constexpr uint8_t kObjectIdentifier = 0x06;
constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kVersion = 0xa0;  // [0], explicit

constexpr std::array<uint8_t, 7> kEcPublicKey = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::array<uint8_t, 9> kRsaEncryption = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                                   0x0d, 0x01, 0x01, 0x01};
constexpr std::array<uint8_t, 8> kP256 = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<uint8_t, 5> kP384 = {0x2b, 0x81, 0x04, 0x00, 0x22};
constexpr std::array<uint8_t, 5> kP521 = {0x2b, 0x81, 0x04, 0x00, 0x23};

// Takes elements off DER, which is all lengths: what does not fit is nothing.
class DerReader {
 public:
  explicit DerReader(Bytes rest) : rest_(rest) {}

  bool next_is(uint8_t tag) const { return !rest_.empty() && rest_[0] == tag; }
  // The content of the next element, if it has this tag.
  std::optional<Bytes> take(uint8_t tag) {
    if (!next_is(tag) || rest_.size() < 2) return std::nullopt;
    size_t length = rest_[1];
    size_t header = 2;
    if (length > 0x80) {  // in so many bytes behind it; two are enough for 64 KB
      const size_t count = length - 0x80;
      if (count > 2 || rest_.size() < 2 + count) return std::nullopt;
      header += count;
      length = 0;
      for (const uint8_t byte : rest_.subspan(2, count)) length = length << 8 | byte;
    } else if (length == 0x80) {
      return std::nullopt;  // open-ended: not DER
    }
    if (rest_.size() - header < length) return std::nullopt;
    const Bytes content = rest_.subspan(header, length);
    rest_ = rest_.subspan(header + length);
    return content;
  }

 private:
  Bytes rest_;
};

bool is_bounded_rsa_key(Bytes bits) {
  if (bits.empty()) return false;
  DerReader outer(bits.subspan(1));  // behind the count of unused bits
  const auto key = outer.take(kSequence);
  if (!key) return false;
  DerReader reader(*key);
  const auto modulus = reader.take(kInteger);
  const auto exponent = reader.take(kInteger);
  // A zero keeps a number with its highest bit set from being negative.
  return modulus && exponent && modulus->size() <= kRsaModulusMax + 1 &&
         exponent->size() <= kRsaExponentMax + 1;
}

// SubjectPublicKeyInfo, RFC 5280 §4.1.
bool is_bounded_key(Bytes key_info) {
  DerReader reader(key_info);
  const auto algorithm = reader.take(kSequence);
  const auto bits = reader.take(kBitString);
  if (!algorithm || !bits) return false;
  DerReader parameters(*algorithm);
  const auto type = parameters.take(kObjectIdentifier);
  if (!type) return false;
  if (std::ranges::equal(*type, kRsaEncryption)) return is_bounded_rsa_key(*bits);
  if (!std::ranges::equal(*type, kEcPublicKey)) return false;
  const auto curve = parameters.take(kObjectIdentifier);
  return curve && (std::ranges::equal(*curve, kP256) || std::ranges::equal(*curve, kP384) ||
                   std::ranges::equal(*curve, kP521));
}

std::optional<Bytes> key_info_of(Bytes certificate) {
  DerReader outer(certificate);
  const auto whole = outer.take(kSequence);
  if (!whole) return std::nullopt;
  DerReader parts(*whole);
  const auto to_be_signed = parts.take(kSequence);
  if (!to_be_signed) return std::nullopt;
  DerReader reader(*to_be_signed);
  if (reader.next_is(kVersion) && !reader.take(kVersion)) return std::nullopt;
  if (!reader.take(kInteger)) return std::nullopt;  // serial number
  for (int i = 0; i < 4; ++i) {                     // signature, issuer, validity, subject
    if (!reader.take(kSequence)) return std::nullopt;
  }
  return reader.take(kSequence);
}

bool has_bounded_key(Bytes certificate) {
  const auto key_info = key_info_of(certificate);
  return key_info && is_bounded_key(*key_info);
}

std::optional<Bytes> take_opaque24(Bytes& rest) {
  if (rest.size() < 3) return std::nullopt;
  const size_t size = load_be24(rest.first<3>());
  if (rest.size() - 3 < size) return std::nullopt;
  const Bytes content = rest.subspan(3, size);
  rest = rest.subspan(3 + size);
  return content;
}

}  // namespace

bool may_be_parsed(Bytes certificate_message) {
  auto list = take_opaque24(certificate_message);
  // Who reads the list by other means must find the same in it.
  if (!list || !certificate_message.empty()) return false;
  for (size_t count = 0; !list->empty(); ++count) {
    const auto certificate = take_opaque24(*list);
    if (count == kCertificatesMax || !certificate || !has_bounded_key(*certificate)) return false;
  }
  return true;
}

std::optional<std::span<const uint8_t, kP256PointSize>> p256_point(Bytes certificate_message) {
  auto list = take_opaque24(certificate_message);
  const auto leaf = list ? take_opaque24(*list) : std::nullopt;
  const auto key_info = leaf ? key_info_of(*leaf) : std::nullopt;
  if (!key_info) return std::nullopt;
  DerReader reader(*key_info);
  const auto algorithm = reader.take(kSequence);
  const auto bits = reader.take(kBitString);
  if (!algorithm || !bits || bits->size() != 1 + kP256PointSize || bits->front() != 0) {
    return std::nullopt;
  }
  DerReader parameters(*algorithm);
  const auto type = parameters.take(kObjectIdentifier);
  const auto curve = parameters.take(kObjectIdentifier);
  const bool is_p256 =
      type && curve && std::ranges::equal(*type, kEcPublicKey) && std::ranges::equal(*curve, kP256);
  if (!is_p256) return std::nullopt;
  return bits->last<kP256PointSize>();
}

}  // namespace simpul::dtls
