#include <algorithm>

#include "ice/stun_message.h"
#include "ice/tcp_greeting.h"

// However the bytes come, the greeting takes no more than the first frame, and says the same of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul;
  using State = ice::TcpGreeting::State;
  State states[2];
  for (const size_t step : {size_t{1}, size_t{4096}}) {
    ice::TcpGreeting greeting;
    State state = State::kIncomplete;
    Bytes rest(data, size);
    while (state == State::kIncomplete && !rest.empty()) {
      const MutableBytes room = greeting.room();
      if (room.empty()) __builtin_trap();
      const size_t taken = std::min({room.size(), rest.size(), step});
      std::copy_n(rest.begin(), taken, room.begin());
      rest = rest.subspan(taken);
      state = greeting.take(taken);
    }
    states[step == 1 ? 0 : 1] = state;
    if (state != State::kComplete) continue;
    if (greeting.frame().size() + 2 != size - rest.size()) __builtin_trap();
    if (ice::username_fragment_of(greeting.frame()) != greeting.username_fragment()) {
      __builtin_trap();
    }
  }
  if (states[0] != states[1]) __builtin_trap();
  return 0;
}
