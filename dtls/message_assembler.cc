#include "dtls/message_assembler.h"

#include <algorithm>

namespace simpul::dtls {

// The one that the fragment belongs to, begun anew if the fragment contradicts it.
MessageAssembler::Message& MessageAssembler::message_of(const Fragment& fragment) {
  auto found = std::ranges::find(messages_, fragment.type, &Message::type);
  if (found != messages_.end() && found->message_seq == fragment.message_seq &&
      found->bytes.size() == fragment.length) {
    return *found;
  }
  if (found == messages_.end()) found = messages_.emplace(messages_.end());
  *found = {.type = fragment.type,
            .message_seq = fragment.message_seq,
            .bytes = std::vector<uint8_t>(fragment.length),
            .received = std::vector<bool>(fragment.length),
            .missing = fragment.length};
  return *found;
}

bool MessageAssembler::add(const Fragment& fragment) {
  Message& message = message_of(fragment);
  std::ranges::copy(fragment.bytes, message.bytes.begin() + fragment.offset);
  if (message.missing == 0) return true;
  for (size_t i = fragment.offset; i < fragment.offset + fragment.bytes.size(); ++i) {
    if (!message.received[i]) --message.missing;
    message.received[i] = true;
  }
  if (message.missing > 0) return false;
  message.received = std::vector<bool>();  // an empty list would keep the memory
  return true;
}

std::optional<Fragment> MessageAssembler::whole(uint8_t type) const {
  const auto found = std::ranges::find(messages_, type, &Message::type);
  if (found == messages_.end() || found->missing > 0) return std::nullopt;
  return Fragment{.type = type,
                  .length = static_cast<uint32_t>(found->bytes.size()),
                  .message_seq = found->message_seq,
                  .bytes = found->bytes};
}

void MessageAssembler::forget(uint8_t type) {
  std::erase_if(messages_, [type](const Message& message) { return message.type == type; });
}

}  // namespace simpul::dtls
