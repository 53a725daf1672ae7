#include "control/metrics_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace simpul::control {
namespace {

using ::testing::Contains;
using ::testing::Pair;

// The text read back by the rules of its format: every sample behind the head of its family, no
// family and no series twice.
struct Parsed {
  std::map<std::string, std::string> types;
  std::map<std::string, std::string> samples;  // name and labels -> value
};

std::string family_of(const std::string& series, const std::map<std::string, std::string>& types) {
  auto name = series.substr(0, series.find('{'));
  for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
    if (!name.ends_with(suffix)) continue;
    auto base = name.substr(0, name.size() - suffix.size());
    if (types.contains(base) && types.at(base) == "histogram") return base;
  }
  return name;
}

Parsed parse(const std::string& text) {
  static const std::regex kSample(
      R"re(([a-z_]+(?:\{[a-z]+="(?:[^"\\\n]|\\.)*"(?:,[a-z]+="(?:[^"\\\n]|\\.)*")*\})?) ([-+.0-9a-zA-Z]+))re");
  static const std::regex kHead(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
  Parsed parsed;
  std::set<std::string> ended;
  std::string current;
  std::istringstream lines(text);
  EXPECT_TRUE(text.ends_with('\n'));
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kHead)) {
      if (match[1] == "TYPE") {
        EXPECT_EQ(current, match[2]) << line;
        EXPECT_TRUE(parsed.types.emplace(match[2], match[3]).second) << line;
      }
      current = match[2];
    } else if (std::regex_match(line, match, kSample)) {
      EXPECT_EQ(family_of(match[1], parsed.types), current) << line;
      EXPECT_TRUE(parsed.samples.emplace(match[1], match[2]).second) << line;
    } else {
      ADD_FAILURE() << "not in the format: " << line;
    }
  }
  return parsed;
}

node::WorkerReport make_worker(uint32_t number) {
  node::WorkerReport worker;
  worker.worker = number;
  worker.packets_received = 10;
  worker.packets_sent = 20;
  worker.bytes_received = 100;
  worker.bytes_sent = 18'446'744'073'709'551u;
  worker.nacks_received = 3;
  worker.retransmissions = 2;
  worker.padding_bytes = 350;
  worker.key_frame_requests_received = 5;
  worker.key_frame_requests_sent = 1;
  worker.gop_cache_starts = 4;
  worker.socket_overflows = 4;
  worker.socket_send_full = 12;
  worker.receive_buffer_bytes = 8'388'608;
  worker.send_buffer_bytes = 425'984;
  worker.tcp_streams = 8 + number;
  worker.busy_ratio = 0.25;
  worker.drops = {{"no_session", 6}, {"replayed", 7}};
  worker.handshakes = {{"ok", 2}, {"timeout", 1}};
  worker.handshake_seconds = {.bounds = {0.001, 0.01}, .counts = {1, 2, 3}, .sum = 0.5};
  worker.forward_delay_seconds = {.bounds = {0.0001}, .counts = {9, 0}, .sum = 0.25};
  worker.send_batch_packets = {.bounds = {1, 8}, .counts = {0, 4, 1}, .sum = 40};
  return worker;
}

class MetricsTextTest : public ::testing::Test {
 protected:
  Parsed render() {
    return parse(metrics_text({.node = node_, .rooms = 2, .participants = 3, .http = http_}));
  }
  node::NodeReport node_{.started_at_unix_ms = 0,
                         .workers = {make_worker(0), make_worker(1)},
                         .connections_by_state = {{"connected", 5}},
                         .tcp_refused = {{"silent", 9}}};
  HttpCounters http_;
};

TEST_F(MetricsTextTest, HasTheNamesAndTypesOfTheApi) {
  const auto types = render().types;
  for (const auto& [name, type] :
       std::map<std::string, std::string>{{"simpul_rooms", "gauge"},
                                          {"simpul_participants", "gauge"},
                                          {"simpul_connections", "gauge"},
                                          {"simpul_packets_received_total", "counter"},
                                          {"simpul_packets_sent_total", "counter"},
                                          {"simpul_bytes_received_total", "counter"},
                                          {"simpul_bytes_sent_total", "counter"},
                                          {"simpul_packets_dropped_total", "counter"},
                                          {"simpul_nacks_received_total", "counter"},
                                          {"simpul_retransmissions_total", "counter"},
                                          {"simpul_padding_bytes_total", "counter"},
                                          {"simpul_keyframe_requests_total", "counter"},
                                          {"simpul_gop_cache_starts_total", "counter"},
                                          {"simpul_handshakes_total", "counter"},
                                          {"simpul_handshake_seconds", "histogram"},
                                          {"simpul_forward_delay_seconds", "histogram"},
                                          {"simpul_worker_busy_ratio", "gauge"},
                                          {"simpul_send_batch_packets", "histogram"},
                                          {"simpul_socket_overflow_total", "counter"},
                                          {"simpul_socket_send_full_total", "counter"},
                                          {"simpul_socket_buffer_bytes", "gauge"},
                                          {"simpul_tcp_streams", "gauge"},
                                          {"simpul_tcp_refused_total", "counter"},
                                          {"simpul_http_requests_total", "counter"}}) {
    EXPECT_THAT(types, Contains(Pair(name, type)));
  }
}

