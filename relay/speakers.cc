#include "relay/speakers.h"

#include <algorithm>
#include <tuple>

namespace simpul::relay {
namespace {

// Who comes first to a free place, or loses the last one: the reverse.
auto rank(const Speakers::Microphone& microphone) {
  return std::tuple(microphone.is_pinned, microphone.is_speaking, microphone.spoke);
}

bool is_much_louder(const Speakers::Microphone& one, const Speakers::Microphone& other,
                    TimePoint now) {
  return now - one.began >= Speakers::kLouderFor &&
         one.loudness >= other.loudness + Speakers::kMuchLouder;
}

}  // namespace

Speakers::Speakers(size_t most) : most_(std::max<size_t>(most, 1)) {}

bool Speakers::has(TrackId track) const {
  return std::ranges::any_of(members_,
                             [track](const Member& member) { return member.is.track == track; });
}

void Speakers::forget(TrackId track) {
  std::erase_if(members_, [track](const Member& member) { return member.is.track == track; });
  std::erase(heard_, track);
  std::erase(order_, track);
}

bool Speakers::decide(std::span<const Microphone> microphones, TimePoint now) {
  waiting_.clear();
  for (const Microphone& microphone : microphones) {
    const auto member = std::ranges::find(members_, microphone.track,
                                          [](const Member& one) { return one.is.track; });
    if (member != members_.end()) {
      member->is = microphone;
      member->place = static_cast<size_t>(&microphone - microphones.data());
    } else if (microphone.is_pinned || microphone.is_speaking || members_.size() < most_) {
      waiting_.push_back(&microphone);
    }
  }
  // Of those who speak, who began first; of the silent, who spoke or came last.
  std::ranges::sort(waiting_, [](const Microphone* one, const Microphone* other) {
    const bool both_speak = one->is_speaking && other->is_speaking;
    if (both_speak && one->is_pinned == other->is_pinned && one->began != other->began) {
      return one->began < other->began;
    }
    if (rank(*one) != rank(*other)) return rank(*one) > rank(*other);
    return one > other;
  });
  for (const Microphone* microphone : waiting_) {
    enter({*microphone, static_cast<size_t>(microphone - microphones.data()), now}, now);
  }
  const bool had_first = !order_.empty();
  const TrackId before = had_first ? order_.front() : TrackId();
  dominate(now);
  const bool has_first = !order_.empty();
  const bool is_same = had_first == has_first && (!has_first || before == order_.front());
  auto heard = sorted();
  const bool changed = heard != heard_ || !is_same;
  heard_ = std::move(heard);
  return changed;
}

void Speakers::enter(const Member& newcomer, TimePoint now) {
  if (members_.size() < most_) {
    members_.push_back(newcomer);
  } else if (Member* place = place_for(newcomer.is, now)) {
    *place = newcomer;
  }
}

// Whose place somebody takes who finds none free; null when nobody has to go.
Speakers::Member* Speakers::place_for(const Microphone& newcomer, TimePoint now) {
  const auto last = std::ranges::min_element(members_, [](const Member& one, const Member& other) {
    if (one.is.is_pinned == other.is.is_pinned && one.is.is_speaking && other.is.is_speaking) {
      return one.is.loudness < other.is.loudness;
    }
    return rank(one.is) < rank(other.is);
  });
  if (last->is.is_pinned) return nullptr;
  if (newcomer.is_pinned) return &*last;
  if (!newcomer.is_speaking) return nullptr;
  if (!last->is.is_speaking) return &*last;
  const bool has_stayed = now - last->entered >= kLouderFor;
  return has_stayed && is_much_louder(newcomer, last->is, now) ? &*last : nullptr;
}

void Speakers::dominate(TimePoint now) {
  const Member* present = nullptr;
  const Member* next = nullptr;
  for (const Member& member : members_) {
    if (!order_.empty() && member.is.track == order_.front()) present = &member;
    if (!member.is.is_speaking || now - member.is.began < kDominates) continue;
    if (next == nullptr || member.is.began < next->is.began) next = &member;
  }
  if (present != nullptr && present->is.is_speaking) {
    next = nullptr;
    for (const Member& member : members_) {
      if (!member.is.is_speaking || !is_much_louder(member.is, present->is, now)) continue;
      if (next == nullptr || member.is.loudness > next->is.loudness) next = &member;
    }
  }
  if (next == nullptr || next == present) return;
  std::erase(order_, next->is.track);
  order_.insert(order_.begin(), next->is.track);
  if (order_.size() > kRememberedMax) order_.pop_back();
}

std::vector<TrackId> Speakers::sorted() const {
  std::vector<const Member*> members;
  for (const Member& member : members_) members.push_back(&member);
  const auto key = [this](const Member* member) {
    const auto place = std::ranges::find(order_, member->is.track) - order_.begin();
    const bool dominates = place == 0 && !order_.empty() && member->is.is_speaking;
    const bool is_speaking = member->is.is_speaking;
    const bool is_pinned = member->is.is_pinned;
    const TimePoint began = is_speaking ? member->is.began : TimePoint{};
    return std::tuple(!(is_pinned && is_speaking), !dominates, !is_speaking, !is_pinned, began,
                      place, SIZE_MAX - member->place);
  };
  std::ranges::sort(members, {}, key);
  std::vector<TrackId> tracks;
  for (const Member* member : members) tracks.push_back(member->is.track);
  return tracks;
}

}  // namespace simpul::relay
