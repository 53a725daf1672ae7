#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "node/session.h"

namespace simpul::node {

// Who wants to be told which layers publishers are to send: one for each session, the newest, and
// so many at most. Sends nothing.
class LayerFollowers {
 public:
  // Each holds an HTTP connection open: so many leave room for everybody else's.
  static constexpr size_t kMax = 200;

  using Told = std::function<void(const WantedLayers* wanted)>;

  // The number of the follower, in place of whoever follows that session; nothing when there are
  // too many.
  std::optional<uint64_t> add(ConnectionKey key, Told told) {
    if (followers_.size() >= kMax && !followers_.contains(key.value())) return std::nullopt;
    end(key);
    const uint64_t number = ++last_;
    followers_[key.value()] = {.number = number, .told = std::move(told)};
    return number;
  }
  void tell(ConnectionKey key, const WantedLayers& wanted) {
    const auto found = followers_.find(key.value());
    if (found == followers_.end()) return;
    const Told told = found->second.told;  // it may leave meanwhile
    told(&wanted);
  }
  // There is nothing more to be told of that session.
  void end(ConnectionKey key) {
    const auto found = followers_.find(key.value());
    if (found == followers_.end()) return;
    const Told told = std::move(found->second.told);
    followers_.erase(found);
    told(nullptr);
  }
  // A follower is gone. Returns the session that nobody follows now.
  std::optional<ConnectionKey> remove(uint64_t number) {
    for (const auto& [key, follower] : followers_) {
      if (follower.number != number) continue;
      const ConnectionKey gone(key);
      followers_.erase(key);
      return gone;
    }
    return std::nullopt;
  }

  size_t size() const { return followers_.size(); }

 private:
  struct Follower {
    uint64_t number = 0;
    Told told;
  };

  std::map<uint64_t, Follower> followers_;  // by session
  uint64_t last_ = 0;
};

}  // namespace simpul::node
