#include "ice/stun_message.h"

// Any bytes parse or are refused; what parses lies inside the input, and nothing that the fuzzer
// can make carries a right signature.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul;
  static const crypto::HmacSha1 key(as_bytes("a password that nobody knows"));
  const Bytes bytes(data, size);
  const auto fragment = ice::username_fragment_of(bytes);
  const auto message = ice::StunMessage::parse(bytes);
  if (!message) {
    if (fragment) __builtin_trap();
    return 0;
  }
  if (fragment && fragment->size() >= message->username()->size()) __builtin_trap();
  if (message->unknown_attributes().size() > ice::StunMessage::kUnknownMax) __builtin_trap();
  if (message->has_integrity(key)) __builtin_trap();
  (void)message->has_plausible_fingerprint();
  const auto answer =
      ice::make_binding_error(message->transaction_id(), ice::StunErrorCode::kUnknownAttribute,
                              message->unknown_attributes(), key);
  if (!ice::StunMessage::parse(answer)->has_integrity(key)) __builtin_trap();
  return 0;
}
