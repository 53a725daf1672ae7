// What docs/load-testing.md shows is what there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "bench/load/plan.h"
#include "bench/load/scenario.h"

namespace simpul::load {
namespace {

using ::testing::HasSubstr;

std::string load_testing() {
  std::ifstream file(SIMPUL_DOCS "/load-testing.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What stands between two marks, the first time.
std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin);
  if (from == std::string::npos) return {};
  const size_t at = from + begin.size();
  return text.substr(at, text.find(end, at) - at);
}

TEST(LoadDocuments, TheirScenarioIsGoodAndItsMistakeIsToldAsTheySay) {
  const std::string text = load_testing();
  std::string example = between(text, "```toml\n", "```");
  const auto scenario = parse_scenario(example, "monday.toml");
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->phases.size(), 2u);
  EXPECT_TRUE(make_plan(*scenario));
  EXPECT_FALSE(unjudged_limit(*scenario, false));

  const std::string mistake = between(text, "; with `", "` in its keynote:");
  const std::string told = between(text, "keynote:\n`", "`.\n");
  ASSERT_THAT(told, HasSubstr("monday.toml:"));
  const std::string good = "viewers = 500";
  const size_t at = example.find(good);
  ASSERT_NE(at, std::string::npos);
  const auto refused = parse_scenario(example.replace(at, good.size(), mistake), "monday.toml");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), told);
}

TEST(LoadDocuments, NameEveryReadyMadeScenario) {
  const std::string text = load_testing();
  for (const auto& entry : std::filesystem::directory_iterator(SIMPUL_SCENARIOS)) {
    EXPECT_THAT(text, HasSubstr("| `" + entry.path().filename().string() + "` | "));
  }
}

}  // namespace
}  // namespace simpul::load
