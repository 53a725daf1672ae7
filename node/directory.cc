#include "node/directory.h"

#include <algorithm>
#include <utility>

namespace simpul::node {
namespace {

JoinError full(std::string detail) { return {JoinError::Kind::kFull, std::move(detail)}; }

}  // namespace

std::string_view to_string(ConnectionPhase phase) {
  switch (phase) {
    case ConnectionPhase::kNew:
      return "new";
    case ConnectionPhase::kChecking:
      return "checking";
    case ConnectionPhase::kConnected:
      return "connected";
    case ConnectionPhase::kDisconnected:
      return "disconnected";
    case ConnectionPhase::kClosed:
      return "closed";
  }
  return "closed";
}

std::optional<JoinError> Directory::refuse(const JoinRequest& request) const {
  if (joining_ >= kJoiningMax) return full("too many are joining at once");
  const auto found = rooms_.find(request.room);
  if (found == rooms_.end()) {
    if (request.role == Role::kWatcher) {
      return JoinError{JoinError::Kind::kNoPublisher, "nobody publishes in this room"};
    }
    if (rooms_.size() >= limits_.rooms) return full("the node has as many rooms as it may");
    return std::nullopt;
  }
  const Room& room = found->second;
  if (request.role == Role::kWatcher && !has_publisher(request.room, request.watched)) {
    return JoinError{JoinError::Kind::kNoPublisher, request.watched.empty()
                                                        ? "nobody publishes in this room"
                                                        : "this participant does not publish"};
  }
  if (request.role == Role::kPublisher && room.publishers >= limits_.publishers_per_room) {
    return full("the room has as many publishers as it may");
  }
  if (room.participants.size() >= limits_.participants_per_room &&
      !room.participants.contains(request.participant)) {
    return full("the room has as many participants as it may");
  }
  return std::nullopt;
}

bool Directory::has_publisher(const std::string& room, const std::string& participant) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return false;
  if (participant.empty()) return found->second.publishers > 0;
  const auto who = found->second.participants.find(participant);
  if (who == found->second.participants.end()) return false;
  return std::ranges::any_of(who->second.connections, [this](ConnectionKey key) {
    return records_.at(key).role == Role::kPublisher;
  });
}

uint32_t Directory::worker_for(const std::string& room, uint32_t workers,
                               size_t together_max) const {
  std::vector<size_t> connections(workers);
  for (const auto& [worker, count] : connections_by_worker_) {
    if (worker < workers) connections[worker] = count;
  }
  const auto found = rooms_.find(room);
  const auto first = found == rooms_.end() ? std::nullopt : std::optional(found->second.worker);
  return place(first, connections, together_max);
}

void Directory::add(Record record, int64_t now_unix_ms) {
  Room& room = rooms_[record.room];
  if (room.participants.empty()) {
    room.created_at_unix_ms = now_unix_ms;
    room.worker = record.worker;
  }
  Participant& participant = room.participants[record.participant];
  if (participant.connections.empty()) participant.joined_at_unix_ms = now_unix_ms;
  participant.connections.push_back(record.key);
  if (record.role == Role::kPublisher) ++room.publishers;
  ++connections_by_worker_[record.worker];
  record.report.id = record.session;
  record.report.role = record.role;
  record.report.worker = record.worker;
  ++joining_;
  const ConnectionKey key = record.key;
  by_session_.emplace(record.session, key);
  records_.emplace(key, std::move(record));
}

void Directory::remove(ConnectionKey key) {
  const auto found = records_.find(key);
  if (found == records_.end()) return;
  const Record record = std::move(found->second);
  records_.erase(found);
  by_session_.erase(record.session);
  if (!record.has_connected) --joining_;
  --connections_by_worker_[record.worker];
  const auto room = rooms_.find(record.room);
  if (record.role == Role::kPublisher) --room->second.publishers;
  const auto participant = room->second.participants.find(record.participant);
  std::erase(participant->second.connections, key);
  if (participant->second.connections.empty()) room->second.participants.erase(participant);
  if (room->second.participants.empty()) rooms_.erase(room);
}

void Directory::update(ConnectionKey key, ConnectionReport report) {
  const auto found = records_.find(key);
  if (found == records_.end()) return;  // it ended while the report was on its way
  report.id = found->second.session;
  report.role = found->second.role;
  report.worker = found->second.worker;
  report.phase = found->second.report.phase;  // set_phase() is told sooner than reports
  found->second.report = std::move(report);
}

void Directory::set_phase(ConnectionKey key, ConnectionPhase phase) {
  const auto found = records_.find(key);
  if (found == records_.end()) return;
  found->second.report.phase = phase;
  if (phase != ConnectionPhase::kConnected || found->second.has_connected) return;
  found->second.has_connected = true;
  --joining_;
}

