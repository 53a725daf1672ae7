#include "ice/agent.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace simpul::ice {

Agent::Generation::Generation(Credentials own, std::string_view remote_username_fragment)
    : local(std::move(own)),
      username(local.username_fragment + ":" + std::string(remote_username_fragment)),
      key(as_bytes(local.password)) {}

Agent::Agent(AgentConfig config, TimePoint now)
    : limits_(config.limits),
      own_addresses_(std::move(config.own_addresses)),
      current_(std::move(config.local), config.remote_username_fragment),
      heard_(now) {
  SIMPUL_CHECK(limits_.paths_max >= 2);  // one to use, one to move to
}

void Agent::restart(Credentials local, std::string_view remote_username_fragment) {
  next_.emplace(std::move(local), remote_username_fragment);
}

void Agent::receive(Bytes datagram, const Path& path, TimePoint now, Output& out) {
  if (expired_) return count(AgentDrop::kExpired);
  if (!is_destination(path.remote)) return count(AgentDrop::kBadSource);
  const auto message = StunMessage::parse(datagram);
  if (!message) return count(AgentDrop::kMalformed);
  if (const auto drop = refuse(*message)) return count(*drop);
  if (generation_of(*message) != &current_) finish_restart();
  answer(*message, datagram, path, now, out);
}

bool Agent::is_destination(const Address& address) const {
  return is_usable_destination(address) &&
         std::ranges::find(own_addresses_, address) == own_addresses_.end();
}

const Agent::Generation* Agent::generation_of(const StunMessage& message) const {
  if (message.username() == current_.username) return &current_;
  return next_ && message.username() == next_->username ? &*next_ : nullptr;
}

// The cheap looks come first, but nothing is done before the signature was right.
std::optional<AgentDrop> Agent::refuse(const StunMessage& message) const {
  if (message.message_class() != StunClass::kRequest || message.method() != kBindingMethod) {
    return AgentDrop::kNotARequest;
  }
  const Generation* generation = generation_of(message);
  if (generation == nullptr) return AgentDrop::kWrongUsername;
  if (!message.has_plausible_fingerprint() || !message.has_integrity(generation->key)) {
    return AgentDrop::kWrongIntegrity;
  }
  return std::nullopt;
}

// The peer uses the new credentials. Media goes on by the known paths, but what was nominated
// belongs to the old session.
void Agent::finish_restart() {
  current_ = std::move(*next_);
  next_.reset();
  restarted_ = true;
  for (KnownPath& path : paths_) {
    path.nominated.reset();
    path.proved_since = false;
  }
}

void Agent::answer(const StunMessage& message, Bytes request, const Path& path, TimePoint now,
                   Output& out) {
  const bool understood = message.unknown_attributes().empty();
  // A lite agent is always controlled and never changes its role (RFC 8445 §6.1.1).
  const bool conflict = message.controlled().has_value();
  std::vector<uint8_t> bytes;
  if (!understood) {
    bytes = make_binding_error(message.transaction_id(), StunErrorCode::kUnknownAttribute,
                               message.unknown_attributes(), current_.key);
  } else if (conflict) {
    bytes = make_binding_error(message.transaction_id(), StunErrorCode::kRoleConflict, {},
                               current_.key);
  } else {
    bytes = make_binding_success(message.transaction_id(), path.remote, current_.key);
  }
  // The source may be forged: whoever is hit by answers gets no more than the forger sent.
  if (bytes.size() > request.size()) return count(AgentDrop::kAnswerTooLarge);
  out.datagrams.push_back({path, std::move(bytes)});
  if (!understood || conflict) return;

  KnownPath& known = learn(path, now, out);
  if (message.use_candidate()) {
    known.nominated = now;
    // A moving peer repeats its nomination; what it sent in between still counts as proof.
    consider(known, now, out);
  }
}

Agent::KnownPath& Agent::learn(const Path& path, TimePoint now, Output& out) {
  heard_ = now;
  KnownPath* known = find(path);
  if (known == nullptr) {
    if (paths_.size() >= limits_.paths_max) forget_oldest();
    known = &paths_.emplace_back(KnownPath{.path = path});
    out.events.emplace_back(PathValidated{path});
  }
  known->heard = now;
  return *known;
}

// The one that was silent longest, but never the selected one.
void Agent::forget_oldest() {
  auto oldest = paths_.end();
  for (auto it = paths_.begin(); it != paths_.end(); ++it) {
    if (it->path == selected_) continue;
    if (oldest == paths_.end() || it->heard < oldest->heard) oldest = it;
  }
  if (oldest != paths_.end()) paths_.erase(oldest);
}

void Agent::forget(const Path& path) {
  std::erase_if(paths_, [&path](const KnownPath& known) { return known.path == path; });
  if (selected_ == path) selected_.reset();
}

void Agent::on_authenticated_media(const Path& path, TimePoint now, Output& out) {
  KnownPath* known = expired_ ? nullptr : find(path);
  if (known == nullptr) return;
  heard_ = now;
  known->heard = now;
  if (selected_ == path) return;
  if (known->nominated) known->proved_since = true;
  consider(*known, now, out);
}

// Whether the selected path is to move to this one, which has just been nominated or has just
// carried authenticated media.
void Agent::consider(KnownPath& candidate, TimePoint now, Output& out) {
  // The first nomination after a restart is like the first of all.
  const bool first = candidate.nominated && std::exchange(restarted_, false);
  if (selected_ == candidate.path) return;
  if (!selected_ && !candidate.nominated) return;
  if (selected_ && !first) {
    const KnownPath* current = find(*selected_);
    const bool silent = now - current->heard >= limits_.silence_before_move;
    // One that was never nominated is older than each that was.
    const bool newer = candidate.nominated > current->nominated;
    if (!silent && !(newer && candidate.proved_since)) return;
    if (now - selected_at_ < limits_.between_moves) return;
  }
  selected_ = candidate.path;
  selected_at_ = now;
  for (KnownPath& path : paths_) path.proved_since = false;
  out.events.emplace_back(PathSelected{candidate.path});
}

void Agent::advance(TimePoint now, Output& out) {
  if (now < next_deadline()) return;
  expired_ = true;
  out.events.emplace_back(Expired{});
}

TimePoint Agent::next_deadline() const { return expired_ ? kNever : heard_ + limits_.idle_timeout; }

bool Agent::is_validated(const Path& path) const {
  return std::ranges::any_of(paths_, [&](const KnownPath& known) { return known.path == path; });
}

bool Agent::is_nominated(const Path& path) const {
  return std::ranges::any_of(paths_, [&](const KnownPath& known) {
    return known.path == path && known.nominated.has_value();
  });
}

std::optional<Path> Agent::selected() const { return selected_; }

Agent::KnownPath* Agent::find(const Path& path) {
  const auto it = std::ranges::find(paths_, path, &KnownPath::path);
  return it == paths_.end() ? nullptr : &*it;
}

std::string_view to_string(AgentDrop drop) {
  switch (drop) {
    case AgentDrop::kMalformed:
      return "stun_malformed";
    case AgentDrop::kNotARequest:
      return "stun_not_a_request";
    case AgentDrop::kWrongUsername:
      return "stun_wrong_username";
    case AgentDrop::kWrongIntegrity:
      return "stun_wrong_integrity";
    case AgentDrop::kBadSource:
      return "stun_bad_source";
    case AgentDrop::kAnswerTooLarge:
      return "stun_answer_too_large";
    case AgentDrop::kExpired:
      return "stun_expired";
  }
  return "unknown";
}

}  // namespace simpul::ice
