#include "bench/load/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace simpul::load {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;

Plan plan_of(const Phase& phase, uint64_t seed = 1) {
  const auto plan = make_plan({.seed = seed, .phases = {phase}});
  EXPECT_TRUE(plan) << plan.error();
  return plan.value_or(Plan{});
}

size_t count(const std::vector<Action>& actions, Kind kind) {
  return static_cast<size_t>(std::ranges::count(actions, kind, &Action::kind));
}

std::vector<size_t> watched_in(const Plan& plan) {
  std::vector<size_t> watched;
  for (const auto& client : plan.clients) {
    if (!client.publishes()) watched.push_back(client.watched);
  }
  return watched;
}

TEST(Plan, HasOneStageWithEverybodyInItPublishersFirst) {
  const Plan plan = plan_of({.name = "keynote", .room = "stage", .viewers = 500});
  ASSERT_EQ(plan.clients.size(), 501u);
  EXPECT_TRUE(plan.clients[0].publishes());
  for (const auto& client : plan.clients) EXPECT_EQ(client.room, "stage");
  EXPECT_EQ(watched_in(plan), std::vector<size_t>(500, 0));
  ASSERT_EQ(plan.phases[0].setup.size(), 501u);
  EXPECT_EQ(plan.phases[0].setup[0].client, 0u);
  EXPECT_TRUE(plan.phases[0].timed.empty());
}

TEST(Plan, SharesViewersOutAmongThePublishersOfTheirRoom) {
  const Plan plan = plan_of({.room = "stage", .rooms = 2, .publishers = 2, .viewers = 3});
  EXPECT_EQ(watched_in(plan), (std::vector<size_t>{0, 1, 0, 5, 6, 5}));
  for (const auto& client : plan.clients) {
    if (!client.publishes()) {
      EXPECT_EQ(client.room, plan.clients[client.watched].room);
    }
  }
  EXPECT_EQ(plan.clients[5].room, "stage-2");
}

TEST(Plan, SpreadsTheFirstToComeOverTheTimeOfJoining) {
  const Plan plan = plan_of({.join = 10s, .viewers = 100});
  const auto& setup = plan.phases[0].setup;
  EXPECT_EQ(setup[1].at, 0s);
  EXPECT_EQ(setup[51].at, 5s);
  EXPECT_EQ(setup[100].at, 9900ms);
}

TEST(Plan, LetsEverybodyAtATableWatchAllOthersAndNobodyThemselves) {
  const Plan plan = plan_of({.kind = PhaseKind::kTables, .room = "table", .rooms = 3, .people = 4});
  ASSERT_EQ(plan.clients.size(), 48u);
  std::map<size_t, int> watchers;
  for (const auto& client : plan.clients) {
    if (client.publishes()) continue;
    EXPECT_EQ(client.room, plan.clients[client.watched].room);
    ++watchers[client.watched];
  }
  EXPECT_EQ(watchers.size(), 12u);
  for (const auto& [watched, times] : watchers) EXPECT_EQ(times, 3);
}

TEST(Plan, GivesPublishersOfARoomNamesOfTheirOwn) {
  const Plan plan = plan_of({.kind = PhaseKind::kTables, .rooms = 2, .people = 5});
  std::set<std::string> names;
  for (const auto& client : plan.clients) {
    if (client.publishes()) names.insert(client.room + '/' + client.name);
  }
  EXPECT_EQ(names.size(), 10u);
}

// Who met whom, by the names of the publishers who shared a room in a round.
std::vector<std::set<std::set<std::string>>> rounds_of(const Plan& plan, size_t pairs) {
  std::vector<std::set<std::set<std::string>>> rounds;
  for (size_t first = 0; first < plan.clients.size(); first += 4 * pairs) {
    std::set<std::set<std::string>> met;
    for (size_t i = 0; i < pairs; ++i) {
      const auto& one = plan.clients[first + 2 * i];
      const auto& other = plan.clients[first + 2 * i + 1];
      EXPECT_EQ(one.room, other.room);
      met.insert({one.name, other.name});
    }
    rounds.push_back(std::move(met));
  }
  return rounds;
}

