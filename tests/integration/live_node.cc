#include "tests/integration/live_node.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/log.h"
#include "rtp/vp8.h"
#include "tests/support/run_until.h"

namespace simpul::testing {
namespace {

void count(LiveGuest& guest, const peer::Peer::Received& received) {
  const rtp::PacketView& view = received.view;
  guest.largest = std::max(guest.largest, received.size);
  if (view.payload_type() == peer::kOpusPayloadType) ++guest.audio;
  if (view.payload_type() == peer::kVp8PayloadType) {
    ++guest.video;
    const auto descriptor = rtp::Vp8Descriptor::parse(view.payload());
    guest.key_frames += descriptor && descriptor->key_frame;
  }
  auto stream = std::ranges::find(guest.streams, view.ssrc(), &LiveGuest::Stream::ssrc);
  if (stream == guest.streams.end()) {
    guest.streams.push_back({.ssrc = view.ssrc()});
    stream = guest.streams.end() - 1;
  }
  const int64_t number = stream->unwrapper.unwrap(view.sequence_number());
  if (stream->highest && number > *stream->highest + 1) {
    guest.lost += static_cast<uint64_t>(number - *stream->highest - 1);
  }
  stream->highest = std::max(stream->highest.value_or(number), number);
}

}  // namespace

RawSocket::RawSocket(net::EventLoop& loop, const std::string& ip, uint16_t port) {
  auto socket = net::UdpSocket::bind(*Address::parse(ip, port));
  if (!socket) throw std::runtime_error(socket.error());
  socket_ = std::move(*socket);
  socket_->watch(loop, {.on_readable =
                            [this] {
                              socket_->receive(pool_, scratch_, 32);
                              for (const auto& datagram : scratch_) {
                                ++received_;
                                bytes_received_ += datagram.packet->size;
                                const Bytes bytes = datagram.packet->data();
                                last_.assign(bytes.begin(), bytes.end());
                              }
                              scratch_.clear();
                            },
                        .on_writable = [] {}});
}

void RawSocket::send(Bytes datagram, const Address& to) {
  const net::OutgoingMessage message{.bytes = datagram, .segment_size = 0, .to = to};
  bytes_sent_ += datagram.size();
  socket_->send_messages(std::span(&message, 1));
}

config::Config LiveNode::test_config(uint16_t workers, Duration idle_timeout) {
  config::Config config;
  config.dev = true;
  config.media.listen = {Address::v4({127, 0, 0, 1}, 0)};
  config.media.port = 0;
  config.media.tcp_port = 0;  // any, by the options
  config.media.workers = workers;
  config.media.idle_timeout = idle_timeout;
  return config;
}

LiveNode::LiveNode(uint16_t workers, Duration idle_timeout, size_t together_max)
    : LiveNode(test_config(workers, idle_timeout), together_max) {}

LiveNode::LiveNode(const config::Config& config, size_t together_max, size_t packets_lent_max)
    : LiveNode(config, node::NodeOptions{.together_max = together_max,
                                         .packets_lent_max = packets_lent_max}) {}

LiveNode::LiveNode(const config::Config& config, node::NodeOptions options)
    : identity_(std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)) {
  log::set_level(log::Level::kError);
  options.report_interval = 50ms;
  options.any_tcp_port = true;
  auto started = node::Node::start(config, loop_, options);
  if (!started) throw std::runtime_error(started.error());
  node_ = std::move(*started);
}

LiveNode::~LiveNode() = default;

Expected<node::Join, node::JoinError> LiveNode::join(node::JoinRequest request) {
  std::optional<Expected<node::Join, node::JoinError>> result;
  node_->join(std::move(request), [&](auto done) { result = std::move(done); });
  run_until([&] { return result.has_value(); });
  return *result;
}

