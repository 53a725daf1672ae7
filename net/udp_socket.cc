#include "net/udp_socket.h"

#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "net/interfaces.h"
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

// A datagram beyond the path's MTU is cut, here or by a router: fragments may get lost, what is too
// large always does. IPv4 leaves without DF, and nobody's forged ICMP is believed (OMIT). IPv6
// routers do not cut, so their word is taken; a forged one cannot go below 1,280 bytes, which our
// datagrams seldom reach.
void allow_fragments(int fd, bool v4) {
  if (v4) {
    set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  } else {
    set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
  }
}

void set_options(int fd, const Address& address) {
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  if (!address.is_v4()) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  allow_fragments(fd, address.is_v4());
  if (!address.is_unspecified()) return;
  if (address.is_v4()) {
    set_option(fd, IPPROTO_IP, IP_PKTINFO, 1);
  } else {
    set_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  }
}

int option_of(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) == 0 ? value : 0;
}

template <class Value>
Value value_of(const cmsghdr* part) {
  Value value;
  std::memcpy(&value, CMSG_DATA(part), sizeof value);
  return value;
}

cmsghdr head_of(int level, int type, size_t size) {
  cmsghdr head{};
  head.cmsg_level = level;
  head.cmsg_type = type;
  head.cmsg_len = CMSG_LEN(size);
  return head;
}

constexpr size_t kSegmentSpace = CMSG_SPACE(sizeof(uint16_t));
constexpr size_t kPacketInfoSpaceMax = CMSG_SPACE(sizeof(in6_pktinfo));

}  // namespace

// The arrays of the two system calls, their pointers set once.
struct UdpSocket::Batch {
  struct alignas(cmsghdr) ReceiveControl {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint32_t)) + kPacketInfoSpaceMax> bytes{};
  };
  // UDP_SEGMENT, and behind it IP_PKTINFO or IPV6_PKTINFO: a message has one, both or none.
  struct alignas(cmsghdr) SendControl {
    std::array<uint8_t, kSegmentSpace + kPacketInfoSpaceMax> bytes{};
  };

  explicit Batch(bool is_v4) : v4(is_v4) {
    for (size_t i = 0; i < kBatch; ++i) {
      msghdr& header = received[i].msg_hdr;
      header.msg_iov = &received_parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &from[i];
      header.msg_control = receive_controls[i].bytes.data();
      make_ready(i);
    }
    const cmsghdr segment = head_of(SOL_UDP, UDP_SEGMENT, sizeof(uint16_t));
    const cmsghdr info = v4 ? head_of(IPPROTO_IP, IP_PKTINFO, sizeof(in_pktinfo))
                            : head_of(IPPROTO_IPV6, IPV6_PKTINFO, sizeof(in6_pktinfo));
    for (size_t i = 0; i < kMessagesMax; ++i) {
      msghdr& header = sent[i].msg_hdr;
      header.msg_iov = &sent_parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &to[i];
      std::memcpy(send_controls[i].bytes.data(), &segment, sizeof segment);
      std::memcpy(send_controls[i].bytes.data() + kSegmentSpace, &info, sizeof info);
    }
  }

  // What the kernel overwrote.
  void make_ready(size_t i) {
    received[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
    received[i].msg_hdr.msg_controllen = sizeof(ReceiveControl);
  }

  void take_packets(PacketPool& pool) {
    for (size_t i = 0; i < kBatch; ++i) {
      if (packets[i]) continue;
      packets[i] = pool.allocate();
      uint8_t* room = packets[i] ? packets[i]->bytes.data() : scratch.data();
      received_parts[i] = {room, kPacketCapacity};
    }
  }

  void fill(size_t i, const OutgoingMessage& message, const LocalEnds& ends) {
    // The kernel only reads it.
    sent_parts[i] = {const_cast<uint8_t*>(message.bytes.data()), message.bytes.size()};
    msghdr& header = sent[i].msg_hdr;
    header.msg_namelen = store_address(message.to, to[i]);
    auto& control = send_controls[i].bytes;
    size_t begin = kSegmentSpace;
    size_t end = kSegmentSpace;
    if (message.segment_size != 0) {
      begin = 0;
      std::memcpy(control.data() + CMSG_LEN(0), &message.segment_size, sizeof message.segment_size);
    }
    if (message.from != 0) end += fill_packet_info(control.data() + end, ends.at(message.from));
    header.msg_control = begin == end ? nullptr : control.data() + begin;
    header.msg_controllen = end - begin;
  }

  // The address alone: head and interface stay as they are.
  size_t fill_packet_info(uint8_t* part, const Address& end) const {
    if (v4) {
      const size_t at = CMSG_LEN(0) + offsetof(in_pktinfo, ipi_spec_dst);
      std::memcpy(part + at, end.ip.data() + end.ip.size() - sizeof(in_addr), sizeof(in_addr));
      return CMSG_SPACE(sizeof(in_pktinfo));
    }
    std::memcpy(part + CMSG_LEN(0) + offsetof(in6_pktinfo, ipi6_addr), end.ip.data(),
                sizeof(in6_addr));
    return CMSG_SPACE(sizeof(in6_pktinfo));
  }

  bool v4;
  std::array<mmsghdr, kBatch> received{};
  std::array<iovec, kBatch> received_parts{};
  std::array<SocketAddress, kBatch> from{};
  std::array<ReceiveControl, kBatch> receive_controls{};
  std::array<PacketRef, kBatch> packets;
  std::array<uint8_t, kPacketCapacity> scratch{};  // for what finds no packet
  uint32_t overflows = 0;                          // the kernel's counter, which wraps

  std::array<mmsghdr, kMessagesMax> sent{};
  std::array<iovec, kMessagesMax> sent_parts{};
  std::array<SocketAddress, kMessagesMax> to{};
  std::array<SendControl, kMessagesMax> send_controls{};
};

