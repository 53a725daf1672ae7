#include "ice/tcp_greeting.h"

#include <algorithm>

#include "ice/stun_format.h"
#include "ice/stun_message.h"

namespace simpul::ice {
namespace {

constexpr uint16_t kBindingRequest = 0x0001;

}  // namespace

TcpGreeting::State TcpGreeting::take(size_t count) {
  taken_ += std::min(count, wanted_ - taken_);
  if (!may_become_a_check()) return State::kRefused;
  if (taken_ < wanted_) return State::kIncomplete;
  wanted_ = kHeaderSize + load_be16(std::span(bytes_).first<2>());
  if (taken_ < wanted_) return State::kIncomplete;
  return username_fragment().empty() ? State::kRefused : State::kComplete;
}

// Each field is looked at as soon as it is there: HTTP and TLS are told by their second byte.
bool TcpGreeting::may_become_a_check() const {
  const std::span<const uint8_t, kHeaderSize + kSizeMax> bytes(bytes_);
  const size_t size = load_be16(bytes.first<2>());
  if (taken_ >= 2 && (size < kStunHeaderSize || size > kSizeMax)) return false;
  if (taken_ >= 4 && load_be16(bytes.subspan<2, 2>()) != kBindingRequest) return false;
  if (taken_ >= 6 && kStunHeaderSize + load_be16(bytes.subspan<4, 2>()) != size) return false;
  return taken_ < 10 || load_be32(bytes.subspan<6, 4>()) == stun::kMagicCookie;
}

std::string_view TcpGreeting::username_fragment() const {
  return username_fragment_of(frame()).value_or(std::string_view());
}

}  // namespace simpul::ice
