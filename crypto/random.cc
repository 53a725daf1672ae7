#include "crypto/random.h"

#include <openssl/rand.h>

#include <array>
#include <string_view>

#include "base/check.h"

namespace simpul::crypto {
namespace {

// One character for each random byte; an alphabet of 16 or 64 divides 256, so none is favoured.
std::string random_text(size_t size, std::string_view alphabet) {
  std::string text(size, '\0');
  random_bytes({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  for (char& c : text) c = alphabet[static_cast<uint8_t>(c) % alphabet.size()];
  return text;
}

}  // namespace

void random_bytes(MutableBytes out) {
  if (out.empty()) return;
  SIMPUL_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

uint32_t random_u32() {
  std::array<uint8_t, 4> bytes;
  random_bytes(bytes);
  return load_be32(bytes);
}

uint64_t random_u64() {
  std::array<uint8_t, 8> bytes;
  random_bytes(bytes);
  return load_be64(bytes);
}

std::string random_hex(size_t digits) { return random_text(digits, "0123456789abcdef"); }

std::string random_ice_text(size_t size) {
  return random_text(size, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

}  // namespace simpul::crypto
