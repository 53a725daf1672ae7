#include "bench/peer/media_source.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "bench/peer/media_stamp.h"
#include "crypto/random.h"

namespace simpul::peer {
namespace {

constexpr size_t kPayloadMax = 1400;  // what a shape may ask for
constexpr size_t kAudioSize = 80;     // 32 kbit/s
constexpr size_t kKeyFrameFactor = 4;

}  // namespace

MediaSource::MediaSource(bool is_video, std::string mid, VideoShape shape)
    : is_video_(is_video),
      mid_(std::move(mid)),
      shape_(std::move(shape)),
      ssrc_(crypto::random_u32() | 1),
      index_(crypto::random_u32() & 0x3fff) {}

MediaSource MediaSource::audio(std::string mid) { return {false, std::move(mid), {}}; }

MediaSource MediaSource::video(std::string mid, const VideoShape& shape) {
  return {true, std::move(mid), shape};
}

void MediaSource::send_packet(Peer& peer, Bytes payload, bool marker,
                              std::vector<std::vector<uint8_t>>& datagrams) {
  PacketToSend packet{.ssrc = ssrc_,
                      .payload_type = is_video_ ? kVp8PayloadType : kOpusPayloadType,
                      .index = index_++,
                      .timestamp = timestamp_,
                      .marker = marker,
                      .mid = mid_,
                      .rid = shape_.rid,
                      .payload = payload};
  if (!is_video_) packet.audio_level = uint8_t{0x80 | 30};
  datagrams.push_back(peer.seal(packet));
  ++packets_;
}

void MediaSource::send_frame(TimePoint now, Peer& peer,
                             std::vector<std::vector<uint8_t>>& datagrams) {
  const bool key_frame = std::exchange(key_frame_wanted_, false);
  if (key_frame) ++key_frames_;
  size_t left = std::max<size_t>(shape_.bitrate_bps / 8 / shape_.frames_per_second, 64);
  if (key_frame) left *= kKeyFrameFactor;
  const size_t largest = std::min(shape_.payload_max, kPayloadMax);
  const size_t count = (left + largest - 1) / largest;
  const size_t each = left / count;
  for (size_t i = 0; i < count; ++i) {
    std::array<uint8_t, kVideoStampAt + kStampSize + kPayloadMax> payload{};
    payload[0] = static_cast<uint8_t>(0x80 | (i == 0 ? 0x10 : 0));
    payload[1] = 0x80;
    payload[2] = static_cast<uint8_t>(0x80 | picture_id_ >> 8);
    payload[3] = static_cast<uint8_t>(picture_id_);
    const std::span<uint8_t> frame = std::span(payload).subspan(kVideoDescriptorSize);
    frame[0] = key_frame ? 0x10 : 0x11;
    if (i == 0 && key_frame) {
      const std::array<uint8_t, 3> start_code = {0x9d, 0x01, 0x2a};
      std::ranges::copy(start_code, frame.begin() + 3);
      frame[6] = static_cast<uint8_t>(shape_.width);
      frame[7] = static_cast<uint8_t>(shape_.width >> 8);
      frame[8] = static_cast<uint8_t>(shape_.height);
      frame[9] = static_cast<uint8_t>(shape_.height >> 8);
    }
    // libwebrtc's packets of a frame differ by one byte, the larger ones last.
    const size_t size =
        std::max(each + (i >= count - left % count ? 1 : 0), kVideoStampAt + kStampSize);
    const MutableBytes whole = std::span(payload).first(size);
    std::ranges::fill(whole.subspan(kVideoStampAt), static_cast<uint8_t>(packets_));
    write_stamp({.source = ssrc_.value(),
                 .number = static_cast<uint32_t>(packets_),
                 .made_at = now,
                 .frame_packets = static_cast<uint16_t>(count),
                 .key_frame = key_frame},
                true, whole);
    send_packet(peer, whole, i + 1 == count, datagrams);
  }
  picture_id_ = static_cast<uint16_t>((picture_id_ + 1) & 0x7fff);
  if (shape_.burst_packets == 0 || count <= shape_.burst_packets) return;
  const auto rest = datagrams.end() - static_cast<int64_t>(count - shape_.burst_packets);
  paced_.insert(paced_.end(), std::move_iterator(rest), std::move_iterator(datagrams.end()));
  datagrams.erase(rest, datagrams.end());
  next_burst_ = now + kBurstInterval;
}

void MediaSource::send_due(TimePoint now, Peer& peer,
                           std::vector<std::vector<uint8_t>>& datagrams) {
  if (!peer.connected()) return;
  if (next_ == TimePoint{}) next_ = now;
  // After a stall a source goes on from now, as an encoder would, and does not catch up.
  if (now - next_ > std::chrono::milliseconds(200)) next_ = now;
  send_bursts(now, datagrams);
  while (next_ <= now) {
    if (is_video_) {
      send_frame(now, peer, datagrams);
      next_ += Duration(1'000'000 / shape_.frames_per_second);
      timestamp_ += 90'000 / shape_.frames_per_second;
    } else {
      std::array<uint8_t, kAudioSize> payload{0xfc};
      std::ranges::fill(std::span(payload).subspan(1), static_cast<uint8_t>(packets_));
      write_stamp(
          {.source = ssrc_.value(), .number = static_cast<uint32_t>(packets_), .made_at = now},
          false, payload);
      send_packet(peer, payload, false, datagrams);
      next_ += std::chrono::milliseconds(20);
      timestamp_ += 960;
    }
  }
}

// What a frame left to its bursts; whatever still waits when the next frame comes leaves before it.
void MediaSource::send_bursts(TimePoint now, std::vector<std::vector<uint8_t>>& datagrams) {
  while (!paced_.empty() && (next_burst_ <= now || next_ <= now)) {
    for (uint32_t i = 0; i < shape_.burst_packets && !paced_.empty(); ++i) {
      datagrams.push_back(std::move(paced_.front()));
      paced_.pop_front();
    }
    next_burst_ += kBurstInterval;
  }
}

std::optional<TimePoint> made_at(Bytes payload, bool is_video) {
  const auto stamp = read_stamp(payload, is_video);
  return stamp ? std::optional(stamp->made_at) : std::nullopt;
}

}  // namespace simpul::peer
