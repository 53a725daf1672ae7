#include "daemon/options.h"

#include <CLI/CLI.hpp>

namespace simpul::daemon {

Expected<Options, EarlyEnd> parse_options(int argument_count, const char* const* arguments) {
  Options options;
  CLI::App app("Simpul, a selective forwarding unit for WebRTC", "simpuld");
  app.set_help_flag("--help", "Print this and exit");
  app.set_version_flag("--version", "simpuld " SIMPUL_VERSION, "Print the version and exit");
  app.add_option("--config", options.config_path, "Read this TOML file")->type_name("FILE");
  app.add_flag("--dev", options.dev,
               "For development: HTTP on loopback only, any web page may call it, and loopback "
               "is announced to clients");
  app.add_flag("--check-config", options.check_config, "Check the configuration and exit");
  try {  // The library knows no other way to report; nothing is thrown beyond here.
    app.parse(argument_count, arguments);
  } catch (const CLI::CallForHelp&) {
    return unexpected(EarlyEnd{ExitStatus::kOk, app.help()});
  } catch (const CLI::CallForVersion&) {
    return unexpected(EarlyEnd{ExitStatus::kOk, app.version() + '\n'});
  } catch (const CLI::ParseError& error) {
    return unexpected(EarlyEnd{ExitStatus::kWrongUsage,
                               std::string("simpuld: ") + error.what() + "; see --help\n"});
  }
  return options;
}

}  // namespace simpul::daemon
