// How a slot begins with a key frame that came before it did, and catches up.
#include <algorithm>

#include "relay/publisher.h"
#include "relay/replay_queue.h"
#include "relay/schedule.h"
#include "relay/slot.h"
#include "relay/subscriber.h"

namespace simpul::relay {

namespace {

// A path of which nothing is known yet is taken for one of so much.
constexpr uint64_t kUnknownPathBps = 3'000'000;

// It is of a layer that the slot does not send.
bool is_above(const rtp::LayerInfo& layers, const LayerTarget& target) {
  const bool is_layered =
      layers.layering != rtp::Layering::kNone && layers.layering != rtp::Layering::kUnknown;
  return is_layered && (layers.spatial > target.spatial || layers.temporal > target.temporal);
}

}  // namespace

// Where its target's last key frame is too long ago, or too much for the path to be caught up with,
// a smaller layer's makes do until the next one. Onto a full path nothing is replayed: what waits
// there is late already.
bool Slot::start_from_cache(TimePoint now) {
  if (replay_ || !has_nothing_to_lose() || subscriber_->is_path_full) return false;
  if (replay_from(*target_, now)) return true;
  for (size_t layer = 0; layer < track_->feeds().size(); ++layer) {
    const bool is_smaller = track_->feeds()[layer].view().pixels < feed(*target_).view().pixels;
    if (is_smaller && replay_from(static_cast<uint8_t>(layer), now)) return false;
  }
  return false;
}

bool Slot::replay_from(uint8_t layer, TimePoint now) {
  const Feed& source = feed(layer);
  const auto start = layer != current_ && source.view().active ? source.cached_start(now)
                                                               : std::optional<int64_t>();
  if (!start) return false;
  const FeedPacket& key = *source.history().find(*start);
  const FeedPacket& newest = *source.history().find(source.history().newest());
  const SlotCodec* codec = codec_for(key.media.format);
  // By its timestamps, as far as they are to be trusted.
  const uint32_t rate = track_->clock_rate();
  const auto told = static_cast<int32_t>(newest.media.timestamp - key.media.timestamp);
  const int64_t age = told + ticks_of(now - newest.arrival, rate);
  if (codec == nullptr || told < 0 || age > 2 * ticks_of(now - key.arrival, rate) + rate) {
    return false;
  }
  const auto speed = replay_speed(layer, *start, age);
  if (!speed) return false;
  const uint32_t ticks = step_to(source, newest).ticks - static_cast<uint32_t>(told);
  stream_.begin(segment_for(*codec, layer), key, ticks, layers_of(layer));
  begin_repairs_anew();
  set_layers(layer, target_);
  replay_ = std::make_unique<Replay>(Replay::Plan{.first_number = *start,
                                                  .first_timestamp = key.media.timestamp,
                                                  .clock_rate = rate,
                                                  .age = age,
                                                  .begun = now,
                                                  .speed = *speed});
  stream_.begin_replay(replay_->live_from(), *speed, rate);
  feed(layer).add_replay();
  track_->schedule().replays.set(*this, now);
  ++track_->schedule().starts_from_cache;
  return true;
}

std::optional<int64_t> Slot::replay_speed(uint8_t layer, int64_t first, int64_t age) const {
  uint64_t taken = 0;
  for (const Slot& other : subscriber_->slots) {
    if (&other != this) taken += other.load_bps();
  }
  const auto& known = subscriber_->path_bps;
  const uint64_t path = known.value_or(kUnknownPathBps);
  ReplayQueue queue(path - std::min(taken, path), track_->clock_rate());
  const History& history = feed(layer).history();
  const uint32_t begins = history.find(first)->media.timestamp;
  const LayerTarget target = layers_of(layer);
  for (int64_t number = first; number <= history.newest(); ++number) {
    const FeedPacket* packet = history.find(number);
    if (packet == nullptr || is_above(packet->payload.layers, target)) continue;
    queue.add(static_cast<int32_t>(packet->media.timestamp - begins), packet->media.payload_size);
  }
  const auto fastest = queue.fastest(age);
  // Where nothing tells, the layer is sent whatever it takes: so is its past, as slowly as it may.
  return fastest || known ? fastest : Replay::kSpeedMin;
}

uint64_t Slot::load_bps() const {
  if (!current_) return 0;
  const uint64_t published = feed(*current_).bitrate_bps();
  if (replay_) return published * static_cast<uint64_t>(replay_->speed());
  return bitrate_bps_ != 0 ? bitrate_bps_ : published;
}

void Slot::go_on_replaying(TimePoint now) { replay_->allow(now); }

void Slot::replay(std::vector<rtp::OutgoingPacket>& out) {
  const Feed& source = feed(*current_);
  for (const FeedPacket& packet : source.due()) {
    if (packet.number < replay_->next()) stream_.write(packet, out);
  }
  // What leaves, and behind it the rest of its last picture, or the next packet.
  auto& packets = track_->schedule().packets;
  packets.clear();
  size_t count = 0;
  const History& history = source.history();
  for (int64_t number = replay_->next(); number <= history.newest(); ++number) {
    const FeedPacket* packet = history.find(number);
    if (packet == nullptr) continue;
    packets.push_back(packet);
    if (count + 1 == packets.size() && replay_->admit(number, packet->media.timestamp)) {
      ++count;
    } else if (count == 0 || packet->media.timestamp != packets[count - 1]->media.timestamp) {
      break;
    }
  }
  const auto packet_at = [&](size_t i) -> const FeedPacket& { return *packets[i]; };
  for (size_t i = 0; i < count; ++i) {
    if (stream_.opens_picture(*packets[i])) {
      stream_.open(picture_at(i, packets.size(), packet_at), source.dependencies(),
                   source.frames());
    }
    stream_.write(*packets[i], out);
  }
  auto& replays = track_->schedule().replays;
  if (count < packets.size()) {
    return replays.set(*this, replay_->next_burst(packets[count]->media.timestamp));
  }
  if (!replay_->has_caught_up()) return replays.set(*this, replay_->next_burst());
  stream_.end_replay(replay_->late_until());
  end_replay();
}

void Slot::end_replay() {
  if (!replay_) return;
  feed(*current_).remove_replay();
  track_->schedule().replays.remove(*this);
  replay_.reset();
}

}  // namespace simpul::relay
