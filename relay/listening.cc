#include "relay/listening.h"

#include <algorithm>
#include <utility>

#include "relay/publisher.h"
#include "relay/room.h"
#include "relay/schedule.h"
#include "relay/seating.h"
#include "relay/subscriber.h"
#include "rtp/header_extensions.h"

namespace simpul::relay {
namespace {

template <class Visit>
void visit_microphones(const Room& room, const Visit& visit) {
  for (const Publisher* publisher : room.publishers) {
    for (const auto& track : publisher->tracks) {
      if (track->microphone() != nullptr) visit(*track);
    }
  }
}

bool has_microphone(const Publisher* publisher) {
  return publisher->track(rtp::MediaKind::kAudio, 0) != nullptr;
}

// Somebody who is pinned has one place, whatever else they send.
bool is_first_of_pinned(const Track& track) {
  const Publisher& publisher = track.publisher();
  return publisher.is_pinned && publisher.track(rtp::MediaKind::kAudio, 0) == &track;
}

void note_speech(Track& track, bool spoke, TimePoint now) {
  const bool speaks = track.microphone()->levels.is_speaking();
  if (spoke == speaks) return;
  track.note_change();
  Room& room = *track.publisher().room;
  if (!room.speakers) return;
  track.schedule().note_change(room);
  if (speaks && decide_speakers(room, now)) seat_followers(room, now);
}

// The room is as one in which nobody has spoken yet.
void stop_listening(Room& room) {
  room.speakers.reset();
  room.stage = {};
  room.is_followed = false;
  for (const Publisher* publisher : room.publishers) {
    if (publisher->is_listened_to) continue;
    for (const auto& track : publisher->tracks) track->stop_listening();
  }
}

// Who has fallen silent altogether is of no use to anybody.
bool is_alive(const Publisher& publisher, TimePoint now) {
  return now - publisher.silent_since() <= kSeatSilence;
}

void add_cameras(const Publisher& publisher, std::vector<Track*>& tracks) {
  for (const auto& track : publisher.tracks) {
    const bool is_new = std::ranges::find(tracks, track.get()) == tracks.end();
    if (track->kind() == rtp::MediaKind::kVideo && is_new) tracks.push_back(track.get());
  }
}

Stage stage_of(const Room& room, const std::vector<Track*>& microphones, TimePoint now) {
  Stage stage;
  const auto track_of = [&](TrackId id) {
    return *std::ranges::find(microphones, id, [](const Track* track) { return track->id(); });
  };
  for (const TrackId id : room.speakers->heard()) stage.heard.push_back(track_of(id));
  for (const TrackId id : room.speakers->order()) {
    const Publisher& publisher = track_of(id)->publisher();
    if (is_alive(publisher, now)) add_cameras(publisher, stage.seen);
  }
  std::vector<Track*> all = stage.seen;
  const size_t most = all.size() + Speakers::kRememberedMax;
  for (auto it = room.publishers.rbegin(); it != room.publishers.rend(); ++it) {
    if (all.size() < most && is_alive(**it, now)) add_cameras(**it, all);
  }
  stage.others.assign(all.begin() + static_cast<ptrdiff_t>(stage.seen.size()), all.end());
  return stage;
}

}  // namespace

void listen(Publisher& publisher) {
  for (const auto& track : publisher.tracks) {
    if (track->kind() == rtp::MediaKind::kAudio) track->listen();
  }
}

void count_microphones(Room& room, size_t most) {
  if (most == 0) return;
  if (std::ranges::count_if(room.publishers, has_microphone) < 2) {
    if (room.speakers) stop_listening(room);
    return;
  }
  if (!room.speakers) room.speakers = std::make_unique<Speakers>(most);
  for (Publisher* publisher : room.publishers) listen(*publisher);
}

void hear(Track& track, const rtp::MediaPacket& packet, TimePoint now) {
  if (packet.payload_size == 0) return;
  AudioLevels& levels = track.microphone()->levels;
  const bool spoke = levels.is_speaking();
  std::optional<uint8_t> level;
  const auto told = rtp::read_audio_level(packet.extension(rtp::ExtensionKind::kAudioLevel));
  if (told) level = told->level;
  levels.add(level, packet.payload_size, now);
  note_speech(track, spoke, now);
}

void hear_of(Track& track, const LayerNews& news, TimePoint now) {
  if (track.feeds()[news.layer].is_lent()) return;  // its packets tell
  AudioLevels& levels = track.microphone()->levels;
  const bool spoke = levels.is_speaking();
  levels.tell(news.is_speaking, news.loudness, now);
  note_speech(track, spoke, now);
}

std::vector<rtp::MediaPacket> onset_of_speech(const Track& track, TimePoint heard, TimePoint now) {
  std::vector<rtp::MediaPacket> packets;
  const Microphone* microphone = track.microphone();
  if (microphone == nullptr) return packets;
  for (const auto& packet : microphone->onset.fresh(microphone->levels.began(), now)) {
    if (packet.arrival > heard) packets.push_back(packet.media);
  }
  return packets;
}

bool decide_speakers(Room& room, TimePoint now) {
  if (!room.speakers) return false;
  std::vector<Speakers::Microphone> microphones;
  std::vector<Track*> tracks;
  bool is_anybody_pinned = false;
  visit_microphones(room, [&](Track& track) {
    // Of whom nothing comes any more, nothing is to be heard.
    if (!is_alive(track.publisher(), now)) return room.speakers->forget(track.id());
    AudioLevels& levels = track.microphone()->levels;
    const bool spoke = levels.is_speaking();
    levels.advance(now);
    if (spoke != levels.is_speaking()) track.note_change();
    const bool is_pinned = is_first_of_pinned(track);
    is_anybody_pinned = is_anybody_pinned || is_pinned;
    microphones.push_back({.track = track.id(),
                           .is_speaking = levels.is_speaking(),
                           .began = levels.began(),
                           .spoke = levels.spoke(),
                           .loudness = levels.loudness(),
                           .is_pinned = is_pinned});
    tracks.push_back(&track);
  });
  room.speakers->decide(microphones, now);
  const bool was_followed = room.is_followed;
  room.is_followed = was_followed || is_anybody_pinned || !room.speakers->order().empty() ||
                     microphones.size() > room.speakers->most();
  Stage stage = stage_of(room, tracks, now);
  if (stage == room.stage && room.is_followed == was_followed) return false;
  room.stage = std::move(stage);
  return room.is_followed;
}

TimePoint next_decision(const Room& room, TimePoint now) {
  if (!room.speakers) return kNever;
  bool anybody_speaks = false;
  visit_microphones(room, [&](const Track& track) {
    anybody_speaks = anybody_speaks || track.microphone()->levels.is_speaking();
  });
  return anybody_speaks ? now + Speakers::kInterval : kNever;
}

void seat_followers(const Room& room, TimePoint now) {
  for (Subscriber* subscriber : room.subscribers) seat(*subscriber, now);
}

}  // namespace simpul::relay
