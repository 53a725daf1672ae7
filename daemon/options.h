#pragma once

#include <string>

#include "base/expected.h"

namespace simpul::daemon {

// Exit statuses that service managers and scripts may rely on.
enum class ExitStatus { kOk = 0, kBadConfiguration = 1, kWrongUsage = 2, kCannotBind = 3 };

struct Options {
  std::string config_path;  // empty: the defaults
  bool dev = false;
  bool check_config = false;
};

// The program ends here, with a text for the user: --help, --version, or a mistake.
struct EarlyEnd {
  ExitStatus status = ExitStatus::kOk;
  std::string text;  // for standard output when the status is kOk, else for standard error
};

// Reads the command line.
Expected<Options, EarlyEnd> parse_options(int argument_count, const char* const* arguments);

}  // namespace simpul::daemon
