#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/prefetch.h"
#include "base/time.h"
#include "bwe/acknowledged_rate.h"
#include "bwe/delay_estimator.h"
#include "bwe/loss_estimator.h"
#include "bwe/packet_groups.h"
#include "bwe/packet_result.h"
#include "bwe/probe_planner.h"
#include "bwe/probe_results.h"
#include "bwe/queue_delay.h"
#include "bwe/receiver_estimate.h"
#include "bwe/report_silence.h"
#include "bwe/send_history.h"
#include "bwe/trendline.h"

namespace simpul::bwe {

struct EstimatorConfig {
  double start_bps = 300'000;
  double min_bps = 30'000;
  double max_bps = 50'000'000;
  bool may_probe = true;                    // there is something to probe with
  bool may_fill = false;                    // the same towards who only estimates itself
  Duration single_each = Duration::zero();  // a probe of one packet, that finds nothing; 0: none
};

// Says how many bits a second the path to one receiver carries, from what that receiver reports of
// the packets that it was sent. All packets under a transport-wide number count, retransmissions
// and padding too. Uplink losses of other participants never reach it: they are no packets of this
// path.
class Estimator {
 public:
  explicit Estimator(const EstimatorConfig& config);

  void on_sent(rtp::SequenceNumber transport_sequence, size_t size, TimePoint now,
               ProbeId probe = {});
  // The same of packets that it does not report on one by one.
  void on_sent_unnumbered(size_t bytes, TimePoint now) {
    silence_.on_sent(now);
    own_.on_sent(bytes, now);
  }
  // What on_sent() will need (base/prefetch.h): the estimator's own, and when that is there what is
  // behind it.
  void prefetch() const {
    simpul::prefetch(&history_, sizeof history_);
    simpul::prefetch(&target_bps_);
    simpul::prefetch(&budget_bits_, sizeof(double) * 4);
  }
  void prefetch_sent() const { history_.prefetch(); }
  // False when the message is not well-formed.
  bool on_feedback(const rtp::TransportFeedback& message, TimePoint now,
                   std::vector<Probe>& probes);
  // The same, from a receiver who does not report by transport-wide numbers.
  void on_reports(std::span<NumberReport> reports, Duration clock_period, TimePoint now,
                  std::vector<Probe>& probes);
  void on_round_trip(Duration round_trip) { delay_.on_round_trip(round_trip); }
  // A receiver's own estimate (draft-alvestrand-rmcat-remb-03): the target never exceeds it while
  // it is fresh, and is what it says where there is nothing else to go by (ReceiverEstimate).
  void on_remb(double bps, TimePoint now);
  // What could be used if the path carried it; bounds the probes.
  void set_wanted(double bps) {
    planner_.set_wanted(bps);
    own_.set_wanted(bps);
  }

  void advance(TimePoint now, std::vector<Probe>& probes);
  TimePoint next_deadline() const {
    if (is_deceived()) return kNever;
    return std::min({planner_.next_deadline(), silence_.next_look(), own_.next_look(), single_at_});
  }

  double target_bps() const { return target_bps_; }
  // What may be sent: the target, and the least while the receiver is silent. The target stays, and
  // counts again as soon as it reports.
  double allowed_bps(TimePoint now) const { return is_silent(now) ? config_.min_bps : target_bps_; }
  bool is_silent(TimePoint now) const { return silence_.lasts(now); }
  bool has_begun_probing() const { return planner_.has_started(); }
  // Whether what may be sent rests on something: it was probed for, the path was found too narrow
  // not long ago, the receiver says so, or it says nothing any more. Until then it is where the
  // estimate began, and what is sent may be far more without any harm.
  bool knows_path(TimePoint now) const;
  double loss() const { return loss_.average_loss(); }
  // What the last message told.
  std::span<const PacketResult> results() const { return results_; }
  std::optional<double> acknowledged_bps() const { return acknowledged_bps_; }
  bool is_application_limited() const { return is_application_limited_; }
  Duration queue_delay() const { return queue_.value(); }
  // More was sent than the path carries, and the queue that this made is so long that what comes on
  // top of it is lost, or of no use when it arrives.
  bool is_full(TimePoint now) const;
  // While that queue is there: what may be sent without making it longer.
  std::optional<double> draining_bps(TimePoint now) const;
  // Whether the receiver was found to say that packets came which never left. What it says is not
  // believed any more, and the target stays at the least; an honest receiver never says so.
  bool is_deceived() const { return history_.false_reports() >= kFalseReportsMax; }
  uint32_t false_reports() const { return history_.false_reports(); }

