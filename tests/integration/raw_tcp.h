#pragma once

#include <sys/socket.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "net/event_loop.h"
#include "net/frame_queue.h"
#include "net/tcp_descriptor.h"

namespace simpul::testing {

// A TCP connection from any loopback address that says any bytes, reads when it is told to, and
// notices its end.
class RawTcp {
 public:
  RawTcp(net::EventLoop& loop, const Address& to, const std::string& from = "127.0.0.2",
         std::function<void(Bytes)> on_data = {})
      : on_data_(std::move(on_data)) {
    auto descriptor = net::TcpDescriptor::connect(to, budget_, Address::parse(from, 0));
    if (!descriptor) throw std::runtime_error(descriptor.error());
    descriptor_ = std::make_unique<net::TcpDescriptor>(std::move(*descriptor));
    watcher_ = std::make_unique<net::FdWatcher>(loop, descriptor_->fd(),
                                                [this](net::FdWatcher::Ready) { on_ready(); });
    // Writable means connected.
    watcher_->watch({.readable = true, .writable = true});
  }

  // What is said before it is connected waits.
  void say(Bytes bytes) {
    if (ended_) return;
    said_.insert(said_.end(), bytes.begin(), bytes.end());
    if (!connected_) return;
    flush();
    watch();
  }
  void say_frame(Bytes packet) {
    say(net::frame_header(packet.size()));
    say(packet);
  }
  void stop_reading() {
    deaf_ = true;
    watch();
  }
  void set_receive_buffer(int size) {
    setsockopt(descriptor_->fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  void close() {
    watcher_.reset();
    descriptor_.reset();
  }
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(descriptor_->fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }

  bool connected() const { return connected_; }
  bool ended() const { return ended_; }
  size_t received() const { return received_; }

 private:
  void on_ready() {
    std::array<uint8_t, 16'384> room;
    connected_ = true;
    flush();
    watch();
    if (deaf_) return;
    const auto size = descriptor_->receive(room);
    if (!size) {
      ended_ = true;
      return close();
    }
    received_ += *size;
    if (*size > 0 && on_data_) on_data_(Bytes(room).first(*size));
  }
  void flush() {
    if (said_.empty()) return;
    const size_t sent = descriptor_->send(said_).value_or(0);
    said_.erase(said_.begin(), said_.begin() + static_cast<std::ptrdiff_t>(sent));
  }
  void watch() { watcher_->watch({.readable = !deaf_, .writable = !said_.empty()}); }

  std::function<void(Bytes)> on_data_;
  net::TcpBudget budget_{1};
  std::unique_ptr<net::TcpDescriptor> descriptor_;
  std::unique_ptr<net::FdWatcher> watcher_;
  std::vector<uint8_t> said_;
  bool connected_ = false;
  bool deaf_ = false;
  bool ended_ = false;
  size_t received_ = 0;
};

}  // namespace simpul::testing
