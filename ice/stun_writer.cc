#include <algorithm>

#include "base/byte_writer.h"
#include "base/check.h"
#include "ice/stun_format.h"
#include "ice/stun_message.h"

namespace simpul::ice {
namespace {

// Writes one message attribute by attribute. The length in the header always tells what is
// written so far, as MESSAGE-INTEGRITY and FINGERPRINT want it.
class Writer {
 public:
  Writer(uint16_t type, std::span<const uint8_t, kTransactionIdSize> id) {
    writer_.u16(type);
    writer_.u16(0);
    writer_.u32(stun::kMagicCookie);
    writer_.bytes(id);
  }

  void attribute(uint16_t type, Bytes value) {
    writer_.u16(type);
    writer_.u16(static_cast<uint16_t>(value.size()));
    writer_.bytes(value);
    writer_.zeros(stun::padded(value.size()) - value.size());
    set_length(0);
  }

  void mapped_address(const Address& address) {
    std::array<uint8_t, 20> value{};
    const bool v4 = address.is_v4();
    value[1] = v4 ? stun::kFamilyV4 : stun::kFamilyV6;
    store_be16(std::span(value).subspan<2, 2>(),
               static_cast<uint16_t>(address.port ^ (stun::kMagicCookie >> 16)));
    const Bytes ip = Bytes(address.ip).subspan(v4 ? 12 : 0);
    for (size_t i = 0; i < ip.size(); ++i) {
      value[4 + i] = static_cast<uint8_t>(ip[i] ^ buffer_[4 + i]);
    }
    attribute(stun::kXorMappedAddress, Bytes(value).first(4 + ip.size()));
  }

  void error(StunErrorCode code) {
    const auto number = static_cast<uint16_t>(code);
    const std::array<uint8_t, 4> value = {0, 0, static_cast<uint8_t>(number / 100),
                                          static_cast<uint8_t>(number % 100)};
    attribute(stun::kErrorCode, value);  // without a phrase: a computer reads it
  }

  void unknown_attributes(std::span<const uint16_t> types) {
    std::array<uint8_t, 2 * StunMessage::kUnknownMax> value{};
    ByteWriter list(value);
    for (const uint16_t type : types.first(std::min(types.size(), StunMessage::kUnknownMax))) {
      list.u16(type);
    }
    attribute(stun::kUnknownAttributes, list.written());
  }

  void integrity(const crypto::HmacSha1& key) {
    set_length(stun::kAttributeHeaderSize + stun::kIntegritySize);
    attribute(stun::kMessageIntegrity, key.digest(writer_.written()));
  }

  std::vector<uint8_t> finish() {
    set_length(stun::kAttributeHeaderSize + stun::kFingerprintSize);
    std::array<uint8_t, stun::kFingerprintSize> value{};
    store_be32(value, crypto::crc32(writer_.written()) ^ stun::kFingerprintXor);
    attribute(stun::kFingerprint, value);
    SIMPUL_CHECK(writer_.ok());  // what we write is bounded by what we took
    const auto written = writer_.written();
    return {written.begin(), written.end()};
  }

 private:
  void set_length(size_t extra) {
    store_be16(std::span(buffer_).subspan<2, 2>(),
               static_cast<uint16_t>(writer_.size() - stun::kHeaderSize + extra));
  }

  std::array<uint8_t, 1024> buffer_{};
  ByteWriter writer_{buffer_};
};

std::array<uint8_t, 8> big_endian(uint64_t value) {
  std::array<uint8_t, 8> bytes{};
  store_be64(bytes, value);
  return bytes;
}

}  // namespace

std::vector<uint8_t> make_binding_success(std::span<const uint8_t, kTransactionIdSize> id,
                                          const Address& mapped, const crypto::HmacSha1& key) {
  Writer writer(stun::kClassSuccess | kBindingMethod, id);
  writer.mapped_address(mapped);
  writer.integrity(key);
  return writer.finish();
}

std::vector<uint8_t> make_binding_error(std::span<const uint8_t, kTransactionIdSize> id,
                                        StunErrorCode code, std::span<const uint16_t> unknown,
                                        const crypto::HmacSha1& key) {
  Writer writer(stun::kClassError | kBindingMethod, id);
  writer.error(code);
  if (!unknown.empty()) writer.unknown_attributes(unknown);
  writer.integrity(key);
  return writer.finish();
}

std::vector<uint8_t> make_binding_request(const BindingRequest& request) {
  Writer writer(stun::kClassRequest | kBindingMethod, request.id);
  if (!request.username.empty()) {
    writer.attribute(stun::kUsername, as_bytes(request.username));
  }
  if (request.controlling) {
    writer.attribute(stun::kIceControlling, big_endian(*request.controlling));
  }
  if (request.controlled) {
    writer.attribute(stun::kIceControlled, big_endian(*request.controlled));
  }
  if (request.use_candidate) writer.attribute(stun::kUseCandidate, {});
  std::array<uint8_t, 4> priority{};
  store_be32(priority, request.priority);
  writer.attribute(stun::kPriority, priority);
  for (const uint16_t type : request.unknown_attributes) writer.attribute(type, {});
  if (!request.key.empty()) writer.integrity(crypto::HmacSha1(as_bytes(request.key)));
  return writer.finish();
}

}  // namespace simpul::ice
