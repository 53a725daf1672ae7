// demo_publisher: a moving picture and sound in a room, for machines without a camera.
#include <CLI/CLI.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>

#include "bench/demo/publisher.h"

namespace {

// "http://127.0.0.1:8080", as the relay's ready line gives it.
bool split_url(std::string_view url, std::string& host, uint16_t& port) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return false;
  url.remove_prefix(kScheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const size_t colon = url.rfind(':');
  if (colon == std::string_view::npos) return false;
  host = url.substr(0, colon);
  const char* const end = url.data() + url.size();
  const auto result = std::from_chars(url.data() + colon + 1, end, port);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

// CLI11 throws when options are declared wrongly: such a build is to end at once.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  simpul::demo::PublisherOptions options;
  std::string url;
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  CLI::App app("Publishes a test picture and a chime by WHIP, until it is told to end.",
               "demo_publisher");
  app.add_option("--host", host, "IPv4 address of the relay's HTTP");
  app.add_option("--port", port, "port of the relay's HTTP");
  app.add_option("--url", url, "both at once: http://ADDRESS:PORT");
  app.add_option("--room", options.room, "room to publish into");
  app.add_option("--participant", options.participant, "name to publish under");
  CLI11_PARSE(app, argc, argv);
  if (!url.empty() && !split_url(url, host, port)) {
    std::fprintf(stderr, "demo_publisher: --url: not http://ADDRESS:PORT: %s\n", url.c_str());
    return 2;
  }
  const auto server = simpul::Address::parse(host, port);
  if (!server || !server->is_v4()) {
    std::fprintf(stderr, "demo_publisher: not an IPv4 address: %s\n", host.c_str());
    return 2;
  }
  options.server = *server;

  simpul::net::EventLoop loop;
  simpul::demo::Publisher publisher(loop, options);
  const auto stop = [&] {
    publisher.stop();
    loop.stop();
  };
  simpul::net::SignalWatcher terminated(loop, SIGTERM, stop);
  simpul::net::SignalWatcher interrupted(loop, SIGINT, stop);
  publisher.start();
  loop.run();
  return 0;
}
