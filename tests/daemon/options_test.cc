#include "daemon/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Expected<Options, EarlyEnd> parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "simpuld");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, NothingGivenIsTheDefaults) {
  const auto options = parsed({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->config_path, "");
  EXPECT_FALSE(options->dev);
  EXPECT_FALSE(options->check_config);
}

TEST(Options, AllMayBeGivenTogether) {
  const auto options = parsed({"--dev", "--config", "a.toml", "--check-config"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->config_path, "a.toml");
  EXPECT_TRUE(options->dev);
  EXPECT_TRUE(options->check_config);
  EXPECT_EQ(parsed({"--config=b.toml"})->config_path, "b.toml");
}

TEST(Options, HelpAndVersionEndWell) {
  const auto help = parsed({"--help"});
  ASSERT_FALSE(help);
  EXPECT_EQ(help.error().status, ExitStatus::kOk);
  EXPECT_THAT(help.error().text, HasSubstr("--check-config"));
  const auto version = parsed({"--version"});
  ASSERT_FALSE(version);
  EXPECT_EQ(version.error().status, ExitStatus::kOk);
  EXPECT_THAT(version.error().text, StartsWith("simpuld 0."));
}

TEST(Options, WrongUsageNamesWhatIsWrong) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {"--nonsense"}, {"word"}, {"--config"}, {"--dev=maybe"}, {"-c", "x"}}) {
    const auto options = parsed(arguments);
    ASSERT_FALSE(options) << arguments[0];
    EXPECT_EQ(options.error().status, ExitStatus::kWrongUsage) << arguments[0];
    EXPECT_THAT(options.error().text, StartsWith("simpuld: ")) << arguments[0];
  }
}

}  // namespace
}  // namespace simpul::daemon
