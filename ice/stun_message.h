#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/expected.h"
#include "crypto/hash.h"

namespace simpul::ice {

enum class StunError : uint8_t { kTooShort, kNotStun, kBadLength, kBadAttribute, kTooLong };
std::string_view to_string(StunError error);

enum class StunClass : uint8_t { kRequest, kIndication, kSuccess, kError };

inline constexpr uint16_t kBindingMethod = 1;
inline constexpr size_t kTransactionIdSize = 12;
// Larger than any datagram that is taken from the network.
inline constexpr size_t kStunSizeMax = 1600;

// A read-only view of one STUN message (RFC 8489 §5, §14; the attributes of RFC 8445 §16.1).
// parse() walks the attributes once and checks that the header's length is the datagram's; of an
// attribute that comes twice the first counts, what follows MESSAGE-INTEGRITY counts for nothing
// but FINGERPRINT. Nothing is authentic before has_integrity() said so. Must not outlive `bytes`.
class StunMessage {
 public:
  [[nodiscard]] static Expected<StunMessage, StunError> parse(Bytes bytes);

  StunClass message_class() const;
  uint16_t method() const;
  std::span<const uint8_t, kTransactionIdSize> transaction_id() const {
    return bytes_.subspan<8, kTransactionIdSize>();
  }

  std::optional<std::string_view> username() const { return username_; }
  std::optional<uint32_t> priority() const { return priority_; }
  bool use_candidate() const { return use_candidate_; }
  std::optional<uint64_t> controlling() const { return controlling_; }
  std::optional<uint64_t> controlled() const { return controlled_; }
  std::optional<Address> mapped_address() const { return mapped_address_; }  // XOR-MAPPED-ADDRESS
  std::optional<uint16_t> error_code() const { return error_code_; }

  // The first kUnknownMax attributes that are comprehension-required and mean nothing here.
  static constexpr size_t kUnknownMax = 8;
  std::span<const uint16_t> unknown_attributes() const {
    return std::span(unknown_).first(unknown_count_);
  }

  // Whether MESSAGE-INTEGRITY is there and right for this key (RFC 8489 §14.5).
  bool has_integrity(const crypto::HmacSha1& key) const;
  // Whether FINGERPRINT is absent, or right.
  bool has_plausible_fingerprint() const;

 private:
  explicit StunMessage(Bytes bytes) : bytes_(bytes) {}
  bool read_attribute(uint16_t type, Bytes value, size_t offset);
  bool read_known(uint16_t type, Bytes value);

  Bytes bytes_;
  std::optional<std::string_view> username_;
  std::optional<uint32_t> priority_;
  std::optional<uint64_t> controlling_;
  std::optional<uint64_t> controlled_;
  std::optional<Address> mapped_address_;
  std::optional<uint16_t> error_code_;
  std::optional<size_t> integrity_at_;    // offset of the attribute in bytes_
  std::optional<size_t> fingerprint_at_;  // always the last attribute
  std::array<uint16_t, kUnknownMax> unknown_{};
  size_t unknown_count_ = 0;
  bool use_candidate_ = false;
};

// The part of USERNAME before the colon, which names one of our connections; for the
// demultiplexer. Not authenticated: whoever it leads to verifies the message.
std::optional<std::string_view> username_fragment_of(Bytes stun);

using TransactionId = std::array<uint8_t, kTransactionIdSize>;

// Signed with `key` (MESSAGE-INTEGRITY), the password's; ends with FINGERPRINT.
std::vector<uint8_t> make_binding_success(std::span<const uint8_t, kTransactionIdSize> id,
                                          const Address& mapped, const crypto::HmacSha1& key);

enum class StunErrorCode : uint16_t {
  kBadRequest = 400,
  kUnauthenticated = 401,
  kUnknownAttribute = 420,
  kRoleConflict = 487,
};

// `unknown` is listed in UNKNOWN-ATTRIBUTES, when there are any.
std::vector<uint8_t> make_binding_error(std::span<const uint8_t, kTransactionIdSize> id,
                                        StunErrorCode code, std::span<const uint16_t> unknown,
                                        const crypto::HmacSha1& key);

// A check as a controlling browser sends it; for clients of ours and for tests.
struct BindingRequest {
  TransactionId id{};
  std::string_view username = {};  // "theirs:ours"; empty: left out
  uint32_t priority = 0x6e7f1eff;
  std::optional<uint64_t> controlling = {};
  std::optional<uint64_t> controlled = {};
  bool use_candidate = false;
  std::string_view key = {};  // the password of the one who is asked; empty: unsigned
  std::vector<uint16_t> unknown_attributes = {};  // empty ones, in front of the signature
};
std::vector<uint8_t> make_binding_request(const BindingRequest& request);

}  // namespace simpul::ice
