#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include "base/deadlines.h"
#include "base/packet.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "connection/connection.h"
#include "net/egress.h"
#include "node/feed_exchange.h"
#include "node/feed_plan.h"
#include "node/path_hash.h"
#include "node/session.h"
#include "node/slot_questions.h"
#include "relay/layer_choice.h"
#include "relay/relay.h"

namespace simpul::node {

// One worker's connections and its relay, joined: the one place where both meet. Datagrams find
// their connection (STUN checks by username, all else by address), media go to the relay, and
// what the relay has for a subscriber is sealed by that one's connection into the send memory.
// No thread, no socket, no clock: the worker around it has those.
class Switchboard {
 public:
  // How long a publisher must have been silent before a new connection of the same participant
  // takes its place (a page that was reloaded, an encoder that started again).
  static constexpr Duration kSupersededAfter = std::chrono::seconds(2);
  // How long a path stays with a silent connection when another one proves that it has it.
  static constexpr Duration kPathKept = std::chrono::seconds(3);

  struct Options {
    relay::Limits relay;
    uint64_t seed = 0;
    rtp::NtpClock clock{Duration::zero()};
    FeedExchange* feeds = nullptr;  // null: there is no other worker
    net::Egress* tcp = nullptr;     // the way out of TCP streams; null: there are none
  };
  // What leaves the switchboard besides datagrams.
  struct Hooks {
    std::function<void(ConnectionKey, std::unique_ptr<dtls::HandshakeStep>)> run_handshake;
    std::function<void(const SessionChange&)> changed;
    std::function<void(LayersChange)> layers_changed = {};
  };

  // `sockets` are the ways out of the local sockets, by the index that paths carry.
  Switchboard(const Options& options, const dtls::Context& context, crypto::CipherEngine& engine,
              std::vector<net::Egress*> sockets, Hooks hooks, TimePoint now);
  ~Switchboard();
  Switchboard(const Switchboard&) = delete;
  Switchboard& operator=(const Switchboard&) = delete;

  void start(Session session, TimePoint now);
  void end(ConnectionKey key, TimePoint now);
  void end_all(TimePoint now);
  void resume(ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step, TimePoint now);

  // Datagrams that are received soon, in their order, kExpectAhead of them before their turn: what
  // they need is fetched into the cache meanwhile. A hint, and no more.
  static constexpr size_t kExpectAhead = 4;
  void expect(const ice::Path& from);
  void receive(PacketRef packet, ice::Path from, TimePoint now);
  // A path is no more: its TCP stream has ended.
  void forget_path(const ice::Path& path);
  // Whether a connection has proved that the path is its own.
  bool leads(const ice::Path& path) const { return by_path_.contains(path); }
  // Whether there is a session with this fragment of ours.
  bool knows(const std::string& username_fragment) const {
    return by_ufrag_.contains(username_fragment);
  }
  // From now on checks by these credentials are the connection's too.
  void restart_ice(const IceRestart& restart);
  // Runs what is due: timers of connections, reports, key-frame requests.
  void advance(TimePoint now);
  TimePoint next_deadline() const;

  // Publishers of a room are needed on another worker from now on, or no longer.
  void change_feeds(const FeedChange& change, TimePoint now);
  // Takes at most `events_max` of what came from other workers, and returns how many it were.
  size_t take_feeds(TimePoint now, size_t events_max);
  // Shows other workers what this turn had for them.
  void publish_feeds(TimePoint now);
  // Whether a newer connection on another worker publishes for the same participant.
  void supersede(ConnectionKey key, bool superseded);

  // Whether who publishes by the connection is heard in any case, in its room here; it may come
  // later, or be on another worker.
  void pin(ConnectionKey key, bool pinned, TimePoint now);

  // Whether the hook is told which layers a publisher is to send: at once and when it changes.
  // While it is, layers that nobody watches are suspended.
  void follow_layers(ConnectionKey key, bool follows);

  // Does what the question wants, and answers it.
  SlotAnswer answer(const SlotQuestion& question, TimePoint now);

  // Writes what is due for at most `subscribers_max` subscribers into the send memory, which it
  // flushes when that gets full, and returns for how many: fewer than that when nothing more is
  // due, or when a socket that takes no more has left no room.
  size_t send_due(TimePoint now, Duration hold, size_t subscribers_max);
  // False while packets stay with the relay because a socket takes no more. When it has not for
  // kStalledAfter, watchers who have other sockets wait for it no longer: then what finds no room
  // in the send memory of the full one is lost to its own watchers.
  bool may_send(TimePoint now);
  // When that ends although no socket takes more; kNever when it does not.
  TimePoint stall_due() const { return stall_due_; }
  TimePoint next_send(Duration hold) const {
    return std::min(relay_.next_collect(hold), later_.next());
  }

