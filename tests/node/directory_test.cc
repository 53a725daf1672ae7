#include "node/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class DirectoryTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNow = 1'795'284'000'000;

  static JoinRequest publish(const std::string& room, const std::string& participant) {
    return {.role = Role::kPublisher, .room = room, .participant = participant};
  }
  static JoinRequest watch(const std::string& room, const std::string& watched = {}) {
    return {.role = Role::kWatcher, .room = room, .participant = {}, .watched = watched};
  }
  ConnectionKey add(const JoinRequest& request, uint32_t worker = 0) {
    const ConnectionKey key(++keys_);
    directory_.add({.key = key,
                    .session = "c_" + std::to_string(keys_),
                    .room = request.room,
                    .participant = request.participant,
                    .role = request.role,
                    .worker = worker,
                    .report = {}},
                   kNow + static_cast<int64_t>(keys_));
    return key;
  }
  std::optional<JoinError::Kind> refusal(const JoinRequest& request) const {
    const auto error = directory_.refuse(request);
    return error ? std::optional(error->kind) : std::nullopt;
  }

  Directory directory_{
      config::Limits{.rooms = 2, .participants_per_room = 3, .publishers_per_room = 2}};
  uint64_t keys_ = 0;
};

TEST_F(DirectoryTest, RefusesARoomMoreThanTheNodeMayHave) {
  add(publish("one", "alice"));
  add(publish("two", "alice"));
  EXPECT_EQ(refusal(publish("three", "alice")), JoinError::Kind::kFull);
  EXPECT_EQ(refusal(publish("two", "bob")), std::nullopt);
}

TEST_F(DirectoryTest, RefusesWhoComesWhileTooManyAreJoining) {
  Directory directory(config::Limits{});
  for (uint64_t i = 0; i < Directory::kJoiningMax; ++i) {
    directory.add({.key = ConnectionKey(i),
                   .session = "c_" + std::to_string(i),
                   .room = "stage",
                   .participant = "p" + std::to_string(i),
                   .role = Role::kPublisher,
                   .worker = 0,
                   .report = {}},
                  kNow);
  }
  ASSERT_TRUE(directory.refuse(publish("other", "alice")));
  EXPECT_EQ(directory.refuse(publish("other", "alice"))->kind, JoinError::Kind::kFull);
  directory.set_phase(ConnectionKey(7), ConnectionPhase::kConnected);
  EXPECT_FALSE(directory.refuse(publish("other", "alice")));
  directory.remove(ConnectionKey(7));
  directory.remove(ConnectionKey(8));
  EXPECT_FALSE(directory.refuse(publish("other", "alice")));
}

TEST_F(DirectoryTest, RefusesAPublisherMoreThanARoomMayHave) {
  add(publish("one", "alice"));
  add(publish("one", "bob"));
  EXPECT_EQ(refusal(publish("one", "carol")), JoinError::Kind::kFull);
  EXPECT_EQ(refusal(publish("one", "bob")), JoinError::Kind::kFull);
  EXPECT_EQ(refusal(watch("one")), std::nullopt);
}

TEST_F(DirectoryTest, RefusesAParticipantMoreThanARoomMayHave) {
  add(publish("one", "alice"));
  auto watcher = watch("one");
  for (const char* name : {"bob", "carol"}) {
    EXPECT_EQ(refusal(watcher), std::nullopt);
    watcher.participant = name;
    add(watcher);
  }
  EXPECT_EQ(refusal(watch("one")), JoinError::Kind::kFull);
  EXPECT_EQ(refusal(publish("one", "dave")), JoinError::Kind::kFull);
  // Who is there already takes no place: a page that was reloaded.
  EXPECT_EQ(refusal(publish("one", "alice")), std::nullopt);
}

TEST_F(DirectoryTest, RefusesAWatcherWhereNobodyPublishes) {
  EXPECT_EQ(refusal(watch("one")), JoinError::Kind::kNoPublisher);
  const ConnectionKey alice = add(publish("one", "alice"));
  EXPECT_EQ(refusal(watch("one", "alice")), std::nullopt);
  EXPECT_EQ(refusal(watch("one", "bob")), JoinError::Kind::kNoPublisher);
  auto watcher = watch("one");
  watcher.participant = "bob";
  add(watcher);
  EXPECT_EQ(refusal(watch("one", "bob")), JoinError::Kind::kNoPublisher);
  directory_.remove(alice);
  EXPECT_EQ(refusal(watch("one")), JoinError::Kind::kNoPublisher);
}

