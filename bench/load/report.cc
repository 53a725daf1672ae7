#include "bench/load/report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace simpul::load {
namespace {

constexpr double kMicroseconds = 1'000'000;

// Three digits of what there is.
std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

void append(std::vector<double>& all, const std::vector<double>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, values.begin() + static_cast<int64_t>(at));
  return values[at];
}

double PhaseReport::loss() const {
  return expected == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(expected);
}

double PhaseReport::relay_cpu_us_per_packet() const {
  return forwarded == 0 ? 0 : relay_cpu_seconds * kMicroseconds / static_cast<double>(forwarded);
}

double PhaseReport::relay_cpu_share() const {
  return seconds > 0 ? relay_cpu_seconds / seconds : 0;
}

PhaseReport& PhaseReport::operator+=(const PhaseReport& other) {
  const double both = seconds + other.seconds;
  const auto average = [&](double mine, double theirs) {
    return both > 0 ? (mine * seconds + theirs * other.seconds) / both : 0;
  };
  own.cpu_share = average(own.cpu_share, other.own.cpu_share);
  own.cpu_share_max = std::max(own.cpu_share_max, other.own.cpu_share_max);
  own.wait_share = average(own.wait_share, other.own.wait_share);
  own.socket_overflows += other.own.socket_overflows;
  own.late_ms_p99 = std::max(own.late_ms_p99, other.own.late_ms_p99);
  ended = std::max(ended, other.ended);
  seconds = both;
  rooms += other.rooms;
  publishers += other.publishers;
  viewers += other.viewers;
  connected += other.connected;
  left_early += other.left_early;
  roams += other.roams;
  joins_failed += other.joins_failed;
  join_retries += other.join_retries;
  failures.insert(failures.end(), other.failures.begin(), other.failures.end());
  expected += other.expected;
  received += other.received;
  network += other.network;
  viewers_with_loss += other.viewers_with_loss;
  viewer_loss_max = std::max(viewer_loss_max, other.viewer_loss_max);
  watched_pictures += other.watched_pictures;
  freezes += other.freezes;
  stood_still += other.stood_still;
  frozen_ms_max = std::max(frozen_ms_max, other.frozen_ms_max);
  delay += other.delay;
  last_viewer += other.last_viewer;
  append(first_frame_ms, other.first_frame_ms);
  append(gap_ms, other.gap_ms);
  append(switch_ms, other.switch_ms);
  append(viewer_loss, other.viewer_loss);
  forwarded += other.forwarded;
  feedback += other.feedback;
  feedback_bytes += other.feedback_bytes;
  relay_measured = relay_measured || other.relay_measured;
  relay_cpu_seconds += other.relay_cpu_seconds;
  relay_kib_per_viewer = std::max(relay_kib_per_viewer, other.relay_kib_per_viewer);
  return *this;
}

PhaseReport Report::total() const {
  PhaseReport sum{.name = "all", .kind = "all"};
  std::vector<const PhaseReport*> by_time;
  for (const PhaseReport& phase : phases) {
    sum += phase;
    by_time.push_back(&phase);
  }
  std::ranges::sort(by_time, {}, &PhaseReport::measured_from);
  double counted_to = 0;
  for (const PhaseReport* phase : by_time) {
    const double end = phase->measured_from + phase->seconds;
    sum.wall += std::max(0.0, end - std::max(counted_to, phase->measured_from));
    counted_to = std::max(counted_to, end);
  }
  return sum;
}

double value_of(const PhaseReport& report, Metric metric) {
  switch (metric) {
    case Metric::kLoss:
      return report.loss();
    case Metric::kViewerLossMax:
      return report.viewer_loss_max;
    case Metric::kDelayP50:
      return report.delay.percentile(0.5);
    case Metric::kDelayP99:
      return report.delay.percentile(0.99);
    case Metric::kFirstFrameP50:
      return percentile(report.first_frame_ms, 0.5);
    case Metric::kFirstFrameP95:
      return percentile(report.first_frame_ms, 0.95);
    case Metric::kFirstFrameP99:
      return percentile(report.first_frame_ms, 0.99);
    case Metric::kGapP99:
      return percentile(report.gap_ms, 0.99);
    case Metric::kSwitchP99:
      return percentile(report.switch_ms, 0.99);
    case Metric::kFreezes:
      return static_cast<double>(report.freezes);
    case Metric::kFailedJoins:
      return static_cast<double>(report.joins_failed);
    case Metric::kRelayCpuPerPacket:
      return report.relay_cpu_us_per_packet();
    case Metric::kRelayCpuShare:
      return report.relay_cpu_share();
    case Metric::kRelayKibPerViewer:
      return report.relay_kib_per_viewer;
  }
  return 0;
}

