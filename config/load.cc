#include <fstream>

#include "config/config.h"

namespace simpul::config {

Expected<Config, ConfigError> load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const auto fail = [&path](std::string_view reason) {
    return unexpected(ConfigError{path + ": " + std::string(reason)});
  };
  if (!file) return fail("cannot be opened");
  std::string text(kFileSizeMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return fail("cannot be read");
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kFileSizeMax) return fail("is too large for a configuration");
  return parse(text, path);
}

}  // namespace simpul::config
