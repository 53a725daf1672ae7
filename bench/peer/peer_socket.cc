#include "bench/peer/peer_socket.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "ice/demultiplex.h"
#include "rtp/rtcp_reader.h"

namespace simpul::peer {
namespace {

constexpr size_t kTcpPackets = 128;

}  // namespace

PeerSocket::PeerSocket(SocketSet& sockets, Options options, Identity& identity, Handlers handlers,
                       const Address& local)
    : PeerSocket(nullptr, &sockets, std::move(options), identity, std::move(handlers), local) {}

PeerSocket::PeerSocket(net::EventLoop& loop, Options options, Identity& identity, Handlers handlers,
                       const Address& local)
    : PeerSocket(std::make_unique<SocketSet>(loop), nullptr, std::move(options), identity,
                 std::move(handlers), local) {}

PeerSocket::PeerSocket(std::unique_ptr<SocketSet> own, SocketSet* shared, Options options,
                       Identity& identity, Handlers handlers, const Address& local)
    : own_sockets_(std::move(own)),
      sockets_(shared != nullptr ? *shared : *own_sockets_),
      loop_(sockets_.loop()),
      over_tcp_(options.tcp),
      peer_(std::move(options), identity),
      handlers_(std::move(handlers)),
      socket_(open(local)),
      // Media tell when they leave: the loop's time may be that of all that was due before.
      timer_(loop_, [this] { wake(net::EventLoop::clock_now()); }) {}

PeerSocket::~PeerSocket() = default;

std::unique_ptr<SocketSet::Socket> PeerSocket::open(const Address& local) {
  auto socket = sockets_.open(
      local, {.on_datagram = [this](MutableBytes datagram, const Address& from,
                                    TimePoint now) { receive_from(datagram, from, now); },
              .on_read = [this](TimePoint now) { end_read(now); }});
  SIMPUL_CHECK(socket.has_value());
  return std::move(*socket);
}

void PeerSocket::move(const Address& local, std::optional<Address> remote) {
  replace_socket(open(local));
  former_remote_ = std::exchange(remote_, remote.value_or(remote_));
  send(peer_.make_check(true));
}

void PeerSocket::replace_socket(std::unique_ptr<SocketSet::Socket> socket) {
  if (former_) overflows_gone_ += former_->statistics().overflows;
  former_ = std::exchange(socket_, std::move(socket));
}

uint64_t PeerSocket::overflows() const {
  uint64_t overflows = overflows_gone_ + socket_->statistics().overflows;
  for (const auto* other : {former_.get(), next_socket_.get()}) {
    if (other != nullptr) overflows += other->statistics().overflows;
  }
  return overflows;
}

bool PeerSocket::start(std::string_view answer, std::optional<Address> remote) {
  if (!peer_.accept(answer)) return false;
  remote_ = remote.value_or(peer_.remote());
  if (over_tcp_) connect();
  wake(loop_.now());
  return true;
}

void PeerSocket::connect() {
  stream_.reset();
  streams_ = std::make_unique<net::TcpMediaStreams>(
      loop_, pool_ ? *pool_ : pool_.emplace(kTcpPackets),
      net::TcpMediaStreams::Handlers{
          .on_packet =
              [this](uint32_t, const Address&, const PacketRef& packet) {
                receive(packet->data(), loop_.now());
                wake(loop_.now());
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
  wake(loop_.now());
  return true;
}

void PeerSocket::close() {
  peer_.close(out_);
  take_output(loop_.now());
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

impairment::PathCounts PeerSocket::network_counts() const {
  impairment::PathCounts counts;
  if (!network_) return counts;
  counts += network_->up.counts();
  counts += network_->down.counts();
  return counts;
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
  for (auto& datagram : arrived) receive(datagram, now);
}

void PeerSocket::transmit(Bytes datagram, const Address& to) { socket_->send(datagram, to); }

// Of a restart only the checks go by the new port until one was answered.
void PeerSocket::send_out(Bytes datagram) {
  const bool is_check = ice::classify(datagram) == ice::DatagramKind::kStun;
  if (!next_socket_ || !is_check) return send(datagram);
  next_socket_->send(datagram, remote_);
}

void PeerSocket::receive_from(MutableBytes datagram, const Address& from, TimePoint now) {
  if (from != remote_ && from != former_remote_) {
    ++datagrams_received_;
    ++datagrams_foreign_;
    return;
  }
  network_ ? receive_over_network(datagram, now) : receive(datagram, now);
}

void PeerSocket::receive_over_network(MutableBytes datagram, TimePoint now) {
  impairment::Path::Output arrived;
  network_->down.receive(datagram, now, arrived);
  for (auto& passed : arrived) receive(passed, now);
}

void PeerSocket::receive(MutableBytes datagram, TimePoint now) {
  ++datagrams_received_;
  peer_.receive(datagram, now, out_);
  take_output(now);
}

// Media changes nothing that is due; all else may.
void PeerSocket::end_read(TimePoint now) {
  if (network_) return timer_.set(std::min(timer_.deadline(), network_->down.next_deadline()));
  // Not inside the handlers of a socket that this may close.
  if (next_socket_) return timer_.set(now);
  if (!told_connected_ || now >= timer_.deadline()) wake(now);
}

void PeerSocket::wake(TimePoint now) {
  if (network_) advance_network(now);
  if (next_socket_ && peer_.checked()) {
    replace_socket(std::move(next_socket_));
    former_remote_ = remote_;
  }
  peer_.advance(now, out_);
  take_output(now);
  TimePoint next = peer_.next_deadline();
  datagrams_.clear();
  for (MediaSource& source : sources_) {
    source.send_due(now, peer_, datagrams_);
    if (peer_.connected()) next = std::min(next, source.next_deadline());
  }
  for (const auto& datagram : datagrams_) send(datagram);
  if (network_) {
    next = std::min({next, network_->up.next_deadline(), network_->down.next_deadline()});
  }
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

void PeerSocket::take_output(TimePoint now) {
  for (const auto& datagram : out_.datagrams) send_out(datagram);
  if (peer_.connected() && !std::exchange(told_connected_, peer_.connected())) {
    if (handlers_.on_connected) handlers_.on_connected();
  }
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
