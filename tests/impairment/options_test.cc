#include "tests/impairment/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::impairment {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

Expected<RelayOptions, std::string> parse(std::vector<const char*> arguments) {
  return parse_options(arguments);
}

TEST(Options, ApplyToBothDirections) {
  const auto options = parse({"--listen",     "127.0.0.1:7800",
                              "--to",         "127.0.0.1:7700",
                              "--loss",       "0.05",
                              "--delay-ms",   "25",
                              "--jitter-ms",  "5.5",
                              "--reorder",    "0.01",
                              "--duplicate",  "0.02",
                              "--rate-bps",   "1000000",
                              "--queue-ms",   "150",
                              "--reorder-ms", "7",
                              "--seed",       "42"});
  ASSERT_TRUE(options.has_value()) << options.error();
  EXPECT_EQ(options->listen, Address::v4({127, 0, 0, 1}, 7800));
  EXPECT_EQ(options->to, Address::v4({127, 0, 0, 1}, 7700));
  EXPECT_EQ(options->seed, 42u);
  for (const PathOptions& path : {options->up, options->down}) {
    EXPECT_EQ(path.loss, 0.05);
    EXPECT_EQ(path.delay, milliseconds(25));
    EXPECT_EQ(path.jitter, Duration(5500));
    EXPECT_EQ(path.reorder, 0.01);
    EXPECT_EQ(path.reorder_hold, milliseconds(7));
    EXPECT_EQ(path.duplicate, 0.02);
    EXPECT_EQ(path.rate_bps, 1'000'000u);
    EXPECT_EQ(path.queue, milliseconds(150));
  }
}

TEST(Options, DescribeLossesThatComeTogether) {
  const auto options = parse({"--to", "127.0.0.1:7700", "--burst-to-bad", "0.01",
                              "--down-burst-to-good", "0.2", "--up-burst-loss", "0.8"});
  ASSERT_TRUE(options.has_value()) << options.error();
  EXPECT_EQ(options->up.burst, (BurstLoss{.to_bad = 0.01, .to_good = 1, .loss = 0.8}));
  EXPECT_EQ(options->down.burst, (BurstLoss{.to_bad = 0.01, .to_good = 0.2, .loss = 1}));
}

TEST(Options, ApplyToOneDirection) {
  const auto options =
      parse({"--to", "[::1]:7700", "--loss", "0.1", "--up-loss", "0.5", "--down-delay-ms", "9"});
  ASSERT_TRUE(options.has_value()) << options.error();
  EXPECT_EQ(options->to.to_string(), "[::1]:7700");
  EXPECT_EQ(options->up.loss, 0.5);
  EXPECT_EQ(options->down.loss, 0.1);
  EXPECT_EQ(options->up.delay, milliseconds(0));
  EXPECT_EQ(options->down.delay, milliseconds(9));
}

TEST(Options, SayWhatIsWrong) {
  const std::vector<std::vector<const char*>> wrong = {
      {},
      {"loss", "1"},
      {"--to", "127.0.0.1:7700", "--loss"},
      {"--to", "127.0.0.1:7700", "--loss", "1.5"},
      {"--to", "127.0.0.1:7700", "--loss", "-0.1"},
      {"--to", "127.0.0.1:7700", "--loss", "0.1x"},
      {"--to", "127.0.0.1:7700", "--loss", "nan"},
      {"--to", "127.0.0.1:7700", "--delay-ms", "1e9"},
      {"--to", "127.0.0.1:7700", "--seed", ""},
      {"--to", "127.0.0.1:7700", "--rate", "1"},
      {"--to", "127.0.0.1:7700", "--up-seed", "1"},
      {"--to", "localhost:7700"},
      {"--to", "127.0.0.1"},
      {"--to", "127.0.0.1:70000"},
      {"--to", "127.0.0.1:1.5"},
  };
  for (const auto& arguments : wrong) {
    const auto options = parse(arguments);
    ASSERT_FALSE(options.has_value()) << arguments.size();
    EXPECT_FALSE(options.error().empty());
  }
}

TEST(Options, AreListedInTheUsage) {
  for (const char* name : {"--to", "--listen", "--seed", "--loss", "--queue-ms", "--rate-bps"}) {
    EXPECT_THAT(usage(), HasSubstr(name));
  }
}

TEST(Changes, LeaveAsItIsWhatTheyDoNotName) {
  const RelayOptions before{.to = Address::v4({127, 0, 0, 1}, 7700),
                            .up = {.rate_bps = 1'000},
                            .down = {.loss = 0.1, .rate_bps = 1'000},
                            .seed = 3};
  const auto after = parse_change(before, "--down-rate-bps 500000  --delay-ms 9");
  ASSERT_TRUE(after.has_value()) << after.error();
  EXPECT_EQ(after->up, (PathOptions{.delay = milliseconds(9), .rate_bps = 1'000}));
  EXPECT_EQ(after->down, (PathOptions{.loss = 0.1, .delay = milliseconds(9), .rate_bps = 500'000}));
  EXPECT_EQ(after->to, before.to);
  EXPECT_EQ(after->seed, 3u);
  const auto same = parse_change(before, "");
  ASSERT_TRUE(same.has_value()) << same.error();
  EXPECT_EQ(same->down, before.down);
}

TEST(Changes, SayWhatIsWrong) {
  for (const char* line : {"--rate 1", "--loss", "--loss 2", "loss 0.1", "--seed 4",
                           "--to 127.0.0.1:9", "--listen 127.0.0.1:9"}) {
    const auto changed = parse_change({}, line);
    ASSERT_FALSE(changed.has_value()) << line;
    EXPECT_FALSE(changed.error().empty());
  }
}

TEST(WaitHistogram, KeepsTheLongestAsTheLongest) {
  WaitHistogram waits;
  EXPECT_EQ(waits.milliseconds(1), 0u);
  waits.add(milliseconds(3));
  waits.add(std::chrono::hours(1));
  EXPECT_EQ(waits.milliseconds(0.5), 3u);
  EXPECT_EQ(waits.milliseconds(1), WaitHistogram::kMillisecondsMax);
}

TEST(Counts, AreOneLineOfJson) {
  RelayCounts counts{.up = {.received = 3, .passed = 2, .passed_bytes = 240, .lost = 1},
                     .down = {.queue_drops = 4, .duplicated = 5, .reordered = 6},
                     .clients = 7,
                     .refused = 8,
                     .unsent = 9};
  for (int wait = 1; wait <= 20; ++wait) counts.down_waits.add(milliseconds(wait));
  EXPECT_EQ(counts_text(counts),
            "{\"up\":{\"received\":3,\"passed\":2,\"passed_bytes\":240,\"lost\":1,"
            "\"queue_drops\":0,\"duplicated\":0,\"reordered\":0,"
            "\"queue_p50_ms\":0,\"queue_p95_ms\":0},"
            "\"down\":{\"received\":0,\"passed\":0,\"passed_bytes\":0,\"lost\":0,"
            "\"queue_drops\":4,\"duplicated\":5,\"reordered\":6,"
            "\"queue_p50_ms\":10,\"queue_p95_ms\":19},"
            "\"clients\":7,\"refused\":8,\"unsent\":9}");
}

}  // namespace
}  // namespace simpul::impairment
