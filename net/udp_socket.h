#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/packet.h"
#include "net/datagram_sender.h"
#include "net/event_loop.h"
#include "net/local_ends.h"

struct msghdr;

namespace simpul::net {

struct ReceivedDatagram {
  PacketRef packet;
  Address from;
  uint16_t at = 0;  // the number of the local address that it came to
};

struct UdpStatistics {
  uint64_t datagrams = 0;          // handed over
  uint64_t bytes = 0;              // of these
  uint64_t system_calls = 0;       // recvmmsg
  uint64_t dropped_no_packet = 0;  // the pool was dry
  uint64_t dropped_truncated = 0;  // longer than kPacketCapacity
  uint64_t overflows = 0;  // dropped by the kernel, the socket's buffer was full (SO_RXQ_OVFL)
  uint64_t receive_errors = 0;
};

// A bound, non-blocking UDP socket (IPv4, or IPv6 only) that reads and writes in batches. Bound to
// all addresses of the machine, it tells to which of them a datagram came, and sends from that one
// when it is told to. A datagram that is larger than the path's MTU leaves in fragments and is not
// lost. It holds up to kBatch packets of the pool it reads into, so the pool outlives it.
class UdpSocket final : public DatagramSender {
 public:
  static constexpr size_t kBatch = 32;
  static constexpr int kBufferSize = 4 * 1024 * 1024;  // asked of the kernel, each way
  static constexpr size_t kOwnSocketsMax = 16;

  // Port 0 takes a free one. The error is one line: "bind 127.0.0.1:7700: address already in use".
  static Expected<std::unique_ptr<UdpSocket>, std::string> bind(const Address& address);
  // Sockets of their own for the addresses that the machine has now, at the port of this one, which
  // is bound to all of them: what comes to such an address is theirs from now on. Whoever is
  // reached over another address, mostly over another interface, has a send buffer of his own, and
  // does not wait for a slow one. Addresses that get none (more than kOwnSocketsMax, or later ones)
  // stay with this socket.
  std::vector<std::unique_ptr<UdpSocket>> bind_own_addresses() const;
  ~UdpSocket() override;
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // With the port that was taken.
  const Address& local_address() const { return ends_.at(0); }
  // By the number that a received datagram has, and one that is sent may have.
  const Address& local_address(uint16_t number) const { return ends_.at(number); }

  struct Handlers {
    std::function<void()> on_readable{};  // every turn while something is waiting
    std::function<void()> on_writable{};  // once for each notify_when_writable()
  };
  // From now on the loop's thread owns the socket. It is destroyed before the loop and outside of
  // its handlers.
  void watch(EventLoop& loop, Handlers handlers);

  // Reads up to `max` datagrams (rounded up to whole batches) and appends them. True when more may
  // be waiting. What finds no packet in the pool is read and dropped, so that it cannot pile up.
  bool receive(PacketPool& pool, std::vector<ReceivedDatagram>& received, size_t max);

  int send_messages(std::span<const OutgoingMessage> messages) override;
  void notify_when_writable() override;

  const UdpStatistics& statistics() const { return statistics_; }
  // What the kernel gave, in bytes, by its own measure: a datagram takes more than its size.
  int receive_buffer_size() const;
  int send_buffer_size() const;

 private:
  struct Batch;
  static Expected<std::unique_ptr<UdpSocket>, std::string> bind(const Address& address,
                                                                bool beside_another);
  UdpSocket(int fd, const Address& local_address);
  void on_ready(FdWatcher::Ready ready);
  bool receive_batch(PacketPool& pool, std::vector<ReceivedDatagram>& received);
  void take_datagram(size_t i, std::vector<ReceivedDatagram>& received);
  uint16_t take_controls(msghdr& header);

  int fd_;
  LocalEnds ends_;
  const EventLoop* loop_ = nullptr;  // whose clock it has, once it is watched
  std::unique_ptr<Batch> batch_;
  Handlers handlers_;
  bool wants_writable_ = false;
  UdpStatistics statistics_;
  std::optional<FdWatcher> watcher_;
};

}  // namespace simpul::net
