#include "node/worker.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "net/thread.h"
#include "node/egress_hold.h"
#include "node/histogram.h"

namespace simpul::node {
namespace {

// Subscribers that are served between two flushes: some 64 messages, one system call.
constexpr size_t kSubscribersPerFlush = 32;

// How often a free port is looked for that is free on all addresses.
constexpr int kFreePortAttempts = 16;

// Workers that stop taking may together hold half of what this one has.
size_t packets_lent_max(uint32_t workers) {
  return std::min(FeedLane::kPacketsLentMax, Worker::kPacketsMax / 2 / (workers - 1));
}

using Sockets = std::vector<std::unique_ptr<net::UdpSocket>>;

Expected<Sockets, std::string> bind_once(const std::vector<Address>& listen) {
  Sockets sockets;
  for (Address address : listen) {
    // A worker has one port, on all of its addresses: a free one of the first must be free on all.
    if (address.port == 0 && !sockets.empty()) address.port = sockets.front()->local_address().port;
    auto socket = net::UdpSocket::bind(address);
    if (!socket) return unexpected(std::move(socket.error()));
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

// Behind the sockets that were asked for.
void add_own_sockets(Sockets& sockets) {
  Sockets own;
  for (const auto& socket : sockets) {
    std::ranges::move(socket->bind_own_addresses(), std::back_inserter(own));
  }
  std::ranges::move(own, std::back_inserter(sockets));
}

Expected<Sockets, std::string> bind_all(const std::vector<Address>& listen) {
  auto sockets = bind_once(listen);
  const bool any_port = listen.front().port == 0;
  for (int attempt = 1; any_port && !sockets && attempt < kFreePortAttempts; ++attempt) {
    sockets = bind_once(listen);
  }
  if (sockets) add_own_sockets(*sockets);
  return sockets;
}

void keep_smallest(uint64_t& smallest, int value) {
  const auto size = static_cast<uint64_t>(value);
  if (smallest == 0 || size < smallest) smallest = size;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Worker::Worker(Options options, HandshakeThreads& handshakes, Hooks hooks)
    : options_(std::move(options)),
      handshakes_(handshakes),
      hooks_(std::move(hooks)),
      forward_delay_(
          make_histogram({0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.05})) {}

Expected<std::unique_ptr<Worker>, std::string> Worker::bind(const Options& options,
                                                            const dtls::Context& context,
                                                            HandshakeThreads& handshakes,
                                                            Hooks hooks) {
  std::unique_ptr<Worker> worker(new Worker(options, handshakes, std::move(hooks)));
  worker->context_ = &context;
  if (options.lanes != nullptr && options.lanes->workers() > 1) {
    worker->feeds_ = std::make_unique<FeedExchange>(
        FeedExchange::Options{.worker = options.index,
                              .packets_lent_max = options.packets_lent_max != 0
                                                      ? options.packets_lent_max
                                                      : packets_lent_max(options.lanes->workers()),
                              .wake = worker->hooks_.wake},
        *options.lanes);
    worker->options_.switchboard.feeds = worker->feeds_.get();
  }
  auto sockets = bind_all(options.listen);
  if (!sockets) return unexpected(std::move(sockets.error()));
  for (auto& socket : *sockets) {
    if (worker->addresses_.size() < options.listen.size()) {
      worker->addresses_.push_back(socket->local_address());
    }
    auto egress = std::make_unique<net::Egress>(*socket);
    worker->sockets_.push_back({std::move(socket), std::move(egress)});
  }
  return worker;
}

Worker::~Worker() { stop(); }

void Worker::run() {
  thread_ = std::jthread([this] { thread_main(); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

// A wake-up that finds the loop's queue full is made up for by the next beat.
bool Worker::start(Session session) {
  if (!arriving_.put(std::move(session))) return false;
  loop_.post([this] { take_arriving(); });
  return true;
}

void Worker::end(ConnectionKey key) {
  leaving_.put(key);
  loop_.post([this] { take_leaving(); });
}

void Worker::take_arriving() {
  for (Session& session : arriving_.take()) switchboard_->start(std::move(session), loop_.now());
}

void Worker::take_leaving() {
  const auto leaving = leaving_.take();
  if (leaving.empty()) return;
  take_arriving();  // whoever leaves may still be among those who arrive
  for (const ConnectionKey key : leaving) switchboard_->end(key, loop_.now());
}

bool Worker::change_feeds(const FeedChange& change) {
  return loop_.post([this, change] { switchboard_->change_feeds(change, loop_.now()); });
}

bool Worker::supersede(ConnectionKey key, bool superseded) {
  return loop_.post([this, key, superseded] { switchboard_->supersede(key, superseded); });
}

bool Worker::follow_layers(ConnectionKey key, bool follows) {
  return loop_.post([this, key, follows] {
    take_arriving();  // whose layers they are may still be among those who arrive
    switchboard_->follow_layers(key, follows);
  });
}

bool Worker::pin(ConnectionKey key, bool pinned) {
  return loop_.post([this, key, pinned] { switchboard_->pin(key, pinned, loop_.now()); });
}

bool Worker::adopt(TcpArrival arrival) {
  if (!tcp_arrivals_.put(std::move(arrival))) return false;
  loop_.post([this] { take_tcp_arrivals(); });
  return true;
}

void Worker::take_tcp_arrivals() {
  take_arriving();  // the session may still be among those who arrive
  for (TcpArrival& arrival : tcp_arrivals_.take()) tcp_->adopt(std::move(arrival), loop_.now());
}

bool Worker::restart_ice(const IceRestart& restart) {
  return loop_.post([this, restart] {
    take_arriving();  // whose ICE it is may still be among those who arrive
    switchboard_->restart_ice(restart);
  });
}

bool Worker::ask(SlotQuestion question) {
  return loop_.post([this, question = std::move(question)] {
    take_arriving();  // whose slot it is may still be among those who arrive
    hooks_.answered(switchboard_->answer(question, loop_.now()));
  });
}

bool Worker::wake() {
  return loop_.post([this] { take_feeds(); });
}

void Worker::thread_main() {
  net::name_this_thread("media-" + std::to_string(options_.index));
  if (options_.pin && !net::pin_this_thread(options_.index)) {
    log::warning("worker_not_pinned", {{"worker", options_.index}});
  }
  set_up();
  loop_.run();
  tear_down();
}

void Worker::set_up() {
  std::vector<net::Egress*> ways_out;
  for (const Socket& socket : sockets_) ways_out.push_back(socket.egress.get());
  const TimePoint now = loop_.now();
  tcp_ = std::make_unique<TcpPaths>(loop_, pool_);
  options_.switchboard.tcp = &tcp_->egress();
  switchboard_ = std::make_unique<Switchboard>(
      options_.switchboard, *context_, engine_, std::move(ways_out),
      Switchboard::Hooks{.run_handshake =
                             [this](ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step) {
                               run_handshake(key, std::move(step));
                             },
                         .changed = hooks_.changed,
                         .layers_changed = hooks_.layers_changed},
      now);
  tcp_->serve(*switchboard_);
  for (uint32_t i = 0; i < sockets_.size(); ++i) {
    sockets_[i].socket->watch(loop_,
                              {.on_readable = [this, i] { read(i); },
                               .on_writable = [this, i] { sockets_[i].egress->on_writable(); }});
  }
  timer_ = std::make_unique<net::Timer>(loop_, [] {});  // only wakes: end_turn() does the work
  beat_timer_ = std::make_unique<net::Timer>(loop_, [this] { beat(); });
  last_beat_ = now;
  next_report_ = now + options_.report_interval;
  beat_timer_->set(now + std::min(kHeartbeat, options_.report_interval));
  loop_.before_sleep([this] { end_turn(); });
}

void Worker::tear_down() {
  loop_.before_sleep({});
  switchboard_->end_all(loop_.now());
  flush();
  beat_timer_.reset();
  timer_.reset();
  tcp_.reset();
  switchboard_.reset();
  sockets_.clear();
}

void Worker::run_handshake(ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step) {
  handshakes_.run(std::move(step), [this, key](std::unique_ptr<dtls::HandshakeStep> done) {
    if (done_steps_.put({key, std::move(done)})) loop_.post([this] { take_done_steps(); });
  });
}

void Worker::take_done_steps() {
  for (DoneStep& done : done_steps_.take()) {
    switchboard_->resume(done.key, std::move(done.step), loop_.now());
  }
}

void Worker::read(uint32_t socket) {
  received_.clear();
  sockets_[socket].socket->receive(pool_, received_, kReadMax);
  const TimePoint now = loop_.now();
  if (read_at_ == kNever && !received_.empty()) read_at_ = net::EventLoop::clock_now();
  const auto path_of = [&](size_t i) {
    return ice::Path{socket, received_[i].from, received_[i].at};
  };
  const size_t count = received_.size();
  constexpr size_t kAhead = Switchboard::kExpectAhead;
  for (size_t i = 0; i < std::min(count, kAhead); ++i) switchboard_->expect(path_of(i));
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) switchboard_->expect(path_of(i + kAhead));
    switchboard_->receive(std::move(received_[i].packet), path_of(i), now);
  }
  received_.clear();
}

void Worker::take_feeds() {
  const size_t taken = switchboard_->take_feeds(loop_.now(), kFeedEventsMax);
  if (taken > 0 && read_at_ == kNever) read_at_ = net::EventLoop::clock_now();
  if (taken == kFeedEventsMax) wake();  // the rest behind what the sockets have
}

void Worker::end_turn() {
  const TimePoint now = loop_.now();
  switchboard_->advance(now);
  switchboard_->publish_feeds(now);
  send_due(now);
  report(now);
  set_timer();
}

// What is due, for at most kEgressSlice; the loop then reads, and does not sleep before the rest.
// While a socket is full the relay keeps what is due (Switchboard::may_send): sealed for a full
// send memory it would be lost.
void Worker::send_due(TimePoint now) {
  const TimePoint began = net::EventLoop::clock_now();
  bool sent = false;
  while (!is_blocked()) {
    const size_t served = switchboard_->send_due(now, hold_, kSubscribersPerFlush);
    sent = sent || served > 0;
    flush();
    if (served < kSubscribersPerFlush) break;
    if (net::EventLoop::clock_now() - began < kEgressSlice) continue;
    loop_.post([] {});
    break;
  }
  flush();
  if (read_at_ == kNever) return;
  if (sent) add_to(forward_delay_, seconds(net::EventLoop::clock_now() - read_at_));
  read_at_ = kNever;
}

bool Worker::is_blocked() const { return !switchboard_->may_send(loop_.now()); }

void Worker::flush() {
  for (const Socket& socket : sockets_) {
    if (!socket.egress->empty()) socket.egress->flush();
  }
  if (!tcp_->egress().empty()) tcp_->egress().flush();
}

void Worker::set_timer() {
  // A full socket wakes the loop when it takes more.
  const TimePoint next_send =
      is_blocked() ? switchboard_->stall_due() : switchboard_->next_send(hold_);
  timer_->set(std::min({switchboard_->next_deadline(), next_send, pace_.next_deadline()}));
}

void Worker::beat() {
  const TimePoint now = loop_.now();
  const Duration idle = loop_.idle_time();
  const double passed = seconds(now - last_beat_);
  if (passed > 0) {
    busy_ratio_ = std::clamp(1 - seconds(idle - idle_at_beat_) / passed, 0.0, 1.0);
  }
  last_beat_ = now;
  idle_at_beat_ = idle;
  hold_ = egress_hold(busy_ratio_);
  heartbeats_.fetch_add(1, std::memory_order_relaxed);
  take_leaving();
  take_tcp_arrivals();
  take_feeds();
  tcp_->sweep(now);
  // A round that takes longer, because there are many connections, is not cut short: what is told
  // at its end would never be.
  if (now >= next_report_ && !pace_.running()) {
    next_report_ = now + options_.report_interval;
    pace_.begin(switchboard_->begin_report(), now, options_.report_interval);
  }
  beat_timer_->set(now + std::min(kHeartbeat, options_.report_interval));
}

// A few connections at a time, so that thousands of them make nobody's packets wait.
void Worker::report(TimePoint now) {
  if (now < pace_.next_deadline()) return;
  WorkerSnapshot snapshot;
  snapshot.worker.worker = options_.index;
  switchboard_->report_connections(pace_.take(now), snapshot);
  for (auto& entry : snapshot.connections) {
    ConnectionReport& report = entry.report;
    if (!report.remote) continue;
    report.local = report.over_tcp
                       ? tcp_->local_address(report.local_socket)
                       : sockets_[report.local_socket].socket->local_address(report.local_number);
  }
  snapshot.is_last = !pace_.running();
  if (snapshot.is_last) report_worker(snapshot.worker);
  if (snapshot.is_last || !snapshot.connections.empty()) hooks_.snapshot(std::move(snapshot));
}

void Worker::report_worker(WorkerReport& report) {
  report.snapshots = ++snapshots_;
  switchboard_->report_worker(report);
  report.busy_ratio = busy_ratio_;
  report.forward_delay_seconds = forward_delay_;
  count_sockets(report);
}

void Worker::count_sockets(WorkerReport& report) const {
  tcp_->count(report);
  report.send_batch_packets = make_histogram({1, 2, 4, 8, 16, 32, 64});
  for (const Socket& socket : sockets_) {
    const net::UdpStatistics& in = socket.socket->statistics();
    report.packets_received += in.datagrams;
    report.bytes_received += in.bytes;
    report.socket_overflows += in.overflows;
    keep_smallest(report.receive_buffer_bytes, socket.socket->receive_buffer_size());
    keep_smallest(report.send_buffer_bytes, socket.socket->send_buffer_size());
    report.drops["no_memory"] += in.dropped_no_packet;
    report.drops["too_large"] += in.dropped_truncated;
    const net::EgressStatistics& out = socket.egress->statistics();
    report.packets_sent += out.datagrams;
    report.bytes_sent += out.bytes;
    report.socket_send_full += out.would_block;
    report.drops["send_full"] += out.dropped_arena_full;
    report.drops["unreachable"] += out.dropped_unreachable + out.dropped_too_large;
    for (size_t size = 1; size < out.messages_by_datagrams.size(); ++size) {
      const uint64_t times = out.messages_by_datagrams[size];
      if (times > 0) add_to(report.send_batch_packets, static_cast<double>(size), times);
    }
  }
}

}  // namespace simpul::node
