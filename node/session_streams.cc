#include "node/session_streams.h"

#include <algorithm>

namespace simpul::node {

void SessionStreams::add(const std::string& fragment, uint32_t stream) {
  streams_[fragment].push_back(stream);
}

void SessionStreams::remove(const std::string& fragment, uint32_t stream) {
  const auto found = streams_.find(fragment);
  if (found == streams_.end()) return;
  std::erase(found->second, stream);
  if (found->second.empty()) streams_.erase(found);
}

}  // namespace simpul::node
