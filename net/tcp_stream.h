#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/expected.h"
#include "base/time.h"

namespace simpul::net {

class EventLoop;

// One accepted TCP connection. Destroying it closes the connection at once and silently, whatever
// is queued; it may be destroyed inside its own callbacks. How much is read, queued and waited for
// is limited by its user, with pause_reading(), bytes_queued() and timers.
class TcpStream {
 public:
  struct Handlers {
    std::function<void(Bytes)> on_data{};
    // The peer sends no more but may still read. Without this handler the stream is closed then.
    std::function<void()> on_end{};
    // All that was written has gone to the kernel.
    std::function<void()> on_drained{};
    // Once, when the connection has ended for whatever reason but the stream's destruction. Never
    // called inside another call on the stream.
    std::function<void()> on_close{};
  };
  // close_after_write() waits so long for the peer to read what is queued, ...
  static constexpr Duration kFlushMax = std::chrono::seconds(10);
  // ... then so long, and for so many bytes, for the peer to close its side.
  static constexpr Duration kLingerMax = std::chrono::seconds(2);
  static constexpr size_t kLingerBytesMax = 1'048'576;

  TcpStream(TcpStream&&) noexcept;
  TcpStream& operator=(TcpStream&&) noexcept;
  ~TcpStream();

  // Sets the handlers and starts reading, once. Nothing is read before.
  void start(Handlers handlers);
  // Queues bytes behind what is queued; dropped when the connection has ended or is closing.
  void write(std::string bytes);
  size_t bytes_queued() const;
  void pause_reading();
  void resume_reading();
  // Ends the connection now; on_close follows in a later turn.
  void close();
  // Sends what is queued, then the end, then reads and drops what the peer still sends: closing
  // with unread input would reset the connection and lose the answer. No more on_data or on_end.
  void close_after_write();

  const Address& remote_address() const;

 private:
  friend class TcpListener;
  struct State;
  struct Closer {
    void operator()(State* state) const;
  };
  explicit TcpStream(std::unique_ptr<State, Closer> state);
  std::unique_ptr<State, Closer> state_;
};

// Listens on one address and hands over each connection that comes. Makes the process ignore
// SIGPIPE. The stream that it hands over is closed when the callback does not keep it.
class TcpListener {
 public:
  static constexpr int kBacklog = 511;

  // Port 0 takes a free one. The error is one line: "listen on 127.0.0.1:8080: address already in
  // use".
  static Expected<TcpListener, std::string> listen(EventLoop& loop, const Address& address,
                                                   std::function<void(TcpStream)> on_accept);
  TcpListener(TcpListener&&) noexcept;
  TcpListener& operator=(TcpListener&&) noexcept;
  ~TcpListener();

  // With the port that was taken.
  const Address& local_address() const;

 private:
  struct State;
  struct Closer {
    void operator()(State* state) const;
  };
  explicit TcpListener(std::unique_ptr<State, Closer> state);
  std::unique_ptr<State, Closer> state_;
};

}  // namespace simpul::net
