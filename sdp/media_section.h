#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/session_description.h"
#include "sdp/transport_attributes.h"

namespace simpul::sdp {

// Reads one media section: its m= line, then its attributes in any order (Firefox writes fmtp and
// rtcp-fb before the rtpmap they belong to), joined by finish().
class MediaSection {
 public:
  // `value` is what follows "m=".
  Checked start(std::string_view value, size_t line, Direction session_direction);
  Checked read_attribute(std::string_view name, std::string_view value);
  MediaDescription finish();

 private:
  struct Handler;
  struct Format {
    std::string name;
    uint32_t clock_rate = 0;
    uint8_t channels = 1;
    std::string parameters;
    std::vector<std::string> feedback;
  };

  Checked read_formats();
  Checked read_mid(std::string_view value);
  Checked read_rtpmap(std::string_view value);
  Checked read_fmtp(std::string_view value);
  Checked read_feedback(std::string_view value);
  Checked read_extension(std::string_view value);
  Checked read_rid(std::string_view value);
  Checked read_simulcast(std::string_view value);
  Checked read_ssrc(std::string_view value);
  Checked read_ssrc_group(std::string_view value);
  Checked read_msid(std::string_view value);
  bool read_flag(std::string_view name);

  MediaDescription media_;
  std::vector<rtp::PayloadType> listed_;  // in the m-line
  std::map<uint8_t, Format> formats_;     // by payload type, so never more than 128
  std::vector<std::string> common_feedback_;
  size_t feedback_lines_ = 0;
};

}  // namespace simpul::sdp
