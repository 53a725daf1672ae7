#include "sdp/codec_choice.h"

#include <algorithm>
#include <array>
#include <span>

#include "rtp/red.h"
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

// RFC 7587 §7, RFC 2198 §5, RFC 7741 §6, RFC 6184 §8, RFC 9628 §7, RTP Payload Format for AV1 §7.
constexpr std::array<ForwardedCodec, 6> kForwarded = {{
    {rtp::Codec::kOpus, MediaType::kAudio, "opus", 48000, 2},
    {rtp::Codec::kRed, MediaType::kAudio, "red", 48000, 2},
    {rtp::Codec::kVp8, MediaType::kVideo, "VP8", 90000, 1},
    {rtp::Codec::kH264, MediaType::kVideo, "H264", 90000, 1},
    {rtp::Codec::kVp9, MediaType::kVideo, "VP9", 90000, 1},
    {rtp::Codec::kAv1, MediaType::kVideo, "AV1", 90000, 1},
}};

// What of the peer's parameters our answer says too. Its other ones tell what it decodes or sends,
// which is not ours to say.
constexpr std::array<std::string_view, 3> kOpusEchoed = {"minptime", "useinbandfec", "stereo"};
constexpr std::array<std::string_view, 2> kH264Echoed = {"level-asymmetry-allowed",
                                                         "packetization-mode"};
constexpr std::array<std::string_view, 1> kVp9Echoed = {"profile-id"};
constexpr std::array<std::string_view, 3> kAv1Echoed = {"profile", "level-idx", "tier"};
constexpr uint32_t kValueMax = 120;
constexpr uint32_t kPayloadTypeMax = 127;

// Its later names (RFC 8627) stand for another header.
constexpr std::string_view kFlexfec = "flexfec-03";
constexpr uint32_t kFlexfecClockRate = 90'000;  // of all video

constexpr uint32_t kVp9ProfileMax = 3;
constexpr uint32_t kAv1ProfileMax = 2;
constexpr uint32_t kPacketizationModeMax = 1;                      // 2 interleaves
constexpr std::string_view kH264ProfileLevelIdDefault = "420010";  // RFC 6184 §8.1

bool matches(const PayloadFormat& format, const ForwardedCodec& codec) {
  return equal_ignoring_case(format.name, codec.name) && format.clock_rate == codec.clock_rate &&
         format.channels == codec.channels;
}

// The value of one parameter; nothing when it is not there.
std::optional<std::string_view> value_of(std::string_view parameters, std::string_view key) {
  while (!parameters.empty()) {
    std::string_view value = trim(take_until(parameters, ';'));
    if (equal_ignoring_case(trim(take_until(value, '=')), key)) return trim(value);
  }
  return std::nullopt;
}

// The number of a parameter, 0 without it; nothing when it is not one up to `max`.
std::optional<uint8_t> number_of(std::string_view parameters, std::string_view key, uint32_t max) {
  const auto value = value_of(parameters, key);
  if (!value) return uint8_t{0};
  const auto number = parse_number(*value, max);
  if (!number) return std::nullopt;
  return static_cast<uint8_t>(*number);
}

std::string echoed(std::string_view offered, std::span<const std::string_view> keys) {
  std::string answer;
  while (!offered.empty()) {
    std::string_view value = trim(take_until(offered, ';'));
    const auto key = trim(take_until(value, '='));
    const auto number = parse_number(trim(value), kValueMax);
    if (!number || std::ranges::find(keys, key) == keys.end()) continue;
    if (!answer.empty()) answer += ';';
    answer.append(key).append("=").append(std::to_string(*number));
  }
  return answer;
}

// What a format's parameters make of it, and what the answer says of them.
struct Described {
  rtp::CodecFormat format;
  std::string answer;
};

std::optional<Described> describe_h264(std::string_view parameters) {
  const auto told = value_of(parameters, "profile-level-id");
  const auto profile = rtp::h264_profile(told.value_or(kH264ProfileLevelIdDefault));
  const auto mode = number_of(parameters, "packetization-mode", kPacketizationModeMax);
  if (!profile || !mode) return std::nullopt;
  Described described{{rtp::Codec::kH264, *profile, *mode}, echoed(parameters, kH264Echoed)};
  if (told) {
    if (!described.answer.empty()) described.answer += ';';
    described.answer += "profile-level-id=" + lower(*told);
  }
  return described;
}

// RFC 2198 §5: "111/111", the types of the blocks; ours are all of one.
std::optional<Described> describe_red(std::string_view parameters) {
  const std::string_view first = take_until(parameters, '/');
  const auto type = parse_number(first, kPayloadTypeMax);
  if (!type) return std::nullopt;
  std::string answer(first);
  for (size_t blocks = 1; !parameters.empty(); ++blocks) {
    if (take_until(parameters, '/') != first || blocks > rtp::RedPayload::kRedundantMax) {
      return std::nullopt;
    }
    answer.append("/").append(first);
  }
  return Described{{rtp::Codec::kRed, static_cast<uint8_t>(*type)}, std::move(answer)};
}

