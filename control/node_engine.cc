#include "control/node_engine.h"

#include <utility>

namespace simpul::control {
namespace {

class NodeEngine final : public Engine {
 public:
  explicit NodeEngine(node::Node& node) : node_(node) {}

  void join(node::JoinRequest request, JoinDone done) override {
    node_.join(std::move(request), done);
  }
  bool leave(const std::string& room, const std::string& session) override {
    return node_.leave(room, session);
  }
  std::optional<std::string> ice_session(const std::string& room,
                                         const std::string& session) const override {
    return node_.ice_session(room, session);
  }
  Expected<node::IcePatched, node::IcePatchError> patch_ice(const node::IcePatch& patch) override {
    return node_.patch_ice(patch);
  }
  void ask_slot(const node::SlotName& slot, const std::optional<node::ViewingChange>& change,
                SlotDone done) override {
    node_.ask_slot(slot, change, done);
  }
  Expected<uint64_t, node::FollowError> follow_layers(const std::string& room,
                                                      const std::string& session,
                                                      node::Node::LayersTold told) override {
    return node_.follow_layers(room, session, std::move(told));
  }
  void unfollow_layers(uint64_t follower) override { node_.unfollow_layers(follower); }
  bool publishes(const std::string& room, const std::string& session) const override {
    return node_.publishes(room, session);
  }
  std::optional<node::PinError> pin_speaker(const std::string& room, const std::string& participant,
                                            bool pinned) override {
    return node_.pin_speaker(room, participant, pinned);
  }
  bool remove_participant(const std::string& room, const std::string& participant) override {
    return node_.remove_participant(room, participant);
  }
  bool remove_room(const std::string& room) override { return node_.remove_room(room); }

  std::vector<std::string> room_names() const override { return node_.room_names(); }
  std::optional<node::RoomReport> room(const std::string& name) const override {
    return node_.room(name);
  }
  std::optional<node::ParticipantReport> participant(const std::string& room,
                                                     const std::string& id) const override {
    return node_.participant(room, id);
  }
  node::NodeReport report() const override { return node_.report(); }
  bool healthy() const override { return node_.healthy(); }

 private:
  node::Node& node_;
};

}  // namespace

std::unique_ptr<Engine> make_node_engine(node::Node& node) {
  return std::make_unique<NodeEngine>(node);
}

}  // namespace simpul::control
