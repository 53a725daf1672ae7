#include "daemon/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace simpul::daemon {
namespace {

using ::testing::HasSubstr;

// A configuration file that is gone after the test.
class SettingsTest : public ::testing::Test {
 protected:
  Expected<config::Config, std::string> settled(const std::string& toml, bool dev) {
    std::ofstream(path_) << toml;
    return settle({.config_path = path_, .dev = dev, .check_config = false});
  }
  void TearDown() override { std::remove(path_.c_str()); }

  std::string path_ =
      ::testing::TempDir() + "simpul_settings_test_" + std::to_string(getpid()) + ".toml";
};

TEST_F(SettingsTest, WithoutAFileAreTheDefaults) {
  const auto config = settle({});
  ASSERT_TRUE(config) << config.error();
  EXPECT_FALSE(config->dev);
  EXPECT_TRUE(config->http.listen.is_loopback());
}

TEST_F(SettingsTest, DevIsTheOptionsToSay) {
  EXPECT_TRUE(settled("[media]\nport = 1\n", true)->dev);
  EXPECT_FALSE(settled("[media]\nport = 1\n", false)->dev);
}

TEST_F(SettingsTest, AnErrorOfTheFileIsPassedOn) {
  const auto config = settled("[media]\nport = x\n", true);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error(), HasSubstr(path_ + ":2:"));
}

TEST_F(SettingsTest, HttpIsServedOnLoopbackOnly) {
  for (const char* listen : {"0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080"}) {
    const auto toml = "[http]\nlisten = \"" + std::string(listen) + "\"\n";
    for (const bool dev : {true, false}) {
      const auto config = settled(toml, dev);
      ASSERT_FALSE(config) << listen;
      EXPECT_THAT(config.error(), HasSubstr("is not a loopback address")) << listen;
      EXPECT_THAT(config.error(), HasSubstr(dev ? "--dev" : "no tokens yet"));
    }
  }
  EXPECT_TRUE(settled("[http]\nlisten = \"127.0.0.2:9999\"\n", true));
  EXPECT_TRUE(settled("[http]\nlisten = \"[::1]:9999\"\n", false));
}

}  // namespace
}  // namespace simpul::daemon
