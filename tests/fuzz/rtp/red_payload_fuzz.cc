#include "rtp/red.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

// Any bytes parse or are refused; the primary block is inside and not empty.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto red = RedPayload::parse(Bytes(data, size).first(size < 65'000 ? size : 65'000));
  if (!red) return 0;
  check(red->primary_offset >= 1 && red->primary_offset < size);
  check(red->block_type.value() == (data[0] & 0x7f));
  return 0;
}