std::optional<PinError> Directory::pin(const std::string& room, const std::string& participant,
                                       bool pinned) {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return PinError::kNoParticipant;
  auto& participants = found->second.participants;
  const auto who = participants.find(participant);
  if (who == participants.end()) return PinError::kNoParticipant;
  if (pinned && !who->second.pinned) {
    const auto count = std::ranges::count_if(participants, [&](const auto& one) {
      return one.second.pinned && has_publisher(room, one.first);
    });
    if (static_cast<size_t>(count) >= limits_.speakers_per_room) return PinError::kFull;
  }
  who->second.pinned = pinned;
  return std::nullopt;
}

bool Directory::is_pinned(const std::string& room, const std::string& participant) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return false;
  const auto who = found->second.participants.find(participant);
  return who != found->second.participants.end() && who->second.pinned;
}

const Directory::Record* Directory::find(ConnectionKey key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? nullptr : &found->second;
}

std::optional<ConnectionKey> Directory::find_session(const std::string& room,
                                                     const std::string& session) const {
  const auto found = by_session_.find(session);
  if (found == by_session_.end() || records_.at(found->second).room != room) return std::nullopt;
  return found->second;
}

const Directory::Record* Directory::find_publication(const std::string& room,
                                                     const std::string& session) const {
  const auto key = find_session(room, session);
  const Record* record = key ? find(*key) : nullptr;
  return record != nullptr && record->role == Role::kPublisher ? record : nullptr;
}

std::optional<ConnectionKey> Directory::find_slot(const SlotName& slot) const {
  if (slot.participant.empty()) return find_session(slot.room, slot.session);
  std::optional<ConnectionKey> newest;
  for (const ConnectionKey key : connections_of(slot.room, slot.participant)) {
    const Record& record = records_.at(key);
    if (record.role != Role::kWatcher) continue;
    const auto& slots = record.report.slots;
    // Of one that has not reported yet it is not known.
    const bool may_have =
        slots.empty() || std::ranges::find(slots, slot.mid, &SlotReport::mid) != slots.end();
    if (may_have) newest = key;
  }
  return newest;
}

std::vector<ConnectionKey> Directory::connections_of(const std::string& room) const {
  std::vector<ConnectionKey> keys;
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return keys;
  for (const auto& [id, participant] : found->second.participants) {
    keys.insert(keys.end(), participant.connections.begin(), participant.connections.end());
  }
  return keys;
}

std::vector<ConnectionKey> Directory::connections_of(const std::string& room,
                                                     const std::string& participant) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return {};
  const auto who = found->second.participants.find(participant);
  return who == found->second.participants.end() ? std::vector<ConnectionKey>{}
                                                 : who->second.connections;
}

std::vector<std::string> Directory::room_names() const {
  std::vector<std::string> names;
  names.reserve(rooms_.size());
  for (const auto& [name, room] : rooms_) names.push_back(name);
  return names;
}

ParticipantReport Directory::report_of(const std::string& room, const std::string& id,
                                       const Participant& participant) const {
  ParticipantReport report{.id = id,
                           .room = room,
                           .joined_at_unix_ms = participant.joined_at_unix_ms,
                           .pinned = participant.pinned,
                           .connections = {}};
  for (const ConnectionKey key : participant.connections) {
    report.connections.push_back(records_.at(key).report);
  }
  return report;
}

std::optional<RoomReport> Directory::room(const std::string& name) const {
  const auto found = rooms_.find(name);
  if (found == rooms_.end()) return std::nullopt;
  RoomReport report{
      .id = name, .created_at_unix_ms = found->second.created_at_unix_ms, .participants = {}};
  for (const auto& [id, participant] : found->second.participants) {
    report.participants.push_back(report_of(name, id, participant));
  }
  return report;
}

std::optional<ParticipantReport> Directory::participant(const std::string& room,
                                                        const std::string& id) const {
  const auto found = rooms_.find(room);
  if (found == rooms_.end()) return std::nullopt;
  const auto who = found->second.participants.find(id);
  if (who == found->second.participants.end()) return std::nullopt;
  return report_of(room, id, who->second);
}

size_t Directory::participants() const {
  size_t count = 0;
  for (const auto& [name, room] : rooms_) count += room.participants.size();
  return count;
}

std::map<std::string, uint64_t> Directory::connections_by_state() const {
  std::map<std::string, uint64_t> counts;
  for (const auto& [key, record] : records_) ++counts[std::string(to_string(record.report.phase))];
  return counts;
}

}  // namespace simpul::node
