#pragma once

#include <concepts>

#include "base/bytes.h"
#include "base/time.h"

namespace simpul {

// The shape of every protocol state machine: bytes and time in, output
// appended to a list the caller owns. A core never sends, waits or calls back.
template <class Core>
concept ProtocolCore = requires(Core core, const Core& idle, Bytes bytes, TimePoint now,
                                typename Core::Output& out) {
  core.receive(bytes, now, out);
  core.advance(now, out);                               // runs whatever is due at `now`
  { idle.next_deadline() } -> std::same_as<TimePoint>;  // kNever when nothing is
};

}  // namespace simpul
