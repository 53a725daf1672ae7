#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "bench/peer/freeze_meter.h"

namespace simpul::load {

// What somebody who does not decrypt can tell of the frames of one video stream, by their headers:
// packets of one timestamp are a frame, which ends with the marker (RFC 3550 §5.1). A relay begins
// a stream with a key frame, so the first frame that is whole is the first picture, up to a loss of
// its very first packet, which nobody knows of. Pure; time is an argument.
class ListenedPicture {
 public:
  // A first frame that is not whole by then is given up for a later one.
  static constexpr Duration kFirstFrameLimit = std::chrono::milliseconds(500);

  // A packet that came for the first time, with its unwrapped number; repairs, too.
  void on_packet(int64_t number, uint32_t timestamp, bool marker, TimePoint now);

  std::optional<TimePoint> first_frame_at() const { return first_frame_at_; }
  // Of what begins to come, whole or not.
  const peer::FreezeMeter& freezes() const { return freezes_; }
  peer::FreezeMeter& freezes() { return freezes_; }

 private:
  struct Candidate {
    uint32_t timestamp = 0;
    int64_t first = 0;
    std::optional<int64_t> last = {};
    int64_t came = 0;
    TimePoint began{};
  };

  void take_candidate(int64_t number, uint32_t timestamp, bool marker, TimePoint now);

  std::optional<uint32_t> newest_;  // timestamp
  std::optional<Candidate> candidate_;
  std::optional<TimePoint> first_frame_at_;
  peer::FreezeMeter freezes_;
};

}  // namespace simpul::load
