#include "node/session_setup.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/random.h"

namespace simpul::node {
namespace {

constexpr std::string_view kCname = "simpul";

// Codecs as the configuration calls them.
struct CodecName {
  std::string_view name;
  rtp::Codec codec;
};
constexpr std::array<CodecName, 6> kCodecNames = {{{"opus", rtp::Codec::kOpus},
                                                   {"red", rtp::Codec::kRed},
                                                   {"vp8", rtp::Codec::kVp8},
                                                   {"h264", rtp::Codec::kH264},
                                                   {"vp9", rtp::Codec::kVp9},
                                                   {"av1", rtp::Codec::kAv1}}};

std::vector<rtp::Codec> codecs_named(const std::vector<std::string>& names) {
  std::vector<rtp::Codec> codecs;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(kCodecNames, name, &CodecName::name);
    if (found != kCodecNames.end()) codecs.push_back(found->codec);
  }
  return codecs;
}

sdp::AnswerPolicy policy_of(const config::Config& config, sdp::PeerRole role) {
  sdp::AnswerPolicy policy = sdp::default_policy(role);
  policy.audio_codecs = codecs_named(config.codecs.audio);
  policy.video_codecs = codecs_named(config.codecs.video);
  return policy;
}

sdp::Fingerprint to_sdp(const dtls::Fingerprint& fingerprint) {
  const std::string text = fingerprint.to_string();
  return {.algorithm = text.substr(0, text.find(' ')), .digest = fingerprint.bytes};
}

std::string to_text(const sdp::Fingerprint& fingerprint) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text = fingerprint.algorithm;
  char separator = ' ';
  for (const uint8_t byte : fingerprint.digest) {
    text += separator;
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
    separator = ':';
  }
  return text;
}

std::vector<dtls::Fingerprint> to_dtls(const std::vector<sdp::Fingerprint>& fingerprints) {
  std::vector<dtls::Fingerprint> known;
  for (const sdp::Fingerprint& fingerprint : fingerprints) {
    if (auto parsed = dtls::Fingerprint::parse(to_text(fingerprint))) {
      known.push_back(std::move(*parsed));
    }
  }
  return known;
}

JoinError to_join_error(const sdp::NegotiationError& error) {
  switch (error.kind) {
    case sdp::NegotiationError::Kind::kInvalidSdp:
      return {JoinError::Kind::kInvalidSdp, error.detail};
    case sdp::NegotiationError::Kind::kUnsupportedMedia:
      return {JoinError::Kind::kUnsupportedMedia, error.detail};
  }
  return {JoinError::Kind::kInvalidSdp, error.detail};
}

// SSRCs of one connection: random, never 0, and none twice.
class SsrcMaker {
 public:
  rtp::Ssrc next() {
    while (true) {
      const rtp::Ssrc made(crypto::random_u32());
      if (made.value() == 0 || std::ranges::find(made_, made) != made_.end()) continue;
      made_.push_back(made);
      return made;
    }
  }

 private:
  std::vector<rtp::Ssrc> made_;
};

connection::ReceivedCodec to_received(const sdp::NegotiatedCodec& codec) {
  return {.format = codec.format,
          .payload_type = codec.payload_type,
          .rtx_payload_type = codec.rtx_payload_type,
          .clock_rate = codec.clock_rate,
          .nack = codec.feedback.nack,
          .pli = codec.feedback.nack_pli,
          .fir = codec.feedback.ccm_fir};
}

connection::ReceivingLine to_receiving(const sdp::NegotiatedMedia& media) {
  connection::ReceivingLine line{.mid = media.mid,
                                 .kind = media.kind(),
                                 .codecs = {},
                                 .rids = {},
                                 .sources = {},
                                 .transport_feedback = false};
  for (const sdp::NegotiatedCodec& codec : media.codecs) {
    line.codecs.push_back(to_received(codec));
    line.transport_feedback = line.transport_feedback || codec.feedback.transport_cc;
  }
  for (const sdp::NegotiatedRid& rid : media.rids) line.rids.push_back(rid.rid);
  for (const sdp::AnnouncedStream& stream : media.announced) {
    line.sources.push_back({.ssrc = stream.primary, .rtx_ssrc = stream.rtx});
  }
  return line;
}

std::vector<std::string> mids_of(const sdp::Negotiated& negotiated) {
  const size_t tagged = negotiated.bundle.front();
  std::vector<std::string> mids = {negotiated.media[tagged].mid};
  for (size_t i = 0; i < negotiated.media.size(); ++i) {
    const std::string& mid = negotiated.media[i].mid;
    if (i != tagged && !mid.empty()) mids.push_back(mid);
  }
  return mids;
}

}  // namespace

SessionSetup::SessionSetup(const config::Config& config, const dtls::Fingerprint& fingerprint)
    : publisher_policy_(policy_of(config, sdp::PeerRole::kPublisher)),
      watcher_policy_(policy_of(config, sdp::PeerRole::kWatcher)),
      idle_timeout_(config.media.idle_timeout),
      bitrate_per_track_(config.limits.bitrate_per_track),
      gso_padding_(config.media.gso_padding),
      fingerprint_(to_sdp(fingerprint)),
      track_seed_(crypto::random_u32()) {
  publisher_policy_.media_max = config.limits.tracks_per_participant;
  watcher_policy_.media_max = relay::Limits{}.slots_per_subscriber;
}

