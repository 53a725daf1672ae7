#include "net/local_ends.h"

#include <algorithm>

namespace simpul::net {

uint16_t LocalEnds::number_of(const std::array<uint8_t, 16>& ip) {
  const auto found = std::ranges::find(ends_, ip, &Address::ip);
  if (found != ends_.end()) return static_cast<uint16_t>(found - ends_.begin());
  if (ends_.size() > kEndsMax) return 0;
  ends_.push_back({.ip = ip, .port = ends_.front().port});
  return static_cast<uint16_t>(ends_.size() - 1);
}

const Address& LocalEnds::at(uint16_t number) const {
  return number < ends_.size() ? ends_[number] : ends_.front();
}

}  // namespace simpul::net
