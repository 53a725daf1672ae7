#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/address.h"
#include "base/packet.h"
#include "base/time.h"
#include "connection/connection.h"
#include "net/egress.h"
#include "node/session.h"
#include "relay/relay.h"

namespace simpul::node {

// One worker's connections and its relay, joined: the one place where both meet. Datagrams find
// their connection (by address; a STUN check from a new address by its username), media go to the
// relay, and what the relay has for a subscriber is sealed by that one's connection into the send
// arena. No thread, no socket, no clock: the worker around it has those.
class Switchboard {
 public:
  struct Options {
    relay::Limits relay;
    uint64_t seed = 0;
  };
  // What leaves the switchboard besides datagrams.
  struct Hooks {
    std::function<void(ConnectionKey, std::unique_ptr<dtls::HandshakeStep>)> run_handshake;
    std::function<void(const SessionChange&)> changed;
  };

  // `sockets` are the egress of each local socket, by the index that paths carry.
  Switchboard(const Options& options, const dtls::Context& context, crypto::CipherEngine& engine,
              std::vector<net::Egress*> sockets, Hooks hooks);
  ~Switchboard();
  Switchboard(const Switchboard&) = delete;
  Switchboard& operator=(const Switchboard&) = delete;

  void start(Session session, TimePoint now);
  void end(ConnectionKey key, TimePoint now);
  void end_all(TimePoint now);
  void resume(ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step, TimePoint now);

  void receive(PacketRef packet, ice::Path from, TimePoint now);
  // Runs what is due: timers of connections, reports, key-frame requests.
  void advance(TimePoint now);
  TimePoint next_deadline() const;
  void set_wall_clock(TimePoint now, uint64_t ntp_now) { relay_.set_wall_clock(now, ntp_now); }

  // Sends packets that are due, to at most `subscribers_max` subscribers; true when more wait.
  bool send_due(TimePoint now, Duration hold, size_t subscribers_max);
  TimePoint next_send(Duration hold) const { return relay_.next_collect(hold); }

  // Fills in what the switchboard knows of a snapshot.
  void report(TimePoint now, WorkerSnapshot& snapshot) const;
  size_t connections() const { return entries_.size(); }
  uint64_t media_packets() const { return relay_.counters().packets_in; }

 private:
  struct Entry {
    Session session;  // its connection part is moved into `connection`
    std::unique_ptr<connection::Connection> connection;
    std::string ufrag;
    std::vector<Address> remotes;  // of validated paths
    std::vector<uint32_t> sockets;
    relay::PublisherId publisher;
    relay::SubscriberId subscriber;
    bool seen_by_relay = false;
    bool gone = false;
    std::vector<double> slot_loss;
    TimePoint started_at;
    connection::State told = connection::State::kNew;
  };
  struct Source {
    uint32_t socket;
    Address remote;
    friend bool operator==(const Source&, const Source&) = default;
    template <class H>
    friend H AbslHashValue(H hash, const Source& source) {
      return H::combine(std::move(hash), source.socket, std::hash<Address>{}(source.remote));
    }
  };

  Entry* entry_of(ice::Path from, const PacketRef& packet);
  void take_output(Entry& entry, TimePoint now);
  void take_media(Entry& entry, TimePoint now);
  void take_feedback(Entry& entry, TimePoint now);
  void note_paths(Entry& entry);
  void change_state(Entry& entry, TimePoint now);
  void connect(Entry& entry, TimePoint now);
  void send_datagrams();
  void forget_gone(TimePoint now);
  void take_relay_output(TimePoint now);
  void end_superseded(TimePoint now);
  ConnectionReport report_of(const Entry& entry) const;

  Hooks hooks_;
  const dtls::Context& context_;
  crypto::CipherEngine& engine_;
  std::vector<net::Egress*> sockets_;
  relay::Relay relay_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<Source, Entry*> by_source_;
  absl::flat_hash_map<std::string, Entry*> by_ufrag_;
  absl::flat_hash_map<uint32_t, Entry*> by_subscriber_;
  absl::flat_hash_map<uint32_t, Entry*> by_publisher_;
  std::vector<ConnectionKey> gone_;
  connection::Output out_;  // scratch, as are the next three
  relay::Output relay_out_;
  std::vector<uint16_t> sizes_;
  uint64_t unknown_source_ = 0;
  uint64_t no_room_ = 0;
  std::map<std::string, uint64_t> handshakes_;
  Histogram handshake_seconds_;
  TimePoint next_second_;
};

}  // namespace simpul::node