TEST(Plan, NobodyMeetsTwiceBeforeEverybodyHasMet) {
  constexpr size_t kPairs = 4;
  // Eight people: seven rounds until all have met.
  const Plan plan =
      plan_of({.kind = PhaseKind::kPairs, .duration = 73s, .pairs = kPairs, .every = 10s});
  const auto rounds = rounds_of(plan, kPairs);
  ASSERT_EQ(rounds.size(), 8u);
  std::set<std::set<std::string>> met;
  for (size_t round = 0; round < 7; ++round) {
    EXPECT_EQ(rounds[round].size(), kPairs);
    for (const auto& pair : rounds[round]) EXPECT_TRUE(met.insert(pair).second);
  }
  EXPECT_EQ(met.size(), 28u);
  EXPECT_EQ(rounds[7], rounds[0]);
}

TEST(Plan, PairsAllLeaveWhenTheyMoveAndFollowThemselves) {
  const Plan plan = plan_of({.kind = PhaseKind::kPairs, .duration = 25s, .pairs = 3, .every = 10s});
  const auto& timed = plan.phases[0].timed;
  ASSERT_EQ(timed.size(), 48u);
  for (size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(timed[i], (Action{.at = 10s, .kind = Kind::kLeave, .client = i}));
    EXPECT_EQ(timed[12 + i], (Action{.at = 10s, .kind = Kind::kJoin, .client = 12 + i}));
    EXPECT_FALSE(plan.clients[i].follows);
    EXPECT_EQ(plan.clients[12 + i].follows, !plan.clients[12 + i].publishes());
  }
  EXPECT_EQ(timed[24].at, 20s);
  EXPECT_NE(plan.clients[0].room, plan.clients[12].room);
}

TEST(Plan, OpenMicrophonesHaveNoVideo) {
  const Plan plan = plan_of({.kind = PhaseKind::kAudio, .viewers = 10, .microphones = 500});
  ASSERT_EQ(plan.clients.size(), 510u);
  EXPECT_TRUE(
      std::ranges::none_of(plan.clients, [](const auto& client) { return client.has_video; }));
}

TEST(Plan, AStormComesEvenlyWithinItsTime) {
  const Plan plan = plan_of({.kind = PhaseKind::kStorm, .viewers = 7, .joins = 1000, .within = 5s});
  const auto& timed = plan.phases[0].timed;
  EXPECT_EQ(plan.phases[0].setup.size(), 8u);
  ASSERT_EQ(count(timed, Kind::kJoin), 1000u);
  EXPECT_EQ(timed[0].at, 0s);
  EXPECT_EQ(timed[500].at, 2500ms);
  EXPECT_LT(timed[999].at, 5s);
  EXPECT_EQ(plan.phases[0].connections_max, 1008u);
}

TEST(Plan, ChurnKeepsAsManyAndNobodyGoesWhoHasJustCome) {
  const Plan plan =
      plan_of({.kind = PhaseKind::kChurn, .duration = 103s, .viewers = 50, .rate = 5});
  const auto& timed = plan.phases[0].timed;
  EXPECT_EQ(count(timed, Kind::kJoin), count(timed, Kind::kLeave));
  // 500 on average, less those who had just come.
  EXPECT_GT(count(timed, Kind::kJoin), 300u);
  EXPECT_LT(count(timed, Kind::kJoin), 600u);
  std::map<size_t, Duration> present;
  for (const Action& action : plan.phases[0].setup) present[action.client] = -1h;
  for (const Action& action : timed) {
    EXPECT_LE(action.at, 100s);
    if (action.kind == Kind::kJoin) {
      EXPECT_TRUE(present.emplace(action.client, action.at).second);
      continue;
    }
    ASSERT_TRUE(present.contains(action.client));
    EXPECT_GE(action.at - present[action.client], kQuietEnd);
    EXPECT_FALSE(plan.clients[action.client].publishes());
    present.erase(action.client);
  }
}

TEST(Plan, EveryViewerRoamsOnceInItsTime) {
  const Plan plan =
      plan_of({.kind = PhaseKind::kRoam, .duration = 33s, .viewers = 20, .every = 10s});
  std::map<size_t, std::vector<Duration>> moves;
  for (const Action& action : plan.phases[0].timed) {
    EXPECT_EQ(action.kind, Kind::kRoam);
    moves[action.client].push_back(action.at);
  }
  EXPECT_EQ(moves.size(), 20u);
  for (const auto& [client, times] : moves) {
    ASSERT_EQ(times.size(), 3u);
    EXPECT_EQ(times[1] - times[0], 10s);
  }
}

