#include "tests/node/virtual_node.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "bench/peer/formats.h"
#include "rtp/header_extensions.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::testing {
namespace {

std::optional<uint16_t> transport_sequence_of(const rtp::PacketView& view) {
  rtp::ExtensionReader reader(view.extension_profile(), view.extension());
  while (const auto element = reader.next()) {
    if (element->id != peer::kTransportSequenceExtension) continue;
    return rtp::read_transport_sequence(element->data);
  }
  return std::nullopt;
}

Address address_of(uint16_t port) { return Address::v4({192, 0, 2, 1}, port); }

}  // namespace

int RecordingSender::send_messages(std::span<const net::OutgoingMessage> messages) {
  if (blocked_) return -EAGAIN;
  ++calls_;
  messages_ += messages.size();
  for (const net::OutgoingMessage& message : messages) {
    const size_t step = message.segment_size == 0 ? message.bytes.size() : message.segment_size;
    for (size_t at = 0; at < message.bytes.size(); at += step) {
      ++datagrams_;
      if (!keep_) continue;
      const Bytes part = message.bytes.subspan(at, std::min(step, message.bytes.size() - at));
      sent_.push_back({message.to, {part.begin(), part.end()}});
    }
  }
  return static_cast<int>(messages.size());
}

size_t Guest::count(rtp::Ssrc ssrc) const {
  return static_cast<size_t>(std::ranges::count(packets, ssrc, &Packet::ssrc));
}

config::Config VirtualNode::test_config() {
  config::Config config;
  config.dev = true;
  config.limits.bitrate_per_track = 100'000'000;
  return config;
}

