#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"

namespace simpul::sdp {

// What a fragment may hold; a text beyond any of these is an error, not cut.
inline constexpr size_t kFragmentSizeMax = 16 * 1024;
inline constexpr size_t kFragmentLinesMax = 300;
inline constexpr size_t kFragmentSectionsMax = 64;

// A pseudo m-line of a fragment, or what stands in front of the first one.
struct FragmentSection {
  std::string mid;        // empty in front of the first m-line
  std::string ice_ufrag;  // empty: not given
  std::string ice_pwd;
  size_t candidates = 0;  // counted only: an ICE-lite end sends no checks to them
  bool end_of_candidates = false;

  bool has_credentials() const { return !ice_ufrag.empty(); }
};

struct IceFragment {
  FragmentSection session;
  std::vector<FragmentSection> media;
};

struct FragmentError {
  bool too_large = false;  // beyond a limit; otherwise it cannot be read
  size_t line = 0;         // from 1
  std::string reason;
};

// Reads an application/trickle-ice-sdpfrag (RFC 8840 §9). Lines and attributes that have nothing to
// do with ICE are skipped; every m-line must have a mid of its own, and credentials are whole or
// absent.
Expected<IceFragment, FragmentError> parse_ice_fragment(std::string_view text);

// The section whose credentials count for a connection with these mids: of the first of `mids` that
// brings some, else what stands in front of the m-lines. Sections of other mids are as if they were
// not there (RFC 8840 §4.4). Null when nothing is left that has credentials.
const FragmentSection* credentials_of(const IceFragment& fragment,
                                      std::span<const std::string> mids);

// What of a description of ours concerns ICE, as a fragment with other credentials: its session's
// ice-lite, ice-options and BUNDLE group, and the group's first section with all candidates. The
// description may itself be such a fragment.
std::string write_ice_fragment(std::string_view description, std::string_view ice_ufrag,
                               std::string_view ice_pwd);

}  // namespace simpul::sdp
