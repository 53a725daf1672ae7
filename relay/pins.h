#pragma once

#include "base/time.h"

namespace simpul::relay {

class Slot;
class Track;
struct Subscriber;

// Slots that carry one participant in any case, whoever speaks: whom the subscriber named (Wish),
// or who was named for one slot (Viewing). The first slot of a kind for somebody carries their
// first track, the next one the next. The first is held for them while they are away; one beyond
// what they have is as free as if nobody had been named.

// Who is in the slots that are pinned; which slots these are.
void take_pins(Subscriber& subscriber, TimePoint now);
// A slot that is pinned carries it.
bool is_pinned(const Subscriber& subscriber, const Track* track);

}  // namespace simpul::relay
