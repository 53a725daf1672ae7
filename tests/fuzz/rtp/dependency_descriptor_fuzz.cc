#include "rtp/dependency_descriptor.h"

#include <vector>

#include "rtp/payload_info.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// The first byte says how many of the rest are the descriptor, what follows is a payload: read as
// of every codec. Another frame number reads back, and changes nothing else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes rest(data + 1, size - 1);
  const Bytes bytes = rest.first(data[0] < rest.size() ? data[0] : rest.size());
  const Bytes payload = rest.subspan(bytes.size());
  for (int codec = 0; !payload.empty() && codec < 6; ++codec) {
    const auto info = read_payload(static_cast<Codec>(codec), payload, bytes);
    if (!info) continue;
    if (const auto numbers = info->numbers()) {
      check(info->with_numbers(*numbers).replaced <= payload.size());
    }
  }
  const auto descriptor = DependencyDescriptor::parse(bytes);
  if (!descriptor) return 0;
  check(!descriptor->key_frame() ||
        (descriptor->templates >= 1 && descriptor->decode_targets >= 1));
  check(descriptor->templates <= DependencyDescriptor::kTemplatesMax);
  check(descriptor->decode_targets <= 32);
  std::vector<uint8_t> other(bytes.begin(), bytes.end());
  check(rewrite_descriptor(bytes, 0xabcd, {}, other) == bytes.size());
  const auto again = DependencyDescriptor::parse(other);
  check(again && again->frame_number == 0xabcd && again->key_frame() == descriptor->key_frame());
  check(again->template_id == descriptor->template_id && again->width == descriptor->width);
  return 0;
}
