#include "bench/load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/load/html_report.h"
#include "bench/load/json_text.h"
#include "bench/load/progress.h"

namespace simpul::load {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

PhaseReport good_phase() {
  PhaseReport phase{.name = "keynote", .kind = "stage"};
  phase.rooms = 1;
  phase.publishers = 1;
  phase.viewers = phase.connected = 2;
  phase.seconds = 10;
  phase.ended = 12;
  phase.expected = 2'000;
  phase.received.packets = 2'000;
  phase.first_frame_ms = {100, 300};
  for (int i = 1; i <= 1'000; ++i) phase.delay.add(i / 100.0);
  return phase;
}

Report report_of(std::vector<PhaseReport> phases) {
  return {.scenario = "evening", .seed = 3, .server = "127.0.0.1:1", .phases = std::move(phases)};
}

TEST(LoadReport, HasNothingToComplainOfWhenAllIsWell) {
  PhaseReport phase = good_phase();
  phase.limits = {{Metric::kLoss, 0}, {Metric::kDelayP99, 10.2}, {Metric::kFirstFrameP99, 300}};
  EXPECT_THAT(complaints(phase), IsEmpty());
}

TEST(LoadReport, ComplainsOfALimitThatIsBroken) {
  PhaseReport phase = good_phase();
  phase.received.packets -= 1;
  EXPECT_EQ(phase.lost(), 1u);
  EXPECT_THAT(complaints(phase), IsEmpty());
  phase.limits = {{Metric::kLoss, 0}};
  EXPECT_THAT(complaints(phase), ElementsAre("loss is 0.0005, above 0"));
  phase.limits = {{Metric::kLoss, 0.001}, {Metric::kDelayP99, 5}, {Metric::kFirstFrameP99, 200}};
  EXPECT_THAT(complaints(phase),
              ElementsAre(HasSubstr("delay_ms_p99"), "first_frame_ms_p99 is 300, above 200"));
}

TEST(LoadReport, HasAValueForEveryMetric) {
  PhaseReport phase = good_phase();
  phase.received.packets = 1'900;
  phase.viewer_loss_max = 0.1;
  phase.gap_ms = {50};
  phase.freezes = 4;
  phase.joins_failed = 5;
  phase.forwarded = 1'000;
  phase.relay_cpu_seconds = 0.002;
  phase.relay_kib_per_viewer = 55;
  phase.relay_measured = true;
  phase.watched_pictures = 2;
  phase.switch_ms = {70};
  phase.limits.clear();
  for (const MetricName& metric : kMetricNames) {
    EXPECT_GT(value_of(phase, metric.metric), 0) << metric.name;
    EXPECT_FALSE(why_unknown(phase, metric.metric)) << metric.name;
    phase.limits.push_back({metric.metric, 0});
  }
  EXPECT_EQ(complaints(phase).size(), kMetricNames.size());
  EXPECT_DOUBLE_EQ(value_of(phase, Metric::kRelayCpuPerPacket), 2);
  EXPECT_DOUBLE_EQ(value_of(phase, Metric::kLoss), 0.05);
}

TEST(LoadReport, ComplainsOfEveryLimitThatNothingTellsOf) {
  PhaseReport phase{.name = "empty"};
  for (const MetricName& metric : kMetricNames) phase.limits.push_back({metric.metric, 1e9});
  const auto wrong = complaints(phase);
  ASSERT_EQ(wrong.size(), kMetricNames.size() - 1) << "but who could not join";
  for (const std::string& line : wrong)
    EXPECT_THAT(line, HasSubstr(" has a limit and is not known: "));
  EXPECT_EQ(wrong[0], "loss has a limit and is not known: nobody was expected to get a packet");
  EXPECT_THAT(wrong.back(), HasSubstr("the relay was not measured"));
  phase.relay_measured = true;
  phase.limits = {{Metric::kRelayCpuPerPacket, 1}, {Metric::kRelayKibPerViewer, 1}};
  EXPECT_THAT(complaints(phase),
              ElementsAre(HasSubstr("nobody got a packet"), HasSubstr("nobody watched")));
}

TEST(LoadReport, ShowsWhatIsNotKnownAsSuch) {
  PhaseReport phase = good_phase();
  phase.delay = {};
  phase.limits = {{Metric::kDelayP99, 5}};
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"delay_ms_p99\": null, "));
  EXPECT_THAT(to_text(report_of({phase})), HasSubstr("\ndelay_ms_p99              -  "));
  EXPECT_THAT(to_html(report_of({phase}), {}), HasSubstr("<td class=\"bad\">not known"));
}

