#include "bench/load/plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

namespace simpul::load {
namespace {

// Uniform below `count`, the same with every standard library.
size_t pick(std::mt19937_64& random, size_t count) { return random() % count; }

double unit(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) / static_cast<double>(uint64_t{1} << 53);
}

Duration share_of(Duration whole, size_t i, size_t count) {
  return whole * static_cast<int64_t>(i) / static_cast<int64_t>(std::max<size_t>(count, 1));
}

// Plans one phase. All that is random comes from the scenario's seed and the phase's place.
class PhasePlanner {
 public:
  PhasePlanner(const Scenario& scenario, size_t index, Plan& plan)
      : phase_(scenario.phases[index]),
        index_(index),
        plan_(plan),
        random_(scenario.seed * 0x9E3779B97F4A7C15u + index) {}

  PlannedPhase make();

 private:
  using Clients = std::vector<size_t>;

  size_t add_publisher(const std::string& room, const std::string& name);
  size_t add_viewer(size_t watched);
  Clients add_publishers(const std::string& room, uint32_t count, const std::string& name);
  Clients add_viewers(const Clients& watched, uint32_t count);
  size_t add_viewer_of(const Clients& room);
  size_t add_viewer_like(size_t viewer);
  std::string room_name(size_t i, size_t rooms) const;
  void join_all(const Clients& clients, Duration over);
  void add_stages();
  void add_tables();
  void add_pairs();
  Clients add_round(const Clients& order, size_t round);
  void add_storm();
  void add_churn();
  void add_roam();
  void add_turns();
  void count_connections();
  void at(Duration when, Action::Kind kind, size_t client) {
    planned_.timed.push_back({.at = when, .kind = kind, .client = client});
  }

