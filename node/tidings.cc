#include "node/tidings.h"

#include <algorithm>
#include <utility>

namespace simpul::node {
namespace {

FeedPlan::Connection connection_of(const Directory::Record& record) {
  return {.room = record.room, .role = record.role, .worker = record.worker};
}

}  // namespace

void Tidings::add(const Directory::Record& record) {
  feed_plan_.add(connection_of(record), feed_changes_);
  keep_changes();
}

void Tidings::remove(const Directory::Record& record) {
  feed_plan_.remove(connection_of(record), feed_changes_);
  untold_[record.worker].forget(record.key);
  keep_changes();
}

void Tidings::pin(const Directory::Record& record, bool pinned) {
  if (record.role != Role::kPublisher) return;
  for (Untold& untold : untold_) untold.pin(record.key, pinned);
}

void Tidings::keep_changes() {
  for (FeedChange& change : feed_changes_) {
    Untold& untold = untold_[change.home];
    untold.change_feeds(std::move(change));
  }
  feed_changes_.clear();
}

void Tidings::compare_publications(const Directory& directory, const std::string& room,
                                   const std::string& participant) {
  std::vector<const Directory::Record*> published;
  for (const ConnectionKey key : directory.connections_of(room, participant)) {
    const Directory::Record* record = directory.find(key);
    const bool connected = record->report.phase == ConnectionPhase::kConnected;
    if (connected && record->role == Role::kPublisher) published.push_back(record);
  }
  for (const Directory::Record* record : published) {
    const bool superseded = std::ranges::any_of(published, [&](const Directory::Record* other) {
      return other->worker != record->worker && other->key.value() > record->key.value();
    });
    untold_[record->worker].supersede(record->key, superseded);
  }
}

}  // namespace simpul::node
