#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "sdp/negotiation.h"

namespace simpul::sdp {

// Chooses the codecs of one m-line after the other. Within a BUNDLE group a payload type means the
// same everywhere (RFC 9143 §9.1), so a format whose number an earlier m-line uses for something
// else is left out.
class CodecChoice {
 public:
  explicit CodecChoice(const AnswerPolicy& policy) : policy_(policy) {}

  // In the order of the policy, the first usable format of each kind (H.264 has one for each
  // profile and packetization mode, VP9 and AV1 for each profile); empty when there is none.
  // `transport_sequence` is whether the m-line negotiated that header extension.
  std::vector<NegotiatedCodec> choose(const MediaDescription& media, bool transport_sequence);
  // The payload type of parity packets, beside codecs that were chosen for the m-line. They are of
  // use only where losses are reported.
  std::optional<rtp::PayloadType> choose_flexfec(const MediaDescription& media,
                                                 const std::vector<NegotiatedCodec>& codecs);

 private:
  // Whether the number is free, or means `meaning` already; then it is taken.
  bool claim(rtp::PayloadType payload_type, const std::string& meaning);
  void add_formats(const MediaDescription& media, rtp::Codec codec,
                   std::vector<NegotiatedCodec>& chosen);
  std::optional<rtp::PayloadType> find_rtx(const MediaDescription& media,
                                           const NegotiatedCodec& codec);
  Feedback feedback_of(const PayloadFormat& format, MediaType type, bool transport_sequence) const;

  const AnswerPolicy& policy_;
  std::array<std::string, 128> meanings_;
};

}  // namespace simpul::sdp
