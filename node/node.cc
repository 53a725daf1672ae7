#include "node/node.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "base/log.h"
#include "crypto/random.h"
#include "dtls/certificate.h"
#include "dtls/context.h"
#include "net/interfaces.h"
#include "node/candidates.h"
#include "node/directory.h"
#include "node/handshake_threads.h"
#include "node/ice_sessions.h"
#include "node/inbox.h"
#include "node/layer_followers.h"
#include "node/listening.h"
#include "node/session_setup.h"
#include "node/slot_questions.h"
#include "node/tcp_door.h"
#include "node/tidings.h"
#include "node/worker.h"
#include "node/worker_tag.h"

namespace simpul::node {
namespace {

constexpr Duration kPoll = std::chrono::milliseconds(20);
constexpr Duration kUnhealthyAfter = std::chrono::seconds(2);
constexpr size_t kHandshakeThreads = 2;

int64_t unix_ms() { return net::EventLoop::wall_clock_unix_us() / 1000; }

}  // namespace

class Node::Impl {
 public:
  Impl(const config::Config& config, net::EventLoop& loop, const NodeOptions& options);
  ~Impl();

  std::optional<std::string> start_workers(const NodeOptions& options);
  Expected<Join, JoinError> join(JoinRequest request);
  void end(ConnectionKey key);
  Expected<IcePatched, IcePatchError> patch_ice(const IcePatch& patch);
  void ask_slot(const SlotName& slot, const std::optional<ViewingChange>& change,
                const SlotDone& done);
  Expected<uint64_t, FollowError> follow_layers(const std::string& room, const std::string& session,
                                                LayersTold told);
  void unfollow_layers(uint64_t follower);
  std::optional<PinError> pin_speaker(const std::string& room, const std::string& participant,
                                      bool pinned);

  const Directory& directory() const { return directory_; }
  const IceSessions& ice_sessions() const { return ice_sessions_; }
  NodeReport report() const;
  std::string media_text() const;
  bool healthy() const;
  bool run_on_worker(uint32_t worker, std::function<void()> task);

 private:
  struct Member {
    std::unique_ptr<Worker> worker;
    std::vector<sdp::Candidate> candidates;
    WorkerReport report;
    uint64_t heartbeats = 0;
    TimePoint beat_at;
  };

  std::optional<std::string> open_tcp(const NodeOptions& options);
  // Where one more connection goes.
  uint32_t worker_for(const std::string& room) const;
  void remember(Directory::Record record);
  void forget(ConnectionKey key);
  void tell_workers();
  void poll();

