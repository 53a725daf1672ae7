#include "relay/h264_starts.h"

#include <utility>

namespace simpul::relay {

void H264Starts::note(FeedPacket& packet) {
  const Place place{.number = packet.number, .timestamp = packet.media.timestamp};
  std::optional<int64_t> start;
  // What is missing may be the picture of the parameters that came last.
  if (newest_ && place.number > newest_->number + 1) are_next_ = false;
  note_opening(place);
  switch (packet.payload.key_part) {
    case rtp::KeyPart::kNone:
      return;
    case rtp::KeyPart::kParameters:
      start = note_parameters(place);
      break;
    case rtp::KeyPart::kIdr:
      start = note_idr(place, packet.payload.key_frame);
      break;
    case rtp::KeyPart::kOtherPicture:
      note_other_picture(place);
      break;
    case rtp::KeyPart::kOther:
      break;
  }
  packet.starts_stream = start.has_value();
  packet.back_to_start = static_cast<uint16_t>(start ? packet.number - *start : 0);
  if (is_late(place)) return;
  newest_ = place;
  if (packet.payload.key_part != rtp::KeyPart::kOther) opening_.reset();
}

void H264Starts::note_opening(const Place& place) {
  if (is_late(place)) return;
  if (!newest_ || place.number != newest_->number + 1) {
    opening_.reset();
  } else if (place.timestamp != newest_->timestamp) {
    opening_ = place.number;
  }
}

std::optional<int64_t> H264Starts::note_parameters(const Place& place) {
  has_parameters_ = true;
  if (is_late(place)) return note_late_parameters(place);
  const bool is_of_same = parameters_ && parameters_->timestamp == place.timestamp;
  if (!is_of_same || !are_next_) parameters_ = place;
  are_next_ = true;
  return std::nullopt;
}

std::optional<int64_t> H264Starts::note_late_parameters(const Place& place) {
  if (idr_ && place.timestamp == idr_->timestamp) {
    const bool is_of_idr = place.number < idr_->number;
    if (!is_of_idr || std::exchange(idr_has_start_, true)) return std::nullopt;
    return place.number;
  }
  // Their picture is still to come, and something beside them overtook them.
  const bool are_first = !parameters_ || parameters_->timestamp != place.timestamp ||
                         place.number < parameters_->number;
  if (place.timestamp == newest_->timestamp && are_first) parameters_ = place;
  return std::nullopt;
}

std::optional<int64_t> H264Starts::note_idr(const Place& place, bool has_parameters) {
  has_parameters_ |= has_parameters;
  const bool is_first = !idr_ || idr_->timestamp != place.timestamp;
  const bool opens_frame = opening_ && !is_late(place) && place.number - *opening_ <= kBackMax;
  if (is_first) {
    idr_ = place;
    idr_has_start_ = false;
  }
  const bool has_own = parameters_ && parameters_->number <= place.number &&
                       place.number - parameters_->number <= kBackMax &&
                       (are_next_ || parameters_->timestamp == place.timestamp);
  are_next_ = false;
  if (idr_has_start_) return std::nullopt;
  const bool is_bare = is_first && opens_frame && has_parameters_;
  if (!has_own && !has_parameters && !is_bare) return std::nullopt;
  idr_has_start_ = true;
  const int64_t start = has_own ? parameters_->number : is_bare ? *opening_ : place.number;
  parameters_.reset();
  return start;
}

void H264Starts::note_other_picture(const Place& place) {
  if (parameters_ && parameters_->timestamp == place.timestamp) parameters_.reset();
  if (!is_late(place)) are_next_ = false;
}

}  // namespace simpul::relay
