#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"

namespace simpul::testing {

// Sends datagrams to one port of this machine as fast as the kernel takes them, on the thread that
// calls. Never more than the port's socket can hold: what would overflow it there is lost whatever
// its owner does, and shows nothing about him.
class Flood {
 public:
  explicit Flood(const Address& to, const char* from_ip = "127.0.0.2");
  ~Flood();
  Flood(const Flood&) = delete;
  Flood& operator=(const Flood&) = delete;

  // `datagrams` over and over, until `count` have been sent.
  void send(const std::vector<std::vector<uint8_t>>& datagrams, size_t count);
  // Returns when all that was sent has been read at the other end.
  void wait_until_read() const;

  uint64_t bytes_sent() const { return bytes_sent_; }
  uint64_t answers() const { return answers_; }
  size_t largest_answer() const { return largest_answer_; }

 private:
  // Bytes that wait in the receiving socket, as the kernel counts them.
  size_t waiting() const;
  void read_answers();

  int fd_;
  uint16_t port_;
  uint64_t bytes_sent_ = 0;
  uint64_t answers_ = 0;
  size_t largest_answer_ = 0;
};

}  // namespace simpul::testing
