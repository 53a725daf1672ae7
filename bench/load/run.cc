#include "bench/load/run.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "bench/load/crowd.h"
#include "bench/load/machine.h"
#include "bench/load/process_meter.h"
#include "net/thread.h"

namespace simpul::load {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(20);
constexpr Duration kSecond = std::chrono::seconds(1);
// For a first picture, once all have been told to come, and when the measured time is over.
constexpr Duration kPictureLimit = std::chrono::seconds(30);
// Of those whom a phase begins with so many connect at once: only a storm storms.
constexpr size_t kConnectingMax = 50;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

class Run {
 public:
  Run(const Scenario& scenario, const Plan& plan, const RunOptions& options)
      : scenario_(scenario),
        plan_(plan),
        options_(options),
        identity_(std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)),
        sounds_(scenario),
        reports_(plan.phases.size()),
        crowd_(loop_, identity_, scenario, plan, sounds_, reports_),
        phases_(plan.phases.size()),
        timer_(loop_, [this] { tick(); }),
        interrupt_(loop_, SIGINT, [this] { interrupt(); }) {}

  Report run();

 private:
  enum class Step { kToCome, kJoining, kMeasuring, kLeaving, kOver };
  struct PhaseRun {
    Step step = Step::kToCome;
    TimePoint step_began{};
    size_t next_action = 0;
    TimePoint last_action{};
    ProcessUsage relay{};
    ProcessUsage own{};
    uint64_t datagrams = 0;
    uint64_t feedback = 0;
    uint64_t feedback_bytes = 0;
    uint64_t overflows = 0;
    Histogram late{};
  };

  void tick();
  void tick_phase(size_t index, TimePoint now);
  bool may_begin(size_t index, TimePoint now) const;
  void set_step(PhaseRun& phase, Step step, TimePoint now);
  void begin(size_t index, TimePoint now);
  void join_some(size_t index, TimePoint now);
  void measure(size_t index, TimePoint now);
  void act(size_t index, TimePoint now);
  void end(size_t index, TimePoint now);
  void note_memory(const ProcessUsage& relay);
  void interrupt();
  void note_second(TimePoint now);
  Progress progress_at(const Second& second, TimePoint now) const;

  const Scenario& scenario_;
  const Plan& plan_;
  const RunOptions& options_;
  net::EventLoop loop_;
  peer::Identity identity_;
  Sounds sounds_;
  std::vector<PhaseReport> reports_;
  Crowd crowd_;
  std::vector<PhaseRun> phases_;
  net::Timer timer_;
  net::SignalWatcher interrupt_;
  bool interrupted_ = false;
  TimePoint began_{};
  TimePoint next_tick_{};
  TimePoint second_began_{};
  ProcessUsage relay_empty_{};  // before anybody came
  size_t watching_max_ = 0;
  double relay_kib_per_viewer_ = 0;  // when so many watched
  struct Counted {
    ProcessUsage relay{};
    ProcessUsage own{};
    uint64_t packets = 0;
    uint64_t bytes = 0;
    uint64_t expected = 0;
  } counted_;  // when the second began
  Report report_;
};

void Run::set_step(PhaseRun& phase, Step step, TimePoint now) {
  phase.step = step;
  phase.step_began = phase.last_action = now;
  phase.next_action = 0;
}

bool Run::may_begin(size_t index, TimePoint now) const {
  if (const auto& start = scenario_.phases[index].start) return now - began_ >= *start;
  return std::all_of(phases_.begin(), phases_.begin() + static_cast<int64_t>(index),
                     [](const PhaseRun& phase) { return phase.step == Step::kOver; });
}

void Run::begin(size_t index, TimePoint now) {
  reports_[index].name = scenario_.phases[index].name;
  reports_[index].kind = name_of(scenario_.phases[index].kind);
  reports_[index].limits = limits_of(scenario_, index);
  reports_[index].is_silent = scenario_.silent;
  reports_[index].rooms = plan_.phases[index].rooms;
  reports_[index].began = seconds(now - began_);
  set_step(phases_[index], Step::kJoining, now);
}

void Run::join_some(size_t index, TimePoint now) {
  PhaseRun& phase = phases_[index];
  const auto& setup = plan_.phases[index].setup;
  size_t connecting = crowd_.connecting();
  while (phase.next_action < setup.size() && connecting < kConnectingMax &&
         setup[phase.next_action].at <= now - phase.step_began) {
    crowd_.join(setup[phase.next_action++].client);
    phase.last_action = now;
    ++connecting;
  }
  if (phase.next_action < setup.size()) return;
  if (crowd_.is_settled(index) || now - phase.last_action > kPictureLimit) measure(index, now);
}

