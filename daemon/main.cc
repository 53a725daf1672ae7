#include <cstdio>

#include "daemon/options.h"
#include "daemon/serve.h"
#include "daemon/settings.h"

int main(int argument_count, char** arguments) {
  using simpul::daemon::ExitStatus;
  const auto options = simpul::daemon::parse_options(argument_count, arguments);
  if (!options) {
    const bool asked_for = options.error().status == ExitStatus::kOk;
    std::fputs(options.error().text.c_str(), asked_for ? stdout : stderr);
    return static_cast<int>(options.error().status);
  }
  const auto config = simpul::daemon::settle(*options);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().c_str());
    return static_cast<int>(ExitStatus::kBadConfiguration);
  }
  if (options->check_config) {
    std::puts("configuration: ok");
    return static_cast<int>(ExitStatus::kOk);
  }
  return static_cast<int>(simpul::daemon::serve(*config));
}
