#pragma once

#include <cstdint>
#include <optional>

#include "relay/feed_packet.h"

namespace simpul::relay {

// Decides where a receiver of one H.264 stream can begin: with sequence parameters that an IDR
// picture follows (RFC 6184; H.264 §7.4.1.2.1), in one packet or in several. Parameters in front of
// another picture are none. An IDR picture that has none in front of it, but delimiters or SEI at
// most, is a beginning where some came earlier; one that may have lost them is not.
class H264Starts {
 public:
  // A packet in the order of arrival, late ones too. Sets its starts_stream and back_to_start.
  void note(FeedPacket& packet);

 private:
  // How far in front of their picture parameters can be; those of farther ones are forgotten.
  static constexpr int64_t kBackMax = 64;

  struct Place {
    int64_t number = 0;
    uint32_t timestamp = 0;
  };

  std::optional<int64_t> note_parameters(const Place& place);
  // `has_parameters`: in the same packet.
  std::optional<int64_t> note_late_parameters(const Place& place);
  std::optional<int64_t> note_idr(const Place& place, bool has_parameters);
  void note_other_picture(const Place& place);
  void note_opening(const Place& place);
  bool is_late(const Place& place) const { return newest_ && place.number <= newest_->number; }

  std::optional<Place> newest_;
  // The first packet of the newest picture, while nothing but delimiters and SEI came of it;
  // nothing when something may be missing there.
  std::optional<int64_t> opening_;
  std::optional<Place> parameters_;  // the first of a picture; no picture was told by them yet
  bool are_next_ = false;            // no picture has come since
  bool has_parameters_ = false;      // some came, ever
  std::optional<Place> idr_;         // the first packet of the newest IDR picture
  bool idr_has_start_ = false;
};

}  // namespace simpul::relay