  const Phase& phase_;
  size_t index_;
  Plan& plan_;
  std::mt19937_64 random_;
  PlannedPhase planned_;
  Clients publishers_;  // of a stage
  Clients viewers_;
};

size_t PhasePlanner::add_publisher(const std::string& room, const std::string& name) {
  plan_.clients.push_back({.phase = index_,
                           .people = phase_.publisher_class,
                           .room = room,
                           .name = name,
                           .has_video = phase_.kind != PhaseKind::kAudio});
  return plan_.clients.size() - 1;
}

size_t PhasePlanner::add_viewer(size_t watched) {
  plan_.clients.push_back({.phase = index_,
                           .people = phase_.viewer_class,
                           .room = plan_.clients[watched].room,
                           .name = "viewer-" + std::to_string(plan_.clients.size()),
                           .watched = watched,
                           .has_video = phase_.kind != PhaseKind::kAudio});
  return plan_.clients.size() - 1;
}

PhasePlanner::Clients PhasePlanner::add_publishers(const std::string& room, uint32_t count,
                                                   const std::string& name) {
  Clients added;
  for (uint32_t i = 0; i < count; ++i) {
    added.push_back(add_publisher(room, name + std::to_string(i + 1)));
  }
  return added;
}

PhasePlanner::Clients PhasePlanner::add_viewers(const Clients& watched, uint32_t count) {
  Clients added;
  for (uint32_t i = 0; i < count; ++i) {
    added.push_back(phase_.names_publishers() ? add_viewer(watched[i % watched.size()])
                                              : add_viewer_of(watched));
  }
  return added;
}

// One who watches several of a room, whom the relay chooses.
size_t PhasePlanner::add_viewer_of(const Clients& room) {
  const size_t viewer = add_viewer(room.front());
  PlannedClient& planned = plan_.clients[viewer];
  planned.watched_count = room.size();
  planned.hears = phase_.hears;
  planned.sees = phase_.sees;
  return viewer;
}

// Another one, who watches the same.
size_t PhasePlanner::add_viewer_like(size_t viewer) {
  const PlannedClient before = plan_.clients[viewer];
  const size_t added = add_viewer(before.watched);
  plan_.clients[added].watched_count = before.watched_count;
  plan_.clients[added].hears = before.hears;
  plan_.clients[added].sees = before.sees;
  return added;
}

std::string PhasePlanner::room_name(size_t i, size_t rooms) const {
  return rooms == 1 ? phase_.room : phase_.room + '-' + std::to_string(i + 1);
}

// Publishers first: who watches needs somebody to watch.
void PhasePlanner::join_all(const Clients& clients, Duration over) {
  for (size_t i = 0; i < clients.size(); ++i) {
    planned_.setup.push_back({.at = share_of(over, i, clients.size()), .client = clients[i]});
  }
}

void PhasePlanner::add_stages() {
  for (uint32_t i = 0; i < phase_.rooms; ++i) {
    const bool is_audio = phase_.kind == PhaseKind::kAudio;
    const Clients publishers = add_publishers(room_name(i, phase_.rooms),
                                              is_audio ? phase_.microphones : phase_.publishers,
                                              is_audio ? "microphone-" : "speaker-");
    const Clients viewers = add_viewers(publishers, phase_.viewers);
    publishers_.insert(publishers_.end(), publishers.begin(), publishers.end());
    viewers_.insert(viewers_.end(), viewers.begin(), viewers.end());
  }
  planned_.rooms = phase_.rooms;
  join_all(publishers_, Duration{0});
  join_all(viewers_, phase_.join);
}

void PhasePlanner::add_tables() {
  planned_.rooms = phase_.rooms;
  for (uint32_t i = 0; i < phase_.rooms; ++i) {
    const Clients people = add_publishers(room_name(i, phase_.rooms), phase_.people, "guest-");
    Clients watching;
    for (const size_t watcher : people) {
      for (const size_t watched : people) {
        if (watched != watcher) watching.push_back(add_viewer(watched));
      }
    }
    // A table is complete before the next one begins.
    const Duration when = share_of(phase_.join, i, phase_.rooms);
    for (const Clients& group : {people, watching}) {
      for (const size_t client : group) planned_.setup.push_back({.at = when, .client = client});
    }
  }
}

// One round of speed networking: `order` sits in a circle, and opposite ones meet.
PhasePlanner::Clients PhasePlanner::add_round(const Clients& order, size_t round) {
  Clients publishers;
  Clients viewers;
  for (size_t i = 0; i < order.size() / 2; ++i) {
    // Two sets of rooms in turn: in the one that was used before last nobody is left.
    const std::string room = phase_.room + (round % 2 == 0 ? "-a-" : "-b-") + std::to_string(i + 1);
    const auto name = [&order](size_t seat) { return "guest-" + std::to_string(order[seat] + 1); };
    publishers.push_back(add_publisher(room, name(i)));
    publishers.push_back(add_publisher(room, name(order.size() - 1 - i)));
  }
  for (size_t i = 0; i < publishers.size(); ++i) {
    viewers.push_back(add_viewer(publishers[i % 2 == 0 ? i + 1 : i - 1]));
  }
  for (const size_t viewer : viewers) plan_.clients[viewer].follows = round > 0;
  publishers.insert(publishers.end(), viewers.begin(), viewers.end());
  return publishers;
}

// Nobody meets twice before everybody has met: the first keeps its seat, all others move on by one.
void PhasePlanner::add_pairs() {
  planned_.rooms = phase_.pairs;
  Clients order(size_t{2} * phase_.pairs);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::shuffle(order, random_);
  Clients present = add_round(order, 0);
  join_all(present, phase_.join);
  size_t round = 1;
  for (Duration when = phase_.every; when + kQuietEnd <= phase_.duration; when += phase_.every) {
    std::rotate(order.begin() + 1, order.end() - 1, order.end());
    for (const size_t client : present) at(when, Action::Kind::kLeave, client);
    present = add_round(order, round++);
    for (const size_t client : present) at(when, Action::Kind::kJoin, client);
    if (plan_.clients.size() > kClientsMax) return;
  }
}

void PhasePlanner::add_storm() {
  const Clients crowd = add_viewers(publishers_, phase_.joins);
  for (size_t i = 0; i < crowd.size(); ++i) {
    at(share_of(phase_.within, i, crowd.size()), Action::Kind::kJoin, crowd[i]);
  }
}

// Comings and goings at random times, one of each at once. Nobody leaves who has just come.
void PhasePlanner::add_churn() {
  struct Present {
    size_t client;
    Duration since;
  };
  std::vector<Present> present;
  for (const size_t viewer : viewers_) present.push_back({viewer, -kQuietEnd});
  Duration when{0};
  while (plan_.clients.size() <= kClientsMax) {
    const double seconds = -std::log(1 - unit(random_)) / phase_.rate;
    when += std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    if (when + kQuietEnd > phase_.duration) return;
    Present& leaving = present[pick(random_, present.size())];
    if (when - leaving.since < kQuietEnd) continue;
    at(when, Action::Kind::kLeave, leaving.client);
    leaving = {add_viewer_like(leaving.client), when};
    at(when, Action::Kind::kJoin, leaving.client);
  }
}

// Each viewer moves once in `every`, at a time of its own.
void PhasePlanner::add_roam() {
  for (const size_t viewer : viewers_) {
    const auto offset =
        Duration(static_cast<int64_t>(unit(random_) * static_cast<double>(phase_.every.count())));
    for (Duration when = offset; when + kQuietEnd <= phase_.duration; when += phase_.every) {
      at(when, Action::Kind::kRoam, viewer);
    }
  }
}

// One speaks at a time, and the next one is there before; who watches names nobody.
void PhasePlanner::add_turns() {
  planned_.rooms = 1;
  uint32_t turns = 0;
  for (Duration when = phase_.every; when + kQuietEnd <= phase_.duration; when += phase_.every) {
    if (++turns > kClientsMax) break;
  }
  publishers_ = add_publishers(phase_.room, turns + 1, "speaker-");
  for (const size_t speaker : publishers_) plan_.clients[speaker].hands_over = true;
  for (uint32_t i = 0; i < phase_.viewers; ++i) viewers_.push_back(add_viewer_of(publishers_));
  join_all({publishers_.front()}, Duration{0});
  join_all(viewers_, phase_.join);
  for (uint32_t turn = 1; turn <= turns; ++turn) {
    const Duration when = phase_.every * turn;
    at(when - kTurnOverlap, Action::Kind::kJoin, publishers_[turn]);
    at(when, Action::Kind::kLeave, publishers_[turn - 1]);
  }
}

PlannedPhase PhasePlanner::make() {
  switch (phase_.kind) {
    case PhaseKind::kTables:
      add_tables();
      break;
    case PhaseKind::kPairs:
      add_pairs();
      break;
    case PhaseKind::kStage:
    case PhaseKind::kAudio:
      add_stages();
      break;
    case PhaseKind::kStorm:
      add_stages();
      add_storm();
      break;
    case PhaseKind::kChurn:
      add_stages();
      add_churn();
      break;
    case PhaseKind::kRoam:
      add_stages();
      add_roam();
      break;
    case PhaseKind::kTurns:
      add_turns();
      break;
  }
  std::ranges::stable_sort(planned_.timed, {}, &Action::at);
  count_connections();
  return std::move(planned_);
}

void PhasePlanner::count_connections() {
  size_t present = planned_.setup.size();
  planned_.connections_max = present;
  for (const Action& action : planned_.timed) {
    // Who leaves waits for what is on its way, and counts for a while yet.
    if (action.kind != Action::Kind::kJoin) continue;
    const bool replaces = phase_.kind == PhaseKind::kChurn || phase_.kind == PhaseKind::kPairs;
    if (!replaces) ++present;
    planned_.connections_max =
        std::max(planned_.connections_max, replaces ? 2 * planned_.setup.size() : present);
  }
  // One of the speakers is in `setup`; the next one comes, and the one before may be leaving yet.
  if (phase_.kind == PhaseKind::kTurns) planned_.connections_max = planned_.setup.size() + 2;
  planned_.sockets_max = planned_.connections_max;
  if (phase_.kind == PhaseKind::kRoam) planned_.sockets_max += viewers_.size();
}

}  // namespace

size_t Plan::together_max(const Scenario& scenario, size_t PlannedPhase::*count) const {
  size_t most = 0;
  size_t together = 0;
  for (size_t i = 0; i < phases.size(); ++i) {
    if (!scenario.phases[i].start) together = 0;  // all before it are over
    together += phases[i].*count;
    most = std::max(most, together);
  }
  return most;
}

size_t Plan::connections_max(const Scenario& scenario) const {
  return together_max(scenario, &PlannedPhase::connections_max);
}

size_t Plan::sockets_max(const Scenario& scenario) const {
  return together_max(scenario, &PlannedPhase::sockets_max);
}

Expected<Plan, std::string> make_plan(const Scenario& scenario) {
  Plan plan;
  for (size_t i = 0; i < scenario.phases.size(); ++i) {
    plan.phases.push_back(PhasePlanner(scenario, i, plan).make());
    if (plan.clients.size() > kClientsMax) {
      return unexpected("phase " + scenario.phases[i].name + ": more than " +
                        std::to_string(kClientsMax) + " connections, one after the other");
    }
  }
  return plan;
}

}  // namespace simpul::load
