#include "node/feed_exchange.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/check.h"

namespace simpul::node {

FeedLanes::FeedLanes(uint32_t workers) : workers_(workers), lanes_(size_t{workers} * workers) {}

FeedExchange::FeedExchange(Options options, FeedLanes& lanes) : options_(std::move(options)) {
  SIMPUL_CHECK(options_.packets_lent_max <= FeedLane::kPacketsLentMax);
  for (uint32_t worker = 0; worker < lanes.workers(); ++worker) {
    const uint32_t own = options_.worker;
    peers_.push_back(worker == own
                         ? nullptr
                         : std::make_unique<Peer>(lanes.lane(own, worker), lanes.lane(worker, own),
                                                  options_.packets_lent_max));
  }
}

void FeedExchange::open(uint32_t to, FeedPublisher publisher) {
  publisher.home = options_.worker;
  send(*peers_[to], FeedOpened{std::make_unique<FeedPublisher>(std::move(publisher))});
}

void FeedExchange::close(uint32_t to, ConnectionKey key) {
  Peer& peer = *peers_[to];
  const auto unsent = std::ranges::find_if(peer.unsent, [key](const FeedLane::Item& item) {
    const auto* opened = std::get_if<FeedOpened>(&item);
    return opened != nullptr && opened->publisher->key == key;
  });
  if (unsent != peer.unsent.end()) {
    peer.unsent.erase(unsent);
    return;
  }
  send(peer, FeedClosed{key});
}

void FeedExchange::send(Peer& peer, FeedLane::Item item) {
  // push() moves only from what it takes.
  if (peer.unsent.empty() && peer.out.items.push(std::move(item))) return;
  peer.unsent.push_back(std::move(item));  // NOLINT(bugprone-use-after-move)
}

void FeedExchange::send_unsent(Peer& peer) {
  while (!peer.unsent.empty() && peer.out.items.push(std::move(peer.unsent.front()))) {
    peer.unsent.pop_front();
  }
}

bool FeedExchange::has_room(uint32_t to, size_t packets) {
  Peer& peer = *peers_[to];
  take_back(peer);
  // What is live needs a place too.
  return peer.unsent.empty() && 2 * packets <= peer.out.items.room() &&
         2 * packets <= peer.loans.room();
}

bool FeedExchange::lend(uint32_t to, FeedLayer layer, const rtp::MediaPacket& media,
                        bool& interrupted, const std::optional<FeedMedia::Past>& past) {
  Peer& peer = *peers_[to];
  std::optional<LentPacket> lent;
  if (peer.unsent.empty()) {
    lent = peer.loans.lend(media.packet);
    if (!lent) {
      take_back(peer);
      lent = peer.loans.lend(media.packet);
    }
  }
  if (lent) {
    FeedLane::LentMedia item{
        .event = {.from = layer, .interrupted = interrupted, .past = past, .media = media},
        .packet = *lent};
    item.event.media.packet.reset();  // the reference stays here
    if (peer.out.items.push(std::move(item))) {
      interrupted = false;
      ++packets_lent_;
      return true;
    }
    peer.loans.take_back(lent->loan);
  }
  ++dropped_;
  interrupted = true;
  return false;
}

void FeedExchange::report(uint32_t to, const FeedReport& report) {
  Peer& peer = *peers_[to];
  // The publisher sends another one soon.
  if (peer.unsent.empty()) peer.out.items.push(report);
}

bool FeedExchange::tell(uint32_t to, const FeedNews& news) {
  Peer& peer = *peers_[to];
  return peer.unsent.empty() && peer.out.items.push(news);
}

bool FeedExchange::wish(uint32_t home, FeedWish wish) {
  Peer& peer = *peers_[home];
  wish.borrower = options_.worker;
  return peer.unsent.empty() && peer.out.items.push(wish);
}

void FeedExchange::request_key_frame(uint32_t home, const FeedKeyFrameRequest& request) {
  Peer& peer = *peers_[home];
  if (peer.unsent.empty()) peer.out.items.push(request);
}

std::optional<FeedEvent> FeedExchange::take() {
  // Once round, and to the one again with which it begins, whose turn may have been over.
  for (size_t turn = 0; turn <= peers_.size(); ++turn) {
    Peer* const peer = peers_[taking_from_].get();
    if (peer != nullptr && taken_in_a_row_ < kTakenInARow) {
      if (auto event = take_from(*peer)) {
        ++taken_in_a_row_;
        return event;
      }
    }
    taking_from_ = (taking_from_ + 1) % peers_.size();
    taken_in_a_row_ = 0;
  }
  return std::nullopt;
}

std::optional<FeedEvent> FeedExchange::take_from(Peer& peer) {
  if (auto event = take_popped(peer)) return event;
  // Whoever publishes from here on wakes us; what was published before is seen now.
  if (!peer.in.woken.exchange(false, std::memory_order_acq_rel)) return std::nullopt;
  return take_popped(peer);
}

std::optional<FeedEvent> FeedExchange::take_popped(Peer& peer) {
  FeedLane::Item item;
  if (!peer.in.items.pop(item)) return std::nullopt;
  return std::visit(
      [&peer](auto& value) -> std::optional<FeedEvent> {
        using Value = std::remove_reference_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, std::monostate>) {
          return std::nullopt;
        } else if constexpr (std::is_same_v<Value, FeedLane::LentMedia>) {
          value.event.media.packet = peer.borrowed.borrow(value.packet);
          return std::move(value.event);
        } else {
          return std::move(value);
        }
      },
      item);
}

void FeedExchange::publish() {
  for (uint32_t worker = 0; worker < peers_.size(); ++worker) {
    if (peers_[worker] == nullptr) continue;
    Peer& peer = *peers_[worker];
    take_back(peer);
    give_back(peer);
    send_unsent(peer);
    peer.to_wake |= peer.out.items.publish();
    if (!peer.to_wake) continue;
    peer.to_wake = false;
    if (peer.out.woken.exchange(true, std::memory_order_acq_rel)) continue;
    if (options_.wake(worker)) continue;
    peer.out.woken.store(false, std::memory_order_release);
    peer.to_wake = true;
  }
}

bool FeedExchange::has_unsent() const {
  return std::ranges::any_of(peers_, [](const auto& peer) {
    return peer != nullptr && (peer->to_wake || !peer->unsent.empty());
  });
}

void FeedExchange::take_back(Peer& peer) {
  uint32_t loan = 0;
  while (peer.out.returns.pop(loan)) peer.loans.take_back(loan);
}

void FeedExchange::give_back(Peer& peer) {
  while (auto loan = peer.borrowed.give_back()) {
    // No more are on loan than the ring holds.
    SIMPUL_CHECK(peer.in.returns.push(uint32_t{*loan}));
  }
  peer.in.returns.publish();
}

}  // namespace simpul::node
