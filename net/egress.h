#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "net/datagram_sender.h"
#include "net/send_arena.h"

namespace simpul::net {

struct EgressStatistics {
  uint64_t datagrams = 0;     // taken by the kernel
  uint64_t bytes = 0;         // of these, UDP payload
  uint64_t messages = 0;      // a run is one
  uint64_t system_calls = 0;  // sendmmsg, also those in vain
  uint64_t would_block = 0;   // calls that met a full socket buffer
  uint64_t refused_runs = 0;  // sent again plainly
  // Datagrams that never left.
  uint64_t dropped_arena_full = 0;   // reserve() had no room
  uint64_t dropped_too_large = 0;    // EMSGSIZE for one datagram
  uint64_t dropped_unreachable = 0;  // any other error for one destination
  // How many messages had so many datagrams; the first entry stays 0.
  std::array<uint64_t, SendArena::kSegmentsMax + 1> messages_by_datagrams{};
};

// The way out of one socket: collects datagrams in send memory and gives them to the kernel in as
// few messages and system calls as it takes. Order is kept. A full socket keeps the tail for
// later, bounded by the memory; a destination that refuses runs gets its datagrams one by one from
// then on; any other error drops that message only. Nothing is allocated per datagram.
class Egress {
 public:
  // Destinations that are remembered to refuse runs; the oldest is forgotten for a new one.
  static constexpr size_t kPlainDestinationsMax = 4096;

  explicit Egress(DatagramSender& sender, size_t capacity = SendArena::kCapacity);

  // Room for one datagram, or empty (counted): the caller drops it. The room stays valid and may be
  // written until the next flush(), also after commit().
  // While the socket is full, the last `kept` bytes of the memory are for others: for checks and
  // feedback when media ask.
  MutableBytes reserve(size_t size, size_t kept = 0);
  // The first `size` bytes of what was reserved last are one datagram to `to`, from the sender's
  // local address of that number.
  void commit(size_t size, const Address& to, uint16_t from = 0);
  // Gives everything to the kernel. Does nothing while the socket is full; see on_writable().
  void flush();
  // The socket takes more again: to be wired to UdpSocket::Handlers::on_writable.
  void on_writable();

  // What reserve() can still give before the next flush(), in bytes: about 3,400 packets of video
  // when all is empty, so a large frame to many takes several flushes.
  size_t room() const { return arena_.capacity() - arena_.used(); }
  // Nothing waits, neither for flush() nor for the socket.
  bool empty() const { return arena_.runs().empty(); }
  bool blocked() const { return blocked_; }
  const EgressStatistics& statistics() const { return statistics_; }

 private:
  size_t fill_batch();
  void advance_one_message();
  void on_taken(size_t messages);
  bool on_refused(int error);
  void remember_plain(const Address& to);

  DatagramSender& sender_;
  SendArena arena_;
  EgressStatistics statistics_;
  std::array<OutgoingMessage, DatagramSender::kMessagesMax> batch_;
  size_t next_run_ = 0;      // the first that was not taken,
  size_t next_segment_ = 0;  // and in it, if it is plain, the first datagram that was not
  bool blocked_ = false;
  std::unordered_set<Address> plain_destinations_;
  std::vector<Address> plain_order_;  // a ring of the same addresses, the oldest at plain_oldest_
  size_t plain_oldest_ = 0;
};

}  // namespace simpul::net
