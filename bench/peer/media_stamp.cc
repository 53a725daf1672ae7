#include "bench/peer/media_stamp.h"

#include <cstring>

namespace simpul::peer {
namespace {

// The check value comes first in the stamp; then the time, source, number, size of the frame, and
// whether it is a key frame. The rest is zero.
constexpr size_t kCheckSize = 8;

constexpr size_t stamp_at(bool is_video) { return is_video ? kVideoStampAt : kAudioStampAt; }

// Not for secrets: FNV-1a with words of eight bytes, for speed.
uint64_t mix(uint64_t hash, Bytes bytes) {
  constexpr uint64_t kPrime = 0x100000001b3;
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
    std::memcpy(&word, bytes.data(), size);
    hash = (hash ^ word ^ size << 56) * kPrime;
    hash ^= hash >> 29;
    bytes = bytes.subspan(size);
  }
  return hash;
}

uint64_t check_of(Bytes payload, bool is_video) {
  const size_t first = is_video ? kVideoDescriptorSize : 0;
  const size_t at = stamp_at(is_video);
  constexpr uint64_t kBasis = 0xcbf29ce484222325;
  return mix(mix(kBasis, payload.subspan(first, at - first)), payload.subspan(at + kCheckSize));
}

}  // namespace

void write_stamp(const MediaStamp& stamp, bool is_video, MutableBytes payload) {
  const MutableBytes room = payload.subspan(stamp_at(is_video), kStampSize);
  std::memset(room.data(), 0, room.size());
  const auto time = static_cast<uint64_t>(stamp.made_at.time_since_epoch().count());
  store_be64(room.subspan<8, 8>(), time);
  store_be32(room.subspan<16, 4>(), stamp.source);
  store_be32(room.subspan<20, 4>(), stamp.number);
  store_be16(room.subspan<24, 2>(), stamp.frame_packets);
  room[26] = stamp.key_frame ? 1 : 0;
  store_be64(room.first<kCheckSize>(), check_of(payload, is_video));
}

std::optional<MediaStamp> read_stamp(Bytes payload, bool is_video) {
  if (payload.size() < stamp_at(is_video) + kStampSize) return std::nullopt;
  const Bytes stamp = payload.subspan(stamp_at(is_video), kStampSize);
  if (load_be64(stamp.first<kCheckSize>()) != check_of(payload, is_video)) return std::nullopt;
  return MediaStamp{
      .source = load_be32(stamp.subspan<16, 4>()),
      .number = load_be32(stamp.subspan<20, 4>()),
      .made_at = TimePoint(Duration(static_cast<int64_t>(load_be64(stamp.subspan<8, 8>())))),
      .frame_packets = load_be16(stamp.subspan<24, 2>()),
      .key_frame = stamp[26] != 0};
}

}  // namespace simpul::peer
