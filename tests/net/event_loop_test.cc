#include "net/event_loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

namespace simpul::net {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::Ge;

TEST(EventLoop, RunsTasksInTheOrderOfTheirPosting) {
  EventLoop loop;
  std::vector<int> order;
  for (int i = 1; i <= 3; ++i) loop.post([&order, i] { order.push_back(i); });
  loop.stop();
  loop.run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(EventLoop, RunsTasksFromOtherThreadsOnItsOwn) {
  constexpr int kThreads = 3;
  constexpr int kTasks = 2000;
  EventLoop loop;
  const auto own = std::this_thread::get_id();
  int runs = 0;
  int elsewhere = 0;
  std::array<int, kThreads> last{};
  int out_of_order = 0;
  std::vector<std::jthread> threads;
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 1; i <= kTasks; ++i) {
        loop.post([&, thread, i] {
          elsewhere += std::this_thread::get_id() != own;
          out_of_order += last[thread] != i - 1;
          last[thread] = i;
          if (++runs == kThreads * kTasks) loop.stop();
        });
      }
    });
  }
  loop.run();
  EXPECT_EQ(runs, kThreads * kTasks);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(out_of_order, 0);
}

TEST(EventLoop, RunsWhatATaskPostsInALaterTurn) {
  EventLoop loop;
  std::vector<int> order;
  loop.post([&] {
    loop.post([&] {
      order.push_back(2);
      loop.stop();
    });
    order.push_back(1);
  });
  loop.run();
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST(EventLoop, RefusesATaskWhenTooManyWait) {
  EventLoop loop;
  size_t runs = 0;
  for (size_t i = 0; i < EventLoop::kPostedMax; ++i) ASSERT_TRUE(loop.post([&] { ++runs; }));
  EXPECT_FALSE(loop.post([&] { ++runs; }));
  loop.stop();
  loop.run();
  EXPECT_EQ(runs, EventLoop::kPostedMax);
  EXPECT_TRUE(loop.post([] {}));
}

TEST(EventLoop, StopsFromAnotherThreadAndRunsAgain) {
  EventLoop loop;
  for (int i = 0; i < 2; ++i) {
    std::jthread thread([&] { loop.stop(); });
    loop.run();
  }
  SUCCEED();
}

TEST(EventLoop, DropsTasksThatNeverRan) {
  bool ran = false;
  std::weak_ptr<Timer> timer;
  {
    EventLoop loop;
    // The task owns a handle of the loop, which would end the process if it stayed open.
    auto owned = std::make_shared<Timer>(loop, [] {});
    timer = owned;
    loop.post([&ran, owned = std::move(owned)] { ran = true; });
  }
  EXPECT_FALSE(ran);
  EXPECT_TRUE(timer.expired());
}

TEST(EventLoop, CallsItsHookOnceATurnBeforeItSleeps) {
  EventLoop loop;
  std::vector<std::string> order;
  loop.before_sleep([&] {
    order.push_back("hook");
    if (order.size() == 3) loop.stop();
    if (order.size() == 1) loop.post([&] { order.push_back("task"); });
  });
  loop.run();
  ASSERT_THAT(order, Ge(std::vector<std::string>{"hook", "task", "hook"}));
  loop.before_sleep({});
  const size_t calls = order.size();
  loop.stop();
  loop.run();
  EXPECT_EQ(order.size(), calls);
}

TEST(EventLoop, KeepsItsTimeWithinATurnAndReadsItAgainInTheNext) {
  EventLoop loop;
  TimePoint first{};
  TimePoint second{};
  TimePoint later{};
  loop.post([&] {
    first = loop.now();
    while (EventLoop::clock_now() == first) {
    }
    second = loop.now();
    loop.post([&] {
      later = loop.now();
      loop.stop();
    });
  });
  loop.run();
  EXPECT_EQ(first, second);
  EXPECT_GT(later, first);
}

TEST(EventLoop, TellsTheWallClockInUnixMicroseconds) {
  const auto expected = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  EXPECT_GE(EventLoop::wall_clock_unix_us(), expected.count());
}

TEST(EventLoop, CountsTheTimeThatItSlept) {
  EventLoop loop;
  const TimePoint start = EventLoop::clock_now();
  Timer timer(loop, [&] { loop.stop(); });
  timer.set(start + milliseconds(3));
  loop.run();
  EXPECT_GT(loop.idle_time(), Duration(0));
  EXPECT_LE(loop.idle_time(), EventLoop::clock_now() - start);
}

TEST(Timer, FiresInTheOrderOfDeadlinesAndNeverEarly) {
  EventLoop loop;
  const TimePoint start = loop.now();
  std::vector<int> order;
  int early = 0;
  std::vector<Timer> timers;
  const auto add = [&](int name, Duration in) {
    const TimePoint deadline = start + in;
    timers.emplace_back(loop, [&, name, deadline] {
      early += loop.now() < deadline || EventLoop::clock_now() < deadline;
      order.push_back(name);
      if (order.size() == 4) loop.stop();
    });
    timers.back().set(deadline);
  };
  add(3, Duration(9300));
  add(1, Duration(2100));
  add(4, Duration(12'001));
  add(2, Duration(5700));
  loop.run();
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(early, 0);
}

TEST(Timer, FiresAtOnceForADeadlineThatHasPassed) {
  EventLoop loop;
  Timer timer(loop, [&] { loop.stop(); });
  timer.set(loop.now() - std::chrono::seconds(5));
  loop.run();
  EXPECT_EQ(timer.deadline(), kNever);
}

TEST(Timer, ReplacesItsDeadline) {
  EventLoop loop;
  int fired = 0;
  Timer timer(loop, [&] {
    ++fired;
    loop.stop();
  });
  timer.set(loop.now() + std::chrono::hours(1));
  timer.set(loop.now() + milliseconds(1));
  loop.run();
  EXPECT_EQ(fired, 1);
}

TEST(Timer, DoesNotFireWhenItIsCancelled) {
  EventLoop loop;
  bool fired = false;
  Timer cancelled(loop, [&] { fired = true; });
  Timer set_to_never(loop, [&] { fired = true; });
  Timer last(loop, [&] { loop.stop(); });
  const TimePoint soon = loop.now() + milliseconds(1);
  cancelled.set(soon);
  set_to_never.set(soon);
  last.set(soon + milliseconds(1));
  cancelled.cancel();
  set_to_never.set(kNever);
  EXPECT_EQ(cancelled.deadline(), kNever);
  EXPECT_EQ(last.deadline(), soon + milliseconds(1));
  loop.run();
  EXPECT_FALSE(fired);
}

TEST(Timer, ThatSetsItselfToThePastStarvesNobody) {
  EventLoop loop;
  std::optional<Timer> timer;
  int fired = 0;
  timer.emplace(loop, [&] {
    if (++fired == 3) loop.post([&] { loop.stop(); });
    timer->set(loop.now() - milliseconds(1));
  });
  timer->set(loop.now());
  loop.run();
  EXPECT_GE(fired, 3);
}

TEST(Timer, MayBeDestroyedInItsOwnCallback) {
  EventLoop loop;
  std::optional<Timer> timer;
  std::string seen;
  timer.emplace(loop, [&, text = std::string("a capture that is longer than a small string")] {
    timer.reset();
    seen = text;  // the captures still live
    loop.stop();
  });
  timer->set(loop.now());
  loop.run();
  EXPECT_EQ(seen, "a capture that is longer than a small string");
}

class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(fds_.data(), O_NONBLOCK | O_CLOEXEC), 0); }
  ~Pipe() {
    for (const int fd : fds_) close(fd);
  }
  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }
  void write_byte() const { EXPECT_EQ(write(writer(), "x", 1), 1); }

 private:
  std::array<int, 2> fds_{};
};

