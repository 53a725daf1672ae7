#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Cutting and checking of the small pieces of text that SDP lines are made of.
namespace simpul::sdp {

// Takes what stands before the first `separator` (or all) off the front of `rest`, with the
// separator itself.
std::string_view take_until(std::string_view& rest, char separator);
// Takes the next word off `rest`; words are parted by blanks. Empty at the end.
std::string_view take_word(std::string_view& rest);
std::string_view trim(std::string_view text);

// Decimal digits only, up to `max`.
std::optional<uint32_t> parse_number(std::string_view text, uint32_t max);

// `token` of RFC 8866 §9, at most kTokenSizeMax characters.
bool is_token(std::string_view text);
// `ice-char` of RFC 8839 §5.4, `min` to 256 of them.
bool is_ice_text(std::string_view text, size_t min);
// `rid-id` of RFC 8851 §10, at most kRidSizeMax characters.
bool is_rid(std::string_view text);

std::string lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace simpul::sdp
