#include "tests/impairment/line_input.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace simpul::impairment {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What is read of what is written into a pipe, up to its end or a line "end".
std::vector<std::string> read_of(std::initializer_list<std::string> written) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  net::EventLoop loop;
  std::vector<std::string> lines;
  {
    const LineInput input(loop, ends[0], [&](std::string_view line) {
      if (line == "end") return loop.stop();
      lines.emplace_back(line);
    });
    // Each part after what is before it has been read, and the loop has slept once more.
    auto next = written.begin();
    loop.before_sleep([&] {
      if (next == written.end()) return loop.stop();
      EXPECT_EQ(::write(ends[1], next->data(), next->size()), static_cast<ssize_t>(next->size()));
      ++next;
      loop.post([] {});
    });
    loop.run();
  }
  ::close(ends[0]);
  ::close(ends[1]);
  return lines;
}

TEST(LineInput, PutsLinesTogetherAndTakesThemApart) {
  EXPECT_THAT(read_of({"one", " line\ntwo\n\n", "three\nno end", ""}),
              ElementsAre("one line", "two", "", "three"));
}

TEST(LineInput, ReadsNoMoreAfterALineThatIsTooLong) {
  EXPECT_THAT(read_of({"first\n", std::string(LineInput::kLineMax, 'x'), "x", "\nlast\n", ""}),
              ElementsAre("first"));
}

TEST(LineInput, ReadsWhatCameBeforeTheEndAndStopsThere) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  net::EventLoop loop;
  std::vector<std::string> lines;
  {
    const LineInput input(loop, ends[0], [&](std::string_view line) { lines.emplace_back(line); });
    ASSERT_EQ(::write(ends[1], "last\n", 5), 5);
    ::close(ends[1]);
    // Nothing is left that could wake the loop once the end was read: each task posts the next.
    int turns = 0;
    const std::function<void()> turn = [&] {
      if (++turns == 100) return loop.stop();
      loop.post(turn);
    };
    loop.post(turn);
    loop.run();
  }
  EXPECT_THAT(lines, ElementsAre("last"));
  ::close(ends[0]);
}

TEST(LineInput, LeavesAloneWhatIsNoPipe) {
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(null, 0);
  net::EventLoop loop;
  std::vector<std::string> lines;
  {
    const LineInput input(loop, null, [&](std::string_view line) { lines.emplace_back(line); });
    loop.post([&] { loop.stop(); });
    loop.run();
  }
  EXPECT_THAT(lines, IsEmpty());
  ::close(null);
}

}  // namespace
}  // namespace simpul::impairment
