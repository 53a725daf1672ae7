#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/strong_id.h"
#include "connection/connection.h"
#include "ice/credentials.h"
#include "node/node.h"
#include "relay/relay.h"

namespace simpul::node {

// Names a connection on its node, for as long as the node runs.
using ConnectionKey = StrongId<struct ConnectionKeyTag, uint64_t>;

// Everything that a worker needs to start a connection: what the control thread settled with the
// peer's offer. Plain values, moved from thread to thread.
struct Session {
  ConnectionKey key;
  Role role = Role::kPublisher;
  std::string id;  // "c_..."
  std::string room;
  std::string participant;
  connection::Config connection;
  std::vector<relay::TrackConfig> tracks;  // publisher: beside connection.media.receiving
  relay::Wish wish;                        // watcher
  relay::Viewing viewing;                  // watcher: of each video slot
  std::vector<relay::SlotConfig> slots;    // watcher: beside connection.media.sending
};

// What a worker needs to begin ICE anew for one of its connections.
struct IceRestart {
  ConnectionKey key;
  ice::Credentials local;
  std::string remote_username_fragment;
};

// A connection's change of state, from its worker to the control thread.
struct SessionChange {
  ConnectionKey key;
  connection::State state = connection::State::kNew;
  connection::CloseReason reason = connection::CloseReason::kNone;
};

// Which layers a publisher is to send, from its worker to the control thread.
struct LayersChange {
  ConnectionKey key;
  WantedLayers wanted;
};

// What a worker tells about itself and its connections: each of them once a second, a few at a
// time, and itself with the last of them.
struct WorkerSnapshot {
  WorkerReport worker;  // only its number, before the last
  bool is_last = false;
  struct Entry {
    ConnectionKey key;
    ConnectionReport report;
  };
  std::vector<Entry> connections;
};

// How the reports name a state.
inline ConnectionPhase phase_of(connection::State state) {
  switch (state) {
    case connection::State::kNew:
      return ConnectionPhase::kNew;
    case connection::State::kChecking:
      return ConnectionPhase::kChecking;
    case connection::State::kConnected:
      return ConnectionPhase::kConnected;
    case connection::State::kClosed:
      return ConnectionPhase::kClosed;
  }
  return ConnectionPhase::kClosed;
}

}  // namespace simpul::node
