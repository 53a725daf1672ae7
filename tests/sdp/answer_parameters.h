#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "sdp/negotiation.h"

namespace simpul::sdp {

inline const std::string kOurFingerprint =
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
    "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

// Our end of an answer, with fixed numbers: slot k has SSRC 1000 + k and RTX SSRC 2000 + k,
// and 3000 + k for parity packets.
inline AnswerParameters our_end() {
  AnswerParameters parameters;
  parameters.session_id = 4711;
  parameters.ice_ufrag = "ourUfrag";
  parameters.ice_pwd = "ourPasswordOf24Characters";
  parameters.fingerprint.algorithm = "sha-256";
  for (uint8_t i = 0; i < 32; ++i) parameters.fingerprint.digest.push_back(i);
  parameters.candidates = {{*Address::parse("192.0.2.7", 7700), 2130706431},
                           {*Address::parse("2001:db8::7", 7701), 2130706175},
                           {*Address::parse("192.0.2.7", 7702), 2130705919}};
  parameters.cname = "us";
  for (uint32_t k = 0; k < kMediaMax; ++k) {
    parameters.slots.push_back({rtp::Ssrc(1000 + k), rtp::Ssrc(2000 + k),
                                "stream" + std::to_string(k), "track" + std::to_string(k),
                                rtp::Ssrc(3000 + k)});
  }
  return parameters;
}

// Empty, and a failed test, when the offer is refused.
inline std::string answer_to(std::string_view offer, PeerRole role) {
  const auto negotiated = negotiate(offer, default_policy(role));
  EXPECT_TRUE(negotiated) << negotiated.error().detail;
  return negotiated ? write_answer(*negotiated, our_end()) : std::string();
}

}  // namespace simpul::sdp
