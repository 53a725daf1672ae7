// What a platform says that is to be another of a participant: the body of a PATCH.
#include <cstdint>
#include <string_view>

#include "control/merge_patch.h"
#include "control/pin_document.h"

namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul::control;
  const auto pinned = parse_pin({reinterpret_cast<const char*>(data), size});
  if (pinned) {
    require(size <= kMergePatchSizeMax);
    return 0;
  }
  require(pinned.error().status == 400 || pinned.error().status == 413);
  require(!problem_response(pinned.error()).body.empty());
  return 0;
}
