#include "node/ice_sessions.h"

#include <utility>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "node/worker_tag.h"
#include "sdp/ice_fragment.h"

namespace simpul::node {
namespace {

using Kind = IcePatchError::Kind;

constexpr size_t kNameDigits = 16;

IcePatchError to_patch_error(const sdp::FragmentError& error) {
  return {error.too_large ? Kind::kTooLarge : Kind::kInvalid,
          "line " + std::to_string(error.line) + ": " + error.reason};
}

bool has_credentials(const sdp::IceFragment& fragment) {
  if (fragment.session.has_credentials()) return true;
  for (const auto& section : fragment.media) {
    if (section.has_credentials()) return true;
  }
  return false;
}

}  // namespace

IceSessions::IceSessions(Generator generator) : generator_(std::move(generator)) {}

ice::Credentials IceSessions::make_credentials(uint32_t worker) const {
  while (true) {
    ice::Credentials made = generator_();
    made.username_fragment = tag_with_worker(std::move(made.username_fragment), worker);
    if (!taken_.contains(made.username_fragment)) return made;
  }
}

void IceSessions::take_fragment(Entry& entry, const std::string& fragment) {
  taken_.insert(fragment);
  entry.local_fragments.push_back(fragment);
  if (entry.local_fragments.size() <= kFragmentsKept) return;
  taken_.erase(entry.local_fragments.front());
  entry.local_fragments.pop_front();
}

std::string IceSessions::add(const PreparedJoin& join, uint32_t worker) {
  const ice::AgentConfig& ice = join.session.connection.ice;
  Entry& entry = entries_[join.session.key];
  entry.name = crypto::random_hex(kNameDigits);
  entry.worker = worker;
  entry.mids = join.mids;
  entry.remote_fragment = ice.remote_username_fragment;
  entry.description = sdp::write_ice_fragment(join.answer, {}, {});
  take_fragment(entry, ice.local.username_fragment);
  return entry.name;
}

void IceSessions::remove(ConnectionKey key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  for (const auto& fragment : found->second.local_fragments) taken_.erase(fragment);
  entries_.erase(found);
}

std::optional<std::string> IceSessions::name_of(ConnectionKey key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? std::nullopt : std::optional(found->second.name);
}

Expected<std::string, IcePatchError> IceSessions::remote_fragment_of(const Entry& entry,
                                                                     std::string_view text) {
  const auto fragment = sdp::parse_ice_fragment(text);
  if (!fragment) return unexpected(to_patch_error(fragment.error()));
  if (!has_credentials(*fragment)) {
    return unexpected(IcePatchError{Kind::kInvalid, "ice-ufrag and ice-pwd are missing"});
  }
  const auto* credentials = sdp::credentials_of(*fragment, entry.mids);
  return credentials == nullptr ? std::string() : credentials->ice_ufrag;
}

Expected<IcePatched, IcePatchError> IceSessions::patch(
    ConnectionKey key, std::string_view text, TimePoint now,
    const std::function<bool(const IceRestart&)>& tell) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return unexpected(IcePatchError{Kind::kNoSession, "it has ended"});
  Entry& entry = found->second;
  auto remote = remote_fragment_of(entry, text);
  if (!remote) return unexpected(std::move(remote.error()));
  // The peer's password is never used by a lite end: its fragment alone tells the sessions apart.
  auto asked = crypto::digest(crypto::DigestAlgorithm::kSha256, as_bytes(text));
  if (remote->empty() || *remote == entry.remote_fragment) {
    // The request of the restart itself: its answer did not arrive.
    return entry.asked == asked ? IcePatched{entry.answered} : IcePatched{};
  }
  if (entry.restarts.size() == kRestartsMax && now - entry.restarts.front() < kRestartWindow) {
    return unexpected(IcePatchError{Kind::kTooOften, "ICE restarts too often"});
  }
  const IceRestart restart{.key = key,
                           .local = make_credentials(entry.worker),
                           .remote_username_fragment = *std::move(remote)};
  if (!tell(restart)) {
    return unexpected(IcePatchError{Kind::kFull, "the worker has too much waiting"});
  }
  entry.name = crypto::random_hex(kNameDigits);
  entry.remote_fragment = restart.remote_username_fragment;
  take_fragment(entry, restart.local.username_fragment);
  entry.restarts.push_back(now);
  if (entry.restarts.size() > kRestartsMax) entry.restarts.pop_front();
  entry.asked = std::move(asked);
  entry.answered = {
      .ice_session = entry.name,
      .fragment = sdp::write_ice_fragment(entry.description, restart.local.username_fragment,
                                          restart.local.password)};
  return IcePatched{entry.answered};
}

}  // namespace simpul::node
