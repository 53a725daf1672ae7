#pragma once

#include <string>

namespace simpul::ice {

// What one side puts in its description (RFC 8445 §5.3). Both are made of ice-chars only.
struct Credentials {
  std::string username_fragment;
  std::string password;
};

inline constexpr size_t kUsernameFragmentSize = 8;  // 48 random bits
inline constexpr size_t kPasswordSize = 24;         // 144 random bits

// From the generator of the operating system. Two fragments may meet by chance: whoever looks
// connections up by them checks that a new one is free.
std::string make_username_fragment();
std::string make_password();
Credentials make_credentials();

}  // namespace simpul::ice
