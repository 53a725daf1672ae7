#include "bwe/probe_results.h"

#include <algorithm>

namespace simpul::bwe {
namespace {

constexpr double kShareNeeded = 0.8;  // of the probe's packets and bytes
constexpr double kFasterMax = 2.0;    // arrived over sent: more is no measurement
constexpr double kFull = 0.9;         // arrived more slowly than that: the path is full
constexpr double kFullUsed = 0.95;
constexpr Duration kLengthMax = std::chrono::seconds(1);

double rate(uint32_t bytes, Duration duration) {
  return bytes * 8.0 / std::chrono::duration<double>(duration).count();
}

}  // namespace

void ProbeResults::on_planned(ProbeId probe, uint32_t bytes, uint32_t packets) {
  probes_[next_++ % kProbesMax] = {.id = probe, .planned_bytes = bytes, .planned_packets = packets};
}

std::optional<double> ProbeResults::rate_of(const Probe& probe, const Losses& losses) {
  const double needed = kShareNeeded * (1 - losses.present);
  if (probe.packets < 2 || probe.packets < needed * probe.planned_packets ||
      probe.bytes < needed * probe.planned_bytes) {
    return std::nullopt;
  }
  const Duration sent = probe.last_sent - probe.first_sent;
  const Duration arrived = probe.last_arrived - probe.first_arrived;
  if (sent <= Duration{0} || sent > kLengthMax) return std::nullopt;
  if (arrived <= Duration{0} || arrived > kLengthMax) return std::nullopt;
  // N packets have N - 1 distances: what lies outside of them does not count.
  const double sent_bps = rate(probe.bytes - probe.last_sent_size, sent);
  const double arrived_bps = rate(probe.bytes - probe.first_arrived_size, arrived);
  if (arrived_bps > kFasterMax * sent_bps) return std::nullopt;
  // That which the path loses by itself could have been more as well.
  return (arrived_bps < kFull * sent_bps ? kFullUsed * arrived_bps
                                         : std::min(arrived_bps, sent_bps)) /
         (1 - losses.own);
}

std::optional<double> ProbeResults::add(const PacketResult& received, const Losses& losses) {
  const auto probe = std::ranges::find(probes_, received.probe, &Probe::id);
  if (received.probe == ProbeId() || probe == probes_.end()) return std::nullopt;
  ++probe->packets;
  probe->bytes += received.size;
  probe->first_sent = std::min(probe->first_sent, received.sent_at);
  if (received.sent_at >= probe->last_sent) {
    probe->last_sent = received.sent_at;
    probe->last_sent_size = received.size;
  }
  if (*received.arrived_at < probe->first_arrived) {
    probe->first_arrived = *received.arrived_at;
    probe->first_arrived_size = received.size;
  }
  probe->last_arrived = std::max(probe->last_arrived, *received.arrived_at);
  return rate_of(*probe, losses);
}

}  // namespace simpul::bwe
