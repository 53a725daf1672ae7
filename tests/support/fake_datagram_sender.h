#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "net/datagram_sender.h"

namespace simpul::testing {

// A socket without a kernel: keeps what it is given, and fails as it is told to.
class FakeDatagramSender final : public net::DatagramSender {
 public:
  struct Message {
    std::vector<uint8_t> bytes;
    uint16_t segment_size = 0;
    Address to;
    uint16_t from = 0;
  };

  int send_messages(std::span<const net::OutgoingMessage> messages) override {
    ++calls;
    batch_sizes.push_back(messages.size());
    if (!errors.empty()) {
      const int error = errors.front();
      errors.pop_front();
      if (error != 0) return -error;
    }
    size_t taken = 0;
    for (const net::OutgoingMessage& message : messages) {
      const int error = error_of(message);
      // As the kernel: an error behind the first message is told by the next call.
      if (error != 0) return taken > 0 ? static_cast<int>(taken) : -error;
      if (room > 0) --room;
      ++taken;
      if (keep) {
        sent.push_back({{message.bytes.begin(), message.bytes.end()},
                        message.segment_size,
                        message.to,
                        message.from});
      }
    }
    return static_cast<int>(taken);
  }
  void notify_when_writable() override { ++notifications_asked; }

  // The datagrams of all messages, as their receivers would see them.
  std::vector<std::vector<uint8_t>> datagrams() const {
    std::vector<std::vector<uint8_t>> all;
    for (const Message& message : sent) {
      const size_t size = message.segment_size == 0 ? message.bytes.size() : message.segment_size;
      for (size_t at = 0; at < message.bytes.size(); at += size) {
        const auto from = message.bytes.begin() + static_cast<std::ptrdiff_t>(at);
        const size_t length = std::min(size, message.bytes.size() - at);
        all.emplace_back(from, from + static_cast<std::ptrdiff_t>(length));
      }
    }
    return all;
  }

  static constexpr size_t kUnlimited = SIZE_MAX;
  size_t room = kUnlimited;       // messages until EAGAIN
  std::deque<int> errors;         // of the next calls, whatever they send; 0 is none
  int run_error = 0;              // of every run of several datagrams
  std::set<Address> unreachable;  // ECONNREFUSED
  size_t datagram_max = 65'507;   // EMSGSIZE above
  bool keep = true;

  std::vector<Message> sent;
  std::vector<size_t> batch_sizes;
  size_t calls = 0;
  size_t notifications_asked = 0;

 private:
  int error_of(const net::OutgoingMessage& message) const {
    const size_t largest = message.segment_size == 0 ? message.bytes.size() : message.segment_size;
    if (room == 0) return EAGAIN;
    if (message.segment_size != 0 && run_error != 0) return run_error;
    if (unreachable.contains(message.to)) return ECONNREFUSED;
    return largest > datagram_max ? EMSGSIZE : 0;
  }
};

}  // namespace simpul::testing
