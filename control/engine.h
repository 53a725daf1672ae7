#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "node/node.h"
#include "node/slot_why.h"

namespace simpul::control {

// What the control API asks of the relay. A real one forwards to node::Node, the tests have a
// fake. Every call and every callback happens on the control thread.
class Engine {
 public:
  using JoinDone = std::function<void(Expected<node::Join, node::JoinError>)>;

  virtual ~Engine() = default;

  // `done` is called once, now or later.
  virtual void join(node::JoinRequest request, JoinDone done) = 0;
  // False when there is nothing of that name to end.
  virtual bool leave(const std::string& room, const std::string& session) = 0;
  // The name of the session's present ICE session; nothing when there is no such session.
  virtual std::optional<std::string> ice_session(const std::string& room,
                                                 const std::string& session) const = 0;
  virtual Expected<node::IcePatched, node::IcePatchError> patch_ice(
      const node::IcePatch& patch) = 0;
  // Why a slot carries what it carries, after its viewing was changed. `done` is called once, now
  // or later.
  using SlotDone = std::function<void(Expected<node::SlotWhy, node::SlotError>)>;
  virtual void ask_slot(const node::SlotName& slot,
                        const std::optional<node::ViewingChange>& change, SlotDone done) = 0;
  // As node::Node has it.
  virtual Expected<uint64_t, node::FollowError> follow_layers(const std::string& room,
                                                              const std::string& session,
                                                              node::Node::LayersTold told) = 0;
  virtual void unfollow_layers(uint64_t follower) = 0;
  // Whether there is such a session, and somebody publishes by it.
  virtual bool publishes(const std::string& room, const std::string& session) const = 0;
  // As node::Node has it.
  virtual std::optional<node::PinError> pin_speaker(const std::string& room,
                                                    const std::string& participant,
                                                    bool pinned) = 0;
  virtual bool remove_participant(const std::string& room, const std::string& participant) = 0;
  virtual bool remove_room(const std::string& room) = 0;

  virtual std::vector<std::string> room_names() const = 0;
  virtual std::optional<node::RoomReport> room(const std::string& name) const = 0;
  virtual std::optional<node::ParticipantReport> participant(const std::string& room,
                                                             const std::string& id) const = 0;
  virtual node::NodeReport report() const = 0;
  virtual bool healthy() const = 0;
};

}  // namespace simpul::control