  // A round of reports about all connections begins; returns how many there are.
  size_t begin_report();
  // Appends the next `count` of the round.
  void report_connections(size_t count, WorkerSnapshot& snapshot);
  // Fills in what it knows of the worker, when all connections of the round were reported.
  void report_worker(WorkerReport& worker) const;

  size_t connections() const { return entries_.size(); }
  // How often a connection was given the time to do what is due.
  uint64_t connections_advanced() const { return connections_advanced_; }

 private:
  // What is due is done this often; nothing of it is finer.
  static constexpr Duration kTick = std::chrono::milliseconds(10);
  // Room in the send memory below which nobody's packets are taken from the relay.
  static constexpr size_t kRoomMin = size_t{1} << 20;
  static_assert(2 * connection::PacedPackets::kForcedMax <= kRoomMin);  // for headers as well
  // Of those who are served in one go, the part that may be of packets put off by pacing.
  static constexpr size_t kPutOffShare = 4;
  // A burst is over long before, and an interface that is too slow is not.
  static constexpr Duration kStalledAfter = std::chrono::milliseconds(100);

  // Another worker that gets an entry's tracks.
  struct Borrower {
    struct Layer {
      bool wanted = true;        // somebody watches it there, or may
      bool interrupted = false;  // it did not get all packets
      TimePoint lent_until{};    // when it last did not want them any more; before, it got them
    };
    uint32_t worker = 0;
    uint64_t opening = 0;
    std::vector<std::array<Layer, relay::kLayersMax>> lines;  // as the connection's
  };
  struct Entry {
    Session session;
    std::unique_ptr<connection::Connection> connection;
    std::string ufrag;
    std::string next_ufrag;        // of a restart, until its first check
    std::vector<ice::Path> paths;  // validated, and led here by by_path_
    relay::PublisherId publisher;
    relay::SubscriberId subscriber;
    bool in_relay = false;
    std::vector<double> slot_loss;
    std::vector<relay::Viewing> viewings;  // of its slots
    TimePoint checking_since = kNever;
    std::vector<Borrower> borrowers;
    std::vector<FeedReport> reports;  // the last of each layer, for borrowers to come
    bool superseded = false;          // by a connection on another worker
    bool follows_layers = false;
    std::array<uint64_t, connection::kDropKinds> drops_reported{};
    DeadlinePlace deadline;
    DeadlinePlace later;

    // All but the session's words, for a packet that comes soon (base/prefetch.h).
    void prefetch() const {
      simpul::prefetch(&session.tracks);
      simpul::prefetch(&connection, sizeof *this - sizeof session);
    }
  };
  // A publisher of another worker, as it is in the relay here.
  struct Feed {
    relay::PublisherId publisher;
    uint32_t home = 0;
    ConnectionKey key;
    uint64_t opening = 0;
    struct Track {
      relay::TrackId id;
      std::array<bool, relay::kLayersMax> unwanted{};  // as home was told
      std::array<TimePoint, relay::kLayersMax> wished{};
    };
    std::vector<Track> tracks;
  };

  // Where datagrams to a path go, and by which name.
  struct WayOut {
    net::Egress* egress = nullptr;
    Address to;
  };

  WayOut way_out(const ice::Path& path) const;
  Entry* entry_of(const ice::Path& from, Bytes datagram);
  Entry* entry_of(relay::SubscriberId subscriber) const;
  void take_output(Entry& entry, TimePoint now);
  void take_media(Entry& entry, TimePoint now);
  void take_feedback(Entry& entry, TimePoint now);
  void lead_path(Entry& entry, const ice::Path& path, TimePoint now);
  void finish_restart(Entry& entry);
  void forget_fragments(const Entry& entry);
  void change_state(Entry& entry, TimePoint now);
  void enter_relay(Entry& entry, TimePoint now);
  void leave_relay(Entry& entry, TimePoint now);
  void send_datagrams();
  void count_watchers();
  bool begin_sending(const Entry& entry);
  void send_later(Entry& entry, TimePoint now);
  size_t send_later(TimePoint now, size_t entries_max);  // of those whose time has come
  void give_back_unsent(const Entry& entry);
  void send_padding(Entry& entry, TimePoint now);
  void flush(net::Egress& egress);
  void count_drops(Entry& entry);
  void forget_closed();
  void take_relay_output(TimePoint now);
  void end_superseded(TimePoint now);
  ConnectionReport report_of(const Entry& entry) const;

