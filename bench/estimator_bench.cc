#include <benchmark/benchmark.h>

#include <array>
#include <optional>
#include <variant>
#include <vector>

#include "bwe/estimator.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::bwe {
namespace {

constexpr int kPackets = 30;

// Many, so that starting and stopping the clock, a few hundred nanoseconds, counts little.
constexpr int kReceivers = 32;

// One receiver, and its next report.
struct Receiver {
  Estimator estimator{{}};
  uint16_t number = 0;
  std::array<uint8_t, rtp::kRtcpSizeMax> buffer{};
  rtp::TransportFeedback message{};

  void send(TimePoint& now) {
    const uint16_t base = number;
    std::array<TimePoint, kPackets> arrivals;
    for (TimePoint& arrival : arrivals) {
      now += std::chrono::microseconds(3'333);
      estimator.on_sent(rtp::SequenceNumber(number++), 1'200, now);
      arrival = now + std::chrono::milliseconds(50);
    }
    rtp::RtcpWriter writer(buffer);
    writer.transport_feedback(
        {.sender = rtp::Ssrc(1), .media = rtp::Ssrc(2), .base = rtp::SequenceNumber(base)},
        arrivals);
    rtp::RtcpReader reader(writer.written());
    const auto packet = reader.next();
    message = std::get<rtp::TransportFeedback>(*packet);
  }
};

// A report about thirty packets each 100 ms, and sending them: what one viewer costs ten times a
// second. Budget: 1.5 µs a report.
void BM_EstimatorFeedback(benchmark::State& state) {
  std::vector<Receiver> receivers(kReceivers);
  TimePoint now{std::chrono::hours(1)};
  std::vector<Probe> probes;
  while (state.KeepRunningBatch(kReceivers)) {
    state.PauseTiming();
    const TimePoint before = now;
    for (Receiver& receiver : receivers) receiver.send(now = before);
    state.ResumeTiming();
    for (Receiver& receiver : receivers) {
      receiver.estimator.on_feedback(receiver.message, now, probes);
    }
    probes.clear();
  }
  benchmark::DoNotOptimize(receivers.front().estimator.target_bps());
}
BENCHMARK(BM_EstimatorFeedback);

void BM_EstimatorSent(benchmark::State& state) {
  Estimator estimator({});
  TimePoint now{std::chrono::hours(1)};
  uint16_t number = 0;
  for (auto _ : state) {
    now += std::chrono::milliseconds(3);
    estimator.on_sent(rtp::SequenceNumber(number++), 1'200, now);
  }
  benchmark::DoNotOptimize(estimator.target_bps());
}
BENCHMARK(BM_EstimatorSent);

}  // namespace
}  // namespace simpul::bwe

BENCHMARK_MAIN();
