// simpul-load: synthetic people against a running relay, and what they saw.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "bench/load/run.h"

int main(int argc, char** argv) {
  simpul::load::Options options;
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  bool json = false;
  CLI::App app("Joins a relay with one publisher and many viewers, and reports what they saw.",
               "simpul-load");
  app.add_option("--host", host, "IPv4 address of the relay's HTTP");
  app.add_option("--port", port, "port of the relay's HTTP");
  app.add_option("--room", options.room, "room to use");
  app.add_option("--viewers", options.viewers, "how many watch")->check(CLI::Range(1, 5000));
  app.add_option("--seconds", options.seconds, "how long to measure")->check(CLI::Range(1, 3600));
  app.add_option("--bitrate-kbps", options.bitrate_kbps, "of the video")
      ->check(CLI::Range(50, 20000));
  app.add_option("--relay-pid", options.relay_pid, "process to charge CPU and memory to");
  app.add_flag("--json", json, "one line of JSON");
  CLI11_PARSE(app, argc, argv);
  const auto server = simpul::Address::parse(host, port);
  if (!server) {
    std::fprintf(stderr, "simpul-load: --host: not an address: %s\n", host.c_str());
    return 2;
  }
  options.server = *server;
  const auto report = simpul::load::run(options);
  if (!report) {
    std::fprintf(stderr, "simpul-load: %s\n", report.error().c_str());
    return 1;
  }
  const std::string text = json ? to_json(*report) : to_text(*report);
  std::fputs(text.c_str(), stdout);
  return report->connected == options.viewers ? 0 : 1;
}
