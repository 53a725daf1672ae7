#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace simpul::node {

// Which TCP streams claim to be of a session, named by the fragment of ours that their first check
// had; the oldest first. Decides which of them has to go when one more comes, and looks at those of
// the one session alone, however many streams there are.
class SessionStreams {
 public:
  void add(const std::string& fragment, uint32_t stream);
  void remove(const std::string& fragment, uint32_t stream);

  // The oldest stream of the session that is not proved, when `max` of these are there already.
  template <class IsProved>
  std::optional<uint32_t> in_the_way(const std::string& fragment, size_t max,
                                     IsProved is_proved) const {
    const auto found = streams_.find(fragment);
    if (found == streams_.end()) return std::nullopt;
    std::optional<uint32_t> oldest;
    size_t count = 0;
    for (const uint32_t stream : found->second) {
      if (is_proved(stream)) continue;
      if (!oldest) oldest = stream;
      ++count;
    }
    return count >= max ? oldest : std::nullopt;
  }

  size_t sessions() const { return streams_.size(); }

 private:
  absl::flat_hash_map<std::string, std::vector<uint32_t>> streams_;
};

}  // namespace simpul::node
