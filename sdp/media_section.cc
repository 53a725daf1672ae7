#include "sdp/media_section.h"

#include <algorithm>
#include <array>
#include <utility>

#include "sdp/text.h"

namespace simpul::sdp {
namespace {

constexpr uint32_t kPayloadTypeMax = 127;
constexpr uint32_t kChannelsMax = 255;
constexpr size_t kAlternativesMax = 4;

// The id that an attribute like "111 minptime=10" begins with.
std::optional<uint8_t> take_payload_type(std::string_view& value) {
  const auto number = parse_number(take_word(value), kPayloadTypeMax);
  if (!number) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

MediaType media_type_named(std::string_view name) {
  if (name == "audio") return MediaType::kAudio;
  if (name == "video") return MediaType::kVideo;
  if (name == "application") return MediaType::kApplication;
  return MediaType::kOther;
}

// "q;~h,m;f" (RFC 8853 §5.1).
Expected<std::vector<SimulcastStream>, std::string_view> parse_streams(std::string_view text) {
  std::vector<SimulcastStream> streams;
  while (!text.empty()) {
    if (streams.size() == kRidsPerMediaMax) return wrong("too many simulcast streams");
    auto& stream = streams.emplace_back();
    std::string_view alternatives = take_until(text, ';');
    do {
      auto rid = take_until(alternatives, ',');
      const bool paused = rid.starts_with('~');
      if (paused) rid.remove_prefix(1);
      if (!is_rid(rid)) return wrong("simulcast with a bad rid");
      if (stream.size() == kAlternativesMax) return wrong("too many simulcast alternatives");
      stream.push_back({std::string(rid), paused});
    } while (!alternatives.empty());
  }
  if (streams.empty()) return wrong("simulcast without streams");
  return streams;
}

}  // namespace

Checked MediaSection::start(std::string_view value, size_t line, Direction session_direction) {
  media_.line = line;
  media_.direction = session_direction;
  const auto type = take_word(value);
  auto port_text = take_word(value);
  const auto port = parse_number(take_until(port_text, '/'), 65535);
  const auto protocol = take_word(value);
  if (!is_token(type)) return wrong("m-line without a media type");
  if (!port) return wrong("m-line with a bad port");
  if (protocol.empty() || protocol.size() > kTokenSizeMax) {
    return wrong("m-line with a bad protocol");
  }
  media_.type_name = type;
  media_.type = media_type_named(type);
  media_.port = static_cast<uint16_t>(*port);
  media_.protocol = protocol;
  media_.formats = trim(value);
  if (media_.formats.empty()) return wrong("m-line without a format");
  return read_formats();
}

Checked MediaSection::read_formats() {
  if (media_.protocol.find("RTP/") == std::string::npos) return {};
  std::string_view rest = media_.formats;
  while (!rest.empty()) {
    const auto payload_type = take_payload_type(rest);
    if (!payload_type) return wrong("m-line with a bad payload type");
    if (listed_.size() == kCodecsPerMediaMax) return wrong("too many formats in an m-line");
    const rtp::PayloadType typed(*payload_type);
    if (std::ranges::find(listed_, typed) != listed_.end()) {
      return wrong("payload type twice in an m-line");
    }
    listed_.push_back(typed);
  }
  return {};
}

struct MediaSection::Handler {
  std::string_view name;
  Checked (MediaSection::*read)(std::string_view value);
};

Checked MediaSection::read_attribute(std::string_view name, std::string_view value) {
  static constexpr std::array<Handler, 10> kHandlers = {{
      {"mid", &MediaSection::read_mid},
      {"rtpmap", &MediaSection::read_rtpmap},
      {"fmtp", &MediaSection::read_fmtp},
      {"rtcp-fb", &MediaSection::read_feedback},
      {"extmap", &MediaSection::read_extension},
      {"rid", &MediaSection::read_rid},
      {"simulcast", &MediaSection::read_simulcast},
      {"ssrc", &MediaSection::read_ssrc},
      {"ssrc-group", &MediaSection::read_ssrc_group},
      {"msid", &MediaSection::read_msid},
  }};
  const auto handler = std::ranges::find(kHandlers, name, &Handler::name);
  if (handler != kHandlers.end()) return (this->*handler->read)(value);
  if (const auto direction = direction_named(name)) {
    media_.direction = *direction;
    return {};
  }
  if (read_flag(name)) return {};
  const auto taken = read_transport_attribute(name, value, media_.transport);
  if (!taken) return unexpected(taken.error());
  return {};
}

bool MediaSection::read_flag(std::string_view name) {
  if (name == "rtcp-mux") {
    media_.rtcp_mux = true;
  } else if (name == "rtcp-rsize") {
    media_.rtcp_rsize = true;
  } else if (name == "bundle-only") {
    media_.bundle_only = true;
  } else if (name == "extmap-allow-mixed") {
    media_.extmap_allow_mixed = true;
  } else if (name == "crypto") {
    media_.has_crypto = true;
  } else {
    return false;
  }
  return true;
}

Checked MediaSection::read_mid(std::string_view value) {
  if (!is_token(value)) return wrong("mid is not a token");
  if (!media_.mid.empty()) return wrong("a second mid in one section");
  media_.mid = value;
  return {};
}

Checked MediaSection::read_rtpmap(std::string_view value) {
  const auto payload_type = take_payload_type(value);
  if (!payload_type) return wrong("rtpmap with a bad payload type");
  std::string_view rest = trim(value);
  const auto name = take_until(rest, '/');
  const auto clock_rate = parse_number(take_until(rest, '/'), UINT32_MAX);
  const auto channels = rest.empty() ? 1 : parse_number(rest, kChannelsMax);
  if (!is_token(name) || !clock_rate || *clock_rate == 0) return wrong("bad rtpmap");
  if (!channels || *channels == 0) return wrong("rtpmap with a bad number of channels");
  auto& format = formats_[*payload_type];
  if (!format.name.empty()) return wrong("a second rtpmap for one payload type");
  format.name = name;
  format.clock_rate = *clock_rate;
  format.channels = static_cast<uint8_t>(*channels);
  return {};
}

Checked MediaSection::read_fmtp(std::string_view value) {
  const auto payload_type = take_payload_type(value);
  if (!payload_type) return wrong("fmtp with a bad payload type");
  formats_[*payload_type].parameters = trim(value);
  return {};
}

Checked MediaSection::read_feedback(std::string_view value) {
  if (++feedback_lines_ > kFeedbackPerMediaMax) return wrong("too many rtcp-fb lines");
  std::string_view rest = value;
  if (take_word(rest) == "*") {
    common_feedback_.emplace_back(trim(rest));
    return {};
  }
  const auto payload_type = take_payload_type(value);
  if (!payload_type) return wrong("rtcp-fb with a bad payload type");
  formats_[*payload_type].feedback.emplace_back(trim(value));
  return {};
}

// "3/sendonly urn:..." (RFC 8285 §5): 1 to 255, or 4096 to 4351 for more than fit an offer.
Checked MediaSection::read_extension(std::string_view value) {
  if (media_.extensions.size() == kExtensionsPerMediaMax) return wrong("too many extmaps");
  std::string_view entry = take_word(value);
  const auto id = parse_number(take_until(entry, '/'), 4351);
  const auto uri = take_word(value);
  if (!id || *id == 0 || (*id > 255 && *id < 4096)) return wrong("extmap with a bad id");
  if (uri.empty()) return wrong("extmap without a URI");
  std::optional<Direction> direction;
  if (!entry.empty()) {
    direction = direction_named(entry);
    if (!direction) return wrong("extmap with a bad direction");
  }
  media_.extensions.push_back({static_cast<uint16_t>(*id), std::string(uri), direction});
  return {};
}

// "q send pt=96,97;max-width=1280" (RFC 8851 §10).
Checked MediaSection::read_rid(std::string_view value) {
  if (media_.rids.size() == kRidsPerMediaMax) return wrong("too many rids");
  Rid rid;
  rid.id = take_word(value);
  if (!is_rid(rid.id)) return wrong("bad rid");
  const auto direction = take_word(value);
  if (direction != "send" && direction != "recv") return wrong("rid without a direction");
  rid.direction = direction == "send" ? Direction::kSendOnly : Direction::kRecvOnly;
  if (std::ranges::find(media_.rids, rid.id, &Rid::id) != media_.rids.end()) {
    return wrong("the same rid twice");
  }
  std::string_view rest = trim(value);
  while (!rest.empty()) {
    std::string_view restriction = take_until(rest, ';');
    if (!restriction.starts_with("pt=")) {
      if (!rid.restrictions.empty()) rid.restrictions += ';';
      rid.restrictions += restriction;
      continue;
    }
    restriction.remove_prefix(3);
    while (!restriction.empty()) {
      const auto number = parse_number(take_until(restriction, ','), kPayloadTypeMax);
      if (!number) return wrong("rid with a bad payload type");
      rid.payload_types.emplace_back(static_cast<uint8_t>(*number));
    }
  }
  media_.rids.push_back(std::move(rid));
  return {};
}

Checked MediaSection::read_simulcast(std::string_view value) {
  for (auto direction = take_word(value); !direction.empty(); direction = take_word(value)) {
    if (direction != "send" && direction != "recv") return wrong("bad simulcast direction");
    auto& wanted = direction == "send" ? media_.simulcast_send : media_.simulcast_recv;
    if (!wanted.empty()) return wrong("the same simulcast direction twice");
    auto streams = parse_streams(take_word(value));
    if (!streams) return unexpected(streams.error());
    wanted = std::move(*streams);
  }
  return {};
}

Checked MediaSection::read_ssrc(std::string_view value) {
  const auto number = parse_number(take_word(value), UINT32_MAX);
  if (!number) return wrong("bad ssrc");
  const rtp::Ssrc ssrc(*number);
  if (std::ranges::find(media_.ssrcs, ssrc) != media_.ssrcs.end()) return {};
  if (media_.ssrcs.size() == kSsrcsPerMediaMax) return wrong("too many ssrcs");
  media_.ssrcs.push_back(ssrc);
  return {};
}

Checked MediaSection::read_ssrc_group(std::string_view value) {
  if (take_word(value) != "FID") return {};
  const auto primary = parse_number(take_word(value), UINT32_MAX);
  const auto rtx = parse_number(take_word(value), UINT32_MAX);
  if (!primary || !rtx || !trim(value).empty()) return wrong("FID wants two ssrcs");
  if (media_.fid_groups.size() == kSsrcsPerMediaMax) return wrong("too many ssrc groups");
  media_.fid_groups.push_back({rtp::Ssrc(*primary), rtp::Ssrc(*rtx)});
  return {};
}

Checked MediaSection::read_msid(std::string_view value) {
  if (trim(value).empty()) return wrong("empty msid");
  media_.msid = trim(value);
  return {};
}

MediaDescription MediaSection::finish() {
  for (const auto payload_type : listed_) {
    auto& format = formats_[payload_type.value()];
    auto& codec = media_.codecs.emplace_back();
    codec.payload_type = payload_type;
    codec.name = std::move(format.name);
    codec.clock_rate = format.clock_rate;
    codec.channels = format.channels;
    codec.parameters = std::move(format.parameters);
    codec.feedback = std::move(format.feedback);
    codec.feedback.insert(codec.feedback.end(), common_feedback_.begin(), common_feedback_.end());
  }
  return std::move(media_);
}

}  // namespace simpul::sdp
