#include "rtp/transport_feedback.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/byte_writer.h"
#include "rtp/rtcp_types.h"

namespace simpul::rtp {
namespace {

constexpr Duration kTick = std::chrono::microseconds(250);
constexpr Duration kReferenceTick = std::chrono::milliseconds(64);
constexpr int64_t kTicksPerReference = kReferenceTick / kTick;
constexpr int64_t kReferencePeriod = int64_t{1} << 24;
constexpr size_t kChunkSize = 2;
constexpr size_t kWordSize = 4;
constexpr size_t kHeadSize = 20;
constexpr uint16_t kRunMax = 0x1fff;
constexpr size_t kOneBitCount = 14;
constexpr size_t kTwoBitCount = 7;

// The status of a packet, as two bits say it; 3 is reserved.
constexpr uint8_t kNotReceived = 0;
constexpr uint8_t kSmallDelta = 1;
constexpr uint8_t kLargeDelta = 2;

// Rounds down for times before the clock's zero too.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// |0| S |   run length (13)   |   |1|0| 14 symbols of a bit |   |1|1| 7 symbols of two bits |
struct Chunk {
  uint16_t bits;

  bool is_run() const { return (bits & 0x8000) == 0; }
  bool is_one_bit() const { return (bits & 0x4000) == 0; }
  size_t count() const {
    if (is_run()) return bits & kRunMax;
    return is_one_bit() ? kOneBitCount : kTwoBitCount;
  }
  uint8_t symbol(size_t index) const {
    if (is_run()) return static_cast<uint8_t>(bits >> 13 & 3);
    if (is_one_bit()) return static_cast<uint8_t>(bits >> (13 - index) & 1);
    return static_cast<uint8_t>(bits >> (12 - 2 * index) & 3);
  }
};

Chunk chunk_at(Bytes chunks) { return {load_be16(chunks.first<kChunkSize>())}; }

// How many bytes of `body` are chunks, so that they cover `status_count` packets.
std::optional<size_t> chunks_size(Bytes body, size_t status_count) {
  Bytes rest = body;
  for (size_t left = status_count; left > 0; rest = rest.subspan(kChunkSize)) {
    if (rest.size() < kChunkSize) return std::nullopt;
    left -= std::min(left, chunk_at(rest).count());
  }
  return body.size() - rest.size();
}

// Says when those came that a message speaks of, one after the other.
class ArrivalReader {
 public:
  ArrivalReader(const TransportFeedback& feedback, Bytes deltas)
      : number_(feedback.base.value()),
        ticks_(feedback.reference_time * uint32_t{kTicksPerReference}),
        deltas_(deltas) {}

  void skip(size_t count) { number_ = static_cast<uint16_t>(number_ + count); }

  // False when the symbol is none of a packet that came, or its delta is missing.
  bool read(uint8_t symbol, std::vector<ReportedArrival>& arrivals) {
    if (symbol == kSmallDelta && !deltas_.empty()) {
      ticks_ += deltas_[0];
      deltas_ = deltas_.subspan(1);
    } else if (symbol == kLargeDelta && deltas_.size() >= 2) {
      const auto delta = static_cast<int16_t>(load_be16(deltas_.first<2>()));
      ticks_ += static_cast<uint32_t>(int32_t{delta});
      deltas_ = deltas_.subspan(2);
    } else {
      return false;
    }
    // Written where it stays: what is made elsewhere in parts is waited for when it is copied.
    ReportedArrival& arrival = arrivals.emplace_back();
    arrival.transport_sequence = SequenceNumber(number_++);
    arrival.time = int64_t{ticks_} * kTick;
    return true;
  }

 private:
  // The clock wraps where the 32 bits do.
  static_assert(kReferencePeriod * kTicksPerReference == int64_t{1} << 32);