void Run::measure(size_t index, TimePoint now) {
  PhaseRun& phase = phases_[index];
  reports_[index].measured_from = seconds(now - began_);
  phase.relay = read_usage(options_.relay_pid);
  phase.own = read_usage(getpid());
  phase.datagrams = crowd_.shared().datagrams;
  phase.feedback = crowd_.shared().feedback;
  phase.feedback_bytes = crowd_.shared().feedback_bytes;
  phase.overflows = crowd_.socket_overflows();
  report_.sockets = socket_text();
  set_step(phase, Step::kMeasuring, now);
  crowd_.measure(index);
}

void Run::act(size_t index, TimePoint now) {
  PhaseRun& phase = phases_[index];
  const auto& timed = plan_.phases[index].timed;
  const Duration passed = now - phase.step_began;
  while (phase.next_action < timed.size() && timed[phase.next_action].at <= passed) {
    const Action& action = timed[phase.next_action++];
    switch (action.kind) {
      case Action::Kind::kJoin:
        crowd_.join(action.client);
        break;
      case Action::Kind::kLeave:
        crowd_.leave(action.client);
        break;
      case Action::Kind::kRoam:
        crowd_.roam(action.client);
        break;
    }
  }
  const Duration duration = scenario_.phases[index].duration;
  const bool is_hopeless = !crowd_.has_viewers(index) && timed.empty();
  if (passed < duration && !is_hopeless) return;
  if (crowd_.is_settled(index) || passed > duration + kPictureLimit) end(index, now);
}

void Run::end(size_t index, TimePoint now) {
  PhaseRun& phase = phases_[index];
  PhaseReport& report = reports_[index];
  if (phase.step == Step::kMeasuring) {
    report.seconds = report.wall = seconds(now - phase.step_began);
    const ProcessUsage relay = read_usage(options_.relay_pid);
    const ProcessUsage own = read_usage(getpid());
    report.relay_measured = phase.relay.there && relay.there;
    if (report.relay_measured) {
      report.relay_cpu_seconds = relay.cpu_seconds - phase.relay.cpu_seconds;
    }
    report.own.cpu_share = (own.cpu_seconds - phase.own.cpu_seconds) / report.seconds;
    report.own.wait_share = (own.wait_seconds - phase.own.wait_seconds) / report.seconds;
    report.own.socket_overflows = crowd_.socket_overflows() - phase.overflows;
    report.own.late_ms_p99 = phase.late.percentile(0.99);
    report.forwarded = crowd_.shared().datagrams - phase.datagrams;
    report.feedback = crowd_.shared().feedback - phase.feedback;
    report.feedback_bytes = crowd_.shared().feedback_bytes - phase.feedback_bytes;
    note_memory(relay);
    report.relay_kib_per_viewer = relay_kib_per_viewer_;
  }
  crowd_.leave_all(index, interrupted_);
  set_step(phase, Step::kLeaving, now);
}

// A relay keeps for the next what those leave who go: it tells most when it is fullest.
void Run::note_memory(const ProcessUsage& relay) {
  const size_t watching = crowd_.watching();
  if (watching < std::max<size_t>(watching_max_, 1)) return;
  watching_max_ = watching;
  const double grown =
      static_cast<double>(relay.resident_bytes) - static_cast<double>(relay_empty_.resident_bytes);
  relay_kib_per_viewer_ = grown / 1024 / static_cast<double>(watching);
}

void Run::tick_phase(size_t index, TimePoint now) {
  PhaseRun& phase = phases_[index];
  switch (phase.step) {
    case Step::kToCome:
      if (interrupted_) return set_step(phase, Step::kOver, now);
      if (may_begin(index, now)) begin(index, now);
      return;
    case Step::kJoining:
      return interrupted_ ? end(index, now) : join_some(index, now);
    case Step::kMeasuring:
      return interrupted_ ? end(index, now) : act(index, now);
    case Step::kLeaving:
      crowd_.leave_all(index, interrupted_);  // who was still about to join
      if (!crowd_.is_empty(index)) return;
      reports_[index].ended = seconds(now - began_);
      return set_step(phase, Step::kOver, now);
    case Step::kOver:
      return;
  }
}

