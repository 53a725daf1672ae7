#include "rtp/vp9.h"

#include <vector>

#include "rtp/vp9_references.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Any bytes parse or are refused; other numbers in the same descriptor read back, at the same size.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto descriptor = Vp9Descriptor::parse(Bytes(data, size));
  if (!descriptor) return 0;
  check(descriptor->size <= size);
  const auto head = descriptor->with_numbers({.picture_id = 0x7fff, .tl0_pic_idx = 0xff});
  check(head.size == head.replaced && head.size <= descriptor->size && head.size <= 6);
  std::vector<uint8_t> bytes(head.bytes.begin(), head.bytes.begin() + head.size);
  bytes.insert(bytes.end(), data + head.replaced, data + size);
  const auto again = Vp9Descriptor::parse(bytes);
  check(again.has_value());
  check(again->size == descriptor->size && again->key_frame() == descriptor->key_frame());
  check(again->spatial_id == descriptor->spatial_id && again->width == descriptor->width);
  check(!again->picture_id || *again->picture_id == (again->long_picture_id ? 0x7fff : 0x7f));

  // The bytes as those of three pictures in a row, whatever they refer to.
  Vp9References references;
  for (uint16_t i = 0; i < 3; ++i) {
    Vp9Descriptor picture = *descriptor;
    if (picture.picture_id) {
      picture.picture_id = static_cast<uint16_t>((*picture.picture_id + i) & 0x7fff);
    }
    references.correct(picture);
    const auto corrected = picture.with_numbers(picture.numbers());
    check(corrected.size == corrected.replaced && corrected.size <= picture.size);
    for (uint8_t at = 0; at < picture.reference_count; ++at) {
      check(picture.references[at] <= descriptor->references[at]);
    }
  }
  return 0;
}
