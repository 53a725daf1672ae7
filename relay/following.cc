#include "relay/following.h"

#include <algorithm>
#include <span>
#include <vector>

#include "relay/pins.h"
#include "relay/publisher.h"
#include "relay/room.h"
#include "relay/seating.h"
#include "relay/subscriber.h"

namespace simpul::relay {
namespace {

using Tracks = std::span<Track* const>;

bool has(Tracks tracks, const Track* track) {
  return std::ranges::find(tracks, track) != tracks.end();
}

// The slots of one kind, each with the other one of its pair (or null).
struct Chair {
  Slot* slot = nullptr;
  const Slot* other = nullptr;
};

std::vector<Chair> chairs_of(Subscriber& subscriber, rtp::MediaKind kind) {
  std::vector<Chair> chairs;
  for (const Seat& seat : subscriber.seats) {
    const bool is_audio = kind == rtp::MediaKind::kAudio;
    const Chair chair = {is_audio ? seat.audio : seat.video, is_audio ? seat.video : seat.audio};
    if (chair.slot != nullptr && !chair.slot->is_pinned()) chairs.push_back(chair);
  }
  return chairs;
}

bool is_carried(const std::vector<Chair>& chairs, const Track* track) {
  return std::ranges::any_of(chairs,
                             [track](const Chair& chair) { return chair.slot->track() == track; });
}

// How well a slot would do for a track; 0: not at all, because it carries one of `kept`.
int fitness(const Chair& chair, const Track& track, Tracks kept) {
  if (has(kept, chair.slot->track())) return 0;
  if (chair.other != nullptr && chair.other->is_from(track.publisher())) return 3;
  return chair.slot->track() == nullptr ? 2 : 1;
}

// Gives each of `wanted` a slot, those of the others first to whom it belongs.
void place(const std::vector<Chair>& chairs, Tracks wanted, Tracks kept, TimePoint now) {
  for (Track* track : wanted) {
    if (is_carried(chairs, track)) continue;
    const auto best = std::ranges::max_element(
        chairs, {}, [&](const Chair& chair) { return fitness(chair, *track, kept); });
    if (best == chairs.end() || fitness(*best, *track, kept) == 0) return;
    best->slot->assign(track, now);
  }
}

// What a publisher left who has fallen silent is free too: a picture that stands still.
void fill_free(const std::vector<Chair>& chairs, Tracks others, TimePoint now) {
  for (Track* track : others) {
    const auto is_free = [now](const Chair& chair) {
      const Track* shown = chair.slot->track();
      return shown == nullptr || now - shown->publisher().silent_since() > kSeatSilence;
    };
    if (std::ranges::none_of(chairs, is_free)) return;
    if (is_carried(chairs, track)) continue;
    std::vector<Track*> kept;
    for (const Chair& chair : chairs) {
      if (!is_free(chair)) kept.push_back(chair.slot->track());
    }
    place(chairs, std::span(&track, 1), kept, now);
  }
}

// The first `most` of those whom no pinned slot carries.
std::vector<Track*> others_of(const Subscriber& subscriber, Tracks tracks, size_t most) {
  std::vector<Track*> others;
  for (Track* track : tracks) {
    if (others.size() < most && !is_pinned(subscriber, track)) others.push_back(track);
  }
  return others;
}

}  // namespace

bool follows(const Subscriber& subscriber) { return subscriber.room->is_followed; }

void follow(Subscriber& subscriber, TimePoint now) {
  for (Seat& seat : subscriber.seats) seat.publisher = nullptr;
  const Stage& stage = subscriber.room->stage;

  const auto audio = chairs_of(subscriber, rtp::MediaKind::kAudio);
  const auto heard = others_of(subscriber, stage.heard, audio.size());
  for (const Chair& chair : audio) {
    if (!has(heard, chair.slot->track())) chair.slot->assign(nullptr, now);
  }
  place(audio, heard, heard, now);

  const auto video = chairs_of(subscriber, rtp::MediaKind::kVideo);
  for (const Chair& chair : video) {
    if (is_pinned(subscriber, chair.slot->track())) chair.slot->assign(nullptr, now);
  }
  const auto seen = others_of(subscriber, stage.seen, video.size());
  place(video, seen, seen, now);
  fill_free(video, others_of(subscriber, stage.others, stage.others.size()), now);
}

}  // namespace simpul::relay
