#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>

#include "node/feed_plan.h"
#include "node/session.h"

namespace simpul::node {

// What one worker must be told and has not taken yet, because too much was waiting there. Nothing
// of it is lost: changes of feeds are told in their order; of whether a connection is superseded,
// followed or pinned the last word counts, so there is no more of it than there are connections
// (and pinned ones that have ended since).
class Untold {
 public:
  void change_feeds(FeedChange change) { feed_changes_.push_back(std::move(change)); }
  void supersede(ConnectionKey key, bool superseded) { superseded_[key.value()] = superseded; }
  void follow(ConnectionKey key, bool follows) { followed_[key.value()] = follows; }
  void pin(ConnectionKey key, bool pinned) { pinned_[key.value()] = pinned; }
  // The connection is no more. Of a pinned one that is told by pin().
  void forget(ConnectionKey key) {
    superseded_.erase(key.value());
    followed_.erase(key.value());
  }

  // Tells a worker until it takes no more; what it has not taken stays for the next time.
  template <class Worker>
  void tell(Worker& worker) {
    while (!feed_changes_.empty() && worker.change_feeds(feed_changes_.front())) {
      feed_changes_.pop_front();
    }
    const auto tell_all = [](Words& words, const auto& tell_one) {
      while (!words.empty()) {
        const auto [key, word] = *words.begin();
        if (!tell_one(ConnectionKey(key), word)) return;
        words.erase(words.begin());
      }
    };
    tell_all(superseded_, [&](auto key, bool is) { return worker.supersede(key, is); });
    tell_all(followed_, [&](auto key, bool is) { return worker.follow_layers(key, is); });
    tell_all(pinned_, [&](auto key, bool is) { return worker.pin(key, is); });
  }

  size_t size() const {
    return feed_changes_.size() + superseded_.size() + followed_.size() + pinned_.size();
  }

 private:
  using Words = std::map<uint64_t, bool>;  // by connection

  std::deque<FeedChange> feed_changes_;
  Words superseded_;
  Words followed_;
  Words pinned_;
};

}  // namespace simpul::node