TEST(Plan, SpeakersTakeTurnsAndTheNextOneIsThereBefore) {
  const Scenario scenario{
      .phases = {
          {.kind = PhaseKind::kTurns, .room = "hall", .duration = 14s, .viewers = 2, .every = 5s}}};
  const auto plan = make_plan(scenario);
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->clients.size(), 5u) << "three speakers, for 5 s, 5 s and the rest";
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(plan->clients[i].hands_over);
  for (const size_t viewer : {3u, 4u}) {
    EXPECT_EQ(plan->clients[viewer].watched, 0u);
    EXPECT_EQ(plan->clients[viewer].watched_count, 3u);
    EXPECT_FALSE(plan->clients[viewer].names_publisher());
    EXPECT_EQ(plan->clients[viewer].room, "hall");
  }
  const PlannedPhase& phase = plan->phases[0];
  EXPECT_EQ(phase.setup, (std::vector<Action>{{.client = 0}, {.client = 3}, {.client = 4}}));
  EXPECT_EQ(phase.timed, (std::vector<Action>{{.at = 3s, .kind = Kind::kJoin, .client = 1},
                                              {.at = 5s, .kind = Kind::kLeave, .client = 0},
                                              {.at = 8s, .kind = Kind::kJoin, .client = 2},
                                              {.at = 10s, .kind = Kind::kLeave, .client = 1}}));
  EXPECT_EQ(plan->connections_max(scenario), 5u);
}

TEST(Plan, WhoRoamsNeedsTwoSocketsForAWhile) {
  const Scenario scenario{
      .phases = {{.kind = PhaseKind::kRoam, .duration = 33s, .viewers = 20, .every = 10s}}};
  const auto plan = make_plan(scenario);
  EXPECT_EQ(plan->connections_max(scenario), 21u);
  EXPECT_EQ(plan->sockets_max(scenario), 41u);
}

TEST(Plan, WhoHearsSeveralWatchesTheWholeRoomAndNamesNobody) {
  const Plan plan = plan_of({.rooms = 2, .publishers = 3, .viewers = 2, .hears = 3, .sees = 2});
  ASSERT_EQ(plan.clients.size(), 10u);
  for (const size_t viewer : {3u, 4u, 8u, 9u}) {
    const PlannedClient& client = plan.clients[viewer];
    EXPECT_EQ(client.watched, viewer < 5 ? 0u : 5u);
    EXPECT_EQ(client.watched_count, 3u);
    EXPECT_EQ(client.hears, 3u);
    EXPECT_EQ(client.sees, 2u);
    EXPECT_FALSE(client.names_publisher());
  }
}

TEST(Plan, WhoComesInAChurnWatchesWhatTheOneWhoLeftDid) {
  const Plan plan = plan_of({.kind = PhaseKind::kChurn,
                             .duration = 60s,
                             .publishers = 2,
                             .viewers = 10,
                             .hears = 2,
                             .rate = 2});
  ASSERT_GT(plan.clients.size(), 20u);
  for (const PlannedClient& client : plan.clients) {
    if (client.publishes()) continue;
    EXPECT_EQ(client.watched_count, 2u);
    EXPECT_EQ(client.hears, 2u);
  }
}

TEST(Plan, IsTheSameWithTheSameSeedAndAnotherWithAnother) {
  const Phase phase{.kind = PhaseKind::kChurn, .viewers = 50, .rate = 5};
  const auto timed = plan_of(phase, 7).phases[0].timed;
  EXPECT_EQ(plan_of(phase, 7).phases[0].timed, timed);
  EXPECT_NE(plan_of(phase, 8).phases[0].timed, timed);
}

TEST(Plan, CountsConnectionsOfPhasesThatMayOverlap) {
  const Phase stage{.name = "a", .viewers = 10};
  Phase beside = stage;
  beside.start = 5s;
  const Scenario scenario{.phases = {stage, beside, stage}};
  EXPECT_EQ(make_plan(scenario)->connections_max(scenario), 22u);
}

TEST(Plan, RefusesMoreConnectionsThanItCanKeepTrackOf) {
  const Phase phase{
      .kind = PhaseKind::kPairs, .name = "all", .duration = 24h, .pairs = 5000, .every = 1s};
  const auto plan = make_plan({.phases = {phase}});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error(), "phase all: more than 100000 connections, one after the other");
}

}  // namespace
}  // namespace simpul::load
