#include "dtls/fingerprint.h"

namespace simpul::dtls {
namespace {

// 0 for what is not taken.
size_t digest_size(crypto::DigestAlgorithm algorithm) {
  switch (algorithm) {
    case crypto::DigestAlgorithm::kSha1:
      return 0;
    case crypto::DigestAlgorithm::kSha256:
      return 32;
    case crypto::DigestAlgorithm::kSha384:
      return 48;
    case crypto::DigestAlgorithm::kSha512:
      return 64;
  }
  return 0;
}

std::optional<uint8_t> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<uint8_t>(c - 'A' + 10);
  return std::nullopt;
}

std::optional<std::vector<uint8_t>> parse_hex(std::string_view text, size_t size) {
  if (text.size() != size * 3 - 1) return std::nullopt;
  std::vector<uint8_t> bytes;
  for (size_t at = 0; at < text.size(); at += 3) {
    const auto high = hex_digit(text[at]);
    const auto low = hex_digit(text[at + 1]);
    if (!high || !low) return std::nullopt;
    if (at + 2 < text.size() && text[at + 2] != ':') return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(*high << 4 | *low));
  }
  return bytes;
}

}  // namespace

std::optional<Fingerprint> Fingerprint::parse(std::string_view value) {
  const size_t space = value.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const auto algorithm = crypto::parse_digest_algorithm(value.substr(0, space));
  if (!algorithm || digest_size(*algorithm) == 0) return std::nullopt;
  auto bytes = parse_hex(value.substr(space + 1), digest_size(*algorithm));
  if (!bytes) return std::nullopt;
  return Fingerprint{.algorithm = *algorithm, .bytes = std::move(*bytes)};
}

Fingerprint Fingerprint::of(crypto::DigestAlgorithm algorithm, Bytes certificate_der) {
  return {.algorithm = algorithm, .bytes = crypto::digest(algorithm, certificate_der)};
}

std::string Fingerprint::hex() const {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const uint8_t byte : bytes) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string Fingerprint::to_string() const {
  return std::string(crypto::to_string(algorithm)) + " " + hex();
}

}  // namespace simpul::dtls
