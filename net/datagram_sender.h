#pragma once

#include <cstdint>
#include <span>

#include "base/address.h"
#include "base/bytes.h"

namespace simpul::net {

// One message for the kernel: one datagram, or a run of datagrams of `segment_size` bytes (the
// last may be shorter) that the kernel or the network card cuts (UDP_SEGMENT).
struct OutgoingMessage {
  Bytes bytes;
  uint16_t segment_size = 0;  // 0: one datagram
  Address to;
  uint16_t from = 0;  // the sender's number of a local address; 0: as the route chooses
};

// Where datagrams go: a socket, or a fake in tests.
class DatagramSender {
 public:
  // What one call takes.
  static constexpr size_t kMessagesMax = 64;

  virtual ~DatagramSender() = default;

  // As sendmmsg(2): how many messages were taken, at least one; or -errno when the first one was
  // refused.
  virtual int send_messages(std::span<const OutgoingMessage> messages) = 0;
  // Asks for one call of whoever listens to the sender when it can take more. Called after EAGAIN.
  virtual void notify_when_writable() = 0;
};

}  // namespace simpul::net
