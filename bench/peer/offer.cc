#include <array>
#include <string_view>

#include "bench/peer/formats.h"
#include "bench/peer/options.h"

namespace simpul::peer {
namespace {

using rtp::ExtensionKind;

std::string extension_line(ExtensionKind kind) {
  return "a=extmap:" + std::to_string(extension_id(kind)) + " " + std::string(rtp::uri_of(kind)) +
         "\r\n";
}

std::string_view parameters_of(rtp::Codec codec) {
  using enum rtp::Codec;
  switch (codec) {
    case kH264:
      return "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    case kVp9:
      return "profile-id=0";
    case kAv1:
      return "level-idx=5;profile=0;tier=0";
    case kVp8:
    case kOpus:
    case kRed:
      return {};
  }
  return {};
}

std::string format_lines(const VideoFormat& format) {
  const std::string media = std::to_string(format.payload_type.value());
  const std::string rtx = std::to_string(format.rtx.value());
  std::string text =
      "a=rtpmap:" + media + " " + std::string(to_string(format.codec)) + "/90000\r\n";
  const std::string_view parameters = parameters_of(format.codec);
  if (!parameters.empty()) text += "a=fmtp:" + media + " " + std::string(parameters) + "\r\n";
  for (const char* feedback : {"nack", "nack pli", "ccm fir", "transport-cc"}) {
    text += "a=rtcp-fb:" + media + " " + feedback + "\r\n";
  }
  return text + "a=rtpmap:" + rtx + " rtx/90000\r\na=fmtp:" + rtx + " apt=" + media + "\r\n";
}

std::string section_head(std::string_view kind, const std::string& formats, const std::string& mid,
                         bool publishes) {
  return "m=" + std::string(kind) + " 9 UDP/TLS/RTP/SAVPF" + formats +
         "\r\nc=IN IP4 0.0.0.0\r\na=mid:" + mid +
         (publishes ? "\r\na=sendonly\r\n" : "\r\na=recvonly\r\n") +
         "a=rtcp-mux\r\na=rtcp-rsize\r\n" + extension_line(ExtensionKind::kMid) +
         extension_line(ExtensionKind::kTransportSequence);
}

std::string audio_section(const Options& options, const std::string& mid) {
  std::string text =
      section_head("audio", options.red ? " 111 63" : " 111", mid, options.publishes);
  text += extension_line(ExtensionKind::kAudioLevel);
  if (options.all_extensions) text += extension_line(ExtensionKind::kAbsSendTime);
  text += "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n";
  if (options.red) text += "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";
  return text + "a=rtcp-fb:111 transport-cc\r\n";
}

std::string simulcast_lines(const Options& options) {
  std::string text =
      extension_line(ExtensionKind::kRid) + extension_line(ExtensionKind::kRepairedRid);
  std::string list;
  for (const std::string& rid : options.rids) {
    text += "a=rid:" + rid + " send\r\n";
    list += (list.empty() ? "" : ";") + rid;
  }
  return text + "a=simulcast:send " + list + "\r\n";
}

std::string video_section(const Options& options, const std::string& mid) {
  std::string formats;
  for (const rtp::Codec codec : options.codecs) {
    const VideoFormat& format = format_of(codec);
    formats += " " + std::to_string(format.payload_type.value()) + " " +
               std::to_string(format.rtx.value());
  }
  std::string text = section_head("video", formats, mid, options.publishes);
  if (options.all_extensions) {
    using enum ExtensionKind;
    for (const ExtensionKind kind :
         {kAbsSendTime, kTimeOffset, kVideoOrientation, kPlayoutDelay, kVideoContentType,
          kVideoTiming, kColorSpace, kDependencyDescriptor}) {
      text += extension_line(kind);
    }
  }
  for (const rtp::Codec codec : options.codecs) text += format_lines(format_of(codec));
  const bool is_simulcast = options.publishes && !options.rids.empty();
  return is_simulcast ? text + simulcast_lines(options) : text;
}

}  // namespace

// The first audio section is 0 and the first video section 1, whether or not there is the other;
// more of them are numbered from 2 on.
std::string make_offer(const Options& options, const ice::Credentials& credentials,
                       const std::string& fingerprint) {
  std::string mids;
  std::string sections;
  const auto add = [&](bool is_video, const std::string& mid) {
    mids += " " + mid;
    sections += is_video ? video_section(options, mid) : audio_section(options, mid);
  };
  if (options.audio) add(false, "0");
  if (options.video) add(true, "1");
  size_t next = 2;
  for (const bool is_video : {false, true}) {
    const size_t slots = is_video ? options.video_slots : options.audio_slots;
    const bool wanted = is_video ? options.video : options.audio;
    for (size_t i = 1; wanted && !options.publishes && i < slots; ++i) {
      add(is_video, std::to_string(next++));
    }
  }
  std::string text = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE" + mids;
  if (options.all_extensions) text += "\r\na=extmap-allow-mixed";
  text += "\r\na=ice-ufrag:" + credentials.username_fragment;
  text += "\r\na=ice-pwd:" + credentials.password;
  text += "\r\na=fingerprint:" + fingerprint;
  text += options.waits_for_hello ? "\r\na=setup:passive\r\n" : "\r\na=setup:actpass\r\n";
  return text + sections;
}

}  // namespace simpul::peer