LiveGuest& LiveNode::add(node::JoinRequest request, peer::Options options,
                         std::optional<Address> through) {
  guests_.push_back(std::make_unique<LiveGuest>());
  LiveGuest& guest = *guests_.back();
  guest.room = request.room;
  guest.name = request.participant;
  guest.socket = std::make_unique<peer::PeerSocket>(
      loop_, std::move(options), identity_,
      peer::PeerSocket::Handlers{.on_rtp =
                                     [&guest](const peer::Peer::Received& received, TimePoint now) {
                                       count(guest, received);
                                       if (guest.on_rtp) guest.on_rtp(received, now);
                                     },
                                 .on_rtcp =
                                     [&guest](Bytes compound) {
                                       if (guest.on_rtcp) guest.on_rtcp(compound);
                                     },
                                 .on_connected = {}},
      guest_address_);
  request.offer = guest.socket->peer().offer();
  const auto joined = join(std::move(request));
  if (!joined) throw std::runtime_error(joined.error().detail);
  guest.session = joined->session;
  if (!guest.socket->start(joined->answer, through)) throw std::runtime_error(joined->answer);
  return guest;
}

LiveGuest& LiveNode::publish(const std::string& room, const std::string& name,
                             peer::Options options, std::optional<Address> through) {
  options.publishes = true;
  const auto rids = options.rids;
  LiveGuest& guest =
      add({.role = node::Role::kPublisher, .room = room, .participant = name}, options, through);
  guest.socket->add_source(peer::MediaSource::audio("0"));
  uint16_t width = 320;
  for (const std::string& rid : rids) {
    guest.socket->add_source(
        peer::MediaSource::video("1", {.bitrate_bps = width * 1'000u,
                                       .width = width,
                                       .height = static_cast<uint16_t>(width * 9 / 16),
                                       .rid = rid}));
    width = static_cast<uint16_t>(width * 2);
  }
  if (!rids.empty()) return guest;
  guest.socket->add_source(peer::MediaSource::video("1", {.bitrate_bps = 500'000}));
  return guest;
}

LiveGuest& LiveNode::watch(const std::string& room, const std::string& name,
                           std::optional<Address> through, relay::LayerChoice layer,
                           const std::string& watched, peer::Options options) {
  return add({.role = node::Role::kWatcher,
              .room = room,
              .participant = name,
              .watched = watched,
              .layer = layer},
             std::move(options), through);
}

bool LiveNode::run_until(const std::function<bool()>& done) {
  return testing::run_until(loop_, done);
}

void LiveNode::refresh() {
  // Two beats of every worker: the first may have been on its way already.
  for (int beat = 0; beat < 2; ++beat) {
    const auto before = node_->report();
    const bool told = run_until([&] {
      const auto now = node_->report();
      return std::ranges::equal(now.workers, before.workers, [](const auto& a, const auto& b) {
        return a.snapshots > b.snapshots;
      });
    });
    if (!told) throw std::runtime_error("a worker tells nothing");
  }
}

uint64_t LiveNode::dropped(const std::string& reason) {
  refresh();
  uint64_t count = 0;
  for (auto& worker : node_->report().workers) {
    const auto found = worker.drops.find(reason);
    if (found != worker.drops.end()) count += found->second;
  }
  return count;
}

bool LiveNode::ask_until(const std::function<bool()>& done) {
  const TimePoint limit = net::EventLoop::clock_now() + kHang;
  while (!done()) {
    if (net::EventLoop::clock_now() > limit) return false;
    refresh();
  }
  return true;
}

uint64_t LiveNode::tcp_streams() {
  refresh();
  uint64_t count = 0;
  for (const auto& worker : node_->report().workers) count += worker.tcp_streams;
  return count;
}

uint64_t LiveNode::foreign() const {
  uint64_t count = 0;
  for (const auto& guest : guests_) count += guest->socket->datagrams_foreign();
  return count;
}

std::optional<node::ConnectionReport> LiveNode::report_of(const LiveGuest& guest) {
  refresh();
  const auto participant = node_->participant(guest.room, guest.name);
  if (!participant || participant->connections.empty()) return std::nullopt;
  return participant->connections.front();
}

}  // namespace simpul::testing