  config::Config config_;
  net::EventLoop& loop_;
  int64_t started_at_unix_ms_ = unix_ms();
  dtls::Certificate certificate_;
  dtls::Context context_;
  SessionSetup setup_;
  Directory directory_;
  IceSessions ice_sessions_;
  Tidings tidings_;
  size_t together_max_ = kTogetherMax;
  std::unique_ptr<FeedLanes> lanes_;  // before the workers, which use them
  net::TcpBudget tcp_budget_{net::TcpBudget::half_of_descriptors()};  // before who opens any
  Inbox<SessionChange> changes_;
  Inbox<WorkerSnapshot> snapshots_;
  Inbox<SlotAnswer> slot_answers_;
  SlotQuestions slot_questions_;
  Inbox<LayersChange> layers_changes_;
  LayerFollowers layer_followers_;
  std::vector<Member> members_;
  // Behind the workers, so that it ends before them: its threads hand results to them.
  HandshakeThreads handshakes_{kHandshakeThreads};
  std::unique_ptr<TcpDoor> tcp_door_;
  net::Timer poll_timer_;
};

Node::Impl::Impl(const config::Config& config, net::EventLoop& loop, const NodeOptions& options)
    : config_(config),
      loop_(loop),
      certificate_(dtls::Certificate::make(std::chrono::seconds(unix_ms() / 1000))),
      context_(certificate_),
      setup_(config, certificate_.fingerprint()),
      directory_(config.limits),
      ice_sessions_(options.make_credentials),
      poll_timer_(loop, [this] { poll(); }) {}

Node::Impl::~Impl() {
  // First the threads of all workers, which use the handshake threads; then the members in turn.
  for (Member& member : members_) member.worker->stop();
}

std::optional<std::string> Node::Impl::start_workers(const NodeOptions& node_options) {
  const uint32_t count = config_.media.workers != 0
                             ? config_.media.workers
                             : std::max(1u, std::thread::hardware_concurrency());
  const Duration offset = Duration(net::EventLoop::wall_clock_unix_us()) + rtp::kNtpToUnix -
                          net::EventLoop::clock_now().time_since_epoch();
  together_max_ = node_options.together_max;
  lanes_ = std::make_unique<FeedLanes>(count);
  const std::vector<Address> listen = listened(config_.media.listen);
  for (uint32_t index = 0; index < count; ++index) {
    Worker::Options options;
    options.index = index;
    options.lanes = lanes_.get();
    options.report_interval = node_options.report_interval;
    options.packets_lent_max = node_options.packets_lent_max;
    options.pin = config_.media.pin_workers;
    if (!config_.media.gop_cache) options.switchboard.relay.gop_bytes = 0;
    options.switchboard.relay.speakers_per_room = config_.limits.speakers_per_room;
    options.switchboard.seed = crypto::random_u64();
    options.switchboard.clock = rtp::NtpClock(offset);
    for (Address address : listen) {
      address.port =
          config_.media.port == 0 ? uint16_t{0} : static_cast<uint16_t>(config_.media.port + index);
      options.listen.push_back(address);
    }
    auto worker = Worker::bind(
        options, context_, handshakes_,
        {.changed = [this](const SessionChange& change) { changes_.put(change); },
         .snapshot = [this](WorkerSnapshot snapshot) { snapshots_.put(std::move(snapshot)); },
         .wake = [this](uint32_t other) { return members_[other].worker->wake(); },
         .answered = [this](SlotAnswer answer) { slot_answers_.put(std::move(answer)); },
         .layers_changed =
             [this](LayersChange change) { layers_changes_.put(std::move(change)); }});
    if (!worker) return worker.error();
    auto candidates = udp_candidates((*worker)->addresses(), config_.media.announce, config_.dev);
    if (candidates.empty()) return "media.listen: no address of this machine to announce";
    if (index == 0) log::info("media_announced", {{"addresses", addresses_text(candidates)}});
    members_.push_back({.worker = std::move(*worker),
                        .candidates = std::move(candidates),
                        .report = {},
                        .heartbeats = 0,
                        .beat_at = loop_.now()});
    tidings_.add_worker();
  }
  if (auto error = open_tcp(node_options)) return error;
  for (Member& member : members_) member.worker->run();
  poll_timer_.set(loop_.now() + kPoll);
  return std::nullopt;
}

std::optional<std::string> Node::Impl::open_tcp(const NodeOptions& options) {
  if (config_.media.tcp_port == 0 && !options.any_tcp_port) return std::nullopt;
  auto door = TcpDoor::open(loop_, members_.front().worker->addresses(),
                            options.any_tcp_port ? uint16_t{0} : config_.media.tcp_port,
                            tcp_budget_, [this](TcpArrival arrival) {
                              const auto worker = worker_of(arrival.username_fragment);
                              return worker && *worker < members_.size() &&
                                     members_[*worker].worker->adopt(std::move(arrival));
                            });
  if (!door) return door.error();
  tcp_door_ = std::move(*door);
  for (Member& member : members_) append_tcp_candidates(member.candidates, tcp_door_->port());
  return std::nullopt;
}

uint32_t Node::Impl::worker_for(const std::string& room) const {
  const auto count = static_cast<uint32_t>(members_.size());
  if (config_.media.spread_rooms) return crypto::random_u32() % count;
  return directory_.worker_for(room, count, together_max_);
}

Expected<Join, JoinError> Node::Impl::join(JoinRequest request) {
  if (auto refused = directory_.refuse(request)) return unexpected(std::move(*refused));
  if (request.participant.empty()) {
    request.participant = (request.role == Role::kPublisher ? "p_" : "w_") + crypto::random_hex(12);
  }
  Member& member = members_[worker_for(request.room)];
  const ice::Credentials local = ice_sessions_.make_credentials(member.worker->index());
  auto prepared = setup_.prepare(request, member.candidates, local);
  if (!prepared) return unexpected(std::move(prepared.error()));
  Session& session = prepared->session;
  remember({.key = session.key,
            .session = session.id,
            .room = session.room,
            .participant = session.participant,
            .role = session.role,
            .worker = member.worker->index(),
            .report = {},
            .has_connected = false});
  const ConnectionKey key = session.key;
  std::string ice_session = ice_sessions_.add(*prepared, member.worker->index());
  Join join{.session = session.id,
            .participant = session.participant,
            .answer = std::move(prepared->answer),
            .ice_session = std::move(ice_session)};
  log::info("join", {{"room", session.room},
                     {"participant", session.participant},
                     {"session", session.id},
                     {"role", session.role == Role::kPublisher ? "whip" : "whep"},
                     {"worker", member.worker->index()}});
  if (!member.worker->start(std::move(session))) {
    forget(key);
    return unexpected(JoinError{JoinError::Kind::kFull, "the worker has too much waiting"});
  }
  return join;
}

void Node::Impl::end(ConnectionKey key) {
  const Directory::Record* record = directory_.find(key);
  if (record == nullptr) return;
  members_[record->worker].worker->end(key);
  log::info("leave", {{"room", record->room}, {"session", record->session}});
  forget(key);
}

Expected<IcePatched, IcePatchError> Node::Impl::patch_ice(const IcePatch& patch) {
  const auto key = directory_.find_session(patch.room, patch.session);
  if (!key) return unexpected(IcePatchError{IcePatchError::Kind::kNoSession, "it has ended"});
  return ice_sessions_.patch(*key, patch.fragment, loop_.now(), [&](const IceRestart& restart) {
    log::info("ice_restart", {{"room", patch.room}, {"session", patch.session}});
    return members_[directory_.find(*key)->worker].worker->restart_ice(restart);
  });
}

void Node::Impl::ask_slot(const SlotName& slot, const std::optional<ViewingChange>& change,
                          const SlotDone& done) {
  const auto key = directory_.find_slot(slot);
  if (!key) return done(unexpected(SlotError::kNoSlot));
  // As at the join: who is named has to be there; later they are waited for.
  if (change && change->participant && !change->participant->empty() &&
      !directory_.has_publisher(slot.room, *change->participant)) {
    return done(unexpected(SlotError::kNoPublisher));
  }
  const auto number = slot_questions_.add(done);
  if (!number) return done(unexpected(SlotError::kFull));
  const uint32_t worker = directory_.find(*key)->worker;
  const bool asked = members_[worker].worker->ask(
      {.number = *number, .key = *key, .mid = slot.mid, .change = change});
  if (asked) return;
  slot_questions_.forget(*number);
  done(unexpected(SlotError::kFull));
}

Expected<uint64_t, FollowError> Node::Impl::follow_layers(const std::string& room,
                                                          const std::string& session,
                                                          LayersTold told) {
  const Directory::Record* record = directory_.find_publication(room, session);
  if (record == nullptr) return unexpected(FollowError::kNoSession);
  const auto number = layer_followers_.add(record->key, std::move(told));
  if (!number) return unexpected(FollowError::kFull);
  tidings_.follow(*record, true);
  tell_workers();
  return *number;
}

void Node::Impl::unfollow_layers(uint64_t follower) {
  const auto key = layer_followers_.remove(follower);
  const Directory::Record* record = key ? directory_.find(*key) : nullptr;
  if (record == nullptr) return;
  tidings_.follow(*record, false);
  tell_workers();
}

std::optional<PinError> Node::Impl::pin_speaker(const std::string& room,
                                                const std::string& participant, bool pinned) {
  if (const auto error = directory_.pin(room, participant, pinned)) return error;
  for (const ConnectionKey key : directory_.connections_of(room, participant)) {
    tidings_.pin(*directory_.find(key), pinned);
  }
  tell_workers();
  return std::nullopt;
}

void Node::Impl::remember(Directory::Record record) {
  tidings_.add(record);
  if (directory_.is_pinned(record.room, record.participant)) tidings_.pin(record, true);
  directory_.add(std::move(record), unix_ms());
  tell_workers();
}

void Node::Impl::forget(ConnectionKey key) {
  const Directory::Record* record = directory_.find(key);
  if (record == nullptr) return;
  const bool published = record->role == Role::kPublisher && record->has_connected;
  const std::string room = record->room;
  const std::string participant = record->participant;
  tidings_.remove(*record);
  if (directory_.is_pinned(room, participant)) tidings_.pin(*record, false);
  layer_followers_.end(key);
  directory_.remove(key);
  ice_sessions_.remove(key);
  if (published) tidings_.compare_publications(directory_, room, participant);
  tell_workers();
}

// What a worker cannot take now is tried again with the next poll.
void Node::Impl::tell_workers() {
  for (size_t i = 0; i < members_.size(); ++i) tidings_.tell(i, *members_[i].worker);
}

void Node::Impl::poll() {
  for (const SessionChange& change : changes_.take()) {
    const Directory::Record* record = directory_.find(change.key);
    if (record == nullptr) continue;
    log::info("connection", {{"session", record->session},
                             {"state", to_string(phase_of(change.state))},
                             {"reason", connection::to_string(change.reason)}});
    directory_.set_phase(change.key, phase_of(change.state));
    const bool publishes = record->role == Role::kPublisher;
    if (change.state == connection::State::kConnected && publishes) {
      tidings_.compare_publications(directory_, record->room, record->participant);
    }
    if (change.state == connection::State::kClosed) forget(change.key);
  }
  for (SlotAnswer& answer : slot_answers_.take()) slot_questions_.answer(std::move(answer));
  for (const LayersChange& change : layers_changes_.take()) {
    layer_followers_.tell(change.key, change.wanted);
  }
  for (WorkerSnapshot& snapshot : snapshots_.take()) {
    if (snapshot.is_last) {
      members_[snapshot.worker.worker].report = std::move(snapshot.worker);
    }
    for (auto& entry : snapshot.connections) directory_.update(entry.key, std::move(entry.report));
  }
  for (Member& member : members_) {
    const uint64_t heartbeats = member.worker->heartbeats();
    if (heartbeats == member.heartbeats) continue;
    member.heartbeats = heartbeats;
    member.beat_at = loop_.now();
  }
  tell_workers();
  poll_timer_.set(loop_.now() + kPoll);
}

bool Node::Impl::run_on_worker(uint32_t worker, std::function<void()> task) {
  return worker < members_.size() && members_[worker].worker->post(std::move(task));
}

bool Node::Impl::healthy() const {
  return std::ranges::all_of(members_, [this](const Member& member) {
    return loop_.now() - member.beat_at < kUnhealthyAfter;
  });
}

NodeReport Node::Impl::report() const {
  NodeReport report;
  report.started_at_unix_ms = started_at_unix_ms_;
  for (const Member& member : members_) {
    report.workers.push_back(member.report);
    report.workers.back().worker = member.worker->index();
  }
  report.connections_by_state = directory_.connections_by_state();
  report.rooms = directory_.rooms();
  report.participants = directory_.participants();
  if (tcp_door_) report.tcp_refused = tcp_door_->refused();
  return report;
}

std::string Node::Impl::media_text() const {
  const uint16_t first = members_.front().worker->addresses().front().port;
  const uint16_t last = members_.back().worker->addresses().front().port;
  std::string text = "udp:" + std::to_string(first);
  if (members_.size() > 1) text += "-" + std::to_string(last);
  return tcp_door_ ? text + ",tcp:" + std::to_string(tcp_door_->port()) : text;
}

Expected<std::unique_ptr<Node>, std::string> Node::start(const config::Config& config,
                                                         net::EventLoop& loop,
                                                         const NodeOptions& options) {
  auto impl = std::make_unique<Impl>(config, loop, options);
  if (auto error = impl->start_workers(options)) return unexpected(std::move(*error));
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

void Node::join(JoinRequest request, const JoinDone& done) {
  done(impl_->join(std::move(request)));
}

bool Node::leave(const std::string& room, const std::string& session) {
  const auto key = impl_->directory().find_session(room, session);
  if (key) impl_->end(*key);
  return key.has_value();
}

std::optional<std::string> Node::ice_session(const std::string& room,
                                             const std::string& session) const {
  const auto key = impl_->directory().find_session(room, session);
  return key ? impl_->ice_sessions().name_of(*key) : std::nullopt;
}

Expected<IcePatched, IcePatchError> Node::patch_ice(const IcePatch& patch) {
  return impl_->patch_ice(patch);
}

void Node::ask_slot(const SlotName& slot, const std::optional<ViewingChange>& change,
                    const SlotDone& done) {
  impl_->ask_slot(slot, change, done);
}

Expected<uint64_t, FollowError> Node::follow_layers(const std::string& room,
                                                    const std::string& session, LayersTold told) {
  return impl_->follow_layers(room, session, std::move(told));
}

void Node::unfollow_layers(uint64_t follower) { impl_->unfollow_layers(follower); }

bool Node::publishes(const std::string& room, const std::string& session) const {
  return impl_->directory().find_publication(room, session) != nullptr;
}

std::optional<PinError> Node::pin_speaker(const std::string& room, const std::string& participant,
                                          bool pinned) {
  return impl_->pin_speaker(room, participant, pinned);
}

bool Node::remove_participant(const std::string& room, const std::string& participant) {
  const auto keys = impl_->directory().connections_of(room, participant);
  for (const ConnectionKey key : keys) impl_->end(key);
  return !keys.empty();
}

bool Node::remove_room(const std::string& room) {
  const auto keys = impl_->directory().connections_of(room);
  for (const ConnectionKey key : keys) impl_->end(key);
  return !keys.empty();
}

std::vector<std::string> Node::room_names() const { return impl_->directory().room_names(); }

std::optional<RoomReport> Node::room(const std::string& name) const {
  return impl_->directory().room(name);
}

std::optional<ParticipantReport> Node::participant(const std::string& room,
                                                   const std::string& id) const {
  return impl_->directory().participant(room, id);
}

NodeReport Node::report() const { return impl_->report(); }
std::string Node::media_text() const { return impl_->media_text(); }
bool Node::healthy() const { return impl_->healthy(); }

bool Node::run_on_worker(uint32_t worker, std::function<void()> task) {
  return impl_->run_on_worker(worker, std::move(task));
}

}  // namespace simpul::node