  // What viewers get: switchboard_allotment.cc.
  void tell_estimate(const Entry& entry, TimePoint now);
  void tell_estimates(TimePoint now);
  void take_probe_wishes();
  void repeat_rates();
  void change_viewing(Entry& entry, size_t slot, const ViewingChange& change, TimePoint now);
  SlotWhy why(const Entry& entry, size_t slot, TimePoint now);

  // Which layers publishers are to send: switchboard_layers.cc.
  void tell_layers(const Entry& entry);
  void take_suspension_changes();
  void count_wanted_elsewhere(const Entry& entry);

  // Feeds: switchboard_feeds.cc.
  void open_feeds(Entry& entry);
  void open_feed(Entry& entry, uint32_t borrower);
  void close_feeds(Entry& entry);
  bool lend(Entry& entry, const connection::ReceivedMedia& media);
  bool lend_past(const Entry& entry, Borrower& borrower, size_t line, uint8_t layer);
  void repeat_report(const Entry& entry, FeedLayer of);
  void report_to_feeds(Entry& entry, const FeedReport& report);
  void take_feed(FeedOpened& opened, TimePoint now);
  void take_feed(FeedClosed& closed, TimePoint now);
  void take_feed(FeedMedia& media, TimePoint now);
  void take_feed(FeedReport& report, TimePoint now);
  void take_feed(FeedNews& news, TimePoint now);
  void take_feed(FeedKeyFrameRequest& request, TimePoint now);
  void take_feed(FeedWish& wish, TimePoint now);
  void exchange_news(TimePoint now);
  bool tell_borrowers(const Entry& entry, const relay::LayerNews& news);
  bool tell_home(Feed& feed, const relay::LayerNews& news, TimePoint now);
  bool request_of_feed(const relay::KeyFrameRequest& request, TimePoint now);

  Options options_;
  Hooks hooks_;
  const dtls::Context& context_;
  crypto::CipherEngine& engine_;
  std::vector<net::Egress*> sockets_;
  std::vector<uint32_t> watchers_;  // of each socket, and at the end those by TCP; of this second
  std::vector<TimePoint> full_since_;  // each socket; kNever for one that takes more
  TimePoint stall_due_ = kNever;
  relay::Relay relay_;
  absl::flat_hash_map<uint64_t, std::unique_ptr<Entry>> entries_;
  absl::flat_hash_map<ice::Path, Entry*, PathHash> by_path_;
  absl::flat_hash_map<std::string, Entry*> by_ufrag_;
  absl::flat_hash_map<uint32_t, Entry*> by_subscriber_;
  absl::flat_hash_map<uint32_t, Entry*> by_publisher_;
  Deadlines<Entry, &Entry::deadline> deadlines_;
  Deadlines<Entry, &Entry::later> later_;  // of those whose packets are paced, or padded
  std::vector<Entry*> due_;                // scratch
  ice::Path expected_path_;
  std::array<Entry*, 2> expected_{};  // the later one first; none is gone
  std::vector<ConnectionKey> closed_;
  std::map<std::string, std::vector<uint32_t>> borrowers_;  // by room
  absl::flat_hash_map<uint64_t, Feed> feeds_;               // by connection
  absl::flat_hash_map<uint32_t, uint64_t> feed_of_;  // connections by publisher, in the relay
  absl::flat_hash_set<uint64_t> pinned_;             // connections, of all workers
  std::vector<relay::LayerNews> news_;               // scratch
  uint64_t openings_ = 0;                            // of feeds that were lent
  std::vector<relay::TrackId> untold_;               // what a full ring did not take
  TimePoint next_tick_;
  TimePoint next_second_;

  // Scratch of one call each.
  connection::Output out_;
  relay::Output relay_out_;
  connection::MediaSender::Scratch seal_scratch_;
  net::Egress* place_egress_ = nullptr;
  ice::Path place_path_;
  connection::MediaSender::Place place_;

  uint64_t unknown_source_ = 0;
  uint64_t padding_bytes_ = 0;
  uint64_t key_frames_asked_elsewhere_ = 0;
  std::array<uint64_t, connection::kDropKinds> drops_{};  // of all connections, as reported
  std::vector<uint64_t> to_report_;                       // of this round, the next at the end
  uint64_t connections_advanced_ = 0;
  std::map<std::string, uint64_t> handshakes_;
  Histogram handshake_seconds_;
};

}  // namespace simpul::node
