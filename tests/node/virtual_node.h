#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/peer/media_source.h"
#include "bench/peer/peer.h"
#include "crypto/srtp_cipher.h"
#include "dtls/certificate.h"
#include "dtls/context.h"
#include "net/egress.h"
#include "node/session_setup.h"
#include "node/switchboard.h"
#include "rtp/transport_feedback_builder.h"

namespace simpul::testing {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// Keeps what is sent, cut into datagrams as the kernel would, and counts calls and messages.
class RecordingSender final : public net::DatagramSender {
 public:
  struct Sent {
    Address to;
    std::vector<uint8_t> bytes;
  };

  int send_messages(std::span<const net::OutgoingMessage> messages) override;
  void notify_when_writable() override {}

  std::vector<Sent> take() { return std::exchange(sent_, {}); }
  void keep(bool keep) { keep_ = keep; }
  // While blocked it takes nothing, as a full socket.
  void block(bool blocked) { blocked_ = blocked; }
  uint64_t calls() const { return calls_; }
  uint64_t messages() const { return messages_; }
  uint64_t datagrams() const { return datagrams_; }

 private:
  bool keep_ = true;
  bool blocked_ = false;
  std::vector<Sent> sent_;
  uint64_t calls_ = 0;
  uint64_t messages_ = 0;
  uint64_t datagrams_ = 0;
};

// Somebody at an address, with what came to them.
struct Guest {
  std::string name;
  Address address;
  peer::Peer peer;
  std::vector<peer::MediaSource> sources;
  node::ConnectionKey key{};
  uint32_t socket = 0;  // of the node, that it sends to: 0 or 1

  struct Packet {
    rtp::Ssrc ssrc;
    rtp::SequenceNumber sequence_number;
    uint32_t timestamp = 0;
    rtp::PayloadType payload_type;
    bool marker = false;
    uint32_t csrc = 0;
    std::vector<uint8_t> payload;
    size_t padding = 0;
    TimePoint arrival{};
  };
  std::vector<Packet> packets;
  std::vector<std::vector<uint8_t>> rtcp;
  // It tells when packets came, each 100 ms, if it was told to.
  bool reports_arrivals = false;
  rtp::TransportFeedbackBuilder arrivals = {};

  size_t count(rtp::Ssrc ssrc) const;
};

// A switchboard and its guests at virtual time: real ICE, DTLS and SRTP, no socket and no clock.
class VirtualNode {
 public:
  static config::Config test_config();
  // With lanes, the worker of that number among several.
  explicit VirtualNode(node::FeedLanes* lanes = nullptr, uint32_t worker = 0,
                       const config::Config& config = test_config());
  ~VirtualNode();

  Guest& publish(const std::string& room, const std::string& name, peer::Options options = {});
  Guest& watch(const std::string& room, const std::string& name, const std::string& watched = {},
               relay::LayerChoice layer = relay::LayerChoice::kHighest, peer::Options options = {});
  // The guest is gone without a word.
  void vanish(Guest& guest) { guest.address.port = 0; }

  // Lets time pass, a millisecond at a time.
  void run(Duration duration);
  // Until `done`, at most ten seconds of virtual time; false when it did not come.
  bool run_until(const std::function<bool()>& done);

  void deliver(const Address& from, Bytes datagram);
  // A datagram comes to a guest.
  void deliver_to(Guest& guest, std::vector<uint8_t> datagram);
  // Takes everything off the switchboard's hands that is due.
  void settle();

  TimePoint now() const { return now_; }
  node::Switchboard& switchboard() { return *switchboard_; }
  node::FeedExchange& feeds() { return *feeds_; }
  RecordingSender& sender() { return sender_; }
  net::Egress& egress() { return egress_; }
  net::Egress& other_egress() { return other_egress_; }
  node::WorkerSnapshot snapshot() const;
  size_t packets_in_use() const { return pool_.in_use(); }
  uint64_t drops(const std::string& reason) const { return snapshot().worker.drops[reason]; }
  const std::vector<node::SessionChange>& changes() const { return changes_; }
  std::optional<connection::State> last_state(const Guest& guest) const;
  // Datagrams from guests for which this says true are lost; and those to guests.
  std::function<bool(const Guest&, Bytes)> lose_upwards;
  std::function<bool(const Guest&, Bytes)> lose_downwards;
  // Sees what comes to guests.
  std::function<void(Guest&, const peer::Peer::Received&)> on_rtp;
  // What those were told who follow which layers are wanted.
  std::vector<node::LayersChange> layers_changes;
  // Where datagrams for nobody went.
  std::vector<RecordingSender::Sent> strays;
  peer::Identity& identity() { return identity_; }

 private:
  Guest& add(node::JoinRequest request, const std::string& name, peer::Options options);
  void run_guest(Guest& guest);
  void report_arrivals(Guest& guest);

  TimePoint now_{std::chrono::hours(1)};
  peer::Identity identity_{std::chrono::seconds(1'800'000'000)};
  dtls::Certificate certificate_;
  dtls::Context context_;
  crypto::CipherEngine engine_;
  node::SessionSetup setup_;
  PacketPool pool_{65'536};
  std::unique_ptr<node::FeedExchange> feeds_;
  RecordingSender sender_;
  net::Egress egress_{sender_};
  RecordingSender other_sender_;
  net::Egress other_egress_{other_sender_};
  std::vector<node::SessionChange> changes_;
  std::vector<std::pair<node::ConnectionKey, std::unique_ptr<dtls::HandshakeStep>>> steps_;
  std::unique_ptr<node::Switchboard> switchboard_;
  std::vector<std::unique_ptr<Guest>> guests_;
  uint16_t next_port_ = 20'000;
};

}  // namespace simpul::testing