TEST_F(DirectoryTest, FreesThePlaceOfWhoLeaves) {
  add(publish("one", "alice"));
  const ConnectionKey bob = add(publish("one", "bob"));
  EXPECT_EQ(refusal(publish("one", "carol")), JoinError::Kind::kFull);
  directory_.remove(bob);
  EXPECT_EQ(refusal(publish("one", "carol")), std::nullopt);
}

TEST_F(DirectoryTest, ForgetsParticipantAndRoomWithTheirLastConnection) {
  const ConnectionKey first = add(publish("one", "alice"));
  const ConnectionKey second = add(publish("one", "alice"));
  directory_.remove(first);
  ASSERT_TRUE(directory_.participant("one", "alice"));
  EXPECT_EQ(directory_.participant("one", "alice")->connections.size(), 1u);
  EXPECT_EQ(directory_.participant("one", "alice")->joined_at_unix_ms, kNow + 1);
  directory_.remove(second);
  directory_.remove(second);
  EXPECT_THAT(directory_.room_names(), IsEmpty());
  EXPECT_FALSE(directory_.room("one"));
  EXPECT_FALSE(directory_.participant("one", "alice"));
  EXPECT_EQ(directory_.connections(), 0u);
  EXPECT_THAT(directory_.connections_by_state(), IsEmpty());
}

TEST_F(DirectoryTest, GivesANewRoomToTheWorkerWithTheFewestConnections) {
  EXPECT_EQ(directory_.worker_for("one", 3), 0u);
  add(publish("one", "alice"), 0);
  EXPECT_EQ(directory_.worker_for("two", 3), 1u);
  const ConnectionKey bob = add(publish("two", "bob"), 1);
  EXPECT_EQ(directory_.worker_for("three", 3), 2u);
  EXPECT_EQ(directory_.worker_for("one", 3), 0u);  // a room stays where it is
  EXPECT_EQ(directory_.worker_for("two", 3), 1u);
  directory_.remove(bob);
  EXPECT_EQ(directory_.worker_for("two", 2), 1u);
  EXPECT_EQ(directory_.worker_for("four", 1), 0u);
}

TEST_F(DirectoryTest, FindsConnectionsByRoomParticipantAndSession) {
  const ConnectionKey alice = add(publish("one", "alice"));
  const ConnectionKey bob = add(publish("one", "bob"));
  add(publish("two", "alice"));
  EXPECT_THAT(directory_.connections_of("one"), UnorderedElementsAre(alice, bob));
  EXPECT_THAT(directory_.connections_of("one", "bob"), ElementsAre(bob));
  EXPECT_THAT(directory_.connections_of("one", "nobody"), IsEmpty());
  EXPECT_THAT(directory_.connections_of("nowhere"), IsEmpty());
  EXPECT_EQ(directory_.find_session("one", "c_2"), bob);
  EXPECT_EQ(directory_.find_session("two", "c_2"), std::nullopt);
  EXPECT_EQ(directory_.find(ConnectionKey(99)), nullptr);
  EXPECT_THAT(directory_.room_names(), ElementsAre("one", "two"));
}

TEST_F(DirectoryTest, CountsConnectionsByTheirPhase) {
  const ConnectionKey alice = add(publish("one", "alice"));
  const ConnectionKey bob = add(publish("one", "bob"));
  add(publish("two", "carol"));
  directory_.set_phase(alice, ConnectionPhase::kConnected);
  directory_.set_phase(bob, ConnectionPhase::kChecking);
  directory_.set_phase(ConnectionKey(99), ConnectionPhase::kClosed);
  EXPECT_THAT(directory_.connections_by_state(),
              UnorderedElementsAre(Pair("connected", 1), Pair("checking", 1), Pair("new", 1)));
}

TEST_F(DirectoryTest, KeepsWhatItKnowsItselfWhenAReportComes) {
  const ConnectionKey alice = add(publish("one", "alice"), 2);
  directory_.set_phase(alice, ConnectionPhase::kConnected);
  ConnectionReport fresh;
  fresh.phase = ConnectionPhase::kChecking;  // made before the change of phase was told
  fresh.round_trip_ms = 12.5;
  directory_.update(alice, fresh);
  directory_.update(ConnectionKey(99), fresh);
  const auto report = directory_.participant("one", "alice")->connections.front();
  EXPECT_EQ(report.id, "c_1");
  EXPECT_EQ(report.worker, 2u);
  EXPECT_EQ(report.role, Role::kPublisher);
  EXPECT_EQ(report.phase, ConnectionPhase::kConnected);
  EXPECT_EQ(report.round_trip_ms, 12.5);
}