std::optional<Described> describe_profile(rtp::Codec codec, std::optional<uint8_t> profile,
                                          std::string answer) {
  if (!profile) return std::nullopt;
  return Described{{codec, *profile}, std::move(answer)};
}

std::optional<Described> describe(rtp::Codec codec, std::string_view parameters) {
  switch (codec) {
    case rtp::Codec::kOpus:
      return Described{{codec}, echoed(parameters, kOpusEchoed)};
    case rtp::Codec::kRed:
      return describe_red(parameters);
    case rtp::Codec::kVp8:
      return Described{{codec}, {}};
    case rtp::Codec::kVp9:
      return describe_profile(codec, number_of(parameters, "profile-id", kVp9ProfileMax),
                              echoed(parameters, kVp9Echoed));
    case rtp::Codec::kH264:
      return describe_h264(parameters);
    case rtp::Codec::kAv1:
      return describe_profile(codec, number_of(parameters, "profile", kAv1ProfileMax),
                              echoed(parameters, kAv1Echoed));
  }
  return std::nullopt;
}

// What a payload type of the format means, wherever in the BUNDLE group it stands.
std::string meaning_of(std::string_view name, const rtp::CodecFormat& format) {
  return std::string(name) + ' ' + std::to_string(format.profile) + ' ' +
         std::to_string(format.packetization_mode);
}

// The payload type that an rtx format repairs (RFC 4588 §8.1).
std::optional<uint32_t> associated_payload_type(std::string_view parameters) {
  const auto type = value_of(parameters, "apt");
  return type ? parse_number(*type, kPayloadTypeMax) : std::nullopt;
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
    const size_t first = chosen.size();
    add_formats(media, codec, chosen);
    for (size_t i = first; i < chosen.size(); ++i) {
      NegotiatedCodec& found = chosen[i];
      if (video) found.rtx_payload_type = find_rtx(media, found);
      const auto format =
          std::ranges::find(media.codecs, found.payload_type, &PayloadFormat::payload_type);
      found.feedback = feedback_of(*format, media.type, transport_sequence);
    }
  }
  // RED without the codec that it repeats is nothing.
  const auto opus =
      std::ranges::find(chosen, rtp::CodecFormat{rtp::Codec::kOpus}, &NegotiatedCodec::format);
  const int repeated = opus == chosen.end() ? -1 : opus->payload_type.value();
  std::erase_if(chosen, [repeated](const NegotiatedCodec& codec) {
    return codec.format.codec == rtp::Codec::kRed && codec.format.profile != repeated;
  });
  return chosen;
}

bool CodecChoice::claim(rtp::PayloadType payload_type, const std::string& meaning) {
  auto& known = meanings_[payload_type.value()];
  if (!known.empty()) return known == meaning;
  known = meaning;
  return true;
}

void CodecChoice::add_formats(const MediaDescription& media, rtp::Codec codec,
                              std::vector<NegotiatedCodec>& chosen) {
  const auto known = std::ranges::find(kForwarded, codec, &ForwardedCodec::codec);
  if (known == kForwarded.end() || known->type != media.type) return;
  for (const auto& format : media.codecs) {
    if (!matches(format, *known)) continue;
    auto described = describe(codec, format.parameters);
    if (!described) continue;
    const auto& same = described->format;
    if (std::ranges::find(chosen, same, &NegotiatedCodec::format) != chosen.end()) continue;
    if (!claim(format.payload_type, meaning_of(known->name, same))) continue;
    NegotiatedCodec& found = chosen.emplace_back();
    found.format = same;
    found.payload_type = format.payload_type;
    found.clock_rate = format.clock_rate;
    found.channels = format.channels;
    found.parameters = std::move(described->answer);
  }
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

std::optional<rtp::PayloadType> CodecChoice::choose_flexfec(
    const MediaDescription& media, const std::vector<NegotiatedCodec>& codecs) {
  if (media.type != MediaType::kVideo) return std::nullopt;
  if (!std::ranges::any_of(codecs, [](const auto& codec) { return codec.feedback.transport_cc; })) {
    return std::nullopt;
  }
  for (const auto& format : media.codecs) {
    if (!equal_ignoring_case(format.name, kFlexfec) || format.clock_rate != kFlexfecClockRate) {
      continue;
    }
    if (claim(format.payload_type, std::string(kFlexfec))) return format.payload_type;
  }
  return std::nullopt;
}

Feedback CodecChoice::feedback_of(const PayloadFormat& format, MediaType type,
                                  bool transport_sequence) const {
  const auto& offered = format.feedback;
  Feedback feedback;
  feedback.transport_cc = transport_sequence && has(offered, "transport-cc");
  const bool watches = policy_.role == PeerRole::kWatcher;
  feedback.ccfb = watches && !feedback.transport_cc && has(offered, "ack ccfb");
  if (type != MediaType::kVideo) return feedback;
  // We send no estimate to publishers: they make their own from transport-wide feedback.
  feedback.remb = watches && !feedback.transport_cc && has(offered, "goog-remb");
  feedback.nack = has(offered, "nack");
  feedback.nack_pli = has(offered, "nack pli");
  feedback.ccm_fir = has(offered, "ccm fir");
  return feedback;
}

}  // namespace simpul::sdp
