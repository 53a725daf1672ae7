#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace simpul::crypto {

// All of it from the operating system's generator by way of OpenSSL's. A generator that cannot
// give random bytes ends the process: everything here is a key, a password or an id.
void random_bytes(MutableBytes out);
uint32_t random_u32();
uint64_t random_u64();

// `digits` lower-case hexadecimal digits, four random bits each.
std::string random_hex(size_t digits);

// `size` characters of ICE's alphabet A-Z a-z 0-9 + / (RFC 8839 §5.4), six random bits each.
std::string random_ice_text(size_t size);

}  // namespace simpul::crypto
