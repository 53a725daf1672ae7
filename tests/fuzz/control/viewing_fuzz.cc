// What a viewer says that it wants of a slot: the body of a PATCH.
#include <cstdint>
#include <string_view>

#include "control/http_target.h"
#include "control/merge_patch.h"
#include "control/viewing_document.h"

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul::control;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto change = parse_viewing(body);
  if (!change) {
    const auto& problem = change.error();
    require(problem.status == 400 || problem.status == 413);
    require(!problem_response(problem).body.empty());
    return 0;
  }
  require(size <= kMergePatchSizeMax);
  if (change->wanted_pixels && *change->wanted_pixels) {
    require(**change->wanted_pixels > 0 && **change->wanted_pixels <= kSideMax * kSideMax);
  }
  if (change->priority) require(*change->priority > 0);
  if (change->participant && !change->participant->empty()) {
    require(is_valid_id(*change->participant));
  }
  return 0;
}