  uint16_t number_;
  uint32_t ticks_;
  Bytes deltas_;
};

bool append_chunks(const TransportFeedback& feedback, Bytes chunks, Bytes deltas,
                   std::vector<ReportedArrival>& arrivals) {
  ArrivalReader reader(feedback, deltas);
  size_t left = feedback.status_count;
  for (; !chunks.empty(); chunks = chunks.subspan(kChunkSize)) {
    const Chunk chunk = chunk_at(chunks);
    const size_t count = std::min(left, chunk.count());
    left -= count;
    if (chunk.is_run() && chunk.symbol(0) == kNotReceived) {
      reader.skip(count);
      continue;
    }
    for (size_t i = 0; i < count; ++i) {
      const uint8_t symbol = chunk.symbol(i);
      if (symbol == kNotReceived) {
        reader.skip(1);
      } else if (!reader.read(symbol, arrivals)) {
        return false;
      }
    }
  }
  return true;
}

// The symbols and deltas of as many packets as fit, before they are grouped in chunks.
struct Plan {
  std::array<uint8_t, kFeedbackStatusesMax> symbols;
  std::array<uint8_t, kRtcpSizeMax> deltas;
  size_t count = 0;
  size_t deltas_size = 0;
  int64_t reference_time = 0;
};

// Every chunk but the last covers seven packets or more, which bounds what they take.
constexpr size_t size_with(size_t count, size_t deltas_size) {
  return kHeadSize + kChunkSize * (count / kTwoBitCount + 1) + deltas_size + kWordSize - 1;
}

void plan_message(std::span<const TimePoint> arrivals, size_t room, Plan& plan) {
  const auto first = std::ranges::find_if(arrivals, [](TimePoint at) { return at != kNever; });
  if (first == arrivals.end()) return;
  ByteWriter deltas(plan.deltas);
  plan.reference_time = floor_div(first->time_since_epoch().count(), kReferenceTick.count());
  int64_t ticks = plan.reference_time * kTicksPerReference;
  for (const TimePoint at : arrivals.first(std::min(arrivals.size(), plan.symbols.size()))) {
    uint8_t symbol = kNotReceived;
    int64_t delta = 0;
    if (at != kNever) {
      delta = floor_div(at.time_since_epoch().count(), kTick.count()) - ticks;
      if (delta != static_cast<int16_t>(delta)) break;
      symbol = delta == static_cast<uint8_t>(delta) ? kSmallDelta : kLargeDelta;
    }
    if (size_with(plan.count + 1, deltas.size() + symbol) > room) break;
    if (symbol == kSmallDelta) deltas.u8(static_cast<uint8_t>(delta));
    if (symbol == kLargeDelta) deltas.u16(static_cast<uint16_t>(delta));
    plan.symbols[plan.count++] = symbol;
    ticks += delta;
  }
  plan.deltas_size = deltas.size();
}

// Writes the chunk that says most of what comes next, and returns how many packets it covers.
size_t write_chunk(std::span<const uint8_t> symbols, ByteWriter& writer) {
  const auto other = std::ranges::find_if(symbols, [&](uint8_t s) { return s != symbols[0]; });
  const auto run = std::min<size_t>(kRunMax, static_cast<size_t>(other - symbols.begin()));
  const auto next = symbols.first(std::min(symbols.size(), kOneBitCount));
  const bool fits_one_bit = std::ranges::find(next, kLargeDelta) == next.end();
  if (run == symbols.size() || run > kOneBitCount || (run >= kTwoBitCount && !fits_one_bit)) {
    writer.u16(static_cast<uint16_t>(size_t{symbols[0]} << 13 | run));
    return run;
  }
  const size_t width = fits_one_bit ? 1 : 2;
  const size_t capacity = kOneBitCount / width;
  const size_t count = std::min(symbols.size(), capacity);
  unsigned bits = fits_one_bit ? 0x8000 : 0xc000;
  for (size_t i = 0; i < count; ++i) bits |= unsigned{symbols[i]} << (width * (capacity - 1 - i));
  writer.u16(static_cast<uint16_t>(bits));
  return count;
}

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |      base sequence number     |      packet status count      |
// |                 reference time                |feedback count |
// |          chunks, 16 bits each, then deltas of 8 or 16         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
bool TransportFeedback::append_arrivals(std::vector<ReportedArrival>& arrivals) const {
  const size_t before = arrivals.size();
  const auto size = chunks_size(body, status_count);
  if (!size) return false;
  if (append_chunks(*this, body.first(*size), body.subspan(*size), arrivals)) return true;
  arrivals.resize(before);
  return false;
}

FeedbackWritten write_transport_feedback(const FeedbackHead& head,
                                         std::span<const TimePoint> arrivals, MutableBytes room) {
  Plan plan;
  plan_message(arrivals, std::min(room.size(), kRtcpSizeMax), plan);
  const auto symbols = std::span(plan.symbols).first(plan.count);
  if (std::ranges::all_of(symbols, [](uint8_t s) { return s == kNotReceived; })) return {};

  ByteWriter writer(room);
  writer.u8(0x80 | kFormatTransport);
  writer.u8(kRtpFeedback);
  writer.u16(0);
  writer.u32(head.sender.value());
  writer.u32(head.media.value());
  writer.u16(head.base.value());
  writer.u16(static_cast<uint16_t>(plan.count));
  writer.u24(static_cast<uint32_t>(plan.reference_time & (kReferencePeriod - 1)));
  writer.u8(head.feedback_count);
  for (auto rest = symbols; !rest.empty();) rest = rest.subspan(write_chunk(rest, writer));
  writer.bytes(Bytes(plan.deltas).first(plan.deltas_size));
  writer.zeros((kWordSize - writer.size() % kWordSize) % kWordSize);
  store_be16(room.subspan<2, 2>(), static_cast<uint16_t>(writer.size() / kWordSize - 1));
  return {.statuses = plan.count, .size = writer.size()};
}

}  // namespace simpul::rtp
