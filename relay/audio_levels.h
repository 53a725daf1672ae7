#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::relay {

// Whether somebody speaks into one microphone, by the levels that its packets tell (RFC 6464), over
// three spans as Volfin and Cohen have it (Dominant Speaker Identification for Multipoint
// Videoconferencing, 2012): a packet is loud when it stands out of the room's noise, speech begins
// after kBegins of it, which no click lasts, and ends behind a pause between two words. Who is
// heard and seen for it is decided by Speakers.
class AudioLevels {
 public:
  static constexpr Duration kBegins = std::chrono::milliseconds(60);
  // Of loud sound that is remembered; silence takes twice as long to use it up.
  static constexpr Duration kRememberedMax = std::chrono::milliseconds(300);
  static constexpr int kSilenceLasts = 2;
  static constexpr Duration kHangover = kRememberedMax * kSilenceLasts;
  // A packet speaks for so long at most; no packet at all is silence (DTX).
  static constexpr Duration kPacketMax = std::chrono::milliseconds(60);
  // What was never louder than this in so long is the room's noise, or a tone.
  static constexpr Duration kNoiseSpan = std::chrono::seconds(15);
  // Loudness is 127 minus the level in -dBov.
  static constexpr int kLoudnessMax = 127;
  static constexpr int kLoudMin = kLoudnessMax - 60;  // what is not louder is no speech
  static constexpr int kAboveNoise = 12;
  static constexpr int kNoiseFirst = kLoudnessMax - 75;  // before any was measured
  // Without levels all packets count as quiet speech but those that only keep a line open.
  static constexpr size_t kSilencePayloadMax = 10;

  // A packet came: with its level in -dBov, or nothing where its sender tells none.
  void add(std::optional<uint8_t> level, size_t payload_size, TimePoint now);
  // Another worker, to which the packets come, knows better.
  void tell(bool is_speaking, uint8_t loudness, TimePoint now);
  // Silence passes without packets.
  void advance(TimePoint now);

  // As of the last call.
  bool is_speaking() const { return is_speaking_; }
  // Of the present speech its first loud packet, of none the last one's.
  TimePoint began() const { return began_; }
  // When speech was last heard; long ago before the first.
  TimePoint spoke() const { return spoke_; }
  // Whether a packet of that loudness is no louder than the room's noise.
  bool is_quiet(int loudness) const {
    return loudness < std::max(kLoudMin, std::min(noise_, lowest_) + kAboveNoise);
  }
  // Of what was spoken lately, smoothed; 0 before.
  uint8_t loudness() const { return static_cast<uint8_t>(loudness_); }

 private:
  bool is_loud(int loudness, TimePoint now);
  void be_silent(Duration span);

  bool is_speaking_ = false;
  bool is_told_ = false;  // by another worker, without packets since
  Duration remembered_{};
  TimePoint last_{};  // up to here it is known
  TimePoint began_{};
  TimePoint spoke_{};
  float loudness_ = 0;
  int noise_ = kNoiseFirst;    // of the span before
  int lowest_ = kLoudnessMax;  // of the present span
  TimePoint span_began_{};
};

}  // namespace simpul::relay
