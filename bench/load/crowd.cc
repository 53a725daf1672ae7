#include "bench/load/crowd.h"

#include <algorithm>
#include <charconv>

namespace simpul::load {
namespace {

constexpr Duration kRetryLater = std::chrono::seconds(1);
constexpr size_t kReasonMax = 200;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

bool may_try_again(int status) { return status == 409 || status == 429 || status == 503; }

Duration retry_after(const peer::HttpAnswer& answer) {
  const std::string text = answer.header("retry-after");
  uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  return error == std::errc() && seconds < 60 ? Duration(std::chrono::seconds(seconds))
                                              : kRetryLater;
}

}  // namespace

Crowd::Crowd(net::EventLoop& loop, peer::Identity& identity, const Scenario& scenario,
             const Plan& plan, const Sounds& sounds, std::vector<PhaseReport>& reports)
    : loop_(loop),
      plan_(plan),
      reports_(reports),
      requests_(loop, scenario.server),
      sockets_(loop),
      shared_{
          .loop = loop,
          .sockets = sockets_,
          .identity = identity,
          .scenario = scenario,
          .plan = plan,
          .sounds = sounds,
          .clock = rtp::NtpClock(rtp::kNtpToUnix + Duration(net::EventLoop::wall_clock_unix_us()) -
                                 net::EventLoop::clock_now().time_since_epoch())},
      entries_(plan.clients.size()),
      phases_(plan.phases.size()) {}

std::span<Crowd::Entry> Crowd::watched_by(size_t client) {
  const PlannedClient& planned = plan_.clients[client];
  if (planned.publishes()) return {};
  return std::span(entries_).subspan(planned.watched, planned.watched_count);
}

std::span<const Crowd::Entry> Crowd::watched_by(size_t client) const {
  const PlannedClient& planned = plan_.clients[client];
  if (planned.publishes()) return {};
  return std::span(entries_).subspan(planned.watched, planned.watched_count);
}

Client::Watched Crowd::clients_watched_by(size_t client) const {
  watched_.clear();
  for (const Entry& entry : watched_by(client)) {
    if (entry.client) watched_.push_back(entry.client.get());
  }
  return watched_;
}

void Crowd::join(size_t client) {
  Entry& entry = entries_[client];
  const PlannedClient& planned = plan_.clients[client];
  PhaseReport& report = report_of(client);
  ++(planned.publishes() ? report.publishers : report.viewers);
  for (Entry& watched : watched_by(client)) ++watched.watchers;
  entry.wished_at = entry.try_at = net::EventLoop::clock_now();
  entry.client = std::make_unique<Client>(client, shared_);
  entry.state = State::kWaiting;
  active_.push_back(client);
  ++phases_[planned.phase].present;
  if (planned.publishes()) post(client);
}

void Crowd::post(size_t client) {
  entries_[client].state = State::kPosting;
  const PlannedClient& planned = plan_.clients[client];
  std::string target = (planned.publishes() ? "/whip/" : "/whep/") + planned.room;
  if (planned.publishes()) {
    target += "?participant=" + planned.name;
  } else if (planned.names_publisher()) {
    target += "?participant=" + plan_.clients[planned.watched].name;
  }
  requests_.send({.method = "POST",
                  .target = target,
                  .type = "application/sdp",
                  .body = entries_[client].client->offer()},
                 [this, client](const HttpRequests::Answer& answer) { on_answer(client, answer); });
}

void Crowd::on_answer(size_t client, const HttpRequests::Answer& answer) {
  Entry& entry = entries_[client];
  if (!answer) return fail(client, answer.error());
  if (answer->status != 201) {
    const std::string reason =
        "status " + std::to_string(answer->status) + " " + answer->body.substr(0, kReasonMax);
    if (may_try_again(answer->status)) return retry(client, *answer, reason);
    return fail(client, reason);
  }
  entry.location = answer->location;
  entry.state = State::kIn;
  if (!entry.client->start(answer->body)) return fail(client, "unusable answer");
  if (entry.wants_to_leave) depart(client);
}

void Crowd::retry(size_t client, const peer::HttpAnswer& answer, const std::string& reason) {
  Entry& entry = entries_[client];
  const TimePoint now = net::EventLoop::clock_now();
  PhaseState& phase = phases_[plan_.clients[client].phase];
  const bool is_too_late = now - entry.wished_at > kJoinPatience;
  phase.has_no_room = phase.has_no_room || (is_too_late && !phase.measured);
  const bool is_hopeless = phase.has_no_room && !phase.measured;
  if (entry.wants_to_leave || is_too_late || is_hopeless) return fail(client, reason);
  ++report_of(client).join_retries;
  entry.try_at = now + retry_after(answer);
  entry.state = State::kWaiting;
}

void Crowd::fail(size_t client, const std::string& reason) {
  PhaseReport& report = report_of(client);
  const PlannedClient& planned = plan_.clients[client];
  ++report.joins_failed;
  if (report.failures.size() < kFailuresMax) {
    report.failures.push_back(std::string(planned.publishes() ? "whip/" : "whep/") + planned.room +
                              ", " + planned.name + ": " + reason);
  }
  remove(client);
}

void Crowd::leave(size_t client) {
  entries_[client].leaves_early = true;
  depart(client);
}

// A viewer goes who has not had a picture.
void Crowd::note_early(size_t client) {
  if (entries_[client].leaves_early && !plan_.clients[client].publishes()) {
    ++report_of(client).left_early;
  }
}

void Crowd::depart(size_t client) {
  Entry& entry = entries_[client];
  switch (entry.state) {
    case State::kWaiting:
      note_early(client);
      return remove(client);
    case State::kPosting:
      entry.wants_to_leave = true;
      return;
    case State::kIn:
      return begin_to_leave(client, net::EventLoop::clock_now());
    case State::kPlanned:
    case State::kDraining:
    case State::kLeaving:
    case State::kGone:
      return;
  }
}

void Crowd::begin_to_leave(size_t client, TimePoint now) {
  Entry& entry = entries_[client];
  entry.state = State::kDraining;
  entry.leaving_at = now;
  // It goes on sending: a loss shows by what comes after it.
  if (plan_.clients[client].publishes()) return;
  if (!entry.client->is_settled()) note_early(client);
  entry.client->close(clients_watched_by(client), now);
}

void Crowd::roam(size_t client) {
  if (entries_[client].state != State::kIn || !entries_[client].client->connected()) return;
  ++report_of(client).roams;
  entries_[client].client->roam();
}

void Crowd::tick(TimePoint now) {
  // Who goes is taken out, and the last one comes in its place.
  for (size_t i = 0; i < active_.size(); ++i) tick_client(active_[i], now);
  std::erase_if(active_, [this](size_t client) { return entries_[client].state == State::kGone; });
}

void Crowd::tick_client(size_t client, TimePoint now) {
  Entry& entry = entries_[client];
  const PlannedClient& planned = plan_.clients[client];
  switch (entry.state) {
    case State::kWaiting: {
      const auto watched = watched_by(client);
      const auto count = [&watched](State state) {
        return std::ranges::count(watched, state, &Entry::state);
      };
      if (count(State::kWaiting) + count(State::kPosting) > 0) return;
      const bool nobody_is_there = !planned.publishes() && count(State::kIn) == 0;
      if (nobody_is_there) return fail(client, "its publisher could not join");
      if (now >= entry.try_at) post(client);
      return;
    }
    case State::kIn:
      entry.client->tick(now);
      if (!planned.publishes() && phases_[planned.phase].measured && !entry.client->is_open() &&
          entry.client->is_settled()) {
        const Client::Watched watched = clients_watched_by(client);
        PhaseReport& report = report_of(client);
        if (!watched.empty()) entry.client->open(watched, report.delay, report.last_viewer);
      }
      return;
    case State::kDraining:
      entry.client->tick(now);
      return drain(client, now);
    case State::kLeaving:
      if (now >= entry.try_at) ask_to_go(client);
      return;
    case State::kPlanned:
    case State::kPosting:
    case State::kGone:
      return;
  }
}

void Crowd::drain(size_t client, TimePoint now) {
  Entry& entry = entries_[client];
  const bool publishes = plan_.clients[client].publishes();
  // Who watches a publisher may still ask for what was lost on the way.
  const bool hands_over = plan_.clients[client].hands_over && entry.leaves_early;
  const bool is_done = publishes ? entry.watchers == 0 || hands_over : entry.client->has_all();
  if (!is_done && now - entry.leaving_at < kDrainLimit) return;
  publishes ? entry.client->fall_silent() : note(client);
  entry.state = State::kLeaving;
  ask_to_go(client);
  finish(client);
}

void Crowd::ask_to_go(size_t client) {
  entries_[client].try_at = kNever;
  requests_.send({.method = "DELETE", .target = entries_[client].location},
                 [this, client](const HttpRequests::Answer& answer) { on_gone(client, answer); });
}

// The relay would keep a connection that it had no time to end.
void Crowd::on_gone(size_t client, const HttpRequests::Answer& answer) {
  Entry& entry = entries_[client];
  const TimePoint now = net::EventLoop::clock_now();
  const bool is_refused = answer && may_try_again(answer->status);
  if (!is_refused || now - entry.leaving_at > kJoinPatience) return remove(client);
  entry.try_at = now + retry_after(*answer);
}

// Nobody of this connection is waited for any more.
void Crowd::finish(size_t client) {
  for (Entry& watched : watched_by(client)) --watched.watchers;
}

void Crowd::note(size_t client) {
  const Entry& entry = entries_[client];
  const Client& viewer = *entry.client;
  PhaseReport& report = report_of(client);
  report.connected += viewer.connected();
  if (const auto at = viewer.first_frame_at()) {
    const double waited = milliseconds(*at - entry.wished_at);
    (plan_.clients[client].follows ? report.gap_ms : report.first_frame_ms).push_back(waited);
  }
  for (const Duration took : viewer.switches()) report.switch_ms.push_back(milliseconds(took));
  report.watched_pictures += viewer.saw_pictures();
  report.stood_still += viewer.stood_still().value_or(Duration{0}) >= kStoodStill;
  const auto picture = viewer.picture();
  report.freezes += picture.freezes;
  report.frozen_ms_max = std::max(report.frozen_ms_max, milliseconds(picture.longest_gap));
  const uint64_t expected = viewer.expected();
  report.expected += expected;
  report.received += viewer.counts();
  noted_.expected += expected;
  noted_.received += viewer.counts().packets;
  if (expected == 0) return;
  const uint64_t lost = expected - std::min(expected, viewer.counts().packets);
  const double loss = static_cast<double>(lost) / static_cast<double>(expected);
  report.viewer_loss.push_back(loss);
  report.viewers_with_loss += lost > 0;
  report.viewer_loss_max = std::max(report.viewer_loss_max, loss);
}

void Crowd::remove(size_t client) {
  Entry& entry = entries_[client];
  const PlannedClient& planned = plan_.clients[client];
  if (entry.state != State::kLeaving) finish(client);
  entry.state = State::kGone;  // socket_overflows() looks at it no more
  overflows_gone_ += entry.client->socket_overflows();
  report_of(client).network += entry.client->network_counts();
  --phases_[planned.phase].present;
  // Not from inside a call of its own, and not before those who watch it have their sums.
  loop_.post([this, client] { entries_[client].client.reset(); });
}

bool Crowd::is_settled(size_t phase) const {
  return std::ranges::all_of(active_, [this, phase](size_t client) {
    const Entry& entry = entries_[client];
    if (plan_.clients[client].phase != phase) return true;
    if (entry.state == State::kIn) return entry.client->is_settled();
    return entry.state != State::kWaiting && entry.state != State::kPosting;
  });
}

bool Crowd::has_viewers(size_t phase) const {
  return std::ranges::any_of(active_, [this, phase](size_t client) {
    const PlannedClient& planned = plan_.clients[client];
    const State state = entries_[client].state;
    const bool may_watch =
        state == State::kIn || state == State::kWaiting || state == State::kPosting;
    return planned.phase == phase && !planned.publishes() && may_watch;
  });
}

void Crowd::measure(size_t phase) {
  phases_[phase].measured = true;
  tick(net::EventLoop::clock_now());
}

void Crowd::leave_all(size_t phase, bool early) {
  phases_[phase].measured = false;
  const std::vector<size_t> all = active_;
  // Publishers first: what they have sent by then is what all others wait for.
  for (const bool publishes : {true, false}) {
    for (const size_t client : all) {
      const PlannedClient& planned = plan_.clients[client];
      if (planned.phase != phase || planned.publishes() != publishes) continue;
      entries_[client].leaves_early = entries_[client].leaves_early || early;
      depart(client);
    }
  }
}

size_t Crowd::watching() const {
  return static_cast<size_t>(std::ranges::count_if(active_, [this](size_t client) {
    return !plan_.clients[client].publishes() && entries_[client].state == State::kIn;
  }));
}

size_t Crowd::connecting() const {
  return static_cast<size_t>(std::ranges::count_if(active_, [this](size_t client) {
    const Entry& entry = entries_[client];
    return entry.state == State::kWaiting || entry.state == State::kPosting ||
           (entry.state == State::kIn && !entry.client->connected());
  }));
}

size_t Crowd::joining() const {
  return static_cast<size_t>(std::ranges::count_if(active_, [this](size_t client) {
    const Entry& entry = entries_[client];
    return entry.state == State::kWaiting || entry.state == State::kPosting ||
           (entry.state == State::kIn && !entry.client->is_settled());
  }));
}

Crowd::Progress Crowd::progress() const {
  Progress progress = noted_;
  for (const size_t client : active_) {
    const Entry& entry = entries_[client];
    const bool counts = entry.state == State::kIn || entry.state == State::kDraining;
    if (plan_.clients[client].publishes() || !counts) continue;
    progress.expected += entry.client->is_open()
                             ? entry.client->expected_until_now(clients_watched_by(client))
                             : entry.client->expected();
    progress.received += entry.client->counts().packets;
  }
  return progress;
}

uint64_t Crowd::socket_overflows() const {
  uint64_t overflows = overflows_gone_;
  for (const size_t client : active_) {
    if (entries_[client].state != State::kGone)
      overflows += entries_[client].client->socket_overflows();
  }
  return overflows;
}

Histogram Crowd::take_second_delay() { return std::exchange(shared_.second_delay, Histogram{}); }

}  // namespace simpul::load
