#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "rtp/rtcp_reader.h"
#include "rtp/transport_feedback_builder.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

// The bytes as a message's head and body.
void parse(Bytes bytes) {
  if (bytes.size() < 8) return;
  const TransportFeedback feedback{.sender = Ssrc(1),
                                   .media = Ssrc(2),
                                   .base = SequenceNumber(load_be16(bytes.first<2>())),
                                   .status_count = load_be16(bytes.subspan<2, 2>()),
                                   .reference_time = load_be24(bytes.subspan<4, 3>()),
                                   .body = bytes.subspan(8)};
  std::vector<ReportedArrival> arrivals;
  if (!feedback.append_arrivals(arrivals)) check(arrivals.empty());
  check(arrivals.size() <= feedback.body.size());
  for (const auto& arrival : arrivals) {
    const auto distance =
        static_cast<uint16_t>(arrival.transport_sequence.value() - feedback.base.value());
    check(distance < feedback.status_count);
    check(arrival.time >= Duration::zero());
  }
}

// The bytes as packets (step of the number, step of the time): whatever is reported came, and
// when it came.
class Replay {
 public:
  void run(Bytes bytes) {
    for (; bytes.size() >= 4; bytes = bytes.subspan(4)) {
      number_ = static_cast<uint16_t>(number_ + static_cast<int8_t>(bytes[0]) +
                                      (bytes[1] == 0xff ? 0x2000 : 0));
      now_ += Duration(int64_t{load_be16(bytes.subspan<2, 2>())} << (bytes[1] & 7));
      builder_.on_packet(SequenceNumber(number_), now_);
      came_[number_].push_back(ticks(now_.time_since_epoch()));
      if (bytes[1] & 8) collect();
    }
    now_ += TransportFeedbackBuilder::kInterval;
    collect();
    check(builder_.next_deadline() == kNever);
  }

 private:
  static int64_t ticks(Duration time) { return time.count() / 250 % ((int64_t{1} << 24) * 256); }

  void collect() {
    for (size_t messages = 0;; ++messages) {
      check(messages <= static_cast<size_t>(TransportFeedbackBuilder::kHistory));
      std::array<uint8_t, 1500> room{};
      RtcpWriter writer(room);
      if (!builder_.write_due(now_, Ssrc(1), Ssrc(2), writer)) return;
      check(writer.size() <= kRtcpSizeMax && writer.size() % 4 == 0);
      read(writer.written());
    }
  }

  void read(Bytes message) {
    RtcpReader reader(message);
    const auto packet = reader.next();
    check(packet.has_value() && std::holds_alternative<TransportFeedback>(*packet));
    std::vector<ReportedArrival> arrivals;
    check(std::get<TransportFeedback>(*packet).append_arrivals(arrivals));
    check(!arrivals.empty());
    for (const auto& arrival : arrivals) {
      const auto& times = came_[arrival.transport_sequence.value()];
      check(std::find(times.begin(), times.end(), ticks(arrival.time)) != times.end());
    }
  }

  TransportFeedbackBuilder builder_;
  std::map<uint16_t, std::vector<int64_t>> came_;
  uint16_t number_ = 0;
  TimePoint now_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 1024) return 0;  // more steps only take longer
  parse(Bytes(data, size));
  Replay().run(Bytes(data, size));
  return 0;
}
