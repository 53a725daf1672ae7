#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"

namespace simpul::net {

// Numbers the addresses at which a socket that is bound to all of a machine's is reached, so that
// an answer can leave from where the question came to. Number 0 is the bound address itself: from
// there the route chooses. Numbers are never taken back; a new address beyond kEndsMax is 0.
class LocalEnds {
 public:
  static constexpr size_t kEndsMax = 64;

  explicit LocalEnds(const Address& bound) : ends_{bound} {}

  // Of an address of the machine, which gets one when it has none.
  uint16_t number_of(const std::array<uint8_t, 16>& ip);
  // With the port of the bound one; the bound one for a number that nobody has.
  const Address& at(uint16_t number) const;

 private:
  std::vector<Address> ends_;  // few, so searched one by one
};

}  // namespace simpul::net
