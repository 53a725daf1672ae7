#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/expected.h"
#include "base/time.h"
#include "ice/credentials.h"
#include "node/node.h"
#include "node/session_setup.h"

namespace simpul::node {

// What the control thread knows of each connection's ICE. Makes credentials whose fragment no
// other connection of the node has, and decides what a fragment that came by PATCH is: more
// candidates, which a lite end accepts and does not need, or a restart (RFC 9725 §4.3.3), which is
// answered the same way again when its answer was lost. Knows neither HTTP nor workers.
class IceSessions {
 public:
  // A client whose network comes and goes restarts now and then; one that restarts in a loop only
  // makes work. So many in so long, of each connection.
  static constexpr size_t kRestartsMax = 5;
  static constexpr Duration kRestartWindow = std::chrono::seconds(10);
  // Fragments of one connection that stay taken: its worker still knows those of before a restart.
  static constexpr size_t kFragmentsKept = 4;

  using Generator = std::function<ice::Credentials()>;
  explicit IceSessions(Generator generator = ice::make_credentials);

  // For a connection of the worker, whose tag the fragment has (worker_tag.h). The fragment is
  // free; it is taken as soon as it is added.
  ice::Credentials make_credentials(uint32_t worker) const;

  // Returns the name of the ICE session.
  std::string add(const PreparedJoin& join, uint32_t worker);
  void remove(ConnectionKey key);
  // The name of the present ICE session of a connection; nothing when there is no such connection.
  std::optional<std::string> name_of(ConnectionKey key) const;

  // Calls `tell`, which may fail, for a restart. An error changes nothing.
  Expected<IcePatched, IcePatchError> patch(ConnectionKey key, std::string_view text, TimePoint now,
                                            const std::function<bool(const IceRestart&)>& tell);

 private:
  struct Entry {
    std::string name;
    uint32_t worker = 0;
    std::vector<std::string> mids;
    std::deque<std::string> local_fragments;  // the newest last
    std::string remote_fragment;
    std::string description;         // our ICE, as a fragment
    std::deque<TimePoint> restarts;  // the last kRestartsMax
    std::vector<uint8_t> asked;      // digest of the last restart's request
    IceRestarted answered;           // and its answer
  };

  // Whose fragment the peer says that it has now; empty when that is not said to us.
  static Expected<std::string, IcePatchError> remote_fragment_of(const Entry& entry,
                                                                 std::string_view text);
  void take_fragment(Entry& entry, const std::string& fragment);

  Generator generator_;
  std::unordered_map<ConnectionKey, Entry> entries_;
  std::unordered_set<std::string> taken_;
};

}  // namespace simpul::node
