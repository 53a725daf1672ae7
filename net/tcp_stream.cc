#include "net/tcp_stream.h"

#include <array>
#include <csignal>
#include <optional>
#include <utility>

#include "base/check.h"
#include "net/loop_access.h"
#include "net/socket_address.h"

namespace simpul::net {
namespace {

constexpr size_t kReadSize = 65'536;

uv_handle_t* as_handle(uv_tcp_t& tcp) { return reinterpret_cast<uv_handle_t*>(&tcp); }
uv_stream_t* as_stream(uv_tcp_t& tcp) { return reinterpret_cast<uv_stream_t*>(&tcp); }

// libuv reads at once into what it is given, so one buffer serves all streams of a thread.
void give_read_buffer(uv_handle_t*, size_t, uv_buf_t* buffer) {
  thread_local std::array<char, kReadSize> bytes;
  *buffer = uv_buf_init(bytes.data(), bytes.size());
}

}  // namespace

// Lives until libuv has closed the handle, and while the stream's owner wants to know of that.
struct TcpStream::State {
  enum class Phase : uint8_t { kNew, kOpen, kFlushing, kLingering, kClosing, kClosed };
  struct Write {
    uv_write_t request{};
    std::string bytes;
  };

  explicit State(EventLoop& event_loop) : loop(event_loop) {
    SIMPUL_CHECK(uv_tcp_init(LoopAccess::loop(loop), &handle) == 0);
    handle.data = this;
  }

  void start_reading();
  void on_read(ssize_t count, const char* data);
  void on_peer_end();
  void on_written(int status);
  void on_shut_down(int status);
  void close();
  void on_closed();

  EventLoop& loop;
  uv_tcp_t handle{};
  uv_shutdown_t shutdown{};
  Handlers handlers;
  Address remote;
  Phase phase = Phase::kNew;
  bool owned = true;
  bool peer_ended = false;
  size_t lingered_bytes = 0;
  std::optional<Timer> timer;
};

void TcpStream::State::start_reading() {
  if (peer_ended) return;
  uv_read_start(as_stream(handle), give_read_buffer,
                [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
                  static_cast<State*>(stream->data)->on_read(count, buffer->base);
                });
}

void TcpStream::State::on_read(ssize_t count, const char* data) {
  if (count == 0) return;
  if (count == UV_EOF) return on_peer_end();
  if (count < 0) return close();
  const auto size = static_cast<size_t>(count);
  if (phase == Phase::kOpen) {
    if (handlers.on_data) handlers.on_data({reinterpret_cast<const uint8_t*>(data), size});
    return;
  }
  lingered_bytes += size;
  if (lingered_bytes > kLingerBytesMax) uv_read_stop(as_stream(handle));  // the timer ends it
}

void TcpStream::State::on_peer_end() {
  peer_ended = true;
  uv_read_stop(as_stream(handle));
  switch (phase) {
    case Phase::kOpen:
      if (!handlers.on_end) return close();
      return handlers.on_end();
    case Phase::kLingering:
      return close();
    case Phase::kNew:
    case Phase::kFlushing:
    case Phase::kClosing:
    case Phase::kClosed:
      return;
  }
}

void TcpStream::State::on_written(int status) {
  if (phase == Phase::kClosing) return;
  if (status < 0) return close();
  const bool drained = uv_stream_get_write_queue_size(as_stream(handle)) == 0;
  if (drained && phase == Phase::kOpen && handlers.on_drained) handlers.on_drained();
}

void TcpStream::State::on_shut_down(int status) {
  if (phase == Phase::kClosing) return;
  if (status < 0 || peer_ended) return close();
  phase = Phase::kLingering;
  timer->set(loop.now() + kLingerMax);
}

void TcpStream::State::close() {
  if (phase == Phase::kClosing || phase == Phase::kClosed) return;
  phase = Phase::kClosing;
  timer.reset();
  uv_close(as_handle(handle),
           [](uv_handle_t* closed) { static_cast<State*>(closed->data)->on_closed(); });
}

void TcpStream::State::on_closed() {
  phase = Phase::kClosed;
  if (!owned) {
    const std::unique_ptr<State> last(this);
    return;
  }
  // The owner may destroy the stream, and so this, while it is called.
  const std::function<void()> on_close = std::move(handlers.on_close);
  if (on_close) on_close();
}

TcpStream::TcpStream(std::unique_ptr<State, Closer> state) : state_(std::move(state)) {}
TcpStream::TcpStream(TcpStream&&) noexcept = default;
TcpStream& TcpStream::operator=(TcpStream&&) noexcept = default;
TcpStream::~TcpStream() = default;

void TcpStream::Closer::operator()(State* state) const {
  state->owned = false;
  if (state->phase == State::Phase::kClosed) {
    const std::unique_ptr<State> last(state);
    return;
  }
  state->close();
}

void TcpStream::start(Handlers handlers) {
  SIMPUL_CHECK(state_->phase != State::Phase::kOpen);
  state_->handlers = std::move(handlers);
  if (state_->phase != State::Phase::kNew) return;  // a write failed before: on_close follows
  state_->phase = State::Phase::kOpen;
  state_->start_reading();
}

void TcpStream::write(std::string bytes) {
  if (state_->phase > State::Phase::kOpen || bytes.empty()) return;
  auto write = std::make_unique<State::Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const auto on_done = [](uv_write_t* request, int status) {
    const std::unique_ptr<State::Write> done(static_cast<State::Write*>(request->data));
    static_cast<State*>(request->handle->data)->on_written(status);
  };
  if (uv_write(&write->request, as_stream(state_->handle), &buffer, 1, on_done) == 0) {
    static_cast<void>(write.release());  // on_done owns it
  } else {
    state_->close();
  }
}

size_t TcpStream::bytes_queued() const {
  return uv_stream_get_write_queue_size(as_stream(state_->handle));
}

void TcpStream::pause_reading() {
  if (state_->phase == State::Phase::kOpen) uv_read_stop(as_stream(state_->handle));
}

void TcpStream::resume_reading() {
  if (state_->phase == State::Phase::kOpen) state_->start_reading();
}

void TcpStream::close() { state_->close(); }

void TcpStream::close_after_write() {
  State* state = state_.get();
  if (state->phase > State::Phase::kOpen) return;
  state->phase = State::Phase::kFlushing;
  state->timer.emplace(state->loop, [state] { state->close(); });
  state->timer->set(state->loop.now() + kFlushMax);
  state->start_reading();
  const auto on_done = [](uv_shutdown_t* request, int status) {
    static_cast<State*>(request->handle->data)->on_shut_down(status);
  };
  if (uv_shutdown(&state->shutdown, as_stream(state->handle), on_done) != 0) state->close();
}

const Address& TcpStream::remote_address() const { return state_->remote; }

struct TcpListener::State {
  EventLoop& loop;
  std::function<void(TcpStream)> on_accept;
  uv_tcp_t handle{};
  Address local;

