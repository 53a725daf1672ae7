#include "dtls/certificate_check.h"

// The body of a Certificate message. There is nothing to see but that it is read within its bounds,
// and that its beginning alone is never enough.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const simpul::Bytes message(data, size);
  if (size < 4 || !simpul::dtls::may_be_parsed(message)) return 0;
  const size_t list = simpul::load_be24(message.first<3>());
  if (3 + list > size) __builtin_trap();
  if (list > 0 && simpul::dtls::may_be_parsed(message.first(3 + list - 1))) __builtin_trap();
  return 0;
}