std::optional<std::string_view> why_unknown(const PhaseReport& report, Metric metric) {
  const auto unless = [](bool known, std::string_view why) {
    return known ? std::nullopt : std::optional(why);
  };
  switch (metric) {
    case Metric::kLoss:
    case Metric::kViewerLossMax:
      return unless(report.expected > 0, "nobody was expected to get a packet");
    case Metric::kDelayP50:
    case Metric::kDelayP99:
      return unless(report.delay.count() > 0, "no packet was decrypted and timed");
    case Metric::kFirstFrameP50:
    case Metric::kFirstFrameP95:
    case Metric::kFirstFrameP99:
      return unless(!report.first_frame_ms.empty(), "nobody had a first frame");
    case Metric::kGapP99:
      return unless(!report.gap_ms.empty(), "nobody moved");
    case Metric::kSwitchP99:
      return unless(!report.switch_ms.empty(), "no slot was seen to switch");
    case Metric::kFreezes:
      return unless(report.watched_pictures > 0, "nobody saw a picture");
    case Metric::kFailedJoins:
      return std::nullopt;
    case Metric::kRelayCpuPerPacket:
      if (report.relay_measured && report.forwarded == 0) return "nobody got a packet";
      return unless(report.relay_measured, "the process of the relay was not measured");
    case Metric::kRelayCpuShare:
      return unless(report.relay_measured, "the process of the relay was not measured");
    case Metric::kRelayKibPerViewer:
      if (report.relay_measured && report.connected == 0) return "nobody watched";
      return unless(report.relay_measured, "the process of the relay was not measured");
  }
  return std::nullopt;
}

namespace {

// Who has no picture, or none any more; without media, who has no connection.
void complain_of_people(const PhaseReport& report, std::vector<std::string>& wrong) {
  const auto complain = [&wrong](uint64_t count, const std::string& what) {
    if (count > 0) wrong.push_back(std::to_string(count) + " " + what);
  };
  const auto limited = [&report](Metric metric) {
    return std::ranges::find(report.limits, metric, &Limit::metric) != report.limits.end();
  };
  const uint64_t tried = report.viewers - std::min(report.viewers, report.left_early);
  const uint64_t pictures = report.first_frame_ms.size() + report.gap_ms.size();
  if (!limited(Metric::kFailedJoins)) {
    complain(report.joins_failed,
             "could not join" +
                 (report.failures.empty() ? "" : ", the first: " + report.failures.front()));
    if (report.is_silent) {
      complain(tried - std::min(tried, report.connected), "viewers were never connected");
    } else {
      complain(tried - std::min(tried, pictures), "viewers never had a whole frame");
    }
  }
  if (!limited(Metric::kFreezes))
    complain(report.stood_still, "viewers got nothing new at the end");
  complain(report.received.corrupt, "packets were corrupt");
}

}  // namespace

std::vector<std::string> complaints(const PhaseReport& report) {
  std::vector<std::string> wrong;
  complain_of_people(report, wrong);
  for (const Limit& limit : report.limits) {
    const std::string name(name_of(limit.metric));
    if (const auto why = why_unknown(report, limit.metric)) {
      wrong.push_back(name + " has a limit and is not known: " + std::string(*why));
      continue;
    }
    const double value = value_of(report, limit.metric);
    if (value <= limit.most) continue;
    wrong.push_back(name + " is " + short_number(value) + ", above " + short_number(limit.most));
  }
  return wrong;
}

std::vector<std::string> complaints(const Report& report) {
  std::vector<std::string> all;
  for (const PhaseReport& phase : report.phases) {
    const std::string name = report.phases.size() > 1 ? phase.name + ": " : "";
    for (const std::string& line : complaints(phase)) all.push_back(name + line);
  }
  return all;
}

}  // namespace simpul::load
