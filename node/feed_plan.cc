#include "node/feed_plan.h"

#include "base/check.h"

namespace simpul::node {

void FeedPlan::add(const Connection& connection, std::vector<FeedChange>& changes) {
  Room& room = rooms_[connection.room];
  Counts& counts = connection.role == Role::kPublisher ? room.publishers : room.watchers;
  if (++counts[connection.worker] == 1) change(connection, room, true, changes);
}

void FeedPlan::remove(const Connection& connection, std::vector<FeedChange>& changes) {
  const auto found = rooms_.find(connection.room);
  SIMPUL_CHECK(found != rooms_.end());
  Room& room = found->second;
  Counts& counts = connection.role == Role::kPublisher ? room.publishers : room.watchers;
  const auto count = counts.find(connection.worker);
  SIMPUL_CHECK(count != counts.end());
  if (--count->second > 0) return;
  counts.erase(count);
  change(connection, room, false, changes);
  if (room.publishers.empty() && room.watchers.empty()) rooms_.erase(found);
}

// The first of its kind came to the worker, or the last one left.
void FeedPlan::change(const Connection& connection, const Room& room, bool lend,
                      std::vector<FeedChange>& changes) {
  const bool publishes = connection.role == Role::kPublisher;
  for (const auto& [worker, count] : publishes ? room.watchers : room.publishers) {
    if (worker == connection.worker) continue;
    changes.push_back({.room = connection.room,
                       .home = publishes ? connection.worker : worker,
                       .borrower = publishes ? worker : connection.worker,
                       .lend = lend});
  }
}

}  // namespace simpul::node
