// simpul-load: synthetic people against a running relay, and what they saw.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/load/run.h"

namespace {

constexpr int kLimitBroken = 1;
constexpr int kWrongUsage = 2;

struct Arguments {
  simpul::load::Options options;
  simpul::load::Limits limits;
  std::string host = "127.0.0.1";
  std::string local = "127.0.0.1";
  uint16_t port = 8080;
  bool json = false;
  bool pairs = false;
  bool audio_only = false;
  std::string srtp_profile;
};

void describe(CLI::App& app, Arguments& arguments) {
  using CLI::Range;
  auto& options = arguments.options;
  auto& shape = options.shape;
  auto& limits = arguments.limits;
  app.add_option("--host", arguments.host, "IPv4 address of the relay's HTTP")
      ->capture_default_str();
  app.add_option("--port", arguments.port, "port of the relay's HTTP")->capture_default_str();

  app.add_option("--local", arguments.local, "IPv4 address that the clients have")
      ->capture_default_str();

  app.add_option("--room", options.room, "its name; several get numbers")->group("Who is there");
  app.add_option("--rooms", shape.rooms, "how many rooms (1)")
      ->check(Range(1, 10000))
      ->group("Who is there");
  auto* publishers = app.add_option("--publishers", shape.publishers, "in each room (1)")
                         ->check(Range(1, 100))
                         ->group("Who is there");
  auto* viewers = app.add_option("--viewers", shape.viewers,
                                 "in each room, shared out among its publishers (100)")
                      ->check(Range(1, 19000))
                      ->group("Who is there");
  auto* table = app.add_option("--table", shape.table,
                               "instead: each room is a table of so many, who publish and watch "
                               "all others")
                    ->check(Range(2, 50))
                    ->excludes(publishers)
                    ->excludes(viewers)
                    ->group("Who is there");
  app.add_flag("--pairs", arguments.pairs, "instead: each room is a pair, a table of two")
      ->excludes(publishers)
      ->excludes(viewers)
      ->excludes(table)
      ->group("Who is there");

  app.add_option("--seconds", options.seconds, "how long to measure (10)")
      ->check(Range(1, 3600))
      ->group("What they do");
  app.add_option("--bitrate-kbps", options.bitrate_kbps, "of the video (1500)")
      ->check(Range(50, 20000))
      ->group("What they do");
  app.add_option("--fps", options.frames_per_second, "of the video (30)")
      ->check(Range(1, 60))
      ->group("What they do");
  app.add_option("--burst-packets", options.burst_packets,
                 "a frame leaves in bursts of so many, 5 ms apart (0: at once)")
      ->check(Range(0, 64))
      ->group("What they do");
  app.add_flag("--silent", options.silent, "publishers send nothing, viewers wait")
      ->group("What they do");
  app.add_flag("--audio-only", arguments.audio_only, "no video")->group("What they do");
  app.add_option("--srtp-profile", arguments.srtp_profile, "the only one offered: gcm or cm80")
      ->check(CLI::IsMember({"gcm", "cm80"}))
      ->group("What they do");
  app.add_option("--cpu", options.cpu, "run on this CPU only")->group("What they do");

  app.add_option("--max-loss", limits.loss, "after repair, 0 to 1")
      ->check(Range(0.0, 1.0))
      ->group("Limits; broken ones give exit status 1");
  app.add_option("--max-delay-ms", limits.delay_ms_p99, "99th percentile")
      ->group("Limits; broken ones give exit status 1");
  app.add_option("--max-first-frame-ms", limits.first_frame_ms_p99, "99th percentile")
      ->group("Limits; broken ones give exit status 1");

  app.add_option("--relay-pid", options.relay_pid, "process to charge CPU and memory to");
  app.add_flag("--json", arguments.json, "one line of JSON");
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app(
      "Joins a relay with synthetic publishers and viewers over WHIP and WHEP, from one thread, "
      "and "
      "reports what the viewers saw: loss told exactly by the number in each packet, corruption, "
      "delay, time to the first frame. 'bottleneck' says that simpul-load itself had no time left, "
      "so that delay and loss may be its own.\n"
      "Exit status: 0, 1 a limit is broken or somebody could not join, 2 wrong usage.",
      "simpul-load");
  describe(app, arguments);
  try {  // The library knows no other way to report.
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (arguments.pairs) arguments.options.shape.table = 2;
  arguments.options.video = !arguments.audio_only;
  using enum simpul::dtls::SrtpProfile;
  if (arguments.srtp_profile == "gcm") arguments.options.srtp_profile = kAeadAes128Gcm;
  if (arguments.srtp_profile == "cm80") arguments.options.srtp_profile = kAes128CmHmacSha1_80;
  const auto server = simpul::Address::parse(arguments.host, arguments.port);
  if (!server) {
    std::fprintf(stderr, "simpul-load: --host: not an address: %s\n", arguments.host.c_str());
    return kWrongUsage;
  }
  const auto local = simpul::Address::parse(arguments.local, 0);
  if (!local) {
    std::fprintf(stderr, "simpul-load: --local: not an address: %s\n", arguments.local.c_str());
    return kWrongUsage;
  }
  arguments.options.server = *server;
  arguments.options.local = *local;
  const auto report = simpul::load::run(arguments.options);
  if (!report) {
    std::fprintf(stderr, "simpul-load: %s\n", report.error().c_str());
    return kLimitBroken;
  }
  const auto wrong = simpul::load::complaints(*report, arguments.limits);
  const std::string text = arguments.json ? to_json(*report, wrong) : to_text(*report);
  std::fputs(text.c_str(), stdout);
  for (const std::string& line : wrong) std::fprintf(stderr, "simpul-load: %s\n", line.c_str());
  return wrong.empty() ? 0 : kLimitBroken;
}
