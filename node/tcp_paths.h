#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "base/packet.h"
#include "ice/path.h"
#include "net/egress.h"
#include "net/event_loop.h"
#include "net/tcp_media_streams.h"
#include "node/session_streams.h"
#include "node/switchboard.h"
#include "node/tcp_door.h"

namespace simpul::node {

// The TCP streams of one worker, as paths of its connections: what they bring goes to the
// switchboard with the stream's number as the path's local part, and what it sends to such a path
// leaves by egress(). Decides how long a stream may stay: from the first authentic check, for as
// long as a connection has its path; before, for ten seconds, and as long as it says nothing but
// checks.
class TcpPaths {
 public:
  static constexpr size_t kStreamsMax = 4096;
  // Streams that claim to be of one session, and have not proved it. Those that have are its paths,
  // of which the ICE agent keeps few (AgentLimits::paths_max).
  static constexpr size_t kUnprovedPerSessionMax = 4;

  TcpPaths(net::EventLoop& loop, PacketPool& pool);
  // Everything that comes goes there from now on.
  void serve(Switchboard& switchboard) { switchboard_ = &switchboard; }
  net::Egress& egress() { return egress_; }

  void adopt(TcpArrival arrival, TimePoint now);
  // Closes the streams that have no right to stay; to be called about twice a second.
  void sweep(TimePoint now);

  std::optional<Address> local_address(uint32_t stream) const {
    return streams_.local_address(stream);
  }
  // Adds what there is to tell.
  void count(WorkerReport& report) const;

 private:
  // Of all streams that are open.
  struct Kept {
    ice::Path path;
    TimePoint accepted;
    std::string username_fragment;
    bool is_proved = false;
  };

  void receive(uint32_t stream, const Address& remote, PacketRef packet);
  bool is_proved(uint32_t stream);
  void close_unproved(uint32_t stream);
  void close(uint32_t stream);
  void forget(uint32_t stream);
  void make_room_in(const std::string& username_fragment);

  net::EventLoop& loop_;
  PacketPool& pool_;
  Switchboard* switchboard_ = nullptr;
  net::TcpMediaStreams streams_;
  net::Egress egress_{streams_};
  absl::flat_hash_map<uint32_t, Kept> kept_;
  SessionStreams by_session_;
  uint64_t unknown_session_ = 0;  // streams for sessions that are not here
  uint64_t refused_full_ = 0;
  uint64_t closed_unproved_ = 0;
};

}  // namespace simpul::node