TEST_F(MetricsTextTest, LabelsWhatIsPerWorkerAndAddsUpTheRest) {
  const auto samples = render().samples;
  EXPECT_EQ(samples.at(R"(simpul_packets_received_total{worker="0"})"), "10");
  EXPECT_EQ(samples.at(R"(simpul_packets_sent_total{worker="1"})"), "20");
  EXPECT_EQ(samples.at(R"(simpul_packets_dropped_total{worker="1",reason="replayed"})"), "7");
  EXPECT_EQ(samples.at(R"(simpul_worker_busy_ratio{worker="0"})"), "0.25");
  EXPECT_EQ(samples.at(R"(simpul_socket_overflow_total{worker="0"})"), "4");
  EXPECT_EQ(samples.at(R"(simpul_socket_send_full_total{worker="1"})"), "12");
  EXPECT_EQ(samples.at(R"(simpul_socket_buffer_bytes{worker="0",direction="receive"})"), "8388608");
  EXPECT_EQ(samples.at(R"(simpul_socket_buffer_bytes{worker="1",direction="send"})"), "425984");
  EXPECT_EQ(samples.at(R"(simpul_tcp_streams{worker="1"})"), "9");
  EXPECT_EQ(samples.at(R"(simpul_tcp_refused_total{reason="silent"})"), "9");
  EXPECT_EQ(samples.at("simpul_bytes_received_total"), "200");
  EXPECT_EQ(samples.at("simpul_bytes_sent_total"), "36893488147419102");
  EXPECT_EQ(samples.at("simpul_nacks_received_total"), "6");
  EXPECT_EQ(samples.at("simpul_retransmissions_total"), "4");
  EXPECT_EQ(samples.at("simpul_padding_bytes_total"), "700");
  EXPECT_EQ(samples.at(R"(simpul_keyframe_requests_total{direction="received"})"), "10");
  EXPECT_EQ(samples.at(R"(simpul_keyframe_requests_total{direction="sent"})"), "2");
  EXPECT_EQ(samples.at("simpul_gop_cache_starts_total"), "8");
  EXPECT_EQ(samples.at(R"(simpul_handshakes_total{result="ok"})"), "4");
  EXPECT_EQ(samples.at(R"(simpul_connections{state="connected"})"), "5");
}

TEST_F(MetricsTextTest, WritesHistogramsCumulativeAndTogether) {
  const auto samples = render().samples;
  EXPECT_EQ(samples.at(R"(simpul_handshake_seconds_bucket{le="0.001"})"), "2");
  EXPECT_EQ(samples.at(R"(simpul_handshake_seconds_bucket{le="0.01"})"), "6");
  EXPECT_EQ(samples.at(R"(simpul_handshake_seconds_bucket{le="+Inf"})"), "12");
  EXPECT_EQ(samples.at("simpul_handshake_seconds_count"), "12");
  EXPECT_EQ(samples.at("simpul_handshake_seconds_sum"), "1");
  EXPECT_EQ(samples.at(R"(simpul_send_batch_packets_bucket{le="8"})"), "8");
}

TEST_F(MetricsTextTest, IsWellFormedBeforeAnythingHappened) {
  node_ = {};
  const auto samples = render().samples;
  EXPECT_EQ(samples.at(R"(simpul_handshake_seconds_bucket{le="+Inf"})"), "0");
  EXPECT_EQ(samples.at("simpul_handshake_seconds_count"), "0");
}

TEST_F(MetricsTextTest, EscapesLabels) {
  node_.workers.resize(1);
  node_.workers[0].drops = {{"a\"b\\c\nd", 1}};
  EXPECT_EQ(render().samples.at(R"(simpul_packets_dropped_total{worker="0",reason="a\"b\\c\nd"})"),
            "1");
}

TEST_F(MetricsTextTest, CountsHttpAnswersByRouteAndCode) {
  http_.count("/whip/{room}", 201);
  http_.count("/whip/{room}", 201);
  http_.count("/whip/{room}", 400);
  const auto samples = render().samples;
  EXPECT_EQ(samples.at(R"(simpul_http_requests_total{route="/whip/{room}",code="201"})"), "2");
  EXPECT_EQ(samples.at(R"(simpul_http_requests_total{route="/whip/{room}",code="400"})"), "1");
}

}  // namespace
}  // namespace simpul::control