  int listen();
  void accept();
};

int TcpListener::State::listen() {
  SocketAddress wanted{};
  store_address(local, wanted);
  const unsigned flags = local.is_v4() ? 0 : UV_TCP_IPV6ONLY;
  if (const int error = uv_tcp_bind(&handle, &wanted.any, flags); error != 0) return error;
  const auto on_connection = [](uv_stream_t* listener, int status) {
    // Out of descriptors, say: the kernel keeps the connection or libuv has dropped it.
    if (status == 0) static_cast<State*>(listener->data)->accept();
  };
  if (const int error = uv_listen(as_stream(handle), kBacklog, on_connection); error != 0) {
    return error;
  }
  SocketAddress bound{};
  int length = sizeof bound;
  if (const int error = uv_tcp_getsockname(&handle, &bound.any, &length); error != 0) return error;
  local = load_address(bound);
  return 0;
}

void TcpListener::State::accept() {
  std::unique_ptr<TcpStream::State, TcpStream::Closer> accepted(new TcpStream::State(loop));
  if (uv_accept(as_stream(handle), as_stream(accepted->handle)) != 0) return;
  uv_tcp_nodelay(&accepted->handle, 1);
  SocketAddress remote{};
  int length = sizeof remote;
  // It may have gone already: reading will tell.
  if (uv_tcp_getpeername(&accepted->handle, &remote.any, &length) == 0) {
    accepted->remote = load_address(remote);
  }
  on_accept(TcpStream(std::move(accepted)));
}

Expected<TcpListener, std::string> TcpListener::listen(EventLoop& loop, const Address& address,
                                                       std::function<void(TcpStream)> on_accept) {
  std::signal(SIGPIPE, SIG_IGN);  // libuv writes without MSG_NOSIGNAL
  std::unique_ptr<State, Closer> state(new State{loop, std::move(on_accept), {}, address});
  SIMPUL_CHECK(uv_tcp_init(LoopAccess::loop(loop), &state->handle) == 0);
  state->handle.data = state.get();
  if (const int error = state->listen(); error != 0) {
    return unexpected("listen on " + address.to_string() + ": " + uv_strerror(error));
  }
  return TcpListener(std::move(state));
}

TcpListener::TcpListener(std::unique_ptr<State, Closer> state) : state_(std::move(state)) {}
TcpListener::TcpListener(TcpListener&&) noexcept = default;
TcpListener& TcpListener::operator=(TcpListener&&) noexcept = default;
TcpListener::~TcpListener() = default;

void TcpListener::Closer::operator()(State* state) const {
  uv_close(as_handle(state->handle), [](uv_handle_t* handle) {
    const std::unique_ptr<State> last(static_cast<State*>(handle->data));
  });
}

const Address& TcpListener::local_address() const { return state_->local; }

}  // namespace simpul::net
