#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "ice/credentials.h"
#include "ice/path.h"
#include "ice/stun_message.h"

namespace simpul::ice {

struct AgentLimits {
  size_t paths_max = 8;
  Duration idle_timeout = std::chrono::seconds(30);
  // How long the selected path must have been silent before a nomination alone, or authenticated
  // media without one, moves it.
  Duration silence_before_move = std::chrono::seconds(3);
  // At most one change of the selected path in this time.
  Duration between_moves = std::chrono::milliseconds(500);
};

struct AgentConfig {
  Credentials local;
  // The peer's fragment; its password is not needed, because a lite agent asks nothing.
  std::string remote_username_fragment;
  AgentLimits limits = {};
  // Ours, as peers know them: whatever claims to come from there is forged.
  std::vector<Address> own_addresses = {};
};

// Why a datagram was ignored.
enum class AgentDrop : uint8_t {
  kMalformed,       // not a STUN message
  kNotARequest,     // indication, response, another method
  kWrongUsername,   // absent, or not exactly "local:remote"
  kWrongIntegrity,  // MESSAGE-INTEGRITY absent or wrong, FINGERPRINT wrong
  kBadSource,       // an address that is never a destination: of no host, or ours
  kAnswerTooLarge,  // the answer would have been larger than the request
  kExpired,         // the agent has ended
};
inline constexpr size_t kAgentDropCount = 7;
std::string_view to_string(AgentDrop drop);

struct PathValidated {
  Path path;
};
// The path that everything is to be sent to from now on.
struct PathSelected {
  Path path;
};
// No sign of life for idle_timeout. Comes once; the agent does nothing afterwards.
struct Expired {};
using AgentEvent = std::variant<PathValidated, PathSelected, Expired>;

struct PathDatagram {
  Path path;
  std::vector<uint8_t> bytes;
};

// The ICE-lite agent of one connection (RFC 8445 §2.5, §7.3): answers checks, and decides which
// paths are proved (validated) and which one is used (selected). What does not carry our
// credentials changes nothing and is not answered: silence where RFC 8489 §9.1.3 has 400 and 401,
// so that nobody is told whether a fragment exists and no answer is larger than what it answers.
//
// The first nominated path is selected at once. It changes only to a path that was nominated
// after it and on which something authenticated arrived since then, or when it fell silent: a
// check can be replayed from anywhere (it has no nonce), so a check alone moves no media away.
// From a silent path it also moves to a validated one that carries authenticated media: behind a
// NAT that gave the peer another address, the peer nominates nothing, since for it nothing changed.
//
// After a restart (RFC 8445 §9) everything goes on by the old paths until the first check with the
// new credentials; from then on the old ones are worth nothing, and the next nomination is again
// the first one.
//
// The shape of ProtocolCore, but receive() also takes the path a datagram came by.
class Agent {
 public:
  struct Output {
    std::vector<PathDatagram> datagrams;
    std::vector<AgentEvent> events;
  };

  Agent(AgentConfig config, TimePoint now);

  void receive(Bytes datagram, const Path& path, TimePoint now, Output& out);
  // An authenticated packet (SRTP, SRTCP, DTLS after the handshake) arrived by this path. Cheap:
  // called for every packet. Paths that were never validated are ignored.
  void on_authenticated_media(const Path& path, TimePoint now, Output& out);
  // The path is no more (a TCP connection that ended). If it was the selected one, the next that is
  // nominated is selected.
  void forget(const Path& path);
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;
  // Takes checks with these credentials too, and only these from the first one on. Of several
  // restarts before that the last one counts.
  void restart(Credentials local, std::string_view remote_username_fragment);

  bool is_validated(const Path& path) const;
  // Validated, and the peer said that it means to use it.
  bool is_nominated(const Path& path) const;
  std::optional<Path> selected() const;
  bool expired() const { return expired_; }
  // What a packet of media needs, first in here and then behind it; see base/prefetch.h.
  void prefetch() const { simpul::prefetch(&paths_, sizeof(decltype(paths_)) + sizeof selected_); }
  void prefetch_paths() const { simpul::prefetch(paths_.data(), sizeof(KnownPath)); }
  // What checks are answered with: after a restart the old ones until the first new check.
  const Credentials& local() const { return current_.local; }
  size_t path_count() const { return paths_.size(); }
  uint64_t dropped(AgentDrop drop) const { return drops_[static_cast<size_t>(drop)]; }

 private:
  struct KnownPath {
    Path path;
    TimePoint heard{};
    std::optional<TimePoint> nominated = {};  // when last
    bool proved_since = false;                // something else than a check came after `nominated`
  };

  // One ICE session: between two restarts.
  struct Generation {
    Generation(Credentials local, std::string_view remote_username_fragment);

    Credentials local;
    std::string username;  // "local:remote", the only one that is taken
    crypto::HmacSha1 key;  // of our password, both ways
  };

  void count(AgentDrop drop) { ++drops_[static_cast<size_t>(drop)]; }
  bool is_destination(const Address& address) const;
  // The one that the message names.
  const Generation* generation_of(const StunMessage& message) const;
  std::optional<AgentDrop> refuse(const StunMessage& message) const;
  void finish_restart();
  void answer(const StunMessage& message, Bytes request, const Path& path, TimePoint now,
              Output& out);
  KnownPath* find(const Path& path);
  KnownPath& learn(const Path& path, TimePoint now, Output& out);
  void forget_oldest();
  void consider(KnownPath& candidate, TimePoint now, Output& out);

  const AgentLimits limits_;
  const std::vector<Address> own_addresses_;  // never a destination
  Generation current_;
  std::optional<Generation> next_;  // a restart of which no check has come yet
  bool restarted_ = false;          // since then nothing has been nominated
  std::vector<KnownPath> paths_;    // at most paths_max; few, so searched one by one
  std::optional<Path> selected_;
  TimePoint selected_at_{};
  TimePoint heard_;
  bool expired_ = false;
  std::array<uint64_t, kAgentDropCount> drops_{};
};

}  // namespace simpul::ice
