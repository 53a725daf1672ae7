// impairment_relay: a bad network for the tests, where the kernel has none to offer.
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "tests/impairment/line_input.h"
#include "tests/impairment/options.h"

int main(int count, char** arguments) {
  using namespace simpul;
  const std::span<const char* const> all(arguments, static_cast<size_t>(count));
  const auto options = impairment::parse_options(all.subspan(1));
  if (!options) {
    std::fprintf(stderr, "%s\n%s", options.error().c_str(), impairment::usage().c_str());
    return 2;
  }
  net::EventLoop loop;
  const auto relay = impairment::Relay::start(loop, *options);
  if (!relay) {
    std::fprintf(stderr, "%s\n", relay.error().c_str());
    return 1;
  }
  const net::SignalWatcher terminated(loop, SIGTERM, [&] { loop.stop(); });
  const net::SignalWatcher interrupted(loop, SIGINT, [&] { loop.stop(); });
  const net::SignalWatcher asked(loop, SIGUSR1, [&] {
    (*relay)->rebind();
    std::printf("impairment_relay rebound\n");
    std::fflush(stdout);
  });
  const impairment::LineInput input(loop, STDIN_FILENO, [&](std::string_view line) {
    const auto changed = impairment::parse_change((*relay)->options(), line);
    if (changed) {
      (*relay)->change(*changed);
      std::printf("impairment_relay changed %s\n",
                  impairment::counts_text((*relay)->counts_afresh()).c_str());
    } else {
      std::printf("impairment_relay refused %s\n", changed.error().c_str());
    }
    std::fflush(stdout);
  });
  std::printf("impairment_relay ready udp=%s\n", (*relay)->local_address().to_string().c_str());
  std::fflush(stdout);
  loop.run();
  std::printf("%s\n", impairment::counts_text((*relay)->counts()).c_str());
  return 0;
}
