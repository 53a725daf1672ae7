#pragma once

#include <cstdint>
#include <vector>

#include "sdp/negotiation.h"

namespace simpul::sdp {

// Chooses the header extensions of one m-line after the other (RFC 8285 §5, §6). A BUNDLE group
// has one table of ids: what would give an id a second meaning, or an extension a second id, is
// left out.
class ExtensionChoice {
 public:
  ExtensionChoice(const AnswerPolicy& policy, const SessionDescription& offer);

  std::vector<NegotiatedExtension> choose(const MediaDescription& media);

 private:
  bool is_acceptable(const ExtensionOffer& offered, const MediaDescription& media) const;
  bool claim(rtp::ExtensionKind kind, uint8_t id);

  const AnswerPolicy& policy_;
  const SessionDescription& offer_;
  std::vector<NegotiatedExtension> taken_;  // one for each kind
};

}  // namespace simpul::sdp
