#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "dtls/fragment.h"
#include "dtls/handshake_filter.h"

namespace simpul::dtls {

// Puts the fragments of handshake messages together (RFC 6347 §4.2.3) and lets each message go once
// it is whole and its turn has come. Whoever gets them keeps nothing in pieces: that is here, and
// costs at most 9/8 of what HandshakeFilter lets a peer announce. Overlaps are legal; what came
// last counts, so that the genuine message heals a forged piece of it.
class MessageAssembler {
 public:
  // Takes a fragment that the filter let pass. Appends the messages whose turn it is, each as a
  // record of its own. A message that went before goes again if it is in one piece: the first may
  // have been forged.
  void add(const Fragment& fragment, std::vector<uint8_t>& datagram);
  void reset() { *this = MessageAssembler(); }

 private:
  struct Message {
    uint8_t type = 0;  // 0: nothing of it came
    std::vector<uint8_t> bytes = {};
    std::vector<bool> received = {};
    size_t missing = 0;
  };

  std::array<Message, HandshakeFilter::kMessagesMax> messages_;
  uint16_t next_ = 0;  // message_seq of the next to go
};

}  // namespace simpul::dtls
