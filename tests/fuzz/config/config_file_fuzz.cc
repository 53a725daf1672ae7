// Whatever a configuration file holds: it is read, or refused with a place and a reason.
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/check.h"
#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = simpul::config::parse(simpul::as_text({data, size}), "fuzz.toml");
  if (!config) {
    SIMPUL_CHECK(config.error().text.starts_with("fuzz.toml:"));
    return 0;
  }
  SIMPUL_CHECK(!config->media.listen.empty());
  SIMPUL_CHECK(config->media.listen.size() <= simpul::config::kAddressesMax);
  SIMPUL_CHECK(config->media.idle_timeout > simpul::Duration::zero());
  return 0;
}
