#include <algorithm>
#include <vector>

#include "base/bytes.h"
#include "rtp/nack_tracker.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Four bytes are one step: what to do, and two numbers for it. The list stays within its limit, a
// packet that came is not asked for, and what is collected was due.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1024) return 0;  // more steps only take longer
  const NackTracker::Limits limits;
  NackTracker tracker(limits);
  TimePoint now{};
  uint16_t number = 0;
  std::vector<SequenceNumber> due;
  for (Bytes bytes(data, size); bytes.size() >= 4; bytes = bytes.subspan(4)) {
    const uint16_t argument = load_be16(bytes.subspan<2, 2>());
    switch (bytes[0] & 3) {
      case 0:
        tracker.set_round_trip(Duration(int64_t{argument} * 100));
        break;
      case 1:
        number = argument;
        break;
      default:
        number = static_cast<uint16_t>(number + static_cast<int8_t>(bytes[1]));
        break;
    }
    now += Duration(bytes[0] >> 2) * 500;
    const Arrival arrival = tracker.on_packet(SequenceNumber(number), now);
    check(tracker.missing() <= limits.missing_max);
    check((tracker.missing() == 0) == (tracker.next_deadline() == kNever));
    check(arrival == Arrival::kTooOld ||
          tracker.on_packet(SequenceNumber(number), now) == Arrival::kDuplicate);
    const size_t before = tracker.missing();
    due.clear();
    const size_t given_up = tracker.collect_due(now, due);
    check(before == tracker.missing() + given_up && due.size() <= tracker.missing());
    check(tracker.next_deadline() > now);
    check(arrival == Arrival::kTooOld || std::ranges::count(due, SequenceNumber(number)) == 0);
    if (tracker.wants_key_frame()) check(!tracker.wants_key_frame());
  }
  return 0;
}
