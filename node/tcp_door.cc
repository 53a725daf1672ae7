#include "node/tcp_door.h"

#include <algorithm>
#include <utility>

namespace simpul::node {
namespace {

// How often a free port is looked for that is free on all addresses.
constexpr int kFreePortAttempts = 16;

// Whoever has one IPv6 address has the 2^64 beside it.
bool same_host(const Address& a, const Address& b) {
  constexpr size_t kNetworkSize = 8;
  if (a.is_v4() || b.is_v4()) return a.ip == b.ip;
  return std::ranges::equal(std::span(a.ip).first<kNetworkSize>(),
                            std::span(b.ip).first<kNetworkSize>());
}

}  // namespace

Expected<std::unique_ptr<TcpDoor>, std::string> TcpDoor::open(net::EventLoop& loop,
                                                              const std::vector<Address>& addresses,
                                                              uint16_t port, net::TcpBudget& budget,
                                                              HandOver hand_over) {
  std::unique_ptr<TcpDoor> door(new TcpDoor(loop, budget, std::move(hand_over)));
  auto listening = door->listen(addresses, port);
  // A free port of the first address must be free on all.
  for (int attempt = 1; port == 0 && !listening && attempt < kFreePortAttempts; ++attempt) {
    listening = door->listen(addresses, port);
  }
  if (!listening) return unexpected(listening.error());
  return door;
}

Expected<void, std::string> TcpDoor::listen(const std::vector<Address>& addresses, uint16_t port) {
  acceptors_.clear();
  for (Address address : addresses) {
    address.port = port != 0 || acceptors_.empty() ? port : this->port();
    auto acceptor = net::TcpAcceptor::listen(
        loop_, address, budget_,
        [this](net::TcpDescriptor descriptor) { accept(std::move(descriptor)); });
    if (!acceptor) return unexpected(acceptor.error());
    acceptors_.push_back(std::move(*acceptor));
  }
  return {};
}

TcpDoor::TcpDoor(net::EventLoop& loop, net::TcpBudget& budget, HandOver hand_over)
    : loop_(loop),
      budget_(budget),
      hand_over_(std::move(hand_over)),
      timer_(loop, [this] { expire(); }) {}

TcpDoor::~TcpDoor() = default;

void TcpDoor::accept(net::TcpDescriptor descriptor) {
  make_room_for(descriptor.remote());
  if (budget_.exceeded()) {  // all are with the workers
    ++refused_["full"];
    return;
  }
  waiting_.push_back({.descriptor = std::move(descriptor),
                      .accepted = loop_.now(),
                      .greeting = {},
                      .watcher = nullptr});
  const Place place = std::prev(waiting_.end());
  place->watcher = std::make_unique<net::FdWatcher>(
      loop_, place->descriptor.fd(), [this, place](net::FdWatcher::Ready) { read(place); });
  place->watcher->watch({.readable = true});
  if (timer_.deadline() == kNever) timer_.set(place->accepted + kGreetingMax);
}

void TcpDoor::make_room_for(const Address& remote) {
  const auto is_neighbour = [&remote](const Waiting& waiting) {
    return same_host(waiting.descriptor.remote(), remote);
  };
  const auto neighbours = std::ranges::count_if(waiting_, is_neighbour);
  if (static_cast<size_t>(neighbours) >= kWaitingPerHostMax) {
    refuse(std::ranges::find_if(waiting_, is_neighbour), "full");
  } else if (!waiting_.empty() && (waiting_.size() >= kWaitingMax || budget_.exceeded())) {
    refuse(waiting_.begin(), "full");
  }
}

void TcpDoor::read(Place place) {
  using State = ice::TcpGreeting::State;
  State state = State::kIncomplete;
  while (state == State::kIncomplete) {
    const auto size = place->descriptor.receive(place->greeting.room());
    if (!size) return refuse(place, "ended");
    if (*size == 0) return;
    state = place->greeting.take(*size);
  }
  if (state == State::kRefused) return refuse(place, "greeting");
  const Bytes frame = place->greeting.frame();
  TcpArrival arrival{.descriptor = std::move(place->descriptor),
                     .accepted = place->accepted,
                     .username_fragment = std::string(place->greeting.username_fragment()),
                     .frame = {frame.begin(), frame.end()}};
  leave(place);  // with its watcher: the descriptor is in no loop now
  if (!hand_over_(std::move(arrival))) ++refused_["worker"];
}

void TcpDoor::refuse(Place place, const char* reason) {
  ++refused_[reason];
  leave(place);
}

void TcpDoor::leave(Place place) {
  place->watcher.reset();
  waiting_.erase(place);
}

void TcpDoor::expire() {
  while (!waiting_.empty() && loop_.now() - waiting_.front().accepted >= kGreetingMax) {
    refuse(waiting_.begin(), "silent");
  }
  timer_.set(waiting_.empty() ? kNever : waiting_.front().accepted + kGreetingMax);
}

}  // namespace simpul::node
