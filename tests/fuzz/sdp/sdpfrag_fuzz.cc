// Whatever text comes as a fragment: it is refused with a reason, or its sections keep what the
// parser promises. And whatever description a fragment is made of, the writer ends.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "sdp/ice_fragment.h"

namespace {

using namespace simpul;

void check_section(const sdp::FragmentSection& section) {
  SIMPUL_CHECK(section.ice_ufrag.empty() == section.ice_pwd.empty());
  SIMPUL_CHECK(section.ice_ufrag.empty() || section.ice_ufrag.size() >= 4);
  SIMPUL_CHECK(section.candidates <= sdp::kFragmentLinesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto text = as_text({data, size});
  const auto written = sdp::write_ice_fragment(text, "ours", "ourPasswordOf24Characters");
  SIMPUL_CHECK(written.size() <= text.size() * 2 + 200);
  const auto fragment = sdp::parse_ice_fragment(text);
  if (!fragment) {
    SIMPUL_CHECK(!fragment.error().reason.empty());
    return 0;
  }
  SIMPUL_CHECK(fragment->media.size() <= sdp::kFragmentSectionsMax);
  check_section(fragment->session);
  for (const auto& section : fragment->media) {
    SIMPUL_CHECK(!section.mid.empty());
    check_section(section);
  }
  const std::array<std::string, 2> mids = {"0", "1"};
  const auto* chosen = sdp::credentials_of(*fragment, mids);
  SIMPUL_CHECK(chosen == nullptr || chosen->has_credentials());
  return 0;
}
