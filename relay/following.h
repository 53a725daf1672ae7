#pragma once

#include "base/time.h"

namespace simpul::relay {

struct Subscriber;

// What is in the slots that are for nobody in particular (pins.h), in a room where speech decides.
// Sound: who is heard in the room, as many as there are slots; nobody else, so that silence costs
// nothing. Video: those who dominated last; slots that are left over show others. Who is in a slot
// stays in it for as long as they belong to those, and one person's sound and picture get the same
// pair of slots where that is free.

bool follows(const Subscriber& subscriber);
void follow(Subscriber& subscriber, TimePoint now);

}  // namespace simpul::relay