TEST(FdWatcher, TellsWhenThereIsSomethingToRead) {
  EventLoop loop;
  const Pipe pipe;
  std::vector<bool> readable;
  std::optional<FdWatcher> watcher;
  watcher.emplace(loop, pipe.reader(), [&](FdWatcher::Ready ready) {
    readable.push_back(ready.readable);
    // Nobody reads it, so it is told again.
    if (readable.size() < 2) return;
    watcher->watch({});
    loop.stop();
  });
  watcher->watch({.readable = true});
  loop.post([&] { pipe.write_byte(); });
  loop.run();
  EXPECT_THAT(readable, ElementsAre(true, true));
}

TEST(FdWatcher, TellsWhenThereIsRoomAndOnlyWhileThatIsWanted) {
  EventLoop loop;
  const Pipe pipe;
  int calls = 0;
  std::optional<FdWatcher> watcher;
  watcher.emplace(loop, pipe.writer(), [&](FdWatcher::Ready ready) {
    EXPECT_TRUE(ready.writable);
    EXPECT_FALSE(ready.readable);
    ++calls;
    watcher->watch({});
    loop.post([&] { loop.post([&] { loop.stop(); }); });
  });
  watcher->watch({.writable = true});
  loop.run();
  EXPECT_EQ(calls, 1);
}

TEST(FdWatcher, MayBeDestroyedInItsOwnCallback) {
  EventLoop loop;
  const Pipe pipe;
  std::optional<FdWatcher> watcher;
  watcher.emplace(loop, pipe.writer(), [&](FdWatcher::Ready) {
    watcher.reset();
    loop.stop();
  });
  watcher->watch({.writable = true});
  loop.run();
  EXPECT_FALSE(watcher.has_value());
}

TEST(FdWatcher, ReportsAnErrorAsReady) {
  EventLoop loop;
  auto pipe = std::make_unique<Pipe>();
  const int writer = dup(pipe->writer());
  int calls = 0;
  std::optional<FdWatcher> watcher;
  watcher.emplace(loop, writer, [&](FdWatcher::Ready ready) {
    if (!pipe) {
      EXPECT_TRUE(ready.writable);
      ++calls;
      watcher.reset();
      loop.stop();
      return;
    }
    pipe.reset();  // a pipe that nobody reads is in error
  });
  watcher->watch({.writable = true});
  loop.run();
  EXPECT_EQ(calls, 1);
  close(writer);
}

TEST(SignalWatcher, CallsBackInsteadOfEndingTheProcess) {
  EventLoop loop;
  int signals = 0;
  std::optional<SignalWatcher> watcher;
  watcher.emplace(loop, SIGUSR2, [&] {
    ++signals;
    watcher.reset();
    loop.stop();
  });
  loop.post([] { raise(SIGUSR2); });
  loop.run();
  EXPECT_EQ(signals, 1);
}

TEST(EventLoopDeathTest, EndsTheProcessWhenAHandleOutlivesIt) {
  const auto outlive = [] {
    std::optional<Timer> timer;
    EventLoop loop;
    timer.emplace(loop, [] {});
  };
  EXPECT_DEATH(outlive(), "check failed");
}

}  // namespace
}  // namespace simpul::net
