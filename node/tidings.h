#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "node/directory.h"
#include "node/feed_plan.h"
#include "node/untold.h"

namespace simpul::node {

// What the workers have to be told of connections on other ones, as people come and go: which
// feeds to lend to whom, which publications are superseded by a newer one of the same participant
// (those on the same worker are noticed there), which have somebody who follows their layers, and
// which are pinned.
// Keeps it until the worker takes it.
class Tidings {
 public:
  void add_worker() { untold_.emplace_back(); }

  // A connection comes, or is going.
  void add(const Directory::Record& record);
  void remove(const Directory::Record& record);
  // Connections by which a participant publishes have come or gone.
  void compare_publications(const Directory& directory, const std::string& room,
                            const std::string& participant);

  // Somebody is told which layers of a publication are watched, or nobody any more.
  void follow(const Directory::Record& record, bool follows) {
    untold_[record.worker].follow(record.key, follows);
  }

  // Who publishes by it is heard in any case, or no longer. All workers are told: the others may
  // have its feeds.
  void pin(const Directory::Record& record, bool pinned);

  // Tells a worker until it takes no more; the rest is told the next time.
  template <class Worker>
  void tell(size_t index, Worker& worker) {
    untold_[index].tell(worker);
  }

 private:
  void keep_changes();

  FeedPlan feed_plan_;
  std::vector<FeedChange> feed_changes_;  // scratch
  std::vector<Untold> untold_;            // by worker
};

}  // namespace simpul::node
