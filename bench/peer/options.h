#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "dtls/srtp_keys.h"
#include "ice/credentials.h"
#include "rtp/types.h"

namespace simpul::peer {

// What a peer is and offers.
struct Options {
  bool publishes = false;
  bool audio = true;
  bool video = true;
  std::vector<std::string> rids = {};  // of the video that is published; empty: no simulcast
  // Instead of the certificate's own, for tests: the value of an a=fingerprint line.
  std::string fingerprint = {};
  // Offers setup:passive and waits for the server's hello.
  bool waits_for_hello = false;
  // Takes the answer's TCP candidate, actively (RFC 6544), instead of the one over UDP.
  bool tcp = false;
  // Of video, the preferred one first: what is published, or what can be watched.
  std::vector<rtp::Codec> codecs = {rtp::Codec::kVp8};
  // Offers the header extensions that browsers offer, and both of their forms; otherwise only mid,
  // rid, audio level and the transport-wide sequence number.
  bool all_extensions = false;
  // Offers RED (RFC 2198) behind Opus.
  bool red = false;
  // The only SRTP profile that it offers; nothing: all, and the server chooses.
  std::optional<dtls::SrtpProfile> srtp_profile = {};
  // False: media that comes is left as it is, encrypted, but for retransmissions. Whoever gets it
  // reads the header only: numbers, CSRC, extensions, the size.
  bool decrypts = true;
  // m-lines of each kind that watch; a publisher has one.
  size_t audio_slots = 1;
  size_t video_slots = 1;
};

// The offer's text; `fingerprint` is the certificate's.
std::string make_offer(const Options& options, const ice::Credentials& credentials,
                       const std::string& fingerprint);

}  // namespace simpul::peer
