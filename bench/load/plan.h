#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "bench/load/scenario.h"

namespace simpul::load {

inline constexpr size_t kNobody = SIZE_MAX;

// One connection of a run, by its place in Plan::clients.
struct PlannedClient {
  size_t phase = 0;
  size_t people = 0;  // its class, of the scenario's
  std::string room = {};
  std::string name = {};  // of a publisher: the participant's id
  // Of a viewer: the publisher, or the first of those who are next to one another here.
  size_t watched = kNobody;
  size_t watched_count = 1;
  // Of a viewer: its slots. Where there are several, or several to watch, it names nobody, and the
  // relay fills them.
  uint32_t hears = 1;
  uint32_t sees = 1;
  bool has_video = true;
  // Of a publisher: when it leaves as planned, it does so while it is watched.
  bool hands_over = false;
  // Instead of one that has just left: from then to its first picture its person sees nothing.
  bool follows = false;

  bool publishes() const { return watched == kNobody; }
  bool names_publisher() const { return hears == 1 && sees == 1 && watched_count == 1; }
};

struct Action {
  enum class Kind { kJoin, kLeave, kRoam };
  Duration at{0};
  Kind kind = Kind::kJoin;
  size_t client = 0;

  friend bool operator==(const Action&, const Action&) = default;
};

struct PlannedPhase {
  std::vector<Action> setup;  // of the phase's beginning
  std::vector<Action> timed;  // of the time when all of the setup have a picture
  size_t rooms = 0;
  size_t connections_max = 0;  // at one time
  size_t sockets_max = 0;      // of these: who has moved keeps its former one for a while
};

// Who comes, goes and moves, when. In each list actions are in the order of their times, publishers
// before those who watch them.
struct Plan {
  std::vector<PlannedClient> clients;
  std::vector<PlannedPhase> phases;  // as the scenario's

  // At one time, over all phases that may overlap.
  size_t connections_max(const Scenario& scenario) const;
  size_t sockets_max(const Scenario& scenario) const;

 private:
  size_t together_max(const Scenario& scenario, size_t PlannedPhase::*count) const;
};

// Pure: the same scenario gives the same plan. The error names the phase and the reason.
Expected<Plan, std::string> make_plan(const Scenario& scenario);

}  // namespace simpul::load
