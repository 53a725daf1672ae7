#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "dtls/fragment.h"

namespace simpul::dtls {

// Puts the fragments of handshake messages together (RFC 6347 §4.2.3). Keeps one message of each
// type, which costs at most 9/8 of what HandshakeFilter lets through. Overlaps and repetitions are
// legal; what came last counts, also about number and length, so that the genuine message heals or
// replaces what was forged of it.
class MessageAssembler {
 public:
  // Takes a fragment that the filter let pass. True when its message is whole.
  bool add(const Fragment& fragment);
  // The message of this type, if it is whole. Borrowed until the next call that changes something.
  std::optional<Fragment> whole(uint8_t type) const;
  void forget(uint8_t type);
  void reset() { messages_.clear(); }

 private:
  struct Message {
    uint8_t type = 0;
    uint16_t message_seq = 0;
    std::vector<uint8_t> bytes = {};
    std::vector<bool> received = {};  // empty when nothing is missing
    size_t missing = 0;
  };

  Message& message_of(const Fragment& fragment);

  std::vector<Message> messages_;
};

}  // namespace simpul::dtls
