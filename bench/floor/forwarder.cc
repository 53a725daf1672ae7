#include "bench/floor/forwarder.h"

#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "bench/floor/feeder.h"

namespace simpul::floor_bench {

struct Forwarder::Message {
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };
  Control control;
  iovec part{};
};

// Of the two system calls, and the send memory.
struct Forwarder::Arrays {
  std::array<std::array<uint8_t, kRoom>, kReadMax> packets{};
  std::array<iovec, kReadMax> parts{};
  std::array<mmsghdr, kReadMax> received{};
  std::array<sockaddr_in, kReadMax> from{};
  std::array<Message, kMessages> messages{};
  std::array<mmsghdr, kMessages> sent{};
  std::array<dtls::RtpToSeal, kBatchPacketsMax> jobs{};
  std::vector<uint8_t> arena = std::vector<uint8_t>(kMessages * 65'000);
};

Forwarder::Forwarder(const Shape& shape, Sockets& subscribers)
    : subscribers_(subscribers),
      queue_(epoll_create1(EPOLL_CLOEXEC)),
      receiver_(engine_, master_key(shape.profile, 0)),
      by_port_(0x10000),
      audiences_(shape.publishers),
      arrays_(std::make_unique<Arrays>()),
      batch_(kBatchPacketsMax) {
  epoll_event wish{.events = EPOLLIN, .data = {.fd = socket_.fd()}};
  epoll_ctl(queue_, EPOLL_CTL_ADD, socket_.fd(), &wish);
  for (size_t i = 0; i < subscribers.size(); ++i) {
    senders_.emplace_back(engine_, viewer_key(shape.profile, i));
    reporters_.emplace_back(engine_, viewer_key(shape.profile, i));
    by_port_[ntohs(subscribers[i]->address().sin_port)] = i;
    for (size_t nth = 0; nth < std::min(shape.heard, shape.publishers); ++nth) {
      audiences_[(i + nth) % shape.publishers].push_back(i);
    }
  }
  for (size_t i = 0; i < kReadMax; ++i) {
    arrays_->parts[i] = {arrays_->packets[i].data(), kRoom};
    arrays_->received[i].msg_hdr.msg_iov = &arrays_->parts[i];
    arrays_->received[i].msg_hdr.msg_iovlen = 1;
    arrays_->received[i].msg_hdr.msg_name = &arrays_->from[i];
    arrays_->received[i].msg_hdr.msg_namelen = sizeof(sockaddr_in);
  }
  for (size_t i = 0; i < kMessages; ++i) {
    Message& message = arrays_->messages[i];
    auto* control = reinterpret_cast<cmsghdr*>(message.control.bytes.data());
    control->cmsg_level = SOL_UDP;
    control->cmsg_type = UDP_SEGMENT;
    control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
    msghdr& header = arrays_->sent[i].msg_hdr;
    header.msg_namelen = sizeof(sockaddr_in);
    header.msg_iov = &message.part;
    header.msg_iovlen = 1;
  }
}

Forwarder::~Forwarder() { close(queue_); }

bool Forwarder::turn() {
  epoll_event event{};
  epoll_wait(queue_, &event, 1, 100);
  const int count =
      recvmmsg(socket_.fd(), arrays_->received.data(), kReadMax, MSG_DONTWAIT, nullptr);
  for (size_t i = 0; i < static_cast<size_t>(std::max(count, 0)); ++i) {
    if (is_feedback(i)) {
      take_feedback(i);
      continue;
    }
    take(i);
    const bool last = (arrays_->packets[i][1] & kLastOfBatch) != 0;
    const bool due = last ? !sizes_.empty() : sizes_.size() == kBatchPacketsMax;
    if (due && !forward()) return false;
  }
  return flush();
}

bool Forwarder::is_feedback(size_t i) const { return arrays_->packets[i][1] == kFeedbackType; }

void Forwarder::take_feedback(size_t i) {
  const MutableBytes packet = MutableBytes(arrays_->packets[i]).first(arrays_->received[i].msg_len);
  const size_t subscriber = by_port_[ntohs(arrays_->from[i].sin_port)];
  if (reporters_[subscriber].open_rtcp(packet)) ++feedback_;
}

void Forwarder::take(size_t i) {
  const MutableBytes packet = MutableBytes(arrays_->packets[i]).first(arrays_->received[i].msg_len);
  dtls::RtpToOpen job{.packet = packet};
  receiver_.open(std::span(&job, 1));
  if (!job.opened) return;
  publisher_ = load_be32(Bytes(packet).subspan<kHeaderBytes, 4>());
  std::ranges::copy(packet.first(*job.opened), batch_[sizes_.size()].begin());
  sizes_.push_back(*job.opened);
}

bool Forwarder::forward() {
  const std::vector<size_t>& audience = audiences_[publisher_];
  for (const size_t subscriber : audience) {
    fill(subscriber, filled_++);
    if (filled_ == kMessages && !flush()) return false;
  }
  forwarded_ += sizes_.size() * audience.size();
  index_ += sizes_.size();
  sizes_.clear();
  return true;
}

bool Forwarder::flush() {
  tags_.finish();
  size_t sent = 0;
  while (sent < filled_) {
    const int done =
        sendmmsg(socket_.fd(), &arrays_->sent[sent], static_cast<unsigned>(filled_ - sent), 0);
    if (done <= 0) return false;
    sent += static_cast<size_t>(done);
  }
  filled_ = 0;
  return true;
}

void Forwarder::fill(size_t subscriber, size_t place) {
  dtls::SrtpSender& sender = senders_[subscriber];
  MutableBytes room = MutableBytes(arrays_->arena).subspan(place * 65'000, 65'000);
  uint8_t* const begin = room.data();
  const auto segment = static_cast<uint16_t>(sizes_.front() + sender.overhead());
  for (size_t i = 0; i < sizes_.size(); ++i) {
    const MutableBytes destination = room.first(sizes_[i] + sender.overhead());
    const Bytes packet = Bytes(batch_[i]).first(sizes_[i]);
    std::ranges::copy(packet.first(kHeaderBytes), destination.begin());
    store_be16(destination.subspan<2, 2>(), static_cast<uint16_t>(index_ + i));
    arrays_->jobs[i] = {.destination = destination,
                        .header_size = kHeaderBytes,
                        .head = {},
                        .body = packet.subspan(kHeaderBytes),
                        .padding = 0,
                        .index = index_ + i};
    room = room.subspan(destination.size());
  }
  sender.begin_seal(std::span(arrays_->jobs).first(sizes_.size()), tags_);
  Message& message = arrays_->messages[place];
  message.part = {begin, static_cast<size_t>(room.data() - begin)};
  std::memcpy(CMSG_DATA(reinterpret_cast<cmsghdr*>(message.control.bytes.data())), &segment,
              sizeof segment);
  msghdr& header = arrays_->sent[place].msg_hdr;
  header.msg_name = &subscribers_[subscriber]->address();
  header.msg_control = sizes_.size() == 1 ? nullptr : message.control.bytes.data();
  header.msg_controllen = sizes_.size() == 1 ? 0 : message.control.bytes.size();
}

}  // namespace simpul::floor_bench
