#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "node/node.h"
#include "node/placement.h"
#include "node/session.h"

namespace simpul::node {

// Who is where, as the control thread knows it: rooms, their participants, their connections and
// the last report of each. A room is there for as long as somebody is in it; it begins
// on one worker and spans others when that is full. Decides whether one more fits; sends nothing.
class Directory {
 public:
  // Connections that are on their way in at once. Each may cost a handshake, and a hundred times
  // as many would only wait for one another: who is refused asks again and gets in sooner.
  static constexpr size_t kJoiningMax = 4096;

  explicit Directory(const config::Limits& limits) : limits_(limits) {}

  struct Record {
    ConnectionKey key;
    std::string session;
    std::string room;
    std::string participant;
    Role role = Role::kPublisher;
    uint32_t worker = 0;
    ConnectionReport report;
    bool has_connected = false;
  };

  // Why a join is refused, or nothing.
  std::optional<JoinError> refuse(const JoinRequest& request) const;
  // Whether somebody (or this one) publishes in the room.
  bool has_publisher(const std::string& room, const std::string& participant) const;
  // The worker for one more connection to the room.
  uint32_t worker_for(const std::string& room, uint32_t workers,
                      size_t together_max = kTogetherMax) const;

  void add(Record record, int64_t now_unix_ms);
  // Forgets the connection, and participant and room with their last one.
  void remove(ConnectionKey key);
  // All but the phase.
  void update(ConnectionKey key, ConnectionReport report);
  void set_phase(ConnectionKey key, ConnectionPhase phase);

  // Whether a participant is heard in any case, for as long as they are there. Nothing, or why
  // that is not so.
  std::optional<PinError> pin(const std::string& room, const std::string& participant, bool pinned);
  bool is_pinned(const std::string& room, const std::string& participant) const;

  const Record* find(ConnectionKey key) const;
  std::optional<ConnectionKey> find_session(const std::string& room,
                                            const std::string& session) const;
  // Null when nobody publishes by it.
  const Record* find_publication(const std::string& room, const std::string& session) const;
  // The connection with this slot: of several the newest that is known to have it.
  std::optional<ConnectionKey> find_slot(const SlotName& slot) const;
  std::vector<ConnectionKey> connections_of(const std::string& room) const;
  std::vector<ConnectionKey> connections_of(const std::string& room,
                                            const std::string& participant) const;

  std::vector<std::string> room_names() const;
  std::optional<RoomReport> room(const std::string& name) const;
  std::optional<ParticipantReport> participant(const std::string& room,
                                               const std::string& id) const;
  std::map<std::string, uint64_t> connections_by_state() const;
  size_t connections() const { return records_.size(); }
  size_t rooms() const { return rooms_.size(); }
  size_t participants() const;

 private:
  struct Participant {
    int64_t joined_at_unix_ms = 0;
    bool pinned = false;
    std::vector<ConnectionKey> connections;
  };
  struct Room {
    int64_t created_at_unix_ms = 0;
    uint32_t worker = 0;  // its first
    uint32_t publishers = 0;
    std::map<std::string, Participant> participants;
  };

  ParticipantReport report_of(const std::string& room, const std::string& id,
                              const Participant& participant) const;

  config::Limits limits_;
  std::map<std::string, Room> rooms_;
  std::unordered_map<ConnectionKey, Record> records_;
  std::unordered_map<std::string, ConnectionKey> by_session_;
  std::map<uint32_t, size_t> connections_by_worker_;
  size_t joining_ = 0;
};

}  // namespace simpul::node
