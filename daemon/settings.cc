#include "daemon/settings.h"

#include <utility>

namespace simpul::daemon {

Expected<config::Config, std::string> settle(const Options& options) {
  config::Config config;
  std::string source = "the defaults";
  if (!options.config_path.empty()) {
    auto loaded = config::load(options.config_path);
    if (!loaded) return unexpected(std::move(loaded.error().text));
    config = *std::move(loaded);
    source = options.config_path;
  }
  config.dev = options.dev;
  if (!config.http.listen.is_loopback()) {
    return unexpected(source + ": http.listen: " + config.http.listen.to_string() +
                      " is not a loopback address; " +
                      (options.dev ? "--dev serves on loopback only"
                                   : "this version has no tokens yet, so it serves on loopback "
                                     "only, behind a proxy of yours"));
  }
  return config;
}

}  // namespace simpul::daemon
