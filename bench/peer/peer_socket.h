#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/packet.h"
#include "bench/impairment/path.h"
#include "bench/peer/media_source.h"
#include "bench/peer/peer.h"
#include "bench/peer/socket_set.h"
#include "net/event_loop.h"
#include "net/tcp_media_streams.h"
#include "net/udp_socket.h"

namespace simpul::peer {

// A peer with a socket, a timer and its sources, on an event loop. Over TCP it connects when it
// starts; should the stream end, it goes on when connect() is called again.
class PeerSocket {
 public:
  struct Handlers {
    // Over UDP with the time when it came to the socket, or out of the bad network.
    std::function<void(const Peer::Received&, TimePoint came_at)> on_rtp;
    std::function<void(Bytes compound)> on_rtcp;
    std::function<void()> on_connected;
  };

  // Binds a free port of `local`; ends the process when there is none. The set outlives the peer;
  // with a loop alone it has one of its own.
  PeerSocket(SocketSet& sockets, Options options, Identity& identity, Handlers handlers,
             const Address& local = Address::v4({127, 0, 0, 1}, 0));
  PeerSocket(net::EventLoop& loop, Options options, Identity& identity, Handlers handlers,
             const Address& local = Address::v4({127, 0, 0, 1}, 0));
  ~PeerSocket();
  PeerSocket(const PeerSocket&) = delete;
  PeerSocket& operator=(const PeerSocket&) = delete;

  // Takes the answer and begins; `remote` replaces the answer's candidate.
  bool start(std::string_view answer, std::optional<Address> remote = {});
  // From now on what it sends and gets goes through a bad network of its own; over UDP only. The
  // seed decides alike on every run.
  void impair(const impairment::PathOptions& up, const impairment::PathOptions& down,
              uint64_t seed);
  // What its bad network did both ways; nothing without one.
  impairment::PathCounts network_counts() const;
  // It begins as soon as the peer is connected.
  void add_source(MediaSource source);
  // Goes on from another address, as a device that changes networks: a check leaves from there at
  // once, and all else behind it. What still comes to the old one is taken, too.
  void move(const Address& local, std::optional<Address> remote = {});
  void close();

  // Over TCP: a new stream, instead of the one that there may be.
  void connect();
  void disconnect() { streams_->close(*std::exchange(stream_, std::nullopt)); }
  // Whether there is a TCP stream.
  bool has_stream() const { return stream_.has_value(); }

  // Takes the answer to an ICE restart and goes to another port: checks leave from there at once,
  // all else when one of them was answered. What still comes to the old port is read.
  bool restart(std::string_view fragment);

  void send(Bytes datagram);
  void send_to(Bytes datagram, const Address& to);

  Peer& peer() { return peer_; }
  std::vector<MediaSource>& sources() { return sources_; }
  // Over UDP.
  const Address& local() const { return socket_->local_address(); }
  const Address& remote() const { return remote_; }
  uint64_t datagrams_received() const { return datagrams_received_; }
  // That came from elsewhere than this peer sends to, and were dropped.
  uint64_t datagrams_foreign() const { return datagrams_foreign_; }
  // Of the socket that it has now.
  const net::UdpStatistics& statistics() const { return socket_->statistics(); }
  // Datagrams that its sockets had no room for, of those that are gone too.
  uint64_t overflows() const;

 private:
  PeerSocket(std::unique_ptr<SocketSet> own, SocketSet* shared, Options options, Identity& identity,
             Handlers handlers, const Address& local);
  std::unique_ptr<SocketSet::Socket> open(const Address& local);
  void receive_from(MutableBytes datagram, const Address& from, TimePoint now);
  void receive_over_network(MutableBytes datagram, TimePoint now);
  void receive(MutableBytes datagram, TimePoint now);
  void end_read(TimePoint now);
  void advance_network(TimePoint now);
  void transmit(Bytes datagram, const Address& to);
  void send_out(Bytes datagram);
  void wake(TimePoint now);
  void take_output(TimePoint now);
  void replace_socket(std::unique_ptr<SocketSet::Socket> socket);
  void answer(Bytes compound, TimePoint now);

  std::unique_ptr<SocketSet> own_sockets_;  // when they are not shared
  SocketSet& sockets_;
  net::EventLoop& loop_;
  const bool over_tcp_;
  Peer peer_;
  Handlers handlers_;
  std::unique_ptr<SocketSet::Socket> former_;  // before the last move or restart
  std::unique_ptr<SocketSet::Socket> socket_;
  net::TcpBudget budget_{1};
  std::optional<PacketPool> pool_;                 // over TCP only
  std::unique_ptr<net::TcpMediaStreams> streams_;  // over TCP only
  std::optional<uint32_t> stream_;
  std::unique_ptr<SocketSet::Socket> next_socket_;  // of a restart, until a check was answered
  struct Network {
    impairment::Path up;
    impairment::Path down;
    impairment::Path::Output leaving = {};
  };
  std::unique_ptr<Network> network_;  // when it is a bad one
  net::Timer timer_;
  Address remote_;
  Address former_remote_;  // before the last move
  std::vector<MediaSource> sources_;
  Peer::Output out_;
  std::vector<std::vector<uint8_t>> datagrams_;
  uint64_t datagrams_received_ = 0;
  uint64_t datagrams_foreign_ = 0;
  uint64_t overflows_gone_ = 0;  // of sockets that are closed
  bool told_connected_ = false;
};

}  // namespace simpul::peer
