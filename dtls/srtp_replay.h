#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/prefetch.h"

namespace simpul::dtls {

// The packet indices of one SSRC that have come in: the highest, and which of the 1,024 up to it
// (RFC 3711 §3.3.2).
class SrtpReplayWindow {
 public:
  static constexpr uint64_t kSize = 1024;

  enum class Verdict : uint8_t { kNew, kReplayed, kTooOld };

  explicit SrtpReplayWindow(uint64_t first) : highest_(first) { mark(first); }

  uint64_t highest() const { return highest_; }
  Verdict check(uint64_t index) const;
  // Takes in the index of an authentic packet that check() calls new.
  void add(uint64_t index);

  // The index that a packet with this sequence number most likely has (RFC 3711 §3.3.1, App. A).
  uint64_t estimate(uint16_t sequence_number) const;

 private:
  void mark(uint64_t index) { seen_[index % kSize / 64] |= uint64_t{1} << index % 64; }
  void clear(uint64_t index) { seen_[index % kSize / 64] &= ~(uint64_t{1} << index % 64); }

  uint64_t highest_;
  std::array<uint64_t, kSize / 64> seen_{};
};

// The windows of a connection's SSRCs, up to a limit. A handful is the rule, so the search is
// linear, over nothing but the SSRCs.
class SrtpSources {
 public:
  explicit SrtpSources(size_t sources_max) : sources_max_(sources_max) {}

  size_t size() const { return ssrcs_.size(); }
  bool is_full() const { return size() >= sources_max_; }
  // Null when there is none. Valid until the next add().
  SrtpReplayWindow* find(uint32_t ssrc);
  const SrtpReplayWindow* find(uint32_t ssrc) const;
  // There is room, and no entry of this SSRC.
  void add(uint32_t ssrc, uint64_t index);
  void prefetch() const {
    simpul::prefetch(ssrcs_.data());
    simpul::prefetch(windows_.data(), std::min<size_t>(size(), 2) * sizeof(SrtpReplayWindow));
  }

 private:
  size_t sources_max_;
  std::vector<uint32_t> ssrcs_;
  std::vector<SrtpReplayWindow> windows_;  // in the same order
};

}  // namespace simpul::dtls
