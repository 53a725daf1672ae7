#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/packet.h"
#include "net/datagram_sender.h"
#include "net/event_loop.h"
#include "net/frame_queue.h"
#include "net/frame_reader.h"
#include "net/tcp_descriptor.h"

namespace simpul::net {

struct TcpMediaStatistics {
  FrameStatistics in;
  uint64_t dropped_slow = 0;   // frames that a full queue had no room for
  uint64_t dropped_gone = 0;   // frames to a stream that has ended
  uint64_t dropped_bytes = 0;  // of both
  uint64_t stalled = 0;        // streams closed because their peer did not read
};

// The TCP streams of one thread that carry packets as frames (RFC 4571), both ways. As the sender
// behind an Egress it never blocks: what a slow peer does not take waits for it in a bounded queue,
// and is dropped beyond that, so nobody else is held up. Streams are named by numbers that come
// once, and toward an Egress by address_of(). The pool and the loop outlive it.
class TcpMediaStreams final : public DatagramSender {
 public:
  // Of the numbers of streams, so that they can share a space with sockets'.
  static constexpr uint32_t kFirst = 65'536;
  // Bytes read of one stream before others have their turn.
  static constexpr size_t kReadMax = 32'768;
  // Packets of one stream before others have their turn: small ones are many in what is read.
  static constexpr size_t kPacketsPerTurn = 128;
  // Frames that leave in one system call.
  static constexpr size_t kFramesMax = 256;
  // How long a stream may take nothing of what waits for it.
  static constexpr Duration kStallMax = std::chrono::seconds(5);

  struct Handlers {
    std::function<void(uint32_t stream, const Address& remote, PacketRef packet)> on_packet;
    // Frames came that could be no packet; behind the packets that came with them.
    std::function<void(uint32_t stream)> on_unusable = {};
    // The peer closed or broke the stream, or it stalled; it is gone already. Not after close().
    std::function<void(uint32_t stream, const Address& remote)> on_ended;
    // What may be lost before anything else is.
    bool (*is_media)(Bytes packet) = nullptr;
  };

  TcpMediaStreams(EventLoop& loop, PacketPool& pool, Handlers handlers);
  ~TcpMediaStreams() override;
  TcpMediaStreams(const TcpMediaStreams&) = delete;
  TcpMediaStreams& operator=(const TcpMediaStreams&) = delete;

  // Begins to read; nothing is called back before the loop's next turn.
  uint32_t add(TcpDescriptor descriptor);
  // May be called inside on_packet.
  void close(uint32_t stream);
  // Closes the streams whose peers have stopped reading.
  void close_stalled(TimePoint now);

  // Its name as a destination: an address that no host has (of 100::/64, RFC 6666).
  static Address address_of(uint32_t stream);

  int send_messages(std::span<const OutgoingMessage> messages) override;
  void notify_when_writable() override {}  // it always takes more

  size_t size() const { return streams_.size(); }
  std::optional<Address> local_address(uint32_t stream) const;
  size_t bytes_waiting(uint32_t stream) const;
  const TcpMediaStatistics& statistics() const { return statistics_; }

 private:
  struct Stream;
  struct Batch;

  void on_ready(uint32_t number, FdWatcher::Ready ready);
  void read(uint32_t number, Stream& stream);
  void take(uint32_t number, Stream& stream, Bytes input);
  void go_on();
  void write_waiting(uint32_t number, Stream& stream);
  void send_batch(const Address& to);
  void drop_batch();
  void queue_rest(Stream& stream, size_t sent);
  void end(uint32_t number);

  EventLoop& loop_;
  PacketPool& pool_;
  Handlers handlers_;
  std::unordered_map<uint32_t, std::unique_ptr<Stream>> streams_;
  uint32_t next_ = kFirst;
  TcpMediaStatistics statistics_;
  std::unique_ptr<Batch> batch_;
  std::vector<uint8_t> read_buffer_ = std::vector<uint8_t>(kReadMax);
  std::vector<PacketRef> packets_;    // scratch
  std::vector<uint32_t> unfinished_;  // streams of which more was read than had its turn
  Timer next_turn_;
};

}  // namespace simpul::net
