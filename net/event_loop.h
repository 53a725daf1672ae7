#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/time.h"

namespace simpul::net {

// One thread's loop and the only clock. Everything but post(), stop() and the clocks belongs to
// the thread that runs it. Timers, watchers, sockets and streams of a loop are destroyed before
// the loop; each may be destroyed at any time, also inside its own callback.
class EventLoop {
 public:
  using Task = std::function<void()>;
  // Tasks that wait to be run, over all threads that post.
  static constexpr size_t kPostedMax = 65'536;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // CLOCK_MONOTONIC, read at most once for all timers and once for all input of a turn. Inside a
  // timer's callback it is never before the timer's deadline.
  TimePoint now() const;
  // The same clock, read afresh: for measuring.
  static TimePoint clock_now();
  static int64_t wall_clock_unix_us();

  // Runs until stop(), and may be called again after it.
  void run();
  // Thread-safe. What was posted before it by the same thread still runs.
  void stop();

  // Thread-safe, without a lock; tasks run in the order of their posting, with one wake-up for
  // all that are waiting. False, and the task is dropped, when kPostedMax are waiting already.
  bool post(Task task);

  // Runs `hook` once each turn, before the loop goes to sleep: the place to send what the turn has
  // collected. There is one hook; an empty one takes it away.
  void before_sleep(Task hook);

  // How long the loop has slept since it was made; the rest of the time it was busy.
  Duration idle_time() const;

 private:
  friend struct LoopAccess;
  struct Handles;
  struct PostedTask;

  void run_posted();
  void forget_time() const { now_ = kNever; }

  std::unique_ptr<Handles> handles_;
  std::atomic<PostedTask*> posted_{nullptr};  // the last posted first
  std::atomic<size_t> posted_count_{0};
  std::atomic<bool> stopping_{false};
  Task hook_;
  mutable TimePoint now_ = kNever;  // kNever: not read yet in this turn
};

// Calls back once at or after a deadline. libuv counts whole milliseconds: deadlines are rounded
// up to the next one, so a timer is late by at most one (and by what the loop is busy), never
// early.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> callback);

  // Replaces the deadline that was set; kNever is cancel(). One in the past is due next turn.
  void set(TimePoint deadline);
  void cancel();
  TimePoint deadline() const;  // kNever when nothing is set

 private:
  struct State;
  struct Closer {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Closer> state_;
};

// Says when a file descriptor is readable or writable (level-triggered). It does not own the
// descriptor, which is closed after the watcher is gone and has no other watcher in the loop.
class FdWatcher {
 public:
  struct Ready {
    bool readable = false;
    bool writable = false;
  };

  FdWatcher(EventLoop& loop, int fd, std::function<void(Ready)> callback);

  // What to wait for from now on; nothing of both stops the watcher. After an error on the
  // descriptor all that was waited for is reported ready, and the next call on it gives the error.
  void watch(Ready interest);

 private:
  struct State;
  struct Closer {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Closer> state_;
};

// Calls back when the process gets a signal, which has no other effect while the watcher lives.
class SignalWatcher {
 public:
  SignalWatcher(EventLoop& loop, int signal_number, std::function<void()> callback);

 private:
  struct State;
  struct Closer {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Closer> state_;
};

}  // namespace simpul::net
