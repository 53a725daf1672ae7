#pragma once

#include "base/time.h"
#include "relay/publisher.h"
#include "relay/room.h"
#include "relay/subscriber.h"

namespace simpul::relay {

// Who sits in a subscriber's seats. Slots for somebody who was named carry that one (pins.h), the
// others those who published last, all tracks of one before the next. Who has a seat keeps it for
// as long as they publish; who returns gets theirs again if it is free. A seat of anybody's is also
// free when its publisher has fallen silent and somebody else is sending: an encoder that crashed
// and came back under another name is seen again. Where several speak, slots that are for nobody in
// particular follow them (following.h).

// A publisher of whom nothing has come for so long may lose its seat.
inline constexpr Duration kSeatSilence = std::chrono::seconds(2);

// Fills the free seats, and gives the seated ones what they have added since.
void seat(Subscriber& subscriber, TimePoint now);
// Gives the seats of the silent in a room to those who are sending.
void reseat_silent(const Room& room, TimePoint now);
// When that may have something to do although nobody came, went, began to send or fell silent
// meanwhile; kNever when it will not.
TimePoint next_reseat(const Room& room, TimePoint now);
// Takes somebody's seats away; they remember whose they were.
void unseat(Subscriber& subscriber, const Publisher& publisher, TimePoint now);

}  // namespace simpul::relay