 private:
  static constexpr Duration kRembAge = std::chrono::seconds(5);
  // The first probes follow one another; what the first of them finds is not yet the whole.
  static constexpr Duration kFirstProbes = std::chrono::seconds(3);
  // So long a path that was too narrow is taken for that where no probe tells more. Then it is
  // taken for wider as time goes by, and for one of which nothing is known when that is so many
  // times what arrives.
  static constexpr Duration kNarrowFor = std::chrono::seconds(10);
  static constexpr double kGuessMax = 8;
  static constexpr uint32_t kFalseReportsMax = 3;

  void take_results(TimePoint now, std::vector<Probe>& probes);
  void note_sent_rate(size_t size, TimePoint now);
  void judge_application_limit(TimePoint now);
  void add_results(TimePoint now);
  void note_queue(TimePoint now);
  bool take_probe(TimePoint now);
  bool sends_layers() const { return planner_.has_wanted() || !planner_.has_started(); }
  bool is_own_queue(double used, bool has_narrowed, TimePoint now) const;
  bool has_narrowed() const;
  bool is_draining(TimePoint now) const;
  void update_delay(TimePoint now);
  void guess(TimePoint now);
  double drained(double bps, TimePoint now) const;
  void note_planned(std::span<const Probe> probes);
  void add_single(std::vector<Probe>& probes);
  void fill(TimePoint now, std::vector<Probe>& probes);
  void remind(TimePoint now, std::vector<Probe>& probes);
  void set_target(bool by_probe, TimePoint now, std::vector<Probe>& probes);

  EstimatorConfig config_;
  SendHistory history_;
  PacketGroups groups_;
  Trendline trendline_;
  AcknowledgedRate acknowledged_;
  QueueDelay queue_;
  ReportSilence silence_;
  DelayEstimator delay_;
  LossEstimator loss_;
  ProbePlanner planner_;
  ProbeResults probe_results_;
  double target_bps_;
  std::optional<double> acknowledged_bps_;
  std::optional<double> probed_bps_;  // by the message that is being read
  ReceiverEstimate own_;              // the receiver's
  std::optional<double> remb_bps_;
  TimePoint remb_at_{};
  TimePoint lowered_at_{};
  std::optional<TimePoint> queued_since_;  // packets wait without a pause
  Duration queued_most_{};                 // so long at most since then
  TimePoint queue_noted_at_{};
  std::optional<TimePoint> contested_at_;  // others kept the queue full
  TimePoint probing_at_{};                 // when something of a probe was last reported
  TimePoint missed_report_at_{};
  bool has_results_ = false;  // of transport-wide feedback
  TimePoint first_result_at_{};
  bool has_probed_ = false;  // with a result
  std::optional<TimePoint> narrow_at_;
  TimePoint guessed_at_{};
  TimePoint single_at_ = kNever;
  bool is_application_limited_ = false;
  // What may have been sent since, and was not (negative: more than that).
  double budget_bits_ = 0;
  TimePoint budget_at_{};
  double burst_bits_ = 0;  // what a path of just the target would hold in its queue
  TimePoint burst_at_{};
  std::vector<PacketResult> results_;  // scratch
};

}  // namespace simpul::bwe
