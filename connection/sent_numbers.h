#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "rtp/types.h"

namespace simpul::connection {

// Under which transport-wide number each packet left, for a peer who reports by SSRC and sequence
// number (RFC 8888). Of each source the last kKept packets are known, of no more sources than were
// named: 6 KiB each.
class SentNumbers {
 public:
  static constexpr size_t kKept = 1'024;

  void add_source(rtp::Ssrc ssrc) { sources_.push_back({.ssrc = ssrc}); }

  void on_sent(rtp::Ssrc ssrc, rtp::SequenceNumber sequence, rtp::SequenceNumber number) {
    const auto source = std::ranges::find(sources_, ssrc, &Source::ssrc);
    if (source == sources_.end()) return;
    source->entries[sequence.value() % kKept] = {sequence, number, true};
  }

  std::optional<rtp::SequenceNumber> find(rtp::Ssrc ssrc, rtp::SequenceNumber sequence) const {
    const auto source = std::ranges::find(sources_, ssrc, &Source::ssrc);
    if (source == sources_.end()) return std::nullopt;
    const Entry& entry = source->entries[sequence.value() % kKept];
    if (!entry.is_known || entry.sequence != sequence) return std::nullopt;
    return entry.number;
  }

 private:
  struct Entry {
    rtp::SequenceNumber sequence;
    rtp::SequenceNumber number;
    bool is_known = false;
  };
  struct Source {
    rtp::Ssrc ssrc;
    std::array<Entry, kKept> entries{};
  };

  std::vector<Source> sources_;
};

}  // namespace simpul::connection
