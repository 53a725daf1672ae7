#include <algorithm>
#include <array>

#include "dtls/signature.h"

// Two bytes with the size of a Certificate message's body, that body, and a digitally-signed
// structure. There is nothing to see but that both are read within their bounds, and that nobody
// can sign what is not known here.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const simpul::Bytes input(data, size);
  const size_t wanted = simpul::load_be16(input.first<2>());
  const simpul::Bytes rest = input.subspan(2);
  const simpul::Bytes message = rest.first(std::min(wanted, rest.size()));
  const std::array<simpul::Bytes, 1> parts = {simpul::Bytes(data, 2)};
  if (simpul::dtls::is_signed_by(message, rest.subspan(message.size()), parts)) __builtin_trap();
  return 0;
}
