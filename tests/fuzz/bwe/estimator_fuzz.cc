#include <cmath>
#include <vector>

#include "base/bytes.h"
#include "bwe/estimator.h"

using namespace simpul;
using namespace simpul::bwe;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Eight bytes are one step: what to do, how long after the last one, and the numbers for it. A
// report has the rest of its step and what follows for a body. Whatever a receiver says, the target
// is a number within its bounds, and probes are few and bounded.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4096) return 0;  // more steps only take longer
  const EstimatorConfig config;
  Estimator estimator(config);
  TimePoint now{std::chrono::hours(1)};
  std::vector<Probe> probes;
  uint16_t number = 0;
  for (Bytes bytes(data, size); bytes.size() >= 8; bytes = bytes.subspan(8)) {
    now += Duration(load_be16(bytes.subspan<2, 2>())) * 50;
    const uint16_t argument = load_be16(bytes.subspan<4, 2>());
    probes.clear();
    switch (bytes[0] & 7) {
      case 0:
        estimator.on_round_trip(Duration(argument) * 100);
        break;
      case 1:
        estimator.on_remb(std::ldexp(argument, bytes[1] & 63), now);
        break;
      case 2:
        estimator.set_wanted(argument * 1'000.0);
        break;
      case 3: {
        std::vector<NumberReport> reports;
        for (int i = 0; i < (bytes[1] & 63); ++i) {
          reports.push_back({.number = rtp::SequenceNumber(
                                 static_cast<uint16_t>(argument + i * (bytes[6] & 3)))});
          if ((bytes[1] & 64) == 0) reports.back().arrived_at = Duration(bytes[7] * i * 1'000);
        }
        estimator.on_reports(reports, std::chrono::seconds(65'536), now, probes);
        break;
      }
      case 4: {
        const rtp::TransportFeedback message{.sender = rtp::Ssrc(1),
                                             .media = rtp::Ssrc(2),
                                             .base = rtp::SequenceNumber(argument),
                                             .status_count = bytes[1],
                                             .reference_time = load_be16(bytes.subspan<6, 2>()),
                                             .body = bytes.subspan(8)};
        estimator.on_feedback(message, now, probes);
        break;
      }
      case 5:
        estimator.advance(now, probes);
        break;
      default:
        number = static_cast<uint16_t>(number + 1 + (bytes[6] & 1));
        estimator.on_sent(rtp::SequenceNumber(number), argument, now, ProbeId(bytes[7] & 3));
        break;
    }
    const double target = estimator.target_bps();
    check(std::isfinite(target) && target >= config.min_bps && target <= config.max_bps);
    const double allowed = estimator.allowed_bps(now);
    check(allowed == target || (allowed == config.min_bps && estimator.is_silent(now)));
    check(estimator.loss() >= 0 && estimator.loss() <= 1);
    check(probes.size() <= 3);
    for (int i = 0; i < 2 && estimator.next_deadline() <= now; ++i) estimator.advance(now, probes);
    check(estimator.next_deadline() > now);
    for (const Probe& probe : probes) {
      const bool is_single = probe.id == ProbeId() && probe.bytes == 1;
      check(std::isfinite(probe.bps) && (is_single || probe.bps <= ProbePlanner::kBpsMax));
      check(probe.bytes <= ProbePlanner::kBpsMax && probe.packets > 0);
    }
  }
  return 0;
}