void Run::tick() {
  const TimePoint now = net::EventLoop::clock_now();
  const double late = seconds(now - std::exchange(next_tick_, now + kTick)) * 1000;
  for (PhaseRun& phase : phases_) {
    if (phase.step == Step::kMeasuring) phase.late.add(late);
  }
  crowd_.tick(now);
  for (size_t i = 0; i < phases_.size(); ++i) tick_phase(i, now);
  if (now - second_began_ >= kSecond) note_second(now);
  if (std::ranges::all_of(phases_, [](const auto& phase) { return phase.step == Step::kOver; })) {
    return loop_.stop();
  }
  timer_.set(next_tick_);
}

void Run::interrupt() {
  if (std::exchange(interrupted_, true)) loop_.stop();
}

void Run::note_second(TimePoint now) {
  const double passed = seconds(now - std::exchange(second_began_, now));
  const Counted before = counted_;
  const Crowd::Progress progress = crowd_.progress();
  counted_ = {.relay = read_usage(options_.relay_pid),
              .own = read_usage(getpid()),
              .packets = crowd_.shared().packets,
              .bytes = crowd_.shared().bytes,
              .expected = progress.expected};
  note_memory(counted_.relay);
  const Histogram delay = crowd_.take_second_delay();
  const auto per_second = [passed](double more) { return std::max(more, 0.0) / passed; };
  const auto grown = [&](uint64_t later, uint64_t earlier) {
    return per_second(static_cast<double>(later) - static_cast<double>(earlier));
  };
  report_.seconds.push_back(
      {.at = seconds(now - began_),
       .present = crowd_.present(),
       .joining = crowd_.joining(),
       .packets = grown(counted_.packets, before.packets),
       .expected = grown(counted_.expected, before.expected),
       .mbit = grown(counted_.bytes, before.bytes) * 8 / 1'000'000,
       .own_cpu = per_second(counted_.own.cpu_seconds - before.own.cpu_seconds),
       .own_wait = per_second(counted_.own.wait_seconds - before.own.wait_seconds)});
  Second& second = report_.seconds.back();
  if (delay.count() > 0) {
    second.delay_p50 = delay.percentile(0.5);
    second.delay_p99 = delay.percentile(0.99);
  }
  if (counted_.relay.there) {
    second.relay_mib = static_cast<double>(counted_.relay.resident_bytes) / (1024 * 1024);
    if (before.relay.there) {
      second.relay_cpu = per_second(counted_.relay.cpu_seconds - before.relay.cpu_seconds);
    }
  }
  for (size_t i = 0; i < phases_.size(); ++i) {
    // Not while all were coming.
    if (phases_[i].step != Step::kMeasuring || now - phases_[i].step_began < kSecond) continue;
    double& most = reports_[i].own.cpu_share_max;
    most = std::max(most, second.own_cpu);
  }
  if (options_.on_progress) options_.on_progress(progress_at(second, now));
}

Progress Run::progress_at(const Second& second, TimePoint now) const {
  Progress progress{.phases = {}, .second = second, .has_relay = options_.relay_pid != 0};
  for (size_t i = 0; i < phases_.size(); ++i) {
    progress.failed += reports_[i].joins_failed;
    const Step step = phases_[i].step;
    if (step == Step::kToCome || step == Step::kOver) continue;
    const bool measures = step == Step::kMeasuring;
    progress.phases.push_back({.name = scenario_.phases[i].name,
                               .doing = measures                 ? "measuring"
                                        : step == Step::kJoining ? "joining"
                                                                 : "leaving",
                               .seconds = seconds(now - phases_[i].step_began),
                               .of = measures ? seconds(scenario_.phases[i].duration) : 0});
  }
  return progress;
}

Report Run::run() {
  began_ = second_began_ = next_tick_ = net::EventLoop::clock_now();
  relay_empty_ = counted_.relay = read_usage(options_.relay_pid);
  counted_.own = read_usage(getpid());
  tick();
  loop_.run();
  report_.scenario = scenario_.name;
  report_.seed = scenario_.seed;
  report_.server = scenario_.server.to_string();
  report_.machine = machine_text();
  report_.has_relay = options_.relay_pid != 0;
  report_.interrupted = interrupted_;
  for (size_t i = 0; i < phases_.size(); ++i) {
    if (reports_[i].name.empty()) continue;  // never begun
    report_.phases.push_back(std::move(reports_[i]));
  }
  return std::move(report_);
}

}  // namespace

Expected<Report, std::string> run(const Scenario& scenario, const Plan& plan,
                                  const RunOptions& options) {
  if (auto error = allow_sockets(plan.sockets_max(scenario))) return unexpected(*error);
  if (options.cpu && !net::pin_this_thread(*options.cpu)) {
    return unexpected("cannot stay on CPU " + std::to_string(*options.cpu));
  }
  return Run(scenario, plan, options).run();
}

}  // namespace simpul::load
