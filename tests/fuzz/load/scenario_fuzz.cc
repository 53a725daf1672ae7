// Whatever a scenario holds, and whatever a key is replaced with (behind a NUL): it is read, or
// refused in one line with a place and a reason; and what is read stays within its limits.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "bench/load/plan.h"
#include "bench/load/scenario.h"

namespace simpul::load {
namespace {

void check(const Scenario& scenario) {
  SIMPUL_CHECK(!scenario.phases.empty() && scenario.phases.size() <= kPhasesMax);
  SIMPUL_CHECK(scenario.classes.size() <= kClassesMax + 1);
  for (size_t i = 0; i < scenario.phases.size(); ++i) {
    const Phase& phase = scenario.phases[i];
    SIMPUL_CHECK(!phase.name.empty() && !phase.room.empty());
    SIMPUL_CHECK(phase.publisher_class < scenario.classes.size());
    SIMPUL_CHECK(phase.viewer_class < scenario.classes.size());
    SIMPUL_CHECK(phase.hears >= 1 && phase.hears <= kSlotsMax);
    SIMPUL_CHECK(phase.sees >= 1 && phase.sees <= kSlotsMax);
    SIMPUL_CHECK(limits_of(scenario, i).size() <= kMetricNames.size());
  }
  for (const ClientClass& people : scenario.classes) {
    SIMPUL_CHECK(people.has_audio || people.has_video);
  }
}

// Only as many as are planned quickly; how many there may be has a test of its own.
void check_plan(const Scenario& scenario) {
  Scenario small = scaled(scenario, 0.001);
  for (Phase& phase : small.phases) {
    phase.duration = std::min<Duration>(phase.duration, std::chrono::seconds(20));
    phase.rooms = std::min(phase.rooms, 3u);
  }
  const auto plan = make_plan(small);
  SIMPUL_CHECK(!plan || plan->sockets_max(small) >= plan->connections_max(small));
}

}  // namespace
}  // namespace simpul::load

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = simpul::as_text({data, size});
  const size_t end = text.find('\0');
  std::vector<std::string> overrides;
  if (end != std::string_view::npos) overrides.emplace_back(text.substr(end + 1));
  const auto scenario = simpul::load::parse_scenario(text.substr(0, end), "fuzz.toml", overrides);
  if (!scenario) {
    const bool has_place =
        scenario.error().starts_with("fuzz.toml:") || scenario.error().starts_with("--set ");
    SIMPUL_CHECK(has_place);
    return 0;
  }
  simpul::load::check(*scenario);
  simpul::load::check_plan(*scenario);
  return 0;
}
