#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/packet.h"
#include "bench/peer/peer_socket.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "node/node.h"

namespace simpul::testing {

using namespace std::chrono_literals;

// A peer that is in a room of the node, over a real socket, with what it received.
struct LiveGuest {
  std::string room;
  std::string name;
  std::string session;
  std::unique_ptr<peer::PeerSocket> socket;
  uint64_t audio = 0;
  uint64_t video = 0;
  uint64_t key_frames = 0;
  uint64_t lost = 0;   // holes in the sequence numbers of its slots
  size_t largest = 0;  // datagram of media, in bytes
  struct Stream {
    rtp::Ssrc ssrc;
    rtp::SequenceUnwrapper unwrapper = {};
    std::optional<int64_t> highest = {};
  };
  std::vector<Stream> streams;
  std::function<void(const peer::Peer::Received&, TimePoint now)> on_rtp = {};
  std::function<void(Bytes compound)> on_rtcp = {};

  bool connected() const { return socket->peer().connected(); }
  // Of what it lost, all that its own socket had room for: who reads too slowly, as all of these
  // guests on one thread of a slow machine may, loses the rest by himself.
  uint64_t missed() const { return lost - std::min(lost, socket->overflows()); }
};

// Sends any bytes from any loopback address, and counts what comes back.
class RawSocket {
 public:
  RawSocket(net::EventLoop& loop, const std::string& ip = "127.0.0.2", uint16_t port = 0);

  void send(Bytes datagram, const Address& to);
  uint64_t received() const { return received_; }
  void forget_received() { received_ = 0; }
  uint64_t bytes_received() const { return bytes_received_; }
  uint64_t bytes_sent() const { return bytes_sent_; }
  Bytes last_received() const { return last_; }
  const Address& local() const { return socket_->local_address(); }

 private:
  PacketPool pool_{64};
  std::unique_ptr<net::UdpSocket> socket_;
  std::vector<net::ReceivedDatagram> scratch_;
  std::vector<uint8_t> last_;
  uint64_t received_ = 0;
  uint64_t bytes_received_ = 0;
  uint64_t bytes_sent_ = 0;
};

// A whole node in this process, its guests on the test's own loop. Time limits only end a hang.
class LiveNode {
 public:
  explicit LiveNode(uint16_t workers = 1, Duration idle_timeout = 30s,
                    size_t together_max = node::kTogetherMax);
  explicit LiveNode(const config::Config& config, size_t together_max = node::kTogetherMax,
                    size_t packets_lent_max = 0);
  // Its workers report every 50 ms and it takes any TCP port, whatever the options say.
  LiveNode(const config::Config& config, node::NodeOptions options);
  ~LiveNode();

  // Of one address of loopback, on free ports.
  static config::Config test_config(uint16_t workers = 1, Duration idle_timeout = 30s);

  // Where guests to come have their sockets.
  void set_guest_address(const Address& local) { guest_address_ = local; }
  LiveGuest& publish(const std::string& room, const std::string& name, peer::Options options = {},
                     std::optional<Address> through = {});
  LiveGuest& watch(const std::string& room, const std::string& name,
                   std::optional<Address> through = {},
                   relay::LayerChoice layer = relay::LayerChoice::kHighest,
                   const std::string& watched = {}, peer::Options options = {});
  // The answer to a join that is not followed by anything.
  Expected<node::Join, node::JoinError> join(node::JoinRequest request);

  // Runs the loop until `done`; false when it hangs.
  bool run_until(const std::function<bool()>& done);
  // The next snapshots of all workers have come.
  void refresh();

  uint64_t dropped(const std::string& reason);  // by all workers, fresh
  uint64_t tcp_streams();                       // of all workers, fresh
  // As run_until(), for what is asked of fresh reports, which run the loop themselves.
  bool ask_until(const std::function<bool()>& done);
  // Datagrams that guests got from another address than they send to.
  uint64_t foreign() const;
  std::optional<node::ConnectionReport> report_of(const LiveGuest& guest);

  net::EventLoop& loop() { return loop_; }
  node::Node& node() { return *node_; }
  void stop() { node_.reset(); }
  peer::Identity& identity() { return identity_; }

 private:
  LiveGuest& add(node::JoinRequest request, peer::Options options, std::optional<Address> through);

  net::EventLoop loop_;
  peer::Identity identity_;
  Address guest_address_ = Address::v4({127, 0, 0, 1}, 0);
  std::unique_ptr<node::Node> node_;
  std::vector<std::unique_ptr<LiveGuest>> guests_;
};

}  // namespace simpul::testing