// A counter, scrambled one to one: ids come once in 2^32 and tell nothing about one another.
relay::TrackId SessionSetup::next_track_id() {
  while (true) {
    const uint32_t id = (tracks_++ * 0x9E3779B1u) ^ track_seed_;
    if (id != 0) return relay::TrackId(id);
  }
}

void SessionSetup::add_tracks(const sdp::Negotiated& negotiated, Session& session) {
  for (const sdp::NegotiatedMedia& media : negotiated.media) {
    if (!media.accepted()) continue;
    connection::ReceivingLine line = to_receiving(media);
    relay::TrackConfig track{.id = next_track_id(),
                             .kind = media.kind(),
                             .codec = media.codecs.front().format.codec,
                             .clock_rate = media.codecs.front().clock_rate};
    if (!line.rids.empty()) track.layers = line.rids;
    session.tracks.push_back(std::move(track));
    session.connection.media.receiving.push_back(std::move(line));
  }
}

void SessionSetup::add_slots(const sdp::Negotiated& negotiated, Session& session,
                             sdp::AnswerParameters& answer) const {
  SsrcMaker ssrcs;
  std::array<size_t, 2> counts{};
  session.connection.media.hole_seed = crypto::random_u64();
  for (const sdp::NegotiatedMedia& media : negotiated.media) {
    if (!media.accepted()) {
      answer.slots.push_back({});
      continue;
    }
    relay::SlotConfig slot{
        .kind = media.kind(), .ssrc = ssrcs.next(), .rtx_ssrc = {}, .codecs = {}};
    bool transport_feedback = false;
    bool congestion_feedback = false;
    for (const sdp::NegotiatedCodec& codec : media.codecs) {
      transport_feedback |= codec.feedback.transport_cc;
      congestion_feedback |= codec.feedback.ccfb;
      session.connection.media.remb |= codec.feedback.remb;
      slot.codecs.push_back({codec.format, codec.payload_type, codec.rtx_payload_type});
      if (codec.rtx_payload_type && !slot.rtx_ssrc) slot.rtx_ssrc = ssrcs.next();
    }
    const bool send_times = media.extension_map().id(rtp::ExtensionKind::kAbsSendTime) != 0;
    std::optional<connection::Flexfec> flexfec;
    if (media.flexfec) flexfec = {.ssrc = ssrcs.next(), .payload_type = *media.flexfec};
    // Audio slot k and video slot k are one stream, which browsers play in sync.
    const size_t number = counts[static_cast<size_t>(media.kind())]++;
    answer.slots.push_back(
        {.ssrc = slot.ssrc,
         .rtx_ssrc = slot.rtx_ssrc,
         .stream_id = "stream-" + std::to_string(number),
         .track_id = std::string(rtp::to_string(media.kind())) + "-" + std::to_string(number),
         .flexfec_ssrc = flexfec ? std::optional(flexfec->ssrc) : std::nullopt});
    session.connection.media.sending.push_back({.mid = media.mid,
                                                .ssrc = slot.ssrc,
                                                .rtx_ssrc = slot.rtx_ssrc,
                                                .transport_feedback = transport_feedback,
                                                .congestion_feedback = congestion_feedback,
                                                .flexfec = flexfec,
                                                .send_times = send_times});
    session.slots.push_back(std::move(slot));
  }
}

Expected<PreparedJoin, JoinError> SessionSetup::prepare(
    const JoinRequest& request, const std::vector<sdp::Candidate>& candidates,
    const ice::Credentials& local) {
  const bool publishes = request.role == Role::kPublisher;
  const auto negotiated =
      sdp::negotiate(request.offer, publishes ? publisher_policy_ : watcher_policy_);
  if (!negotiated) return unexpected(to_join_error(negotiated.error()));

  PreparedJoin join;
  Session& session = join.session;
  session.key = ConnectionKey(++keys_);
  session.role = request.role;
  session.id = "c_" + crypto::random_hex(32);
  session.room = request.room;
  session.participant = request.participant;
  session.wish = {.participant = request.watched, .layer = request.layer};
  session.viewing = request.viewing;
  connection::Config& config = session.connection;
  config.ice = {.local = local,
                .remote_username_fragment = negotiated->ice_ufrag,
                .limits = {.idle_timeout = idle_timeout_}};
  for (const sdp::Candidate& own : candidates) config.ice.own_addresses.push_back(own.address);
  config.dtls = {
      .role = negotiated->setup == sdp::Setup::kActive ? dtls::Role::kClient : dtls::Role::kServer,
      .peer_fingerprints = to_dtls(negotiated->fingerprints)};
  config.own_ssrc = rtp::Ssrc(crypto::random_u32() | 1);
  config.media.extensions = negotiated->extension_map();
  if (negotiated->mixes_extension_forms()) {
    config.media.extension_forms = rtp::ExtensionForms::kMixed;
  }
  config.media.cname = kCname;
  config.media.bitrate_max = bitrate_per_track_;
  config.media.pad_frames = gso_padding_;
  config.media.reduced_size_rtcp = negotiated->rtcp_rsize();

  sdp::AnswerParameters answer{.session_id = crypto::random_u64() >> 2,
                               .ice_ufrag = config.ice.local.username_fragment,
                               .ice_pwd = config.ice.local.password,
                               .fingerprint = fingerprint_,
                               .candidates = candidates,
                               .cname = std::string(kCname),
                               .slots = {}};
  if (publishes) {
    add_tracks(*negotiated, session);
  } else {
    add_slots(*negotiated, session, answer);
  }
  join.answer = sdp::write_answer(*negotiated, answer);
  join.mids = mids_of(*negotiated);
  return join;
}

}  // namespace simpul::node
