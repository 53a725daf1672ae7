// Timer, FdWatcher and SignalWatcher. The state of each lives on the heap and ends in libuv's close
// callback, which runs later in the turn: so whoever owns one may destroy it inside its callback.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "net/event_loop.h"
#include "net/loop_access.h"

namespace simpul::net {
namespace {

template <class State>
void close_and_delete(State* state) {
  uv_close(reinterpret_cast<uv_handle_t*>(&state->handle), [](uv_handle_t* handle) {
    const std::unique_ptr<State> owned(static_cast<State*>(handle->data));
  });
}

}  // namespace

struct Timer::State {
  EventLoop& loop;
  std::function<void()> callback;
  uv_timer_t handle{};
  TimePoint deadline = kNever;
};

Timer::Timer(EventLoop& loop, std::function<void()> callback)
    : state_(new State{loop, std::move(callback)}) {
  SIMPUL_CHECK(uv_timer_init(LoopAccess::loop(loop), &state_->handle) == 0);
  state_->handle.data = state_.get();
}

void Timer::Closer::operator()(State* state) const { close_and_delete(state); }

void Timer::set(TimePoint deadline) {
  if (deadline == kNever) return cancel();
  state_->deadline = deadline;
  const int64_t due_ms =
      std::chrono::ceil<std::chrono::milliseconds>(deadline.time_since_epoch()).count();
  const auto loop_ms = static_cast<int64_t>(uv_now(LoopAccess::loop(state_->loop)));
  // Never zero: libuv would call a timer that sets itself again and again, and read nothing.
  const auto timeout = static_cast<uint64_t>(std::max<int64_t>(due_ms - loop_ms, 1));
  const auto on_due = [](uv_timer_t* handle) {
    auto* state = static_cast<State*>(handle->data);
    const TimePoint due = std::exchange(state->deadline, kNever);
    if (state->loop.now() < due) LoopAccess::forget_time(state->loop);
    state->callback();
  };
  SIMPUL_CHECK(uv_timer_start(&state_->handle, on_due, timeout, 0) == 0);
}

void Timer::cancel() {
  state_->deadline = kNever;
  uv_timer_stop(&state_->handle);
}

TimePoint Timer::deadline() const { return state_->deadline; }

struct FdWatcher::State {
  std::function<void(Ready)> callback;
  uv_poll_t handle{};
  Ready interest{};

  void start();
};

FdWatcher::FdWatcher(EventLoop& loop, int fd, std::function<void(Ready)> callback)
    : state_(new State{std::move(callback)}) {
  SIMPUL_CHECK(uv_poll_init(LoopAccess::loop(loop), &state_->handle, fd) == 0);
  state_->handle.data = state_.get();
}

void FdWatcher::Closer::operator()(State* state) const { close_and_delete(state); }

void FdWatcher::State::start() {
  const int events = (interest.readable ? UV_READABLE : 0) | (interest.writable ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(&handle);
    return;
  }
  const auto on_event = [](uv_poll_t* poll, int status, int ready) {
    auto* state = static_cast<State*>(poll->data);
    if (status >= 0) {
      state->callback({(ready & UV_READABLE) != 0, (ready & UV_WRITABLE) != 0});
      return;
    }
    // libuv stops polling at an error of the socket, which its next call reports and clears.
    state->callback(state->interest);
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(poll)) == 0) state->start();
  };
  SIMPUL_CHECK(uv_poll_start(&handle, events, on_event) == 0);
}

void FdWatcher::watch(Ready interest) {
  state_->interest = interest;
  state_->start();
}

struct SignalWatcher::State {
  std::function<void()> callback;
  uv_signal_t handle{};
};

SignalWatcher::SignalWatcher(EventLoop& loop, int signal_number, std::function<void()> callback)
    : state_(new State{std::move(callback)}) {
  SIMPUL_CHECK(uv_signal_init(LoopAccess::loop(loop), &state_->handle) == 0);
  state_->handle.data = state_.get();
  const auto on_signal = [](uv_signal_t* handle, int) {
    static_cast<State*>(handle->data)->callback();
  };
  SIMPUL_CHECK(uv_signal_start(&state_->handle, on_signal, signal_number) == 0);
}

void SignalWatcher::Closer::operator()(State* state) const { close_and_delete(state); }

}  // namespace simpul::net
