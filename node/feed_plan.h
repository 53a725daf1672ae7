#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "node/node.h"

namespace simpul::node {

// The publishers that a room has on one worker are needed on another one, or no longer. Told to
// the first of them, their home, which tells the other.
struct FeedChange {
  std::string room;
  uint32_t home = 0;
  uint32_t borrower = 0;
  bool lend = false;
};

// Which worker needs the feeds of which other one: all of a room's publishers wherever it has a
// watcher. Knows connections by number only; sends nothing.
class FeedPlan {
 public:
  struct Connection {
    std::string room;
    Role role = Role::kPublisher;
    uint32_t worker = 0;
  };
  // Append what changes by it.
  void add(const Connection& connection, std::vector<FeedChange>& changes);
  void remove(const Connection& connection, std::vector<FeedChange>& changes);

 private:
  using Counts = std::map<uint32_t, size_t>;  // connections by worker; never 0
  struct Room {
    Counts publishers;
    Counts watchers;
  };

  static void change(const Connection& connection, const Room& room, bool lend,
                     std::vector<FeedChange>& changes);

  std::map<std::string, Room> rooms_;
};

}  // namespace simpul::node