VirtualNode::VirtualNode(node::FeedLanes* lanes, uint32_t worker, const config::Config& config)
    : certificate_(dtls::Certificate::make(std::chrono::seconds(1'800'000'000))),
      context_(certificate_),
      setup_(config, certificate_.fingerprint()) {
  if (lanes != nullptr) {
    feeds_ = std::make_unique<node::FeedExchange>(
        node::FeedExchange::Options{.worker = worker, .wake = [](uint32_t) { return true; }},
        *lanes);
  }
  switchboard_ = std::make_unique<node::Switchboard>(
      node::Switchboard::Options{.relay = {},
                                 .seed = 7 + worker,
                                 .clock = rtp::NtpClock(3'000'000'000s),
                                 .feeds = feeds_.get()},
      context_, engine_, std::vector<net::Egress*>{&egress_, &other_egress_},
      node::Switchboard::Hooks{
          .run_handshake =
              [this](node::ConnectionKey key, std::unique_ptr<dtls::HandshakeStep> step) {
                steps_.emplace_back(key, std::move(step));
              },
          .changed = [this](const node::SessionChange& change) { changes_.push_back(change); },
          .layers_changed =
              [this](node::LayersChange change) { layers_changes.push_back(std::move(change)); }},
      now_);
}

VirtualNode::~VirtualNode() = default;

Guest& VirtualNode::add(node::JoinRequest request, const std::string& name, peer::Options options) {
  guests_.push_back(
      std::make_unique<Guest>(Guest{.name = name,
                                    .address = Address::v4({198, 51, 100, 1}, next_port_++),
                                    .peer = peer::Peer(std::move(options), identity_),
                                    .sources = {},
                                    .packets = {},
                                    .rtcp = {}}));
  Guest& guest = *guests_.back();
  request.participant = name;
  request.offer = guest.peer.offer();
  auto prepared = setup_.prepare(request, {{.address = address_of(7700), .priority = 1}});
  if (!prepared) throw std::runtime_error(prepared.error().detail);
  guest.key = prepared->session.key;
  if (!guest.peer.accept(prepared->answer)) throw std::runtime_error(prepared->answer);
  switchboard_->start(std::move(prepared->session), now_);
  return guest;
}

Guest& VirtualNode::publish(const std::string& room, const std::string& name,
                            peer::Options options) {
  options.publishes = true;
  Guest& guest = add({.role = node::Role::kPublisher, .room = room}, name, options);
  if (options.audio) guest.sources.push_back(peer::MediaSource::audio("0"));
  if (options.video && options.rids.empty()) {
    guest.sources.push_back(peer::MediaSource::video("1", {}));
  }
  uint16_t width = 320;
  for (const std::string& rid : options.rids) {
    guest.sources.push_back(
        peer::MediaSource::video("1", {.bitrate_bps = width * 1000u,
                                       .width = width,
                                       .height = static_cast<uint16_t>(width * 9 / 16),
                                       .rid = rid}));
    width = static_cast<uint16_t>(width * 2);
  }
  return guest;
}

Guest& VirtualNode::watch(const std::string& room, const std::string& name,
                          const std::string& watched, relay::LayerChoice layer,
                          peer::Options options) {
  return add({.role = node::Role::kWatcher, .room = room, .watched = watched, .layer = layer}, name,
             std::move(options));
}

void VirtualNode::deliver(const Address& from, Bytes datagram) {
  PacketRef packet = pool_.allocate();
  packet->size = static_cast<uint32_t>(datagram.size());
  std::ranges::copy(datagram, packet->bytes.begin());
  const auto guest =
      std::ranges::find_if(guests_, [&](const auto& known) { return known->address == from; });
  const uint32_t socket = guest == guests_.end() ? 0 : (*guest)->socket;
  switchboard_->receive(std::move(packet), {socket, from}, now_);
  for (auto& [key, step] : std::exchange(steps_, {})) {
    step->run();
    switchboard_->resume(key, std::move(step), now_);
  }
}

void VirtualNode::settle() {
  switchboard_->take_feeds(now_, SIZE_MAX);
  switchboard_->advance(now_);
  switchboard_->publish_feeds(now_);
  const auto flush = [this] {
    egress_.flush();
    other_egress_.flush();
  };
  while (switchboard_->send_due(now_, Duration::zero(), 32) > 0) flush();
  flush();
  auto all_sent = sender_.take();
  std::ranges::move(other_sender_.take(), std::back_inserter(all_sent));
  for (RecordingSender::Sent& sent : all_sent) {
    const auto found =
        std::ranges::find_if(guests_, [&](const auto& guest) { return guest->address == sent.to; });
    if (found == guests_.end()) {
      strays.push_back(std::move(sent));
      continue;
    }
    Guest& guest = **found;
    if (lose_downwards && lose_downwards(guest, sent.bytes)) continue;
    deliver_to(guest, std::move(sent.bytes));
  }
}

void VirtualNode::deliver_to(Guest& guest, std::vector<uint8_t> datagram) {
  peer::Peer::Output out;
  guest.peer.receive(datagram, now_, out);
  for (const auto& received : out.rtp) {
    if (on_rtp) on_rtp(guest, received);
    const rtp::PacketView& view = received.view;
    guest.packets.push_back({.ssrc = view.ssrc(),
                             .sequence_number = view.sequence_number(),
                             .timestamp = view.timestamp(),
                             .payload_type = view.payload_type(),
                             .marker = view.marker(),
                             .csrc = view.csrcs().empty() ? 0 : view.csrcs()[0].value(),
                             .payload = {view.payload().begin(), view.payload().end()},
                             .padding = view.padding_size(),
                             .arrival = now_});
    const auto number = transport_sequence_of(view);
    if (number) guest.arrivals.on_packet(rtp::SequenceNumber(*number), now_);
  }
  for (auto& compound : out.rtcp) {
    rtp::RtcpReader reader(compound);
    while (const auto part = reader.next()) {
      const auto* pli = std::get_if<rtp::Pli>(&*part);
      if (pli == nullptr) continue;
      for (auto& source : guest.sources) {
        if (source.ssrc() == pli->media) source.request_key_frame();
      }
    }
    guest.rtcp.push_back(std::move(compound));
  }
  for (const auto& answer : out.datagrams) {
    if (!lose_upwards || !lose_upwards(guest, answer)) deliver(guest.address, answer);
  }
}

void VirtualNode::run_guest(Guest& guest) {
  if (guest.address.port == 0) return;
  peer::Peer::Output out;
  guest.peer.advance(now_, out);
  for (peer::MediaSource& source : guest.sources) {
    source.send_due(now_, guest.peer, out.datagrams);
  }
  const bool is_due = now_.time_since_epoch() % 100ms == 0ms && guest.peer.connected();
  if (guest.reports_arrivals && is_due) report_arrivals(guest);
  for (const auto& datagram : out.datagrams) {
    if (!lose_upwards || !lose_upwards(guest, datagram)) deliver(guest.address, datagram);
  }
}

void VirtualNode::report_arrivals(Guest& guest) {
  std::array<uint8_t, rtp::kRtcpSizeMax> room;
  while (true) {
    rtp::RtcpWriter writer(room);
    const rtp::Ssrc slot = guest.peer.slots().front();
    if (!guest.arrivals.write_due(now_, rtp::Ssrc(9), slot, writer)) return;
    const auto sealed = guest.peer.seal_rtcp(writer.written());
    if (!lose_upwards || !lose_upwards(guest, sealed)) deliver(guest.address, sealed);
  }
}

void VirtualNode::run(Duration duration) {
  const TimePoint end = now_ + duration;
  while (now_ < end) {
    now_ += 1ms;
    for (const auto& guest : guests_) run_guest(*guest);
    settle();
  }
}

bool VirtualNode::run_until(const std::function<bool()>& done) {
  const TimePoint end = now_ + 10s;
  while (now_ < end) {
    if (done()) return true;
    run(1ms);
  }
  return false;
}

node::WorkerSnapshot VirtualNode::snapshot() const {
  node::WorkerSnapshot snapshot;
  switchboard_->report_connections(switchboard_->begin_report(), snapshot);
  switchboard_->report_worker(snapshot.worker);
  return snapshot;
}

std::optional<connection::State> VirtualNode::last_state(const Guest& guest) const {
  std::optional<connection::State> state;
  for (const auto& change : changes_) {
    if (change.key == guest.key) state = change.state;
  }
  return state;
}

}  // namespace simpul::testing
