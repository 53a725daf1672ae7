#include "bench/peer/peer_socket.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ice/demultiplex.h"
#include "rtp/rtcp_reader.h"

namespace simpul::peer {

PeerSocket::PeerSocket(net::EventLoop& loop, Options options, Identity& identity, Handlers handlers,
                       const Address& local)
    : loop_(loop),
      over_tcp_(options.tcp),
      peer_(std::move(options), identity),
      handlers_(std::move(handlers)),
      socket_(open(local)),
      timer_(loop, [this] { wake(); }) {}

PeerSocket::~PeerSocket() = default;

std::unique_ptr<net::UdpSocket> PeerSocket::open(const Address& local) {
  auto socket = net::UdpSocket::bind(local);
  SIMPUL_CHECK(socket.has_value());
  net::UdpSocket& opened = **socket;
  opened.watch(loop_, {.on_readable = [this, &opened] { read(opened); }, .on_writable = [] {}});
  return std::move(*socket);
}

void PeerSocket::move(const Address& local, std::optional<Address> remote) {
  former_ = std::exchange(socket_, open(local));
  former_remote_ = std::exchange(remote_, remote.value_or(remote_));
  send(peer_.make_check(true));
}

bool PeerSocket::start(std::string_view answer, std::optional<Address> remote) {
  if (!peer_.accept(answer)) return false;
  remote_ = remote.value_or(peer_.remote());
  if (over_tcp_) connect();
  wake();
  return true;
}

void PeerSocket::connect() {
  stream_.reset();
  streams_ = std::make_unique<net::TcpMediaStreams>(
      loop_, pool_,
      net::TcpMediaStreams::Handlers{
          .on_packet =
              [this](uint32_t, const Address&, const PacketRef& packet) {
                receive(packet);
                wake();
              },
          .on_ended = [this](uint32_t, const Address&) { stream_.reset(); },
          .is_media = [](Bytes) { return false; }});
  auto descriptor = net::TcpDescriptor::connect(remote_, budget_);
  if (!descriptor) return;
  stream_ = streams_->add(std::move(*descriptor));
  send(peer_.make_check(true));  // nothing else may come first
}

bool PeerSocket::restart(std::string_view fragment) {
  if (!peer_.accept_restart(fragment)) return false;
  Address local = socket_->local_address();
  local.port = 0;
  next_socket_ = open(local);
  wake();
  return true;
}

void PeerSocket::close() {
  peer_.close(out_);
  take_output();
  timer_.cancel();
}

void PeerSocket::send(Bytes datagram) {
  if (!over_tcp_) return send_to(datagram, remote_);
  if (!stream_) return;
  const net::OutgoingMessage message{
      .bytes = datagram, .segment_size = 0, .to = net::TcpMediaStreams::address_of(*stream_)};
  streams_->send_messages(std::span(&message, 1));
}

void PeerSocket::impair(const impairment::PathOptions& up, const impairment::PathOptions& down,
                        uint64_t seed) {
  SIMPUL_CHECK(!over_tcp_);
  network_ = std::make_unique<Network>(
      Network{impairment::Path(up, 2 * seed), impairment::Path(down, 2 * seed + 1)});
}

void PeerSocket::send_to(Bytes datagram, const Address& to) {
  if (!network_ || to != remote_) return transmit(datagram, to);
  network_->leaving.clear();
  network_->up.receive(datagram, loop_.now(), network_->leaving);
  for (const auto& leaving : network_->leaving) transmit(leaving, to);
  timer_.set(std::min(timer_.deadline(), network_->up.next_deadline()));
}

// What comes out of the bad network by now.
void PeerSocket::advance_network(TimePoint now) {
  network_->leaving.clear();
  network_->up.advance(now, network_->leaving);
  for (const auto& leaving : network_->leaving) transmit(leaving, remote_);
  network_->leaving.clear();
  network_->down.advance(now, network_->leaving);
  auto arrived = std::exchange(network_->leaving, {});
  for (auto& datagram : arrived) receive(MutableBytes(datagram));
}

void PeerSocket::transmit(Bytes datagram, const Address& to) {
  const net::OutgoingMessage message{.bytes = datagram, .segment_size = 0, .to = to};
  socket_->send_messages(std::span(&message, 1));  // a full buffer is a loss like any other
}

// Of a restart only the checks go by the new port until one was answered.
void PeerSocket::send_out(Bytes datagram) {
  const bool is_check = ice::classify(datagram) == ice::DatagramKind::kStun;
  if (!next_socket_ || !is_check) return send(datagram);
  const net::OutgoingMessage message{.bytes = datagram, .segment_size = 0, .to = remote_};
  next_socket_->send_messages(std::span(&message, 1));
}

void PeerSocket::read(net::UdpSocket& socket) {
  received_.clear();
  socket.receive(pool_, received_, net::UdpSocket::kBatch);
  for (net::ReceivedDatagram& datagram : received_) {
    if (datagram.from != remote_ && datagram.from != former_remote_) {
      ++datagrams_received_;
      ++datagrams_foreign_;
      continue;
    }
    receive(datagram.packet);
  }
  received_.clear();
  if (next_socket_ && peer_.checked()) {
    former_ = std::exchange(socket_, std::move(next_socket_));
    former_remote_ = remote_;
  }
  wake();
}

void PeerSocket::receive(const PacketRef& packet) {
  if (!network_) return receive(packet->data());
  impairment::Path::Output arrived;
  network_->down.receive(std::as_const(*packet).data(), loop_.now(), arrived);
  for (auto& datagram : arrived) receive(MutableBytes(datagram));
}

void PeerSocket::receive(MutableBytes datagram) {
  ++datagrams_received_;
  peer_.receive(datagram, loop_.now(), out_);
  take_output();
}

void PeerSocket::wake() {
  const TimePoint now = loop_.now();
  if (network_) advance_network(now);
  peer_.advance(now, out_);
  take_output();
  TimePoint next = peer_.next_deadline();
  if (network_) {
    next = std::min({next, network_->up.next_deadline(), network_->down.next_deadline()});
  }
  datagrams_.clear();
  for (MediaSource& source : sources_) {
    source.send_due(now, peer_, datagrams_);
    if (peer_.connected()) next = std::min(next, source.next_deadline());
  }
  for (const auto& datagram : datagrams_) send(datagram);
  // What these have put into a bad network may leave before.
  if (network_) next = std::min(next, network_->up.next_deadline());
  timer_.set(next);
}

void PeerSocket::add_source(MediaSource source) {
  sources_.push_back(std::move(source));
  timer_.set(loop_.now());
}

// What the sources have to do about a compound.
void PeerSocket::answer(Bytes compound, TimePoint now) {
  if (sources_.empty()) return;
  datagrams_.clear();
  rtp::RtcpReader reader(compound);
  while (const auto part = reader.next()) {
    for (MediaSource& source : sources_) {
      if (const auto* nack = std::get_if<rtp::Nack>(&*part)) {
        source.repair(*nack, now, peer_, datagrams_);
      } else if (const auto* pli = std::get_if<rtp::Pli>(&*part)) {
        if (pli->media == source.ssrc()) source.request_key_frame(now);
      } else if (const auto* fir = std::get_if<rtp::Fir>(&*part)) {
        for (const rtp::FirEntry& entry : fir->entries) {
          if (entry.ssrc == source.ssrc()) source.request_key_frame(now);
        }
      }
    }
  }
  for (const auto& datagram : datagrams_) send(datagram);
}

void PeerSocket::take_output() {
  for (const auto& datagram : out_.datagrams) send_out(datagram);
  if (peer_.connected() && !std::exchange(told_connected_, peer_.connected())) {
    if (handlers_.on_connected) handlers_.on_connected();
  }
  const TimePoint now = loop_.now();
  for (const Peer::Received& received : out_.rtp) {
    if (handlers_.on_rtp) handlers_.on_rtp(received, now);
  }
  for (const auto& compound : out_.rtcp) {
    answer(compound, now);
    if (handlers_.on_rtcp) handlers_.on_rtcp(compound);
  }
  out_.clear();
}

}  // namespace simpul::peer
