#include "rtp/packet_view.h"

namespace simpul::rtp {
namespace {

constexpr int kVersion = 2;
constexpr size_t kWordSize = 4;

}  // namespace

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// |                           timestamp                           |
// |                             SSRC                              |
// |                CSRCs, CC words; then, if X:                   |
// |            profile            |     length, in words          |
// |                  header extension; payload;                   |
// |          if P: padding, its length in the last byte           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
Expected<PacketView, ParseError> PacketView::parse(Bytes bytes) {
  if (bytes.size() < kFixedHeaderSize) return unexpected(ParseError::kTooShort);
  if (bytes[0] >> 6 != kVersion) return unexpected(ParseError::kBadVersion);
  const bool has_padding = (bytes[0] & 0x20) != 0;
  const bool has_extension = (bytes[0] & 0x10) != 0;
  const size_t csrcs_size = (bytes[0] & 0x0f) * kWordSize;

  PacketView view(bytes);
  Bytes rest = bytes.subspan(kFixedHeaderSize);
  if (rest.size() < csrcs_size) return unexpected(ParseError::kTooShort);
  view.csrcs_ = rest.first(csrcs_size);
  rest = rest.subspan(csrcs_size);

  if (has_extension) {
    if (rest.size() < kWordSize) return unexpected(ParseError::kTruncatedExtension);
    view.extension_profile_ = load_be16(rest.first<2>());
    const size_t size = load_be16(rest.subspan<2, 2>()) * kWordSize;
    rest = rest.subspan(kWordSize);
    if (rest.size() < size) return unexpected(ParseError::kTruncatedExtension);
    view.extension_ = rest.first(size);
    rest = rest.subspan(size);
  }

  if (has_padding) {
    const uint8_t padding = rest.empty() ? uint8_t{0} : rest.back();
    if (padding == 0 || padding > rest.size()) return unexpected(ParseError::kBadPadding);
    view.padding_size_ = padding;
    rest = rest.first(rest.size() - padding);
  }
  view.payload_ = rest;
  return view;
}

std::string_view to_string(ParseError error) {
  switch (error) {
    case ParseError::kTooShort:
      return "too_short";
    case ParseError::kBadVersion:
      return "bad_version";
    case ParseError::kTruncatedExtension:
      return "truncated_extension";
    case ParseError::kBadPadding:
      return "bad_padding";
    case ParseError::kMalformed:
      return "malformed";
  }
  return "unknown";
}

}  // namespace simpul::rtp
