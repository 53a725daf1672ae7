#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/expected.h"

struct iovec;

namespace simpul::net {

// How many descriptors of media over TCP are open, over all threads, and how many may be: what
// guests open must not leave the sockets of media and of the API without any.
struct TcpBudget {
  explicit TcpBudget(size_t open_limit) : open_max(open_limit) {}
  // Half of what this process may have open at all.
  static size_t half_of_descriptors();

  bool exceeded() const { return open.load(std::memory_order_relaxed) > open_max; }

  const size_t open_max;
  std::atomic<size_t> open{0};
};

// A connected TCP socket on its way from the thread that accepted it to the one that uses it:
// non-blocking, without delay, closed with its owner. The budget outlives it.
class TcpDescriptor {
 public:
  // What the kernel holds back unsent: more would only grow old there.
  static constexpr int kUnsentMax = 65'536;

  // Takes an accepted or connecting socket.
  TcpDescriptor(int fd, const Address& remote, TcpBudget& budget);
  ~TcpDescriptor();
  TcpDescriptor(TcpDescriptor&& other) noexcept;
  TcpDescriptor& operator=(TcpDescriptor&& other) noexcept;

  // Begins to connect, from an address of this machine if one is given; what fails later shows when
  // it is read.
  static Expected<TcpDescriptor, std::string> connect(const Address& to, TcpBudget& budget,
                                                      const std::optional<Address>& from = {});

  // How many bytes came, 0 when none are there yet; nothing when the connection has ended, in
  // whatever way.
  std::optional<size_t> receive(MutableBytes room);
  // How many bytes were taken, 0 when none can be; nothing when the connection has ended.
  std::optional<size_t> send(std::span<const iovec> parts);
  std::optional<size_t> send(Bytes bytes);

  int fd() const { return fd_; }
  const Address& remote() const { return remote_; }
  Address local() const;

 private:
  int fd_;
  Address remote_;
  TcpBudget* budget_;
};

}  // namespace simpul::net
