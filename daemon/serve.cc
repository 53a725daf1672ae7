#include "daemon/serve.h"

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>

#include "base/log.h"
#include "control/server.h"
#include "daemon/process_limits.h"
#include "daemon/systemd_notify.h"
#include "net/event_loop.h"
#include "node/node.h"

namespace simpul::daemon {
namespace {

// The service manager is told that all is well only while every worker answers, three times within
// the time that it allows.
class Watchdog {
 public:
  Watchdog(net::EventLoop& loop, const node::Node& node, Duration interval)
      : loop_(loop), node_(node), period_(interval / 3), timer_(loop, [this] { beat(); }) {
    beat();
  }

 private:
  void beat() {
    if (node_.healthy()) notify_alive();
    timer_.set(loop_.now() + period_);
  }

  net::EventLoop& loop_;
  const node::Node& node_;
  Duration period_;
  net::Timer timer_;
};

void report_ready(const control::Server& server, const node::Node& node) {
  const std::string places = "http=" + server.address().to_string() + " media=" + node.media_text();
  std::printf("simpuld ready %s\n", places.c_str());
  std::fflush(stdout);
  notify_ready("serving " + places);
}

ExitStatus cannot_serve(const std::string& reason) {
  std::fprintf(stderr, "simpuld: %s\n", reason.c_str());
  return ExitStatus::kCannotBind;
}

ExitStatus run(const config::Config& config) {
  net::EventLoop loop;
  auto node = node::Node::start(config, loop);
  if (!node) return cannot_serve(node.error());
  auto server = control::Server::start(config, **node, loop);
  if (!server) return cannot_serve(server.error());

  const auto stop = [&loop] { loop.stop(); };
  const net::SignalWatcher terminate(loop, SIGTERM, stop);
  const net::SignalWatcher interrupt(loop, SIGINT, stop);
  report_ready(**server, **node);
  std::unique_ptr<Watchdog> watchdog;
  if (const auto interval = watchdog_interval()) {
    watchdog = std::make_unique<Watchdog>(loop, **node, *interval);
  }
  loop.run();
  notify_stopping();
  log::info("stopping");
  return ExitStatus::kOk;
}

}  // namespace

ExitStatus serve(const config::Config& config) {
  // A reader of standard output that went away must not end the calls.
  std::signal(SIGPIPE, SIG_IGN);
  log::start(config.log.level, config.log.format);
  const uint64_t descriptors = raise_descriptor_limit();
  if (!config.dev) forbid_memory_dumps();
  log::info("starting", {{"version", SIMPUL_VERSION}, {"descriptors", descriptors}});
  const ExitStatus status = run(config);
  log::stop();
  return status;
}

}  // namespace simpul::daemon
