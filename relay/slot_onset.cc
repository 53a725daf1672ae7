// How a slot begins with the onset of speech.
#include <algorithm>
#include <optional>

#include "relay/microphone.h"
#include "relay/schedule.h"
#include "relay/slot.h"
#include "relay/subscriber.h"
#include "rtp/header_extensions.h"

namespace simpul::relay {
namespace {

std::optional<int> loudness_of(const FeedPacket& packet) {
  const auto told = rtp::read_audio_level(packet.media.extension(rtp::ExtensionKind::kAudioLevel));
  if (!told) return std::nullopt;
  return AudioLevels::kLoudnessMax - std::min<int>(told->level, AudioLevels::kLoudnessMax);
}

}  // namespace

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
  const int64_t behind_max = ticks_of(Onset::kBehindMax, track_->clock_rate());
  const auto onset = microphone->onset.before(live, microphone->levels.began(), heard);
  for (const FeedPacket& packet : onset) {
    const Step step = step_to(feed(*target_), packet, live.arrival - packet.arrival);
    if (step.behind > behind_max) continue;
    packets.push_back(&track_->schedule().onsets.emplace_back(packet));
  }
}

bool Slot::catches_up(const FeedPacket& packet) const {
  return kind_ == rtp::MediaKind::kAudio && track_->microphone() != nullptr && loudness_of(packet);
}

// What is as quiet as the room can be left out without anybody hearing it; where nothing is sent in
// pauses, the pause becomes shorter. What is lost or late makes no pause, and keeps its place.
bool Slot::catch_up(const FeedPacket& packet) {
  const auto newest = stream_.newest_of(stream_.segment());
  if (!newest || packet.number <= *newest) return true;
  const bool leaves_out = left_out_ > *newest;
  const uint32_t last = stream_.last().timestamp - stream_.segment().timestamp_offset;
  const int64_t passed = std::max(static_cast<int32_t>(packet.media.timestamp - last), 1);
  const int64_t length = passed / (packet.number - *newest);
  const int64_t missing = packet.number - std::max(*newest, left_out_) - 1;
  const int64_t late = leaves_out && missing > 0 ? missing * length : 0;
  const int64_t since = passed - late;
  const bool has_waited = packet.arrival - behind_since_ > Onset::kPauseAwaited;
  if (has_waited || !catches_up(packet)) {
    if (leaves_out) go_on_from(packet, since, late);
    behind_ = 0;  // the reports say how it is
    return true;
  }
  const bool is_pause = length > ticks_of(AudioLevels::kPacketMax, track_->clock_rate());
  const int64_t least = is_pause || length == 0 ? std::min<int64_t>(ticks_min(), since) : length;
  const bool is_back = (is_pause || leaves_out || missing == 0) && since - behind_ >= least;
  const bool may_leave_out = !is_back && missing == 0;
  if (may_leave_out && track_->microphone()->levels.is_quiet(*loudness_of(packet))) {
    left_out_ = packet.number;
    return false;
  }
  if (!is_back && !leaves_out) return true;
  const int64_t ticks = std::max(since - behind_, least);
  go_on_from(packet, ticks, late);
  behind_ -= since - ticks;
  return true;
}

// So many ticks behind what was sent last; of them, `late` are for what is missing in front of the
// packet and may still come.
void Slot::go_on_from(const FeedPacket& packet, int64_t ticks, int64_t late) {
  Segment segment = stream_.segment();
  segment.goes_on = true;
  FeedPacket first = packet;
  if (late > 0) {
    first.number = left_out_ + 1;
    first.media.timestamp -= static_cast<uint32_t>(late);
  }
  stream_.begin(segment, first, static_cast<uint32_t>(ticks), {});
}

}  // namespace simpul::relay
