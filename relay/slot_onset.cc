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
// pauses, the pause becomes shorter. Packets that were lost make no pause.
bool Slot::catch_up(const FeedPacket& packet) {
  const auto newest = stream_.newest_of(stream_.segment());
  if (!newest || packet.number <= *newest) return true;
  const bool leaves_out = left_out_ > *newest;
  const uint32_t last = stream_.last().timestamp - stream_.segment().timestamp_offset;
  const int64_t since = std::max(static_cast<int32_t>(packet.media.timestamp - last), 1);
  const bool has_waited = packet.arrival - behind_since_ > Onset::kPauseAwaited;
  if (has_waited || !catches_up(packet)) {
    if (leaves_out) go_on_from(packet, since, since);
    behind_ = 0;  // the reports say how it is
    return true;
  }
  const int64_t count = packet.number - *newest;
  const int64_t length = since / count;
  const bool is_pause = length > ticks_of(AudioLevels::kPacketMax, track_->clock_rate());
  const int64_t least = is_pause || length == 0 ? ticks_min() : length;
  const bool is_back = (is_pause || leaves_out || count == 1) && since - behind_ >= least;
  if (!is_back && track_->microphone()->levels.is_quiet(*loudness_of(packet))) {
    left_out_ = std::max(left_out_, packet.number);
    return false;
  }
  if (is_back || leaves_out) go_on_from(packet, std::max(since - behind_, least), since);
  return true;
}

void Slot::go_on_from(const FeedPacket& packet, int64_t ticks, int64_t since) {
  const Segment segment = stream_.segment();
  stream_.begin(segment, packet, static_cast<uint32_t>(ticks), {});
  behind_ -= since - ticks;
}

}  // namespace simpul::relay
