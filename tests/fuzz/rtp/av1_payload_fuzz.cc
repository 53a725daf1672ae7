#include "rtp/av1.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Any bytes parse or are refused.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto payload = Av1Payload::parse(Bytes(data, size));
  if (!payload) return 0;
  check(payload->elements >= 1 && payload->elements <= Av1Payload::kElementsMax);
  check(!payload->continues || !payload->starts_sequence);
  check(payload->width == 0 || (payload->starts_sequence && payload->height > 0));
  return 0;
}
