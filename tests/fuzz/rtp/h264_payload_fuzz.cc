#include "rtp/h264.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Any bytes are a payload or not, and a parameter set or not.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes bytes(data, size);
  if (const auto payload = H264Payload::parse(bytes)) {
    check(!payload->has_parameters || payload->starts_unit);
    check(payload->has_parameters || payload->width == 0);
  }
  if (const auto picture = read_sequence_parameters(bytes)) {
    check(picture->width > 0 && picture->width <= 16'384);
    check(picture->height > 0 && picture->height <= 16'384);
  }
  return 0;
}
