#include "net/event_loop.h"

#include <time.h>

#include <utility>

#include "base/check.h"
#include "net/loop_access.h"

namespace simpul::net {
namespace {

int64_t microseconds_of(clockid_t clock) {
  timespec time{};
  SIMPUL_CHECK(clock_gettime(clock, &time) == 0);
  return int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000;
}

}  // namespace

struct EventLoop::Handles {
  uv_loop_t loop;
  uv_async_t wake_up;
  uv_prepare_t before_input;
  uv_check_t after_input;
};

struct EventLoop::PostedTask {
  Task task;
  PostedTask* next = nullptr;  // the one that was posted before it
};

uv_loop_t* LoopAccess::loop(EventLoop& event_loop) { return &event_loop.handles_->loop; }

EventLoop::EventLoop() : handles_(std::make_unique<Handles>()) {
  uv_loop_t* loop = &handles_->loop;
  SIMPUL_CHECK(uv_loop_init(loop) == 0);
  SIMPUL_CHECK(uv_loop_configure(loop, UV_METRICS_IDLE_TIME) == 0);

  SIMPUL_CHECK(uv_async_init(loop, &handles_->wake_up, [](uv_async_t* handle) {
                 auto* self = static_cast<EventLoop*>(handle->data);
                 // Read first: whatever was posted before stop() is then in the list.
                 const bool stop = self->stopping_.exchange(false, std::memory_order_acquire);
                 self->run_posted();
                 if (stop) uv_stop(handle->loop);
               }) == 0);
  handles_->wake_up.data = this;

  uv_prepare_init(loop, &handles_->before_input);
  handles_->before_input.data = this;
  uv_prepare_start(&handles_->before_input, [](uv_prepare_t* handle) {
    auto* self = static_cast<EventLoop*>(handle->data);
    if (self->hook_) self->hook_();
    self->forget_time();
  });

  uv_check_init(loop, &handles_->after_input);
  handles_->after_input.data = this;
  uv_check_start(&handles_->after_input,
                 [](uv_check_t* handle) { static_cast<EventLoop*>(handle->data)->forget_time(); });
}

EventLoop::~EventLoop() {
  hook_ = nullptr;
  // Tasks may own handles of this loop, so they go first.
  PostedTask* posted = posted_.exchange(nullptr, std::memory_order_acquire);
  while (posted != nullptr) {
    const std::unique_ptr<PostedTask> owned(posted);
    posted = owned->next;
  }
  for (auto* handle : {reinterpret_cast<uv_handle_t*>(&handles_->wake_up),
                       reinterpret_cast<uv_handle_t*>(&handles_->before_input),
                       reinterpret_cast<uv_handle_t*>(&handles_->after_input)}) {
    uv_close(handle, nullptr);
  }
  // A handle that is still open belongs to an object that would outlive its loop.
  uv_walk(
      &handles_->loop, [](uv_handle_t* handle, void*) { SIMPUL_CHECK(uv_is_closing(handle) != 0); },
      nullptr);
  uv_run(&handles_->loop, UV_RUN_DEFAULT);
  SIMPUL_CHECK(uv_loop_close(&handles_->loop) == 0);
}

TimePoint EventLoop::now() const {
  if (now_ == kNever) now_ = clock_now();
  return now_;
}

TimePoint EventLoop::clock_now() { return TimePoint(Duration(microseconds_of(CLOCK_MONOTONIC))); }

int64_t EventLoop::wall_clock_unix_us() { return microseconds_of(CLOCK_REALTIME); }

void EventLoop::run() {
  forget_time();
  uv_run(&handles_->loop, UV_RUN_DEFAULT);
}

void EventLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  uv_async_send(&handles_->wake_up);
}

bool EventLoop::post(Task task) {
  if (posted_count_.fetch_add(1, std::memory_order_relaxed) >= kPostedMax) {
    posted_count_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  auto posted = std::make_unique<PostedTask>(PostedTask{std::move(task)});
  PostedTask* previous = posted_.load(std::memory_order_relaxed);
  do {
    posted->next = previous;
  } while (!posted_.compare_exchange_weak(previous, posted.get(), std::memory_order_release,
                                          std::memory_order_relaxed));
  // The loop's thread may have run and freed it by now.
  static_cast<void>(posted.release());
  if (previous == nullptr) uv_async_send(&handles_->wake_up);
  return true;
}

void EventLoop::run_posted() {
  PostedTask* newest = posted_.exchange(nullptr, std::memory_order_acquire);
  PostedTask* oldest = nullptr;
  while (newest != nullptr) {
    PostedTask* const earlier = std::exchange(newest->next, oldest);
    oldest = std::exchange(newest, earlier);
  }
  while (oldest != nullptr) {
    const std::unique_ptr<PostedTask> owned(oldest);
    oldest = owned->next;
    posted_count_.fetch_sub(1, std::memory_order_relaxed);
    owned->task();
  }
}

void EventLoop::before_sleep(Task hook) { hook_ = std::move(hook); }

Duration EventLoop::idle_time() const {
  const auto nanoseconds = std::chrono::nanoseconds(uv_metrics_idle_time(&handles_->loop));
  return std::chrono::duration_cast<Duration>(nanoseconds);
}

}  // namespace simpul::net
