#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/time.h"

namespace simpul::net {

// Numbers the addresses at which a socket that is bound to all of a machine's is reached, so that
// an answer can leave from where the question came to. Number 0 is the bound address itself: from
// there the route chooses. Beyond kEndsMax a new address gets the number of the one that has been
// silent longest, if that is long enough for every path there to have ended, and 0 if it is not.
class LocalEnds {
 public:
  static constexpr size_t kEndsMax = 64;
  // No connection is kept for so long on which nothing comes (an idle_timeout is an hour at most).
  static constexpr Duration kReusedAfter = std::chrono::hours(2);

  explicit LocalEnds(const Address& bound) : ends_{{bound, kNever}} {}

  // An address that the machine has had from the start: its number is nobody else's, ever.
  void keep(const std::array<uint8_t, 16>& ip);
  // Of an address to which something came now, which gets one when it has none.
  uint16_t number_of(const std::array<uint8_t, 16>& ip, TimePoint now);
  // With the port of the bound one; the bound one for a number that nobody has.
  const Address& at(uint16_t number) const;

 private:
  struct End {
    Address address;
    TimePoint heard{};  // kNever: is kept
  };

  std::vector<End> ends_;  // few, so searched one by one
};

}  // namespace simpul::net
