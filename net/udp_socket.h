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

namespace simpul::net {

struct ReceivedDatagram {
  PacketRef packet;
  Address from;
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

// A bound, non-blocking UDP socket (IPv4, or IPv6 only) that reads and writes in batches. Datagrams
// leave with DF set and are not cut by routers; path MTU messages, which anybody can forge, are
// not believed (IP_PMTUDISC_PROBE). It holds up to kBatch packets of the pool it reads into, so the
// pool outlives it.
class UdpSocket final : public DatagramSender {
 public:
  static constexpr size_t kBatch = 32;
  static constexpr int kBufferSize = 4 * 1024 * 1024;  // asked of the kernel, each way

  // Port 0 takes a free one. The error is one line: "bind 127.0.0.1:7700: address already in use".
  static Expected<std::unique_ptr<UdpSocket>, std::string> bind(const Address& address);
  ~UdpSocket() override;
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // With the port that was taken.
  const Address& local_address() const { return local_address_; }

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

 private:
  struct Batch;
  UdpSocket(int fd, const Address& local_address);
  void on_ready(FdWatcher::Ready ready);
  bool receive_batch(PacketPool& pool, std::vector<ReceivedDatagram>& received);
  void take_datagram(size_t i, std::vector<ReceivedDatagram>& received);

  int fd_;
  Address local_address_;
  std::unique_ptr<Batch> batch_;
  Handlers handlers_;
  bool wants_writable_ = false;
  UdpStatistics statistics_;
  std::optional<FdWatcher> watcher_;
};

}  // namespace simpul::net
