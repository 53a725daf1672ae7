#include "bench/peer/media_stamp.h"

#include <cstring>

namespace simpul::peer {
namespace {

// The check value comes first in the stamp. It covers all but itself and the rewritten head, whose
// size is in the stamp.
constexpr size_t kCheckSize = 4;
constexpr uint8_t kKeyFrame = 0x80;
constexpr uint8_t kDependsOn = 0x7f;

// Not for secrets: FNV-1a with words of eight bytes, for speed.
uint32_t check_of(Bytes body, Bytes stamp) {
  constexpr uint64_t kPrime = 0x100000001b3;
  uint64_t hash = 0xcbf29ce484222325;
  for (Bytes bytes : {body, stamp}) {
    while (!bytes.empty()) {
      uint64_t word = 0;
      const size_t size = bytes.size() < sizeof word ? bytes.size() : sizeof word;
      std::memcpy(&word, bytes.data(), size);
      hash = (hash ^ word ^ size << 56) * kPrime;
      hash ^= hash >> 29;
      bytes = bytes.subspan(size);
    }
  }
  return static_cast<uint32_t>(hash ^ hash >> 32);
}

}  // namespace

void write_stamp(const MediaStamp& stamp, MutableBytes payload) {
  const auto room = payload.last<kStampSize>();
  const auto time = static_cast<uint64_t>(stamp.made_at.time_since_epoch().count());
  store_be32(room.subspan<4, 4>(), stamp.source);
  store_be32(room.subspan<8, 4>(), stamp.number);
  store_be16(room.subspan<12, 2>(), static_cast<uint16_t>(time >> 32));
  store_be32(room.subspan<14, 4>(), static_cast<uint32_t>(time));
  store_be16(room.subspan<18, 2>(), stamp.frame);
  store_be16(room.subspan<20, 2>(), stamp.frame_packets);
  room[22] = stamp.head_size;
  room[23] =
      static_cast<uint8_t>((stamp.key_frame ? kKeyFrame : 0) | (stamp.depends_on & kDependsOn));
  const Bytes body = payload.first(payload.size() - kStampSize).subspan(stamp.head_size);
  store_be32(room.first<kCheckSize>(), check_of(body, room.subspan<kCheckSize>()));
}

std::optional<MediaStamp> read_stamp(Bytes payload) {
  if (payload.size() < kStampSize) return std::nullopt;
  const auto stamp = payload.last<kStampSize>();
  const Bytes front = payload.first(payload.size() - kStampSize);
  const uint8_t head_size = stamp[22];
  if (head_size > front.size()) return std::nullopt;
  if (load_be32(stamp.first<kCheckSize>()) !=
      check_of(front.subspan(head_size), stamp.subspan<kCheckSize>())) {
    return std::nullopt;
  }
  const auto time = static_cast<int64_t>(uint64_t{load_be16(stamp.subspan<12, 2>())} << 32 |
                                         load_be32(stamp.subspan<14, 4>()));
  return MediaStamp{.source = load_be32(stamp.subspan<4, 4>()),
                    .number = load_be32(stamp.subspan<8, 4>()),
                    .made_at = TimePoint(Duration(time)),
                    .frame = load_be16(stamp.subspan<18, 2>()),
                    .frame_packets = load_be16(stamp.subspan<20, 2>()),
                    .depends_on = static_cast<uint8_t>(stamp[23] & kDependsOn),
                    .head_size = head_size,
                    .key_frame = (stamp[23] & kKeyFrame) != 0};
}

}  // namespace simpul::peer