TEST(LoadReport, ShowsTheFrameOfTheLastViewerAsNotKnownWhereNobodyDecrypts) {
  PhaseReport phase = good_phase();
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"last_viewer_ms_p50\": null, "));
  EXPECT_THAT(to_text(report_of({phase})), HasSubstr("\nlast_viewer_ms_p50        -  "));
  for (const uint16_t frame : {uint16_t{1}, uint16_t{2}}) {
    phase.last_viewer.add({.source = 1, .frame = frame, .frame_packets = 9}, 4);
  }
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"last_viewer_ms_p50\": 4.000, "));
}

TEST(LoadReport, ShowsTheSecondsOfWhichNothingIsKnown) {
  Report report = report_of({good_phase()});
  report.seconds = {{.at = 1}};
  const std::string unknown = to_json(report, {});
  EXPECT_THAT(unknown, HasSubstr("\"delay_ms_p50\": null, \"delay_ms_p99\": null, "
                                 "\"relay_cpu_share\": null, \"relay_mib\": null, "));
  report.seconds = {
      {.at = 1, .delay_p50 = 0.25, .delay_p99 = 2, .relay_cpu = 0, .relay_mib = 12.5}};
  EXPECT_THAT(to_json(report, {}), HasSubstr("\"delay_ms_p50\": 0.25, \"delay_ms_p99\": 2, "
                                             "\"relay_cpu_share\": 0, \"relay_mib\": 12.5, "));
}

TEST(LoadReport, ShowsWhatIsNoNumberAsNotKnown) {
  PhaseReport phase = good_phase();
  phase.own.cpu_share = 0.0 / 0.0;
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"own_cpu_share\": null, "));
}

