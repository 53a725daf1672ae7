#include "dtls/srtp_replay.h"

#include <algorithm>

#include "base/check.h"

namespace simpul::dtls {

SrtpReplayWindow::Verdict SrtpReplayWindow::check(uint64_t index) const {
  if (index > highest_) return Verdict::kNew;
  if (highest_ - index >= kSize) return Verdict::kTooOld;
  const bool seen = (seen_[index % kSize / 64] >> index % 64 & 1) != 0;
  return seen ? Verdict::kReplayed : Verdict::kNew;
}

void SrtpReplayWindow::add(uint64_t index) {
  if (index > highest_) {
    if (index - highest_ >= kSize) {
      seen_.fill(0);
    } else {
      for (uint64_t skipped = highest_ + 1; skipped < index; ++skipped) clear(skipped);
    }
    highest_ = index;
  }
  mark(index);
}

uint64_t SrtpReplayWindow::estimate(uint16_t sequence_number) const {
  constexpr uint64_t kRollover = uint64_t{1} << 16;
  constexpr uint16_t kHalf = 1u << 15;
  const auto highest_number = static_cast<uint16_t>(highest_);
  const uint64_t same_round = highest_ - highest_number + sequence_number;
  if (highest_number < kHalf) {
    const bool from_before = sequence_number > highest_number + kHalf;
    // Nothing comes before the first round: the sender has jumped ahead.
    return from_before && same_round >= kRollover ? same_round - kRollover : same_round;
  }
  return sequence_number < highest_number - kHalf ? same_round + kRollover : same_round;
}

const SrtpReplayWindow* SrtpSources::find(uint32_t ssrc) const {
  const auto found = std::ranges::find(ssrcs_, ssrc);
  if (found == ssrcs_.end()) return nullptr;
  return &windows_[static_cast<size_t>(found - ssrcs_.begin())];
}

SrtpReplayWindow* SrtpSources::find(uint32_t ssrc) {
  return const_cast<SrtpReplayWindow*>(static_cast<const SrtpSources*>(this)->find(ssrc));
}

void SrtpSources::add(uint32_t ssrc, uint64_t index) {
  SIMPUL_CHECK(!is_full());
  ssrcs_.push_back(ssrc);
  windows_.emplace_back(index);
}

}  // namespace simpul::dtls
