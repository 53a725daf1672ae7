#include "dtls/message_assembler.h"

#include <algorithm>

#include "base/check.h"

namespace simpul::dtls {

void MessageAssembler::add(const Fragment& fragment, std::vector<uint8_t>& datagram) {
  SIMPUL_CHECK(fragment.message_seq < messages_.size());
  if (fragment.message_seq < next_) {
    if (fragment.is_whole()) append_message_record(fragment, datagram);
    return;
  }
  Message& message = messages_[fragment.message_seq];
  if (message.type == 0) {
    message = {.type = fragment.type,
               .bytes = std::vector<uint8_t>(fragment.length),
               .received = std::vector<bool>(fragment.length),
               .missing = fragment.length};
  }
  SIMPUL_CHECK(message.bytes.size() == fragment.length);  // the filter holds it to the first one
  std::ranges::copy(fragment.bytes, message.bytes.begin() + fragment.offset);
  for (size_t i = fragment.offset; i < fragment.offset + fragment.bytes.size(); ++i) {
    if (!message.received[i]) --message.missing;
    message.received[i] = true;
  }
  while (next_ < messages_.size() && messages_[next_].type != 0 && messages_[next_].missing == 0) {
    Message& whole = messages_[next_];
    append_message_record({.type = whole.type,
                           .length = static_cast<uint32_t>(whole.bytes.size()),
                           .message_seq = next_,
                           .bytes = whole.bytes},
                          datagram);
    whole = {};
    ++next_;
  }
}

}  // namespace simpul::dtls
