#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/engine.h"

namespace simpul::testing {

// An engine that remembers what it was asked and answers what it was told to.
struct FakeEngine final : control::Engine {
  void join(node::JoinRequest request, JoinDone done) override {
    joins.push_back(std::move(request));
    if (holds_joins) {
      held.push_back(std::move(done));
    } else if (error) {
      done(unexpected(*error));
    } else {
      done(
          node::Join{.session = session, .participant = "p", .answer = answer, .ice_session = ice});
    }
  }
  bool leave(const std::string& room, const std::string& name) override {
    left.push_back(room + "/" + name);
    return name == session && !std::exchange(session_is_over, true);
  }
  std::optional<std::string> ice_session(const std::string&,
                                         const std::string& name) const override {
    return name == session && !session_is_over ? std::optional(ice) : std::nullopt;
  }
  Expected<node::IcePatched, node::IcePatchError> patch_ice(const node::IcePatch& patch) override {
    patches.push_back(patch);
    if (patch_error) return unexpected(*patch_error);
    return patched;
  }
  void ask_slot(const node::SlotName& slot, const std::optional<node::ViewingChange>& change,
                SlotDone done) override {
    slots_asked.push_back(slot);
    if (change) viewing_changes.push_back(*change);
    if (slot_error) return done(unexpected(*slot_error));
    done(why);
  }
  Expected<uint64_t, node::FollowError> follow_layers(const std::string&, const std::string& name,
                                                      node::Node::LayersTold told) override {
    if (follow_error) return unexpected(*follow_error);
    if (name != session || session_is_over) return unexpected(node::FollowError::kNoSession);
    followers.push_back(std::move(told));
    return followers.size();
  }
  void unfollow_layers(uint64_t follower) override { unfollowed.push_back(follower); }
  bool publishes(const std::string&, const std::string& name) const override {
    return name == session && !session_is_over && publishes_by_session;
  }
  std::optional<node::PinError> pin_speaker(const std::string& room_name, const std::string& id,
                                            bool pinned) override {
    if (pin_error) return pin_error;
    for (auto& participant : rooms[room_name].participants) {
      if (participant.id == id) participant.pinned = pinned;
    }
    return std::nullopt;
  }
  bool remove_participant(const std::string& room, const std::string& id) override {
    return participant(room, id).has_value();
  }
  bool remove_room(const std::string& room) override { return rooms.erase(room) > 0; }

  std::vector<std::string> room_names() const override {
    std::vector<std::string> names;
    for (const auto& [name, room] : rooms) names.insert(names.begin(), name);  // not in order
    return names;
  }
  std::optional<node::RoomReport> room(const std::string& name) const override {
    const auto found = rooms.find(name);
    if (found == rooms.end()) return std::nullopt;
    return found->second;
  }
  std::optional<node::ParticipantReport> participant(const std::string& room_name,
                                                     const std::string& id) const override {
    const auto found = room(room_name);
    if (!found) return std::nullopt;
    for (const auto& participant : found->participants) {
      if (participant.id == id) return participant;
    }
    return std::nullopt;
  }
  node::NodeReport report() const override {
    node::NodeReport report = node;
    report.rooms = rooms.size();
    for (const auto& [name, room] : rooms) report.participants += room.participants.size();
    return report;
  }
  bool healthy() const override { return is_healthy; }

  void add_room(const std::string& name, const std::vector<std::string>& participants) {
    auto& room = rooms[name];
    room.id = name;
    room.created_at_unix_ms = 1'795'284'000'000;
    for (const auto& id : participants) {
      room.participants.push_back(
          {.id = id, .room = name, .joined_at_unix_ms = 1'795'284'000'000, .connections = {}});
    }
  }

  std::vector<node::JoinRequest> joins;
  bool holds_joins = false;
  std::vector<JoinDone> held;
  std::optional<node::JoinError> error;
  std::string session = "c_0123456789abcdef0123456789abcdef";
  std::string answer = "v=0\r\n";
  std::string ice = "1ce";
  std::vector<node::IcePatch> patches;
  node::IcePatched patched;
  std::optional<node::IcePatchError> patch_error;
  bool session_is_over = false;
  std::vector<node::SlotName> slots_asked;
  std::vector<node::ViewingChange> viewing_changes;
  std::optional<node::SlotError> slot_error;
  node::SlotWhy why;
  std::vector<node::Node::LayersTold> followers;  // the first is number 1
  std::vector<uint64_t> unfollowed;
  std::optional<node::FollowError> follow_error;
  bool publishes_by_session = true;
  std::optional<node::PinError> pin_error;
  std::vector<std::string> left;
  std::map<std::string, node::RoomReport> rooms;
  node::NodeReport node;
  bool is_healthy = true;
};

}  // namespace simpul::testing
