// simpul-floor: what a forwarded packet costs on this machine when nothing but receiving,
// decrypting, encrypting and sending is done. The yardstick of scripts/bench.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "bench/floor/feeder.h"
#include "bench/floor/forwarder.h"
#include "bench/floor/viewers.h"
#include "bench/peer/descriptors.h"

namespace simpul::floor_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kWarmUp = std::chrono::milliseconds(300);

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool forward_until(Forwarder& forwarder, Clock::time_point end) {
  while (Clock::now() < end) {
    if (!forwarder.turn()) return false;
  }
  return true;
}

int run(const Shape& shape) {
  peer::raise_descriptor_limit();
  Sockets sockets;
  for (size_t i = 0; i < shape.subscribers; ++i) {
    sockets.push_back(std::make_unique<LoopbackSocket>());
  }
  Forwarder forwarder(shape, sockets);
  const Process viewers([&] { watch_for_ever(shape, sockets, forwarder.socket()); });
  const Process feeder([&] { feed_for_ever(shape, forwarder.socket()); });
  const bool ready = std::ranges::all_of(sockets, [](const auto& s) { return s->works(); }) &&
                     forwarder.socket().works() && viewers.works() && feeder.works();
  if (!ready || !forward_until(forwarder, Clock::now() + kWarmUp)) return 1;
  const auto began = Clock::now();
  const double cpu = cpu_seconds();
  const uint64_t before = forwarder.forwarded();
  const uint64_t feedback_before = forwarder.feedback();
  const auto length =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(shape.seconds));
  if (!forward_until(forwarder, began + length)) return 1;
  const double used = cpu_seconds() - cpu;
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const auto packets = static_cast<double>(forwarder.forwarded() - before);
  const auto feedback = static_cast<double>(forwarder.feedback() - feedback_before);
  if (packets == 0) return 1;
  std::printf(
      "{\"cpu_us_per_packet\": %.4f, \"packets_per_second\": %.0f, \"cpu_share\": %.4f, "
      "\"feedback_per_second\": %.1f}\n",
      used * 1e6 / packets, packets / seconds, used / seconds, feedback / seconds);
  return 0;
}

}  // namespace
}  // namespace simpul::floor_bench

int main(int argc, char** argv) {
  using CLI::Range;
  simpul::floor_bench::Shape shape;
  std::string profile = "gcm";
  CLI::App app("Forwards synthetic packets and does nothing else; prints what that costs.",
               "simpul-floor");
  app.add_option("--publishers", shape.publishers)->check(Range(1, 10'000));
  app.add_option("--subscribers", shape.subscribers, "of all publishers together")
      ->check(Range(1, 19'000));
  app.add_option("--heard", shape.heard, "publishers that each subscriber gets (1)")
      ->check(Range(1, 10'000));
  app.add_option("--frame-packets", shape.frame_packets, "0: no video")->check(Range(0, 46));
  app.add_option("--packet-bytes", shape.packet_bytes, "of video, SRTP included")
      ->check(Range(200, 1'400));
  app.add_option("--fps", shape.frames_per_second)->check(Range(1, 1'000));
  app.add_option("--burst-packets", shape.burst_packets, "each 5 ms; 0: a frame at once");
  app.add_flag("!--no-audio", shape.has_audio);
  app.add_option("--profile", profile, "of SRTP")->check(CLI::IsMember({"gcm", "cm80"}));
  app.add_option("--feedback", shape.feedback_rate, "messages a second from each subscriber")
      ->check(Range(0.0, 1'000.0));
  app.add_option("--feedback-bytes", shape.feedback_bytes, "of each before it is sealed")
      ->check(Range(size_t{8}, simpul::floor_bench::kFeedbackBytesMax));
  app.add_option("--seconds", shape.seconds)->check(Range(0.1, 3'600.0));
  try {  // The library knows no other way to report.
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  using enum simpul::dtls::SrtpProfile;
  shape.profile = profile == "gcm" ? kAeadAes128Gcm : kAes128CmHmacSha1_80;
  return simpul::floor_bench::run(shape);
}
