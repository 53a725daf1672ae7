#include "net/local_ends.h"

#include <algorithm>

namespace simpul::net {

void LocalEnds::keep(const std::array<uint8_t, 16>& ip) {
  ends_[number_of(ip, kNever)].heard = kNever;
}

uint16_t LocalEnds::number_of(const std::array<uint8_t, 16>& ip, TimePoint now) {
  auto end = std::ranges::find(ends_, ip, [](const End& known) { return known.address.ip; });
  if (end != ends_.end()) {
    if (end->heard != kNever) end->heard = now;
    return static_cast<uint16_t>(end - ends_.begin());
  }
  if (ends_.size() <= kEndsMax) {
    ends_.push_back({.address = ends_.front().address});
    end = ends_.end() - 1;
  } else {
    end = std::ranges::min_element(ends_, {}, &End::heard);
    if (end->heard == kNever || now - end->heard < kReusedAfter) return 0;
  }
  end->address.ip = ip;
  end->heard = now;
  return static_cast<uint16_t>(end - ends_.begin());
}

const Address& LocalEnds::at(uint16_t number) const {
  return (number < ends_.size() ? ends_[number] : ends_.front()).address;
}

}  // namespace simpul::net
