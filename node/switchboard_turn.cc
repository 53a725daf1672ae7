// What a switchboard does for many connections in one go: it gets ready for those whose turn comes,
// and sends what is due.
#include <algorithm>

#include "base/prefetch.h"
#include "node/switchboard.h"

namespace simpul::node {

// Each step needs what the one before has fetched, and is done a packet later.
void Switchboard::expect(const ice::Path& from) {
  if (expected_[1] != nullptr) expected_[1]->connection->prefetch_receiving();
  expected_[1] = expected_[0];
  if (expected_[1] != nullptr) {
    const auto& tracks = expected_[1]->session.tracks;
    prefetch(tracks.data(), tracks.size() * sizeof(relay::TrackConfig));
    expected_[1]->connection->prefetch();
  }
  const auto found = by_path_.find(expected_path_);
  expected_[0] = found == by_path_.end() ? nullptr : found->second;
  if (expected_[0] != nullptr) expected_[0]->prefetch();
  expected_path_ = from;
  by_path_.prefetch(from);
}

Switchboard::Entry* Switchboard::entry_of(relay::SubscriberId subscriber) const {
  const auto found = by_subscriber_.find(subscriber.value());
  return found == by_subscriber_.end() ? nullptr : found->second;
}

void Switchboard::count_watchers() {
  watchers_.assign(sockets_.size() + 1, 0);
  for (const auto& [id, entry] : by_subscriber_) {
    const auto path = entry->connection->selected();
    if (path) ++watchers_[std::min<size_t>(path->socket, sockets_.size())];
  }
}

void Switchboard::flush(net::Egress& egress) {
  seal_scratch_.finish();
  egress.flush();
}

bool Switchboard::may_send(TimePoint now) {
  // TCP streams take everything, or drop it.
  if (options_.tcp != nullptr && options_.tcp->room() < kRoomMin) flush(*options_.tcp);
  bool any_full = false;
  bool any_others = watchers_.back() > 0;
  stall_due_ = kNever;
  for (size_t i = 0; i < sockets_.size(); ++i) {
    net::Egress& egress = *sockets_[i];
    if (egress.room() < kRoomMin) flush(egress);
    if (!egress.blocked() && egress.room() >= kRoomMin) {
      full_since_[i] = kNever;
      any_others |= watchers_[i] > 0;
      continue;
    }
    any_full = true;
    full_since_[i] = std::min(full_since_[i], now);
    const TimePoint stalled = full_since_[i] + kStalledAfter;
    if (now < stalled) stall_due_ = std::min(stall_due_, stalled);
  }
  return !any_full || (any_others && stall_due_ == kNever);
}

size_t Switchboard::send_due(TimePoint now, Duration hold, size_t subscribers_max) {
  relay::SubscriberBatch batch;
  // What was put off is behind all that somebody waits for, but not behind thousands.
  size_t served = send_later(now, subscribers_max / kPutOffShare);
  std::array<const Entry*, relay::kLaterBy - 1> later{};  // the last first
  while (served < subscribers_max && may_send(now) && relay_.collect(now, hold, batch)) {
    ++served;
    if (later[1] != nullptr) later[1]->connection->prefetch_sending();
    later[1] = later[0];
    if (later[1] != nullptr) later[1]->connection->prefetch();
    later[0] = batch.later ? entry_of(*batch.later) : nullptr;
    if (later[0] != nullptr) later[0]->prefetch();
    Entry* entry = entry_of(batch.subscriber);
    if (entry == nullptr || !begin_sending(*entry)) continue;
    connection::Connection& connection = *entry->connection;
    connection.send(batch, place_, seal_scratch_, now);
    if (!connection.unsent().empty()) give_back_unsent(*entry);
    if (connection.next_send() != kNever) later_.set(*entry, connection.next_send());
  }
  served += send_later(now, subscribers_max - served);
  seal_scratch_.finish();
  return served;
}

size_t Switchboard::send_later(TimePoint now, size_t entries_max) {
  size_t served = 0;
  while (served < entries_max && later_.next() <= now && may_send(now)) {
    ++served;
    send_later(*later_.take_due(now), now);
  }
  return served;
}

// What is sealed next goes where the entry's packets go.
bool Switchboard::begin_sending(const Entry& entry) {
  const auto path = entry.connection->selected();
  if (!path) return false;
  const WayOut way = way_out(*path);
  place_egress_ = way.egress;
  place_path_ = {path->socket, way.to, path->local};
  return true;
}

// What had to wait, or else padding.
void Switchboard::send_later(Entry& entry, TimePoint now) {
  // When there is a path again, it goes on with what is live then.
  if (!begin_sending(entry)) {
    entry.connection->forget_paced();
    return give_back_unsent(entry);
  }
  entry.connection->send_paced(place_, seal_scratch_, now);
  if (!entry.connection->unsent().empty()) give_back_unsent(entry);
  send_padding(entry, now);
  later_.set(entry, entry.connection->next_send());
}

// What did not leave after all may be asked for again.
void Switchboard::give_back_unsent(const Entry& entry) {
  for (const rtp::UnsentRepair& repair : entry.connection->unsent()) {
    relay_.give_back(entry.subscriber, repair);
  }
  entry.connection->forget_unsent();
}

void Switchboard::send_padding(Entry& entry, TimePoint now) {
  connection::Connection& connection = *entry.connection;
  const size_t bytes = connection.take_padding_due(now);
  // A socket that takes no more is no measure of the path behind it.
  if (bytes == 0 || !entry.in_relay || place_egress_->blocked()) return;
  relay::SubscriberBatch batch;
  if (!relay_.collect_padding(entry.subscriber, bytes, now, batch)) return;
  connection.seal(batch.packets, place_, seal_scratch_, now);
  padding_bytes_ += seal_scratch_.bytes();
}

}  // namespace simpul::node