TEST(LoadReport, ThePageHasGapsWhereNothingIsKnown) {
  Report report = report_of({{.name = "empty", .kind = "stage"}});
  report.has_relay = true;
  report.seconds = {{.at = 1, .relay_mib = 3}, {.at = 2}, {.at = 3, .relay_mib = 4}};
  const std::string page = to_html(report, {});
  EXPECT_THAT(page, HasSubstr("<b>- / -<small>ms</small></b>"));
  EXPECT_THAT(page, HasSubstr("<b>-<small>%</small></b><span>lost"));
  EXPECT_THAT(page, HasSubstr("<b>-<small>µs</small></b>"));
  EXPECT_THAT(page, ContainsRegex("h1M[0-9. ]+h1\"/>"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(LoadReport, ALimitOfFreezesReplacesTheComplaintOfPicturesThatStopped) {
  PhaseReport phase = good_phase();
  phase.watched_pictures = 2;
  phase.stood_still = phase.freezes = 1;
  EXPECT_THAT(complaints(phase), ElementsAre("1 viewers got nothing new at the end"));
  phase.limits = {{Metric::kFreezes, 1}};
  EXPECT_THAT(complaints(phase), IsEmpty());
}

TEST(LoadReport, MissesNoPictureWhereNothingIsSentButConnections) {
  PhaseReport phase = good_phase();
  phase.is_silent = true;
  phase.first_frame_ms.clear();
  EXPECT_THAT(complaints(phase), IsEmpty());
  phase.connected = 1;
  EXPECT_THAT(complaints(phase), ElementsAre("1 viewers were never connected"));
}

TEST(LoadReport, TellsHowLongSwitchesTook) {
  PhaseReport phase = good_phase();
  phase.switch_ms = {40, 90};
  EXPECT_THAT(to_json(report_of({phase}), {}),
              HasSubstr("\"switch_ms_p50\": 90.000, \"switch_ms_p95\": 90.000"));
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"switches\": 2"));
  EXPECT_THAT(to_text(report_of({phase})), HasSubstr("\nswitch_ms_max             90.000"));
  EXPECT_THAT(to_html(report_of({phase}), {}), HasSubstr("Switching"));
  phase.limits = {{Metric::kSwitchP99, 80}};
  EXPECT_THAT(complaints(phase), ElementsAre("switch_ms_p99 is 90, above 80"));
}

TEST(LoadReport, AlwaysComplainsOfWhatIsNeverRight) {
  PhaseReport phase = good_phase();
  phase.joins_failed = 1;
  phase.failures = {"whep/stage, viewer-2: status 500"};
  phase.first_frame_ms.pop_back();
  phase.received.corrupt = 3;
  phase.stood_still = 1;
  EXPECT_THAT(complaints(phase),
              ElementsAre("1 could not join, the first: whep/stage, viewer-2: status 500",
                          "1 viewers never had a whole frame",
                          "1 viewers got nothing new at the end", "3 packets were corrupt"));
}

TEST(LoadReport, DoesNotMissThePictureOfThoseWhoLeftBeforeIt) {
  PhaseReport phase = good_phase();
  phase.viewers = 4;
  phase.left_early = 1;
  phase.gap_ms = {80};  // the first picture of one who moved
  EXPECT_THAT(complaints(phase), IsEmpty());
}

TEST(LoadReport, NamesThePhaseWhereThereAreSeveral) {
  PhaseReport storm = good_phase();
  storm.name = "doors";
  storm.received.corrupt = 1;
  EXPECT_THAT(complaints(report_of({storm})), ElementsAre("1 packets were corrupt"));
  EXPECT_THAT(complaints(report_of({good_phase(), storm})),
              ElementsAre("doors: 1 packets were corrupt"));
}

TEST(LoadReport, SaysWhenItWasTheBottleneckItself) {
  PhaseReport phase = good_phase();
  phase.own = {.cpu_share = 0.5, .wait_share = 0.2};
  EXPECT_FALSE(phase.own.is_bottleneck());
  phase.own.wait_share = 0.41;
  EXPECT_TRUE(phase.own.is_bottleneck());
  phase.own = {.cpu_share = 0.5, .cpu_share_max = 0.91};
  EXPECT_TRUE(phase.own.is_bottleneck()) << "for a second";
  phase.own = {.late_ms_p99 = 11};
  EXPECT_TRUE(phase.own.is_bottleneck());
  phase.own = {.socket_overflows = 1};
  EXPECT_TRUE(phase.own.is_bottleneck());
  EXPECT_THAT(to_json(report_of({phase}), {}), HasSubstr("\"bottleneck\": true"));
  EXPECT_THAT(to_text(report_of({phase})), HasSubstr("was the bottleneck"));
  EXPECT_THAT(to_html(report_of({phase}), {}), HasSubstr("itself was a bottleneck"));
}

TEST(LoadReport, AddsItsPhasesUp) {
  PhaseReport other = good_phase();
  other.seconds = 30;
  other.ended = 50;
  other.own.cpu_share = 0.4;
  other.relay_cpu_seconds = 8;
  other.viewer_loss_max = 0.5;
  other.network = {.received = 100, .passed = 80, .lost = 15, .queue_drops = 5};
  other.measured_from = 5;
  const PhaseReport sum = report_of({good_phase(), other}).total();
  EXPECT_EQ(sum.wall, 35);  // five seconds of both at once
  EXPECT_EQ(sum.viewers, 4u);
  EXPECT_EQ(sum.seconds, 40);
  EXPECT_EQ(sum.ended, 50);
  EXPECT_EQ(sum.expected, 4'000u);
  EXPECT_EQ(sum.delay.count(), 2'000u);
  EXPECT_EQ(sum.first_frame_ms.size(), 4u);
  EXPECT_DOUBLE_EQ(sum.own.cpu_share, 0.3);
  EXPECT_DOUBLE_EQ(sum.relay_cpu_share(), 0.2);
  EXPECT_EQ(sum.viewer_loss_max, 0.5);
  const std::string json = to_json(report_of({other, other}), {});
  EXPECT_THAT(json, HasSubstr("\"network_datagrams\": 200, \"network_lost\": 30, "
                              "\"network_queue_drops\": 10, "));
}

TEST(LoadReport, IsOneLineOfJsonWithItsPercentilesAndPhases) {
  Report report = report_of({good_phase()});
  report.seconds = {{.at = 1, .present = 3, .packets = 200.5}};
  const std::string json = to_json(report, {"loss is \"1\", above 0"});
  EXPECT_THAT(json, ::testing::StartsWith("{\"rooms\": 1, "));
  EXPECT_THAT(json, HasSubstr("\"loss\": 0, "));
  EXPECT_THAT(json, HasSubstr("\"first_frame_ms_max\": 300.000, "));
  EXPECT_THAT(json, HasSubstr("\"delay_ms_max\": 10.000, "));
  EXPECT_THAT(json, HasSubstr("\"phases\": [{\"name\": \"keynote\", \"kind\": \"stage\", "));
  EXPECT_THAT(json, HasSubstr("\"per_second\": [{\"at\": 1, \"present\": 3, "));
  EXPECT_THAT(json, HasSubstr("\"packets\": 200.5, "));
  EXPECT_THAT(json, ::testing::EndsWith("\"complaints\": [\"loss is \\\"1\\\", above 0\"]}\n"));
  EXPECT_EQ(std::ranges::count(json, '\n'), 1);
}

TEST(LoadReport, IsATableWithAColumnForEachPhaseAndTheirSum) {
  PhaseReport pairs = good_phase();
  pairs.name = "networking";
  pairs.kind = "pairs";
  pairs.gap_ms = {80};
  const std::string text = to_text(report_of({good_phase(), pairs}));
  EXPECT_THAT(text, HasSubstr("scenario  evening, seed 3, 127.0.0.1:1"));
  EXPECT_THAT(text, HasSubstr("\nexpected                  2000        2000        4000"));
  EXPECT_THAT(text, HasSubstr("\ngap_ms_p50                -           80.000      80.000"));
}

TEST(LoadReport, IsAPageThatNeedsNothingElseAndBelievesNobody) {
  PhaseReport phase = good_phase();
  phase.limits = {{Metric::kLoss, 0}, {Metric::kDelayP50, 1}};
  Report report = report_of({phase});
  report.has_relay = true;
  report.seconds = {{.at = 1, .packets = 100, .relay_cpu = 0.5}, {.at = 2, .packets = 120}};
  const std::string good = to_html(report, {});
  EXPECT_THAT(good, HasSubstr(">passed<"));
  EXPECT_THAT(good, HasSubstr("<svg"));
  EXPECT_THAT(good, HasSubstr("class=\"bad\">5.0"));
  EXPECT_THAT(good, HasSubstr(" above 1</td>"));
  for (const char* outside : {"<script", "src=", "href=", "url(", "@import", "http:"}) {
    EXPECT_THAT(good, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(good, HasSubstr("prefers-color-scheme: dark"));
  const std::string bad = to_html(report, {"<script>alert(1)</script>"});
  EXPECT_THAT(bad, HasSubstr(">failed<"));
  EXPECT_THAT(bad, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(bad, Not(HasSubstr("<script")));
}

TEST(LoadReport, APageOfNothingIsStillAPage) {
  EXPECT_THAT(to_html(report_of({}), {}), HasSubstr("</html>"));
  EXPECT_THAT(to_text(report_of({})), HasSubstr("scenario"));
}

TEST(JsonText, EscapesWhatServersSay) {
  EXPECT_EQ(json_string("a\"b\\\n\xff"), "\"a\\\"b\\\\\\u000a\\u00ff\"");
  EXPECT_EQ(json_number(0.0 / 0.0), "null");
  EXPECT_EQ(json_number(1.0 / 0.0), "null");
  EXPECT_EQ(json_number(std::nullopt), "null");
  EXPECT_EQ(json_number(0), "0");
  EXPECT_EQ(json_number(1e9), "1000000000");
  EXPECT_EQ(json_number(0.25), "0.25");
}

TEST(ProgressLine, SaysWhatIsGoingOn) {
  Progress progress{.phases = {{.name = "doors", .doing = "measuring", .seconds = 7, .of = 15}},
                    .second = {.at = 12,
                               .present = 201,
                               .joining = 4,
                               .packets = 29'012,
                               .mbit = 247,
                               .delay_p50 = 1.1,
                               .delay_p99 = 2.3,
                               .relay_cpu = 0.31,
                               .own_cpu = 0.62},
                    .failed = 2,
                    .has_relay = true};
  EXPECT_EQ(to_line(progress),
            "  12 s  doors measuring 7/15 s  201 there, 4 joining, 2 failed  29012 packets/s 247 "
            "Mbit/s  delay 1.1 p99 2.3 ms  relay 31 %  own 62 %");
  progress = {.phases = {{.name = "doors", .doing = "joining", .seconds = 1}}, .second = {.at = 1}};
  EXPECT_EQ(to_line(progress), "   1 s  doors joining 1 s  0 there  0 packets/s 0 Mbit/s  own 0 %");
  progress = {.phases = {}, .second = {.at = 2}, .has_relay = true};
  EXPECT_EQ(to_line(progress), "   2 s  0 there  0 packets/s 0 Mbit/s  relay -  own 0 %");
}

}  // namespace
}  // namespace simpul::load
