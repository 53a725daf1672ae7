#include "net/udp_socket.h"

#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/socket_address.h"

namespace simpul::net {
namespace {

// Owns a descriptor until it is released.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

void set_option(int fd, int level, int name, int value) {
  // None of these is needed to work: a kernel that refuses one serves without it.
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

void set_buffer(int fd, int forced, int asked) {
  const int size = UdpSocket::kBufferSize;
  // Over the system's limit with the right to do so, up to it without.
  if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof size) != 0) {
    set_option(fd, SOL_SOCKET, asked, size);
  }
}

void set_options(int fd, bool v4) {
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (v4) {
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  } else {
    set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
  }
}

std::optional<uint32_t> overflow_count(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SO_RXQ_OVFL) continue;
    uint32_t count = 0;
    std::memcpy(&count, CMSG_DATA(part), sizeof count);
    return count;
  }
  return std::nullopt;
}

}  // namespace

// The arrays of the two system calls, their pointers set once.
struct UdpSocket::Batch {
  struct alignas(cmsghdr) OverflowControl {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint32_t))> bytes{};
  };
  struct alignas(cmsghdr) SegmentControl {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };

  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      msghdr& header = received[i].msg_hdr;
      header.msg_iov = &received_parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &from[i];
      header.msg_control = overflow_controls[i].bytes.data();
      make_ready(i);
    }
    for (size_t i = 0; i < kMessagesMax; ++i) {
      msghdr& header = sent[i].msg_hdr;
      header.msg_iov = &sent_parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &to[i];
      cmsghdr segment{};
      segment.cmsg_level = SOL_UDP;
      segment.cmsg_type = UDP_SEGMENT;
      segment.cmsg_len = CMSG_LEN(sizeof(uint16_t));
      std::memcpy(segment_controls[i].bytes.data(), &segment, sizeof segment);
    }
  }

  // What the kernel overwrote.
  void make_ready(size_t i) {
    received[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
    received[i].msg_hdr.msg_controllen = sizeof(OverflowControl);
  }

  void take_packets(PacketPool& pool) {
    for (size_t i = 0; i < kBatch; ++i) {
      if (packets[i]) continue;
      packets[i] = pool.allocate();
      uint8_t* room = packets[i] ? packets[i]->bytes.data() : scratch.data();
      received_parts[i] = {room, kPacketCapacity};
    }
  }

  void fill(size_t i, const OutgoingMessage& message) {
    // The kernel only reads it.
    sent_parts[i] = {const_cast<uint8_t*>(message.bytes.data()), message.bytes.size()};
    msghdr& header = sent[i].msg_hdr;
    header.msg_namelen = store_address(message.to, to[i]);
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    if (message.segment_size == 0) return;
    auto& control = segment_controls[i].bytes;
    std::memcpy(control.data() + CMSG_LEN(0), &message.segment_size, sizeof message.segment_size);
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }

  std::array<mmsghdr, kBatch> received{};
  std::array<iovec, kBatch> received_parts{};
  std::array<SocketAddress, kBatch> from{};
  std::array<OverflowControl, kBatch> overflow_controls{};
  std::array<PacketRef, kBatch> packets;
  std::array<uint8_t, kPacketCapacity> scratch{};  // for what finds no packet
  uint32_t overflows = 0;                          // the kernel's counter, which wraps

  std::array<mmsghdr, kMessagesMax> sent{};
  std::array<iovec, kMessagesMax> sent_parts{};
  std::array<SocketAddress, kMessagesMax> to{};
  std::array<SegmentControl, kMessagesMax> segment_controls{};
};

Expected<std::unique_ptr<UdpSocket>, std::string> UdpSocket::bind(const Address& address) {
  const auto failure = [&address] {
    return unexpected("bind " + address.to_string() + ": " + error_text(errno));
  };
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  Descriptor descriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (descriptor.fd() < 0) return failure();
  set_options(descriptor.fd(), address.is_v4());
  SocketAddress local{};
  socklen_t length = store_address(address, local);
  if (::bind(descriptor.fd(), &local.any, length) != 0) return failure();
  length = sizeof local;
  if (::getsockname(descriptor.fd(), &local.any, &length) != 0) return failure();
  const Address bound = load_address(local);
  return std::unique_ptr<UdpSocket>(new UdpSocket(descriptor.release(), bound));
}

UdpSocket::UdpSocket(int fd, const Address& local_address)
    : fd_(fd), local_address_(local_address), batch_(std::make_unique<Batch>()) {}

UdpSocket::~UdpSocket() {
  watcher_.reset();
  ::close(fd_);
}

void UdpSocket::watch(EventLoop& loop, Handlers handlers) {
  handlers_ = std::move(handlers);
  watcher_.emplace(loop, fd_, [this](FdWatcher::Ready ready) { on_ready(ready); });
  watcher_->watch({.readable = true, .writable = wants_writable_});
}

void UdpSocket::on_ready(FdWatcher::Ready ready) {
  if (ready.writable && wants_writable_) {
    wants_writable_ = false;
    watcher_->watch({.readable = true});
    if (handlers_.on_writable) handlers_.on_writable();
  }
  if (ready.readable && handlers_.on_readable) handlers_.on_readable();
}

void UdpSocket::notify_when_writable() {
  wants_writable_ = true;
  if (watcher_) watcher_->watch({.readable = true, .writable = true});
}

bool UdpSocket::receive(PacketPool& pool, std::vector<ReceivedDatagram>& received, size_t max) {
  for (size_t taken = 0; taken < max; taken += kBatch) {
    if (!receive_batch(pool, received)) return false;
  }
  return true;
}

bool UdpSocket::receive_batch(PacketPool& pool, std::vector<ReceivedDatagram>& received) {
  Batch& batch = *batch_;
  batch.take_packets(pool);
  ++statistics_.system_calls;
  const int result = ::recvmmsg(fd_, batch.received.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (result < 0) {
    if (errno == EINTR) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) ++statistics_.receive_errors;
    return false;
  }
  const auto count = static_cast<size_t>(result);
  for (size_t i = 0; i < count; ++i) take_datagram(i, received);
  return count == kBatch;
}

void UdpSocket::take_datagram(size_t i, std::vector<ReceivedDatagram>& received) {
  Batch& batch = *batch_;
  mmsghdr& message = batch.received[i];
  if (const auto overflows = overflow_count(message.msg_hdr)) {
    statistics_.overflows += *overflows - std::exchange(batch.overflows, *overflows);
  }
  if (!batch.packets[i]) {
    ++statistics_.dropped_no_packet;
  } else if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
    ++statistics_.dropped_truncated;
  } else {
    ++statistics_.datagrams;
    statistics_.bytes += message.msg_len;
    batch.packets[i]->size = message.msg_len;
    received.push_back({std::move(batch.packets[i]), load_address(batch.from[i])});
  }
  batch.make_ready(i);
}

int UdpSocket::send_messages(std::span<const OutgoingMessage> messages) {
  const size_t count = std::min(messages.size(), kMessagesMax);
  for (size_t i = 0; i < count; ++i) batch_->fill(i, messages[i]);
  const int taken =
      ::sendmmsg(fd_, batch_->sent.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  return taken < 0 ? -errno : taken;
}

}  // namespace simpul::net
