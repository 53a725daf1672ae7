#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/packet.h"
#include "crypto/srtp_cipher.h"
#include "net/egress.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "node/handshake_threads.h"
#include "node/inbox.h"
#include "node/report_pace.h"
#include "node/session.h"
#include "node/switchboard.h"
#include "node/tcp_paths.h"

namespace simpul::node {

// One media thread: its loop, its UDP sockets, its packet memory and its switchboard. Sockets are
// bound when it is made, the thread begins with run(). Whoever owns it tells it what to do from
// any thread; it answers by its hooks, on its own thread.
class Worker {
 public:
  // Received packets that may be in memory at once, in the histories and on their way: 105 MB,
  // taken only when needed.
  static constexpr size_t kPacketsMax = 65'536;
  // Datagrams read in one go before what they caused is sent.
  static constexpr size_t kReadMax = 256;
  // Egress yields to reading, timers and joins after so long (a large frame to many subscribers),
  // and goes on in the next turn of the loop.
  static constexpr Duration kEgressSlice = std::chrono::microseconds(500);
  static constexpr Duration kHeartbeat = std::chrono::milliseconds(500);
  // Packets and more of other workers that are taken in one go.
  static constexpr size_t kFeedEventsMax = 1'024;

  struct Options {
    uint32_t index = 0;
    std::vector<Address> listen;  // with the worker's own port, or 0 for any
    FeedLanes* lanes = nullptr;   // null: there is no other worker
    size_t packets_lent_max = 0;  // to each other one; 0: what its memory allows
    bool pin = false;
    Duration report_interval = std::chrono::seconds(1);
    Switchboard::Options switchboard;
  };
  // Called on the worker's thread.
  struct Hooks {
    std::function<void(const SessionChange&)> changed;
    std::function<void(WorkerSnapshot)> snapshot;  // a round each report_interval
    // Calls wake() of another worker.
    std::function<bool(uint32_t)> wake;
    std::function<void(SlotAnswer)> answered;
    std::function<void(LayersChange)> layers_changed;
  };

  static Expected<std::unique_ptr<Worker>, std::string> bind(const Options& options,
                                                             const dtls::Context& context,
                                                             HandshakeThreads& handshakes,
                                                             Hooks hooks);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void run();
  // Says good-bye to every peer, sends what is left, and ends the thread.
  void stop();

  // Thread-safe. False when too many are waiting: it was not told.
  bool start(Session session);
  void end(ConnectionKey key);
  bool change_feeds(const FeedChange& change);
  bool supersede(ConnectionKey key, bool superseded);
  // Whether it is to be told, by the hook, which layers a publisher is to send.
  bool follow_layers(ConnectionKey key, bool follows);
  // Whether who publishes by it, here or on another worker, is heard in any case.
  bool pin(ConnectionKey key, bool pinned);
  // A TCP connection is this worker's from now on.
  bool adopt(TcpArrival arrival);
  bool restart_ice(const IceRestart& restart);
  // Answered by the hook.
  bool ask(SlotQuestion question);
  // Another worker has something for this one.
  bool wake();
  bool post(std::function<void()> task) { return loop_.post(std::move(task)); }

  uint32_t index() const { return options_.index; }
  // Of its sockets, with their real ports.
  const std::vector<Address>& addresses() const { return addresses_; }
  // Beats each kHeartbeat, or more often, while the thread lives; see Node::healthy().
  uint64_t heartbeats() const { return heartbeats_.load(std::memory_order_relaxed); }

 private:
  struct Socket {
    std::unique_ptr<net::UdpSocket> socket;
    std::unique_ptr<net::Egress> egress;
  };

  Worker(Options options, HandshakeThreads& handshakes, Hooks hooks);
  void thread_main();
  void set_up();
  void tear_down();
  void take_arriving();
  void take_leaving();
  void take_done_steps();
  void take_tcp_arrivals();
  void read(uint32_t socket);
  void take_feeds();
  void end_turn();
  void send_due(TimePoint now);
  void flush();
  bool is_blocked() const;
  void set_timer();
  void beat();
  void run_handshake(ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step);
  void report(TimePoint now);
  void report_worker(WorkerReport& report);
  void count_sockets(WorkerReport& report) const;

  struct DoneStep {
    ConnectionKey key;
    std::unique_ptr<dtls::HandshakeStep> step;
  };

  Options options_;
  HandshakeThreads& handshakes_;
  Hooks hooks_;
  std::vector<Address> addresses_;
  const dtls::Context* context_ = nullptr;

  Inbox<Session> arriving_;
  Inbox<ConnectionKey> leaving_;
  Inbox<DoneStep> done_steps_;
  Inbox<TcpArrival> tcp_arrivals_;
  PacketPool pool_{kPacketsMax};
  std::unique_ptr<FeedExchange> feeds_;  // behind the pool, which lends
  net::EventLoop loop_;
  std::vector<Socket> sockets_;
  crypto::CipherEngine engine_;
  std::unique_ptr<TcpPaths> tcp_;
  std::unique_ptr<Switchboard> switchboard_;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Timer> beat_timer_;
  std::vector<net::ReceivedDatagram> received_;  // scratch

  Duration hold_ = Duration::zero();
  TimePoint read_at_ = kNever;  // when this turn's first datagram was read
  TimePoint last_beat_;
  TimePoint next_report_;
  ReportPace pace_;
  uint64_t snapshots_ = 0;
  Duration idle_at_beat_{};
  double busy_ratio_ = 0;
  Histogram forward_delay_;
  std::atomic<uint64_t> heartbeats_{0};
  std::jthread thread_;
};

}  // namespace simpul::node
