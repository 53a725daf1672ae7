#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/time.h"
#include "config/config.h"
#include "ice/credentials.h"
#include "net/event_loop.h"
#include "node/placement.h"
#include "relay/relay.h"

namespace simpul::node {

enum class Role : uint8_t { kPublisher, kWatcher };  // WHIP, WHEP

struct JoinRequest {
  Role role = Role::kPublisher;
  std::string room = {};
  std::string participant = {};  // empty: an id is made
  std::string offer = {};        // SDP
  std::string watched = {};      // kWatcher: the participant to watch; empty: the last who came
  relay::LayerChoice layer = relay::LayerChoice::kHighest;
  relay::Viewing viewing = {};  // of each video slot
};

struct Join {
  std::string session;  // names the connection: unguessable, "c_" and 32 hexadecimal digits
  std::string participant;
  std::string answer;
  std::string ice_session = {};  // names the ICE session, until a restart
};

// A message about the ICE of a session (RFC 9725 §4.3).
struct IcePatch {
  std::string room;
  std::string session;
  std::string fragment;  // application/trickle-ice-sdpfrag
};

struct IceRestarted {
  std::string ice_session;
  std::string fragment;  // our new credentials, and all candidates
};

struct IcePatched {
  std::optional<IceRestarted> restarted;  // nothing: it brought candidates
};

// The session and its ICE go on as they are.
struct IcePatchError {
  enum class Kind : uint8_t {
    kNoSession,  // 404
    kInvalid,    // 400 invalid-sdp
    kTooLarge,   // 413
    kTooOften,   // 429: restarts
    kFull,       // 503: the worker has too much waiting
  };
  Kind kind = Kind::kInvalid;
  std::string detail;
};

// What of a slot's viewing is to be another; the rest stays.
struct ViewingChange {
  std::optional<std::optional<uint32_t>> wanted_pixels = {};
  std::optional<uint8_t> priority = {};
  std::optional<bool> paused = {};
  std::optional<std::string> participant = {};  // whom it is pinned to; "": nobody

  friend bool operator==(const ViewingChange&, const ViewingChange&) = default;
};

// A slot of somebody who watches.
struct SlotName {
  std::string room;
  std::string participant;  // or, when this is empty, by session
  std::string session = {};
  std::string mid = {};
};

enum class SlotError : uint8_t {
  kNoSlot,       // 404
  kNoPublisher,  // 409: whom it is to be pinned to does not publish
  kFull,         // 503: too many questions wait for workers
};

enum class PinError : uint8_t {
  kNoParticipant,  // 404
  kFull,           // 409: as many are pinned as may be heard
};

struct SlotWhy;  // node/slot_why.h

// Which of its layers a publisher is to send: of each line with several, all of them.
struct WantedLayers {
  struct Layer {
    std::string rid;
    bool active = true;

    friend bool operator==(const Layer&, const Layer&) = default;
  };
  struct Line {
    std::string mid;
    std::vector<Layer> layers;

