#include "tests/impairment/relay.h"

#include <algorithm>
#include <utility>

namespace simpul::impairment {
namespace {

// What is being read, and what each socket holds ready.
constexpr size_t kPacketsMax = (Relay::kClientsMax + 2) * net::UdpSocket::kBatch;
constexpr size_t kReadMax = net::UdpSocket::kBatch;

}  // namespace

Expected<std::unique_ptr<Relay>, std::string> Relay::start(net::EventLoop& loop,
                                                           const RelayOptions& options) {
  auto socket = net::UdpSocket::bind(options.listen);
  if (!socket) return unexpected(socket.error());
  return std::unique_ptr<Relay>(new Relay(loop, options, std::move(*socket)));
}

Relay::Relay(net::EventLoop& loop, const RelayOptions& options,
             std::unique_ptr<net::UdpSocket> socket)
    : loop_(loop),
      options_(options),
      pool_(kPacketsMax),
      socket_(std::move(socket)),
      timer_(loop, [this] { advance(); }) {
  socket_->watch(loop_, {.on_readable = [this] { on_clients_readable(); }});
}

void Relay::on_clients_readable() {
  received_.clear();
  socket_->receive(pool_, received_, kReadMax);
  for (const net::ReceivedDatagram& datagram : received_) {
    Client* client = client_of(datagram.from);
    if (client == nullptr) {
      ++refused_;
      continue;
    }
    leaving_.clear();
    up_waits_.add(client->up.waiting(loop_.now()));
    client->up.receive(std::as_const(*datagram.packet).data(), loop_.now(), leaving_);
    send(*client->upstream, leaving_, options_.to);
  }
  advance();
}

void Relay::on_server_readable(Client& client) {
  received_.clear();
  client.upstream->receive(pool_, received_, kReadMax);
  for (const net::ReceivedDatagram& datagram : received_) {
    if (datagram.from != options_.to) continue;
    leaving_.clear();
    down_waits_.add(client.down.waiting(loop_.now()));
    client.down.receive(std::as_const(*datagram.packet).data(), loop_.now(), leaving_);
    send(*socket_, leaving_, client.address);
  }
  advance();
}

// Null when there are too many already.
Relay::Client* Relay::client_of(const Address& address) {
  if (const auto known = clients_.find(address); known != clients_.end()) {
    return known->second.get();
  }
  if (clients_.size() >= kClientsMax) return nullptr;
  // Two seeds for each client, in the order of their coming.
  const uint64_t seed = options_.seed * 2 * kClientsMax + 2 * clients_.size();
  auto client = std::make_unique<Client>(
      Client{address, nullptr, Path(options_.up, seed), Path(options_.down, seed + 1)});
  if (!open_upstream(*client)) return nullptr;
  return clients_.emplace(address, std::move(client)).first->second.get();
}

// Before the old one is closed, so that its port is not taken again.
bool Relay::open_upstream(Client& client) {
  Address any_port = options_.listen;
  any_port.port = 0;
  auto upstream = net::UdpSocket::bind(any_port);
  if (!upstream) return false;
  client.upstream = std::move(*upstream);
  client.upstream->watch(loop_, {.on_readable = [this, &client] { on_server_readable(client); }});
  return true;
}

void Relay::rebind() {
  for (const auto& [address, client] : clients_) open_upstream(*client);
}

void Relay::change(const RelayOptions& options) {
  options_.up = options.up;
  options_.down = options.down;
  for (const auto& [address, client] : clients_) {
    client->up.change(options.up);
    client->down.change(options.down);
  }
}

void Relay::advance() {
  TimePoint deadline = kNever;
  for (const auto& [address, client] : clients_) {
    leaving_.clear();
    client->up.advance(loop_.now(), leaving_);
    send(*client->upstream, leaving_, options_.to);
    leaving_.clear();
    client->down.advance(loop_.now(), leaving_);
    send(*socket_, leaving_, address);
    deadline = std::min({deadline, client->up.next_deadline(), client->down.next_deadline()});
  }
  timer_.set(deadline);
}

void Relay::send(net::UdpSocket& from, const Path::Output& datagrams, const Address& to) {
  for (const std::vector<uint8_t>& datagram : datagrams) {
    const net::OutgoingMessage message{datagram, 0, to};
    if (from.send_messages({&message, 1}) != 1) ++unsent_;
  }
}

RelayCounts Relay::counts() const {
  RelayCounts counts{.clients = clients_.size(),
                     .refused = refused_,
                     .unsent = unsent_,
                     .up_waits = up_waits_,
                     .down_waits = down_waits_};
  for (const auto& [address, client] : clients_) {
    counts.up += client->up.counts();
    counts.down += client->down.counts();
  }
  return counts;
}

RelayCounts Relay::counts_afresh() {
  const RelayCounts now = counts();
  up_waits_ = {};
  down_waits_ = {};
  return now;
}

}  // namespace simpul::impairment
