#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/expected.h"
#include "config/config.h"
#include "dtls/fingerprint.h"
#include "ice/credentials.h"
#include "node/node.h"
#include "node/session.h"
#include "sdp/negotiation.h"

namespace simpul::node {

struct PreparedJoin {
  Session session;
  std::string answer;
  std::vector<std::string> mids;  // of all m-lines, the BUNDLE group's first accepted one in front
};

// Turns an offer into an answer and what a worker needs for the connection: SSRCs and ids are made
// here. Decides nothing about rooms.
class SessionSetup {
 public:
  SessionSetup(const config::Config& config, const dtls::Fingerprint& fingerprint);

  // `candidates` are those of the worker that the connection will live on, `local` is our end of
  // its ICE.
  Expected<PreparedJoin, JoinError> prepare(
      const JoinRequest& request, const std::vector<sdp::Candidate>& candidates,
      const ice::Credentials& local = ice::make_credentials());

 private:
  relay::TrackId next_track_id();
  void add_tracks(const sdp::Negotiated& negotiated, Session& session);
  void add_slots(const sdp::Negotiated& negotiated, Session& session,
                 sdp::AnswerParameters& answer) const;

  sdp::AnswerPolicy publisher_policy_;
  sdp::AnswerPolicy watcher_policy_;
  Duration idle_timeout_;
  uint64_t bitrate_per_track_;
  bool gso_padding_;
  sdp::Fingerprint fingerprint_;
  uint64_t keys_ = 0;
  uint32_t tracks_ = 0;
  uint32_t track_seed_;
};

}  // namespace simpul::node