TEST_F(DirectoryTest, FindsASessionInItsOwnRoomOnly) {
  const ConnectionKey alice = add(publish("one", "alice"));
  add(publish("two", "alice"));
  EXPECT_EQ(directory_.find_session("one", "c_1"), alice);
  EXPECT_EQ(directory_.find_session("two", "c_1"), std::nullopt);
  directory_.remove(alice);
  EXPECT_EQ(directory_.find_session("one", "c_1"), std::nullopt);
}

TEST_F(DirectoryTest, NamesThePhases) {
  using enum ConnectionPhase;
  std::vector<std::string> names;
  for (const auto phase : {kNew, kChecking, kConnected, kDisconnected, kClosed}) {
    names.emplace_back(to_string(phase));
  }
  EXPECT_THAT(names, ElementsAre("new", "checking", "connected", "disconnected", "closed"));
}

TEST_F(DirectoryTest, CountsRoomsAndTheParticipantsInThem) {
  add(publish("one", "alice"));
  add(publish("one", "alice"));
  add(publish("one", "bob"));
  const ConnectionKey carol = add(publish("two", "carol"));
  EXPECT_EQ(directory_.rooms(), 2u);
  EXPECT_EQ(directory_.participants(), 3u);
  directory_.remove(carol);
  EXPECT_EQ(directory_.rooms(), 1u);
  EXPECT_EQ(directory_.participants(), 2u);
}

TEST_F(DirectoryTest, KeepsARoomOnItsFirstWorkerUntilThatIsFullAndThenTakesTheLeastLoaded) {
  constexpr size_t kTogether = 2;
  add(publish("one", "alice"), 1);
  EXPECT_EQ(directory_.worker_for("one", 3, kTogether), 1u);
  const ConnectionKey bob = add(publish("one", "bob"), 1);
  EXPECT_EQ(directory_.worker_for("one", 3, kTogether), 0u);
  add(publish("two", "carol"), 0);
  EXPECT_EQ(directory_.worker_for("one", 3, kTogether), 2u);
  directory_.remove(bob);
  EXPECT_EQ(directory_.worker_for("one", 3, kTogether), 1u);
}

TEST_F(DirectoryTest, PinsAsManyAsMayBeHeardAndNobodyWhoIsNotThere) {
  const auto ana = add(publish("stage", "ana"));
  add(publish("stage", "bo"));
  add(watch("stage"));
  EXPECT_EQ(directory_.pin("stage", "cai", true), PinError::kNoParticipant);
  EXPECT_EQ(directory_.pin("hall", "ana", true), PinError::kNoParticipant);
  for (const auto* name : {"cai", "dia"}) add(publish("stage", name));
  for (const auto* name : {"ana", "bo", "cai"}) {
    EXPECT_EQ(directory_.pin("stage", name, true), std::nullopt);
  }
  EXPECT_EQ(directory_.pin("stage", "ana", true), std::nullopt) << "once more";
  EXPECT_EQ(directory_.pin("stage", "dia", true), PinError::kFull);
  EXPECT_EQ(directory_.pin("stage", "dia", false), std::nullopt);
  EXPECT_TRUE(directory_.is_pinned("stage", "ana"));
  EXPECT_TRUE(directory_.participant("stage", "ana")->pinned);
  EXPECT_FALSE(directory_.is_pinned("stage", "dia"));
  EXPECT_FALSE(directory_.is_pinned("hall", "ana"));
  directory_.remove(ana);
  EXPECT_EQ(directory_.pin("stage", "dia", true), std::nullopt) << "one has gone";
  add(publish("stage", "ana"));
  EXPECT_FALSE(directory_.is_pinned("stage", "ana")) << "it ended with their last connection";
}

TEST_F(DirectoryTest, FindsWhoPublishesByASession) {
  add(publish("stage", "ana"));
  add(watch("stage"));
  EXPECT_NE(directory_.find_publication("stage", "c_1"), nullptr);
  EXPECT_EQ(directory_.find_publication("hall", "c_1"), nullptr);
  EXPECT_EQ(directory_.find_publication("stage", "c_2"), nullptr) << "a viewer's";
  EXPECT_EQ(directory_.find_publication("stage", "c_3"), nullptr);
}

}  // namespace
}  // namespace simpul::node
