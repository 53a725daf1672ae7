#include "relay/layer_choice.h"

#include <gtest/gtest.h>

#include <vector>

namespace simpul::relay {
namespace {

constexpr LayerView kIdle{.active = false, .seen = false, .pixels = 0};
constexpr LayerView sent(uint32_t pixels = 0) { return {true, true, pixels}; }
constexpr LayerView silent(uint32_t pixels = 0) { return {false, true, pixels}; }
constexpr LayerView suspended(uint32_t pixels = 0) { return {false, true, pixels, true}; }

int choose(const std::vector<LayerView>& layers, LayerChoice choice) {
  const auto chosen = choose_layer(layers, choice);
  return chosen ? *chosen : -1;
}

TEST(LayerChoice, FollowsTheOfferWhileSizesAreUnknown) {
  const std::vector<LayerView> all = {sent(), sent(), sent()};
  EXPECT_EQ(choose(all, LayerChoice::kLow), 0);
  EXPECT_EQ(choose(all, LayerChoice::kMid), 1);
  EXPECT_EQ(choose(all, LayerChoice::kHigh), 2);
  EXPECT_EQ(choose(all, LayerChoice::kHighest), 2);
}

TEST(LayerChoice, FollowsTheSizesOnceTheyAreKnown) {
  const std::vector<LayerView> all = {sent(900), sent(100), sent(400)};
  EXPECT_EQ(choose(all, LayerChoice::kLow), 1);
  EXPECT_EQ(choose(all, LayerChoice::kMid), 2);
  EXPECT_EQ(choose(all, LayerChoice::kHigh), 0);
}

TEST(LayerChoice, SortsTheKnownSizesAmongThemselves) {
  const std::vector<LayerView> all = {kIdle, sent(400), sent(100)};
  EXPECT_EQ(choose(all, LayerChoice::kHighest), 1);
  EXPECT_EQ(choose(all, LayerChoice::kLow), 2);
}

TEST(LayerChoice, TakesTheNearestLowerOfWhatIsSent) {
  EXPECT_EQ(choose({sent(), sent(), silent()}, LayerChoice::kHigh), 1);
  EXPECT_EQ(choose({sent(), silent(), silent()}, LayerChoice::kHigh), 0);
  EXPECT_EQ(choose({sent(), silent(), sent()}, LayerChoice::kMid), 0);
}

TEST(LayerChoice, TakesTheNearestHigherWhenNoLowerIsSent) {
  EXPECT_EQ(choose({silent(), sent(), sent()}, LayerChoice::kLow), 1);
  EXPECT_EQ(choose({silent(), silent(), sent()}, LayerChoice::kMid), 2);
}

TEST(LayerChoice, TakesWhatWasSentWhileNothingIs) {
  EXPECT_EQ(choose({silent(), silent(), kIdle}, LayerChoice::kHighest), 1);
  EXPECT_EQ(choose({kIdle, kIdle, kIdle}, LayerChoice::kHighest), -1);
  EXPECT_EQ(choose({}, LayerChoice::kLow), -1);
}

TEST(LayerChoice, CountsWhatIsSuspendedAsIfItWereSent) {
  EXPECT_EQ(choose({sent(), silent(), suspended()}, LayerChoice::kHigh), 2);
  EXPECT_EQ(choose({sent(), suspended(), silent()}, LayerChoice::kHigh), 1);
  EXPECT_EQ(choose({silent(), suspended(), sent()}, LayerChoice::kLow), 1);
  EXPECT_EQ(choose({silent(), suspended(), silent()}, LayerChoice::kLow), 0)
      << "while nothing is sent, what was";
}

int stand_in(const std::vector<LayerView>& layers, uint8_t layer,
             std::optional<uint8_t> carried = {}) {
  const auto found = stand_in_for(layers, layer, carried);
  return found ? *found : -1;
}

TEST(StandIn, IsTheNearestLowerOfWhatIsSentElseTheNearestHigher) {
  EXPECT_EQ(stand_in({sent(), sent(), suspended()}, 2), 1);
  EXPECT_EQ(stand_in({sent(), suspended(), suspended()}, 2), 0);
  EXPECT_EQ(stand_in({suspended(), silent(), sent()}, 0), 2);
  EXPECT_EQ(stand_in({suspended(), silent(), silent()}, 0), -1);
}

TEST(StandIn, IsWhatIsCarriedWhenThatIsSmaller) {
  EXPECT_EQ(stand_in({sent(), sent(), suspended()}, 2, 0), 0);
  EXPECT_EQ(stand_in({sent(), suspended(), sent()}, 1, 2), 0) << "no larger one, if it can be";
  EXPECT_EQ(stand_in({silent(), sent(), suspended()}, 2, 0), 1) << "it is not sent any more";
  EXPECT_EQ(stand_in({sent(900), sent(100), suspended(400)}, 2, 0), 1) << "by their sizes";
}

TEST(LayerChoice, OfTwoLayersMidIsTheLower) {
  EXPECT_EQ(choose({sent(), sent()}, LayerChoice::kMid), 0);
}

TEST(LayerChoice, LooksAtNoMoreLayersThanItsLimit) {
  const std::vector<LayerView> many(128, sent());
  EXPECT_EQ(choose(many, LayerChoice::kHighest), static_cast<int>(kLayersMax) - 1);
}

}  // namespace
}  // namespace simpul::relay
