// How a slot begins with the onset of speech.
#include <algorithm>

#include "relay/microphone.h"
#include "relay/schedule.h"
#include "relay/slot.h"
#include "relay/subscriber.h"

namespace simpul::relay {

void Slot::add_onset_before(const FeedPacket& live, std::vector<const FeedPacket*>& packets) const {
  const Microphone* microphone = track_->microphone();
  if (microphone == nullptr) return;
  // Who had to make room while beginning to speak is in the middle of a word that was heard.
  Segment source;
  source.track = track_->id();
  source.layer = *target_;
  source.generation = feed(*target_).generation();
  int64_t heard = -1;
  for (const Slot& slot : subscriber_->slots) {
    heard = std::max(heard, slot.stream_.newest_of(source).value_or(-1));
  }
  const auto onset = microphone->onset.before(live, microphone->levels.began(), heard);
  for (const FeedPacket& packet : onset) {
    packets.push_back(&track_->schedule().onsets.emplace_back(packet));
  }
}

}  // namespace simpul::relay
