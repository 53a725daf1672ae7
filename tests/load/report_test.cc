#include "bench/load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Report good_report() {
  Report report;
  report.publishers = 1;
  report.viewers = report.connected = 2;
  report.seconds = 10;
  report.expected = 2'000;
  report.received.packets = 2'000;
  report.first_frame_ms = {100, 300};
  for (int i = 1; i <= 1'000; ++i) report.delay_ms.push_back(i / 100.0);
  return report;
}

TEST(LoadReport, HasNothingToComplainOfWhenAllIsWell) {
  EXPECT_THAT(complaints(good_report(), {.loss = 0, .delay_ms_p99 = 10, .first_frame_ms_p99 = 300}),
              IsEmpty());
}

TEST(LoadReport, ComplainsOfALimitThatIsBroken) {
  Report report = good_report();
  report.received.packets -= 1;
  EXPECT_EQ(report.lost(), 1u);
  EXPECT_THAT(complaints(report, {.loss = 0, .delay_ms_p99 = {}, .first_frame_ms_p99 = {}}),
              ElementsAre(HasSubstr("loss is 0.0005")));
  EXPECT_THAT(complaints(report, {.loss = 0.001, .delay_ms_p99 = 5, .first_frame_ms_p99 = 200}),
              ElementsAre(HasSubstr("delay_ms_p99"), HasSubstr("first_frame_ms_p99")));
  EXPECT_THAT(complaints(report, {}), IsEmpty());
}

TEST(LoadReport, AlwaysComplainsOfWhatIsNeverRight) {
  Report report = good_report();
  report.connected = 1;
  report.first_frame_ms.pop_back();
  report.received.corrupt = 3;
  EXPECT_THAT(complaints(report, {}),
              ElementsAre("1 viewers are not connected", "1 viewers never had a whole frame",
                          "3 packets were corrupt"));
}

TEST(LoadReport, SaysWhenItWasTheBottleneckItself) {
  Report report = good_report();
  report.own = {.cpu_share = 0.5, .wait_share = 0.2};
  EXPECT_FALSE(report.own.is_bottleneck());
  report.own.wait_share = 0.48;
  EXPECT_TRUE(report.own.is_bottleneck());
  report.own = {.socket_overflows = 1};
  EXPECT_THAT(to_json(report, {}), HasSubstr("\"bottleneck\": true"));
}

TEST(LoadReport, IsOneLineOfJsonWithItsPercentiles) {
  const std::string json = to_json(good_report(), {"loss is 1, above 0"});
  EXPECT_THAT(json, ::testing::StartsWith("{\"rooms\": 1, "));
  EXPECT_THAT(json, HasSubstr("\"loss\": 0, "));
  EXPECT_THAT(json, HasSubstr("\"delay_ms_p50\": 5.010, "));
  EXPECT_THAT(json, HasSubstr("\"delay_ms_max\": 10.000, "));
  EXPECT_THAT(json, ::testing::EndsWith("\"complaints\": [\"loss is 1, above 0\"]}\n"));
}

}  // namespace
}  // namespace simpul::load