    friend bool operator==(const Line&, const Line&) = default;
  };
  std::vector<Line> lines;
};

enum class FollowError : uint8_t {
  kNoSession,  // 404: nobody publishes by that session
  kFull,       // 503: too many follow already
};

struct JoinError {
  enum class Kind : uint8_t {
    kInvalidSdp,        // 400 invalid-sdp
    kUnsupportedMedia,  // 406 unsupported-media: nothing of the offer can be taken
    kNoPublisher,       // 409 with Retry-After: nobody publishes there
    kConflict,          // 409: this participant publishes already
    kFull,              // 503: a limit is reached
    kStopping,          // 503: the node ends
  };
  Kind kind = Kind::kInvalidSdp;
  std::string detail;
};

enum class ConnectionPhase : uint8_t { kNew, kChecking, kConnected, kDisconnected, kClosed };
std::string_view to_string(ConnectionPhase phase);  // "new", "checking", ...

struct TrackReport {
  relay::TrackState state;
  std::string mid;
  std::vector<double> layer_loss;  // beside state.layers, 0 to 1, of the last second
};

struct SlotReport {
  relay::SlotState state;
  std::string mid;
  double loss = 0;  // of the last receiver report, 0 to 1
};

struct ConnectionReport {
  std::string id;
  Role role = Role::kPublisher;
  ConnectionPhase phase = ConnectionPhase::kNew;
  uint32_t worker = 0;
  uint32_t local_socket = 0;     // of the worker's, where `remote` is set
  uint16_t local_number = 0;     // of that socket's addresses
  bool over_tcp = false;         // and then it is a TCP stream
  std::optional<Address> local;  // filled in by the node
  std::optional<Address> remote;
  std::optional<double> round_trip_ms;
  std::optional<double> estimate_bps;  // what the path to a watcher carries
  std::vector<TrackReport> tracks;
  std::vector<SlotReport> slots;
};

struct ParticipantReport {
  std::string id;
  std::string room;
  int64_t joined_at_unix_ms = 0;
  bool pinned = false;  // heard in any case
  std::vector<ConnectionReport> connections;
};

struct RoomReport {
  std::string id;
  int64_t created_at_unix_ms = 0;
  std::vector<ParticipantReport> participants;
};

// A histogram as Prometheus has it: counts per upper bound, not cumulative, and the sum.
struct Histogram {
  std::vector<double> bounds;
  std::vector<uint64_t> counts;  // one more than bounds
  double sum = 0;
};

struct WorkerReport {
  uint32_t worker = 0;
  uint64_t snapshots = 0;  // how many rounds of all its connections were reported before this
  uint64_t packets_received = 0;
  uint64_t packets_sent = 0;
  uint64_t bytes_received = 0;
  uint64_t bytes_sent = 0;
  uint64_t nacks_received = 0;
  uint64_t retransmissions = 0;
  uint64_t padding_bytes = 0;  // of datagrams that only probe a path
  uint64_t key_frame_requests_received = 0;
  uint64_t key_frame_requests_sent = 0;
  uint64_t gop_cache_starts = 0;
  uint64_t socket_overflows = 0;
  uint64_t socket_send_full = 0;               // times that a socket took no more
  uint64_t receive_buffer_bytes = 0;           // what the kernel gave: of the smallest UDP socket
  uint64_t send_buffer_bytes = 0;              // the same
  uint64_t tcp_streams = 0;                    // open now
  double busy_ratio = 0;                       // 0 to 1, of the last second
  std::map<std::string, uint64_t> drops;       // reason -> packets
  std::map<std::string, uint64_t> handshakes;  // "ok", "failed", "timeout" ...
  Histogram handshake_seconds;
  Histogram forward_delay_seconds;
  Histogram send_batch_packets;
};

struct NodeReport {
  int64_t started_at_unix_ms = 0;
  size_t rooms = 0;
  size_t participants = 0;  // in all rooms
  std::vector<WorkerReport> workers;
  std::map<std::string, uint64_t> connections_by_state;
  // TCP connections that no worker got, by the reason.
  std::map<std::string, uint64_t> tcp_refused = {};
};

struct NodeOptions {
  // How often the workers tell about themselves and their connections.
  Duration report_interval = std::chrono::seconds(1);
  // Connections that a worker takes before its rooms go on on others.
  size_t together_max = kTogetherMax;
  // Packets of its publishers that a worker lets each other one hold; 0: what its memory allows.
  size_t packets_lent_max = 0;
  // Takes any free TCP port instead of the configured one.
  bool any_tcp_port = false;
  // Our ends of ICE; of two with the same fragment the second is made again.
  std::function<ice::Credentials()> make_credentials = ice::make_credentials;
};

// The relay as a whole, for embedding: starts the workers, takes joins, ends them. Lives on the
// thread of `loop` (the control thread); every call and every callback happens there. Media never
// waits for this thread.
class Node {
 public:
  // Binds the sockets and starts the threads, or says why not (an address in use).
  static Expected<std::unique_ptr<Node>, std::string> start(const config::Config& config,
                                                            net::EventLoop& loop,
                                                            const NodeOptions& options = {});
  // Ends every connection, the threads and the sockets.
  ~Node();

  using JoinDone = std::function<void(Expected<Join, JoinError>)>;
  void join(JoinRequest request, const JoinDone& done);
  // False when there is no such session in the room (or it ended already).
  bool leave(const std::string& room, const std::string& session);
  // The name of its present ICE session; nothing when there is no such session in the room.
  std::optional<std::string> ice_session(const std::string& room, const std::string& session) const;
  Expected<IcePatched, IcePatchError> patch_ice(const IcePatch& patch);
  // Why a slot carries what it carries; before that its viewing is changed. Answered once, soon.
  using SlotDone = std::function<void(Expected<SlotWhy, SlotError>)>;
  void ask_slot(const SlotName& slot, const std::optional<ViewingChange>& change,
                const SlotDone& done);
  // Which layers a publisher is to send, soon and whenever that changes; null when no more comes,
  // because the session has ended or somebody else follows it now. Whoever follows is trusted to do
  // what it is told: layers that nobody watches are suspended until unfollow_layers().
  using LayersTold = std::function<void(const WantedLayers* wanted)>;
  Expected<uint64_t, FollowError> follow_layers(const std::string& room, const std::string& session,
                                                LayersTold told);
  void unfollow_layers(uint64_t follower);
  // Whether there is such a session, and somebody publishes by it.
  bool publishes(const std::string& room, const std::string& session) const;
  // Whether a participant's microphone is heard in any case, as one of the room's speakers; for as
  // long as they are there.
  std::optional<PinError> pin_speaker(const std::string& room, const std::string& participant,
                                      bool pinned);
  bool remove_participant(const std::string& room, const std::string& participant);
  bool remove_room(const std::string& room);

  // What was true at the last reports.
  std::vector<std::string> room_names() const;
  std::optional<RoomReport> room(const std::string& name) const;
  std::optional<ParticipantReport> participant(const std::string& room,
                                               const std::string& id) const;
  NodeReport report() const;
  // "udp:7700-7701,tcp:7700", for the ready line.
  std::string media_text() const;
  // Runs something on a worker's thread, soon. For measurements and tests: nothing of the worker
  // goes on meanwhile. False when it cannot.
  bool run_on_worker(uint32_t worker, std::function<void()> task);
  // False from the moment that a worker has not answered for two seconds.
  bool healthy() const;

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace simpul::node
