// Whose check is whose: the fragments of connections, of which one that restarts ICE has two.
#include "node/switchboard.h"

namespace simpul::node {

void Switchboard::restart_ice(const IceRestart& restart) {
  const auto found = entries_.find(restart.key.value());
  if (found == entries_.end()) return;  // it ended meanwhile
  Entry& entry = *found->second;
  const std::string& fragment = restart.local.username_fragment;
  if (!by_ufrag_.try_emplace(fragment, &entry).second) return;  // 48 random bits met
  if (!entry.next_ufrag.empty()) by_ufrag_.erase(entry.next_ufrag);
  entry.next_ufrag = fragment;
  entry.connection->restart_ice(restart.local, restart.remote_username_fragment);
}

// After a check was answered: with the first one of the new session, the old one has ended.
void Switchboard::finish_restart(Entry& entry) {
  if (entry.next_ufrag.empty() || entry.connection->username_fragment() != entry.next_ufrag) return;
  by_ufrag_.erase(entry.ufrag);
  entry.ufrag = std::exchange(entry.next_ufrag, {});
}

void Switchboard::forget_fragments(const Entry& entry) {
  for (const std::string* fragment : {&entry.ufrag, &entry.next_ufrag}) {
    const auto found = by_ufrag_.find(*fragment);
    if (found != by_ufrag_.end() && found->second == &entry) by_ufrag_.erase(found);
  }
}

}  // namespace simpul::node
