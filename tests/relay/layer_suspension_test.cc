#include "relay/layer_suspension.h"

#include <gtest/gtest.h>

#include <vector>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;

constexpr uint8_t kLow = 0;
constexpr uint8_t kHigh = 2;

// Three layers, looked at when something changes and when it says so.
class LayerSuspensionTest : public ::testing::Test {
 protected:
  bool decide(Duration elapsed = 0ms) {
    now_ += elapsed;
    return suspension_.decide(layers_, lowest_, now_);
  }
  std::vector<bool> suspended() const {
    std::vector<bool> all;
    for (size_t layer = 0; layer < layers_.size(); ++layer) {
      all.push_back(suspension_.is_suspended(static_cast<uint8_t>(layer)));
    }
    return all;
  }
  void suspend_all_but_the_lowest() {
    decide();
    decide(LayerSuspension::kGrace);
    for (size_t i = 1; i < layers_.size(); ++i) layers_[i].active = false;
    decide(2s);
  }

  LayerSuspension suspension_;
  std::vector<LayerSuspension::Layer> layers_{{.active = true}, {.active = true}, {.active = true}};
  std::optional<uint8_t> lowest_ = kLow;
  TimePoint now_{1h};
};

TEST_F(LayerSuspensionTest, SuspendsAllButTheLowestWhenNobodyHasWatchedForAWhile) {
  EXPECT_FALSE(decide());
  EXPECT_EQ(suspension_.next_deadline(), now_ + LayerSuspension::kGrace);
  EXPECT_FALSE(decide(LayerSuspension::kGrace - 1ms));
  EXPECT_TRUE(decide(1ms));
  EXPECT_EQ(suspended(), (std::vector{false, true, true}));
  EXPECT_EQ(suspension_.next_deadline(), kNever);
  EXPECT_FALSE(decide(1h)) << "it is told once";
}

TEST_F(LayerSuspensionTest, LeavesALayerThatSomebodyWants) {
  layers_[kHigh].wanted = true;
  decide();
  EXPECT_TRUE(decide(LayerSuspension::kGrace));
  EXPECT_EQ(suspended(), (std::vector{false, true, false}));
}

TEST_F(LayerSuspensionTest, CountsTheWhileFromWhenTheLastOneLeft) {
  layers_[kHigh].wanted = true;
  decide();
  decide(1min);
  layers_[kHigh].wanted = false;
  decide(1min);
  EXPECT_FALSE(decide(LayerSuspension::kGrace - 1ms));
  EXPECT_TRUE(decide(1ms));
  EXPECT_EQ(suspended(), (std::vector{false, true, true}));
}

TEST_F(LayerSuspensionTest, BeginsAnewWhenSomebodyLooksInBetween) {
  decide();
  layers_[kHigh].wanted = true;
  decide(4s);
  layers_[kHigh].wanted = false;
  decide(100ms);
  decide(4s);
  EXPECT_FALSE(suspension_.is_suspended(kHigh));
  EXPECT_TRUE(decide(1s));
  EXPECT_TRUE(suspension_.is_suspended(kHigh));
}

TEST_F(LayerSuspensionTest, ResumesAtOnceWhatIsWanted) {
  suspend_all_but_the_lowest();
  layers_[kHigh].wanted = true;
  EXPECT_TRUE(decide(1ms));
  EXPECT_EQ(suspended(), (std::vector{false, true, false}));
  EXPECT_TRUE(suspension_.is_to_be_had(kHigh)) << "it comes soon";
}

TEST_F(LayerSuspensionTest, NeverSuspendsTheLowestAndResumesWhatBecomesIt) {
  suspend_all_but_the_lowest();
  lowest_ = 1;
  EXPECT_TRUE(decide());
  EXPECT_EQ(suspended(), (std::vector{false, false, true}));
}

TEST_F(LayerSuspensionTest, LeavesALayerAloneThatThePublisherDoesNotSend) {
  layers_[kHigh].active = false;
  decide();
  decide(LayerSuspension::kGrace);
  EXPECT_EQ(suspended(), (std::vector{false, true, false}));
  EXPECT_FALSE(suspension_.is_to_be_had(kHigh)) << "nobody knows whether it would come";
}

TEST_F(LayerSuspensionTest, TakesALayerThatDoesNotComeBackForOneThatIsNotSent) {
  suspend_all_but_the_lowest();
  layers_[kHigh].wanted = true;
  decide();
  EXPECT_EQ(suspension_.next_deadline(), now_ + LayerSuspension::kResumedWithin);
  decide(LayerSuspension::kResumedWithin);
  EXPECT_FALSE(suspension_.is_to_be_had(kHigh));
  EXPECT_EQ(suspension_.next_deadline(), kNever);
  // Nobody waits for it any more. It is not suspended before it has been sent again for a while.
  layers_[kHigh].wanted = false;
  EXPECT_FALSE(decide(1h));
  layers_[kHigh].active = true;
  EXPECT_FALSE(decide(1h));
  EXPECT_TRUE(decide(LayerSuspension::kGrace));
}

TEST_F(LayerSuspensionTest, IsNotDisturbedByAPublisherWhoGoesOnSending) {
  decide();
  EXPECT_TRUE(decide(LayerSuspension::kGrace));
  EXPECT_FALSE(decide(1h));
  layers_[kHigh].wanted = true;
  EXPECT_TRUE(decide());
  EXPECT_FALSE(suspension_.is_suspended(kHigh));
}

TEST_F(LayerSuspensionTest, LooksAtNoMoreLayersThanThereMayBe) {
  layers_.resize(100, {.active = true});
  decide();
  EXPECT_TRUE(decide(LayerSuspension::kGrace));
  for (uint8_t layer = 1; layer < kLayersMax; ++layer) {
    EXPECT_TRUE(suspension_.is_suspended(layer));
  }
}

}  // namespace
}  // namespace simpul::relay
