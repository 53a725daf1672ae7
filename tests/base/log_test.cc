#include "base/log.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace simpul::log {
namespace {

TEST(Log, WritesEventAndFields) {
  EXPECT_EQ(format_line(Format::kText, "joined", {{"room", "stage"}, {"port", 7700}, {"ok", true}}),
            "joined room=stage port=7700 ok=true");
}

TEST(Log, WritesJson) {
  EXPECT_EQ(format_line(Format::kJson, "joined", {{"room", "stage"}, {"port", 7700}}),
            R"("event":"joined","room":"stage","port":"7700")");
  EXPECT_EQ(format_line(Format::kJson, "ready", {}), R"("event":"ready")");
}

TEST(Log, QuotesWhatWouldNotReadBack) {
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", "a b"}}), R"(e v="a b")");
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", ""}}), R"(e v="")");
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", "a=b"}}), R"(e v="a=b")");
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", R"(a"b)"}}), R"(e v="a\"b")");
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", R"(a\b)"}}), R"(e v="a\\b")");
}

TEST(Log, KeepsAPeersLineBreaksOutOfTheLine) {
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", "a\nready udp=1"}}),
            R"(e v="a\u000aready udp=1")");
  EXPECT_EQ(format_line(Format::kText, "e", {{"v", "a\r"}}), R"(e v="a\u000d")");
}

// An escape sequence in a room's name would otherwise reach the operator's terminal.
TEST(Log, LetsNoControlCharacterThroughInEitherFormat) {
  for (int c = 0; c < 0x80; ++c) {
    if (c >= 0x20 && c != 0x7f) continue;
    const std::string value = std::string("a") + static_cast<char>(c) + "b";
    for (const Format format : {Format::kText, Format::kJson}) {
      const std::string line = format_line(format, "e", {{"v", value}});
      EXPECT_EQ(line.find(static_cast<char>(c)), std::string::npos) << c;
      EXPECT_NE(line.find("\\u00"), std::string::npos) << c;
    }
  }
}

TEST(Log, HoldsBackWhatIsBelowItsLevel) {
  set_level(Level::kWarning);
  EXPECT_FALSE(enabled(Level::kInfo));
  EXPECT_TRUE(enabled(Level::kWarning));
  set_level(Level::kDebug);
  EXPECT_TRUE(enabled(Level::kDebug));
  set_level(Level::kInfo);
}

TEST(Log, WritesToStandardErrorBeforeItIsStarted) {
  ::testing::internal::CaptureStderr();
  info("early", {{"n", 1}});
  debug("unseen");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "early n=1\n");
}

TEST(Log, WritesAllThatIsQueuedBeforeItStops) {
  ::testing::internal::CaptureStderr();
  start(Level::kInfo, Format::kText);
  for (int i = 0; i < 100; ++i) warning("line_" + std::to_string(i), {{"n", i}});
  stop();
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(written.begin(), written.end(), '\n'), 100);
  EXPECT_NE(written.find("line_99 n=99"), std::string::npos);
}

TEST(Log, WritesNoMoreThanTenLinesASecondOfOneReason) {
  ::testing::internal::CaptureStderr();
  start(Level::kInfo, Format::kText);
  for (int i = 0; i < 10'000; ++i) {
    info("closed", {{"n", i}, {"reason", "idle"}});
    if (i < 5) info("closed", {{"n", i}, {"reason", "peer"}});
  }
  stop();
  const std::string written = ::testing::internal::GetCapturedStderr();
  std::set<std::string> seconds;  // by the time at the beginning of each line
  size_t idle = 0;
  size_t peer = 0;
  std::istringstream lines(written);
  for (std::string line; std::getline(lines, line);) {
    seconds.insert(line.substr(0, 19));
    idle += line.ends_with("reason=idle");
    peer += line.ends_with("reason=peer");
  }
  EXPECT_GE(idle, 10u);
  EXPECT_LE(idle, 10 * (seconds.size() + 1));  // one may be stamped a second later
  EXPECT_EQ(peer, 5u);
  EXPECT_NE(written.find("log_held_back of=\"closed idle\" lines="), std::string::npos);
}

}  // namespace
}  // namespace simpul::log
