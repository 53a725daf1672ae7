#include "sdp/transport_attributes.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "sdp/text.h"

namespace simpul::sdp {
namespace {

constexpr size_t kUfragSizeMin = 4;  // RFC 8839 §5.4
constexpr size_t kPwdSizeMin = 22;
constexpr size_t kDigestSizeMin = 16;
constexpr size_t kDigestSizeMax = 64;

constexpr std::array<std::string_view, 4> kDirections = {"sendrecv", "sendonly", "recvonly",
                                                         "inactive"};
constexpr std::array<std::string_view, 4> kSetups = {"actpass", "active", "passive", "holdconn"};

// RFC 8122 §5; 0 for a hash that we do not know.
size_t digest_size(std::string_view algorithm) {
  if (algorithm == "md5" || algorithm == "md2") return 16;
  if (algorithm == "sha-1") return 20;
  if (algorithm == "sha-224") return 28;
  if (algorithm == "sha-256") return 32;
  if (algorithm == "sha-384") return 48;
  if (algorithm == "sha-512") return 64;
  return 0;
}

std::optional<uint8_t> parse_hex_byte(std::string_view text) {
  uint8_t byte = 0;
  if (text.size() != 2) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 2, byte, 16);
  if (error != std::errc() || end != text.data() + 2) return std::nullopt;
  return byte;
}

Checked read_fingerprint(std::string_view value, TransportDescription& transport) {
  if (transport.fingerprints.size() == kFingerprintsMax) return wrong("too many fingerprints");
  const auto algorithm = take_word(value);
  if (!is_token(algorithm)) return wrong("fingerprint without a hash function");
  Fingerprint fingerprint{lower(algorithm), {}};
  std::string_view rest = trim(value);
  while (!rest.empty()) {
    const auto byte = parse_hex_byte(take_until(rest, ':'));
    if (!byte || fingerprint.digest.size() == kDigestSizeMax) {
      return wrong("fingerprint is not bytes in hexadecimal");
    }
    fingerprint.digest.push_back(*byte);
  }
  const size_t expected = digest_size(fingerprint.algorithm);
  const size_t size = fingerprint.digest.size();
  if (size < kDigestSizeMin || (expected != 0 && size != expected)) {
    return wrong("fingerprint of the wrong length");
  }
  transport.fingerprints.push_back(std::move(fingerprint));
  return {};
}

Checked read_setup(std::string_view value, TransportDescription& transport) {
  const auto found = std::ranges::find(kSetups, value);
  if (found == kSetups.end()) return wrong("unknown setup role");
  transport.setup = static_cast<Setup>(found - kSetups.begin());
  return {};
}

}  // namespace

std::string_view to_string(Direction direction) {
  return kDirections[static_cast<size_t>(direction)];
}

std::string_view to_string(Setup setup) { return kSetups[static_cast<size_t>(setup)]; }

std::optional<Direction> direction_named(std::string_view name) {
  const auto found = std::ranges::find(kDirections, name);
  if (found == kDirections.end()) return std::nullopt;
  return static_cast<Direction>(found - kDirections.begin());
}

Expected<bool, std::string_view> read_transport_attribute(std::string_view name,
                                                          std::string_view value,
                                                          TransportDescription& transport) {
  Checked checked;
  if (name == "ice-ufrag") {
    if (!is_ice_text(value, kUfragSizeMin)) return wrong("ice-ufrag: 4 to 256 ice-chars");
    transport.ice_ufrag = value;
  } else if (name == "ice-pwd") {
    if (!is_ice_text(value, kPwdSizeMin)) return wrong("ice-pwd: 22 to 256 ice-chars");
    transport.ice_pwd = value;
  } else if (name == "fingerprint") {
    checked = read_fingerprint(value, transport);
  } else if (name == "setup") {
    checked = read_setup(value, transport);
  } else {
    return false;
  }
  if (!checked) return unexpected(checked.error());
  return true;
}

}  // namespace simpul::sdp
