#pragma once

#include <cstddef>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"

namespace simpul::relay {

struct Publisher;
struct Room;
class Track;

// Who speaks in a room: listens to its microphones once there are several, and keeps what Speakers
// make of it as the room's stage.

// Begins to listen where there is more than one microphone, of whom `most` are heard, and ends
// where one is left; 0: nobody listens.
void count_microphones(Room& room, size_t most);
// Begins to listen to one person.
void listen(Publisher& publisher);
// A packet of a microphone is there that is listened to; and what is told of one whose packets go
// elsewhere. Those who follow get other sources at once when somebody begins to speak.
void hear(Track& track, const rtp::MediaPacket& packet, TimePoint now);
void hear_of(Track& track, const LayerNews& news, TimePoint now);
// With what somebody has just begun to speak, oldest first, as far as it came after `heard`;
// nothing of who is silent or has spoken for a while.
std::vector<rtp::MediaPacket> onset_of_speech(const Track& track, TimePoint heard, TimePoint now);
// True when there is another stage than before: its followers are to be seated.
bool decide_speakers(Room& room, TimePoint now);
// When that may be so although nobody begins to speak; kNever when it will not.
TimePoint next_decision(const Room& room, TimePoint now);
void seat_followers(const Room& room, TimePoint now);

}  // namespace simpul::relay
