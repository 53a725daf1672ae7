#include "sdp/codec_choice.h"

#include <algorithm>
#include <array>

#include "sdp/text.h"

namespace simpul::sdp {
namespace {

struct ForwardedCodec {
  rtp::Codec codec;
  MediaType type;
  std::string_view name;
  uint32_t clock_rate;
  uint8_t channels;
};

// RFC 7587 §7, RFC 7741 §6.
constexpr std::array<ForwardedCodec, 2> kForwarded = {{
    {rtp::Codec::kOpus, MediaType::kAudio, "opus", 48000, 2},
    {rtp::Codec::kVp8, MediaType::kVideo, "VP8", 90000, 1},
}};

// What of the peer's Opus parameters our answer asks for too. Its other ones tell what it decodes
// or sends, which is not ours to say; VP8's all do.
constexpr std::array<std::string_view, 3> kOpusEchoed = {"minptime", "useinbandfec", "stereo"};
constexpr uint32_t kOpusValueMax = 120;

bool matches(const PayloadFormat& format, const ForwardedCodec& codec) {
  return equal_ignoring_case(format.name, codec.name) && format.clock_rate == codec.clock_rate &&
         format.channels == codec.channels;
}

std::string opus_answer(std::string_view offered) {
  std::string answer;
  while (!offered.empty()) {
    std::string_view value = trim(take_until(offered, ';'));
    const auto key = trim(take_until(value, '='));
    const auto number = parse_number(trim(value), kOpusValueMax);
    if (!number || std::ranges::find(kOpusEchoed, key) == kOpusEchoed.end()) continue;
    if (!answer.empty()) answer += ';';
    answer.append(key).append("=").append(std::to_string(*number));
  }
  return answer;
}

// The payload type that an rtx format repairs (RFC 4588 §8.1).
std::optional<uint32_t> associated_payload_type(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = trim(take_until(parameters, ';'));
    if (take_until(value, '=') == "apt") return parse_number(trim(value), 127);
  }
  return std::nullopt;
}

bool has(const std::vector<std::string>& feedback, std::string_view message) {
  return std::ranges::find(feedback, message) != feedback.end();
}

}  // namespace

std::vector<NegotiatedCodec> CodecChoice::choose(const MediaDescription& media,
                                                 bool transport_sequence) {
  std::vector<NegotiatedCodec> chosen;
  const bool video = media.type == MediaType::kVideo;
  for (const auto codec : video ? policy_.video_codecs : policy_.audio_codecs) {
    auto found = find(media, codec);
    if (!found) continue;
    if (video) found->rtx_payload_type = find_rtx(media, *found);
    const auto format =
        std::ranges::find(media.codecs, found->payload_type, &PayloadFormat::payload_type);
    found->feedback = feedback_of(*format, media.type, transport_sequence);
    chosen.push_back(std::move(*found));
  }
  return chosen;
}

bool CodecChoice::claim(rtp::PayloadType payload_type, const std::string& meaning) {
  auto& known = meanings_[payload_type.value()];
  if (!known.empty()) return known == meaning;
  known = meaning;
  return true;
}

std::optional<NegotiatedCodec> CodecChoice::find(const MediaDescription& media, rtp::Codec codec) {
  const auto known = std::ranges::find(kForwarded, codec, &ForwardedCodec::codec);
  if (known == kForwarded.end() || known->type != media.type) return std::nullopt;
  for (const auto& format : media.codecs) {
    if (!matches(format, *known)) continue;
    if (!claim(format.payload_type, std::string(known->name))) continue;
    NegotiatedCodec found;
    found.codec = codec;
    found.payload_type = format.payload_type;
    found.clock_rate = format.clock_rate;
    found.channels = format.channels;
    if (codec == rtp::Codec::kOpus) found.parameters = opus_answer(format.parameters);
    return found;
  }
  return std::nullopt;
}

std::optional<rtp::PayloadType> CodecChoice::find_rtx(const MediaDescription& media,
                                                      const NegotiatedCodec& codec) {
  const uint32_t repaired = codec.payload_type.value();
  for (const auto& format : media.codecs) {
    if (!equal_ignoring_case(format.name, "rtx") || format.clock_rate != codec.clock_rate ||
        associated_payload_type(format.parameters) != repaired) {
      continue;
    }
    if (claim(format.payload_type, "rtx " + std::to_string(repaired))) return format.payload_type;
  }
  return std::nullopt;
}

Feedback CodecChoice::feedback_of(const PayloadFormat& format, MediaType type,
                                  bool transport_sequence) const {
  const auto& offered = format.feedback;
  const bool publisher = policy_.role == PeerRole::kPublisher;
  Feedback feedback;
  // Towards watchers nothing is estimated, so their reports would cost bandwidth for nothing.
  feedback.transport_cc = publisher && transport_sequence && has(offered, "transport-cc");
  if (type != MediaType::kVideo) return feedback;
  feedback.nack = has(offered, "nack");
  feedback.nack_pli = has(offered, "nack pli");
  feedback.ccm_fir = has(offered, "ccm fir");
  return feedback;
}

}  // namespace simpul::sdp