Expected<std::unique_ptr<UdpSocket>, std::string> UdpSocket::bind(const Address& address) {
  return bind(address, false);
}

Expected<std::unique_ptr<UdpSocket>, std::string> UdpSocket::bind(const Address& address,
                                                                  bool beside_another) {
  const auto failure = [&address] {
    return unexpected("bind " + address.to_string() + ": " + error_text(errno));
  };
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  Descriptor descriptor(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (descriptor.fd() < 0) return failure();
  set_options(descriptor.fd(), address);
  if (beside_another) set_option(descriptor.fd(), SOL_SOCKET, SO_REUSEADDR, 1);
  SocketAddress local{};
  socklen_t length = store_address(address, local);
  if (::bind(descriptor.fd(), &local.any, length) != 0) return failure();
  length = sizeof local;
  if (::getsockname(descriptor.fd(), &local.any, &length) != 0) return failure();
  const Address bound = load_address(local);
  set_option(descriptor.fd(), SOL_SOCKET, SO_REUSEADDR, 0);
  return std::unique_ptr<UdpSocket>(new UdpSocket(descriptor.release(), bound));
}

std::vector<std::unique_ptr<UdpSocket>> UdpSocket::bind_own_addresses() const {
  std::vector<std::unique_ptr<UdpSocket>> own;
  if (!local_address().is_unspecified()) return own;
  // Both must agree to share the port. They do for this moment only: nobody else is to have it.
  set_option(fd_, SOL_SOCKET, SO_REUSEADDR, 1);
  for (const LocalAddress& known : local_addresses()) {
    if (known.address.is_v4() != local_address().is_v4() || own.size() == kOwnSocketsMax) continue;
    Address address = known.address;
    address.port = local_address().port;
    if (auto socket = bind(address, true)) own.push_back(std::move(*socket));
  }
  set_option(fd_, SOL_SOCKET, SO_REUSEADDR, 0);
  return own;
}

int UdpSocket::receive_buffer_size() const { return option_of(fd_, SOL_SOCKET, SO_RCVBUF); }

int UdpSocket::send_buffer_size() const { return option_of(fd_, SOL_SOCKET, SO_SNDBUF); }

UdpSocket::UdpSocket(int fd, const Address& local_address)
    : fd_(fd), ends_(local_address), batch_(std::make_unique<Batch>(local_address.is_v4())) {
  if (!local_address.is_unspecified()) return;
  // Those of now are kept: a machine may take whole networks for its own, and who writes to many of
  // their addresses must not use up the numbers.
  for (const LocalAddress& known : local_addresses()) {
    if (known.address.is_v4() == local_address.is_v4()) ends_.keep(known.address.ip);
  }
}

UdpSocket::~UdpSocket() {
  watcher_.reset();
  ::close(fd_);
}

void UdpSocket::watch(EventLoop& loop, Handlers handlers) {
  handlers_ = std::move(handlers);
  loop_ = &loop;
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
  const uint16_t at = take_controls(message.msg_hdr);
  if (!batch.packets[i]) {
    ++statistics_.dropped_no_packet;
  } else if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
    ++statistics_.dropped_truncated;
  } else {
    ++statistics_.datagrams;
    statistics_.bytes += message.msg_len;
    batch.packets[i]->size = message.msg_len;
    received.push_back({std::move(batch.packets[i]), load_address(batch.from[i]), at});
  }
  batch.make_ready(i);
}

// What the kernel tells beside a datagram: how many found no room in the socket's buffer, and the
// local address, whose number is returned.
uint16_t UdpSocket::take_controls(msghdr& header) {
  uint16_t at = 0;
  const auto now = [this] { return loop_ == nullptr ? TimePoint{} : loop_->now(); };
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SO_RXQ_OVFL) {
      const auto overflows = value_of<uint32_t>(part);
      statistics_.overflows += overflows - std::exchange(batch_->overflows, overflows);
    } else if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      const auto info = value_of<in_pktinfo>(part);
      std::array<uint8_t, sizeof(in_addr)> ip{};
      std::memcpy(ip.data(), &info.ipi_spec_dst, ip.size());
      at = ends_.number_of(Address::v4(ip, 0).ip, now());
    } else if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      const auto info = value_of<in6_pktinfo>(part);
      at = ends_.number_of(std::to_array(info.ipi6_addr.s6_addr), now());
    }
  }
  return at;
}

int UdpSocket::send_messages(std::span<const OutgoingMessage> messages) {
  const size_t count = std::min(messages.size(), kMessagesMax);
  for (size_t i = 0; i < count; ++i) batch_->fill(i, messages[i], ends_);
  const int taken =
      ::sendmmsg(fd_, batch_->sent.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
  return taken < 0 ? -errno : taken;
}

}  // namespace simpul::net
