#include "rtp/congestion_feedback.h"

namespace simpul::rtp {
namespace {

constexpr size_t kBlockHeadSize = 8;  // SSRC, first number, how many
constexpr size_t kReportSize = 2;
constexpr size_t kWordSize = 4;
constexpr uint16_t kReceived = 0x8000;
constexpr uint16_t kOffsetMask = 0x1fff;
constexpr uint16_t kOffsetMax = 0x1ffd;  // above: too long ago, or not known
constexpr int64_t kOffsetUnits = 1'024;  // a second
constexpr int64_t kTimestampUnits = 65'536;

// `offset` before the message was made.
Duration arrival(uint32_t timestamp, uint16_t offset) {
  constexpr int64_t kSecond = Duration(std::chrono::seconds(1)).count();
  const int64_t time =
      int64_t{timestamp} * kSecond / kTimestampUnits - int64_t{offset} * kSecond / kOffsetUnits;
  return Duration(time < 0 ? time + kCongestionClockPeriod.count() : time);
}

// Reads a stream's block and takes it off `rest`, with the half word that fills up an odd one.
bool take_block(uint32_t timestamp, Bytes& rest, std::vector<PacketReport>& reports) {
  if (rest.size() < kBlockHeadSize) return false;
  const Ssrc ssrc(load_be32(rest.first<4>()));
  uint16_t number = load_be16(rest.subspan<4, 2>());
  const size_t count = load_be16(rest.subspan<6, 2>());
  rest = rest.subspan(kBlockHeadSize);
  const size_t size = (count * kReportSize + kWordSize - 1) / kWordSize * kWordSize;
  if (rest.size() < size) return false;
  for (size_t i = 0; i < count; ++i, ++number) {
    const uint16_t bits = load_be16(rest.subspan(i * kReportSize).first<2>());
    const auto offset = static_cast<uint16_t>(bits & kOffsetMask);
    if ((bits & kReceived) == 0) {
      reports.push_back({.ssrc = ssrc, .sequence = SequenceNumber(number)});
    } else if (offset <= kOffsetMax) {
      reports.push_back({.ssrc = ssrc,
                         .sequence = SequenceNumber(number),
                         .arrived_at = arrival(timestamp, offset)});
    }
  }
  rest = rest.subspan(size);
  return true;
}

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                             SSRC                              |
// |          begin_seq            |          num_reports          |
// |R|ECN|  arrival time offset    | ...                           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
bool CongestionFeedback::append_reports(std::vector<PacketReport>& reports) const {
  const size_t before = reports.size();
  for (Bytes rest = blocks; !rest.empty();) {
    if (take_block(timestamp, rest, reports)) continue;
    reports.resize(before);
    return false;
  }
  return true;
}

}  // namespace simpul::rtp
