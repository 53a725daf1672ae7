// How a slot begins with the onset of speech.
#include "relay/microphone.h"
#include "relay/slot.h"

namespace simpul::relay {

void Slot::add_onset_before(const FeedPacket& live, std::vector<const FeedPacket*>& packets) const {
  const Microphone* microphone = track_->microphone();
  if (microphone == nullptr) return;
  for (const FeedPacket& packet : microphone->onset.before(live, microphone->levels.began())) {
    packets.push_back(&packet);
  }
}

}  // namespace simpul::relay
