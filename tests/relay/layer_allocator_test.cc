#include "relay/layer_allocator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/relay/allocation_scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using enum GrantCause;

class LayerAllocatorTest : public ::testing::Test, protected AllocationScene {
 protected:
  void sit(size_t count) { seats.assign(count, Seat{}); }
};

TEST_F(LayerAllocatorTest, HoldsNothingBackWhileNothingIsKnownOfThePath) {
  allocate(std::nullopt);
  EXPECT_THAT(encodings(), ElementsAre(2));
  run(std::nullopt, 20s);
  EXPECT_THAT(encodings(), ElementsAre(2));
  EXPECT_EQ(cause(), kLargest);
  EXPECT_EQ(result.probe_bps, 0u);
}

TEST_F(LayerAllocatorTest, KeepsWhatIsCarriedWhenThePathBecomesKnown) {
  seats[0].carried = LayerId{.encoding = 1};
  allocate(800'000);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, TriesWhatDidNotLastOnlyLaterWhenNothingIsKnownAnyMore) {
  run(600'000, 10s);
  run(800'000, 5s);
  run(3'000'000, 3s);
  ASSERT_THAT(encodings(), ElementsAre(2));
  run(700'000, 1s);
  ASSERT_THAT(encodings(), ElementsAre(1));
  run(std::nullopt, 5s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_EQ(cause(), kEstimateUnknown);
  run(std::nullopt, 5s);
  EXPECT_THAT(encodings(), ElementsAre(2));
}

TEST_F(LayerAllocatorTest, GoesOnWhenThePathOfOneThatIsPausedIsNotKnownAnyMore) {
  run(100'000, 10s);
  ASSERT_THAT(encodings(), ElementsAre(-1));
  allocate(std::nullopt);
  EXPECT_THAT(encodings(), ElementsAre(2));
}

TEST_F(LayerAllocatorTest, EndsWhatIsFarTooMuchForAFullPathAndBeginsAnewFromBelow) {
  run(3'000'000, 5s);
  ASSERT_THAT(encodings(), ElementsAre(2));
  is_path_full = true;
  allocate(700'000);
  EXPECT_THAT(encodings(), ElementsAre(0)) << "the next would take most of the path";
  EXPECT_TRUE(result.slots[0].ends_carried);
  EXPECT_EQ(cause(), kWaitingForKeyFrame);
  seats[0].carried.reset();
  allocate(700'000);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_FALSE(result.slots[0].ends_carried);
  is_path_full = false;
  run(700'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(1)) << "which it is given once it has fitted for a while";
}

TEST_F(LayerAllocatorTest, EndsNothingBeforeTheNextBeginsWhereThePathStillTakesIt) {
  run(3'000'000, 5s);
  allocate(700'000);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_FALSE(result.slots[0].ends_carried) << "no queue is full";
  is_path_full = true;
  allocate(760'000);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_FALSE(result.slots[0].ends_carried) << "not far too much";
  allocate(400'000);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_TRUE(result.slots[0].ends_carried) << "what is still carried counts";
}

TEST_F(LayerAllocatorTest, EndsALayerForOneThatTakesLittleOfAFullPath) {
  seats[0].options = {simulcast(0, 150'000), simulcast(1, 500'000), simulcast(2, 5'000'000)};
  run(6'000'000, 5s);
  ASSERT_THAT(encodings(), ElementsAre(2));
  is_path_full = true;
  allocate(2'000'000);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_TRUE(result.slots[0].ends_carried);
}

TEST_F(LayerAllocatorTest, EndsOnlyTheSlotsThatFall) {
  sit(2);
  seats[1].track = 2;
  seats[1].options = {simulcast(0, 150'000)};
  run(4'000'000, 5s);
  ASSERT_THAT(encodings(), ElementsAre(2, 0));
  is_path_full = true;
  allocate(500'000);
  EXPECT_THAT(encodings(), ElementsAre(0, 0));
  EXPECT_TRUE(result.slots[0].ends_carried);
  EXPECT_FALSE(result.slots[1].ends_carried);
}

TEST_F(LayerAllocatorTest, EndsNothingOfAnEncodingWhoseLowerLayersNeedNoKeyFrame) {
  for (uint8_t temporal = 0; temporal < 3; ++temporal) {
    seats[0].options[temporal].id = {.encoding = 0, .temporal = temporal};
  }
  run(3'000'000, 5s);
  is_path_full = true;
  allocate(200'000);
  EXPECT_EQ(result.slots[0].layer, (LayerId{.encoding = 0, .temporal = 0}));
  EXPECT_FALSE(result.slots[0].ends_carried);
}

TEST_F(LayerAllocatorTest, PausesNothingWhileAGoodPartOfItArrives) {
  sit(1);
  seats[0].options = {simulcast(2, 1'500'000)};
  for (const uint64_t arriving : {1'450'000u, 700'000u}) {
    arriving_bps = arriving;
    run(900'000, 20s);
    EXPECT_THAT(encodings(), ElementsAre(2));
  }
  arriving_bps = 500'000;
  run(900'000, 3s);
  EXPECT_THAT(encodings(), ElementsAre(-1));
}

TEST_F(LayerAllocatorTest, WhatIsPausedIsTriedAgainAfterAWhile) {
  sit(1);
  seats[0].options = {simulcast(2, 1'500'000)};
  run(900'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(-1));
  Duration waited{};
  for (; encodings() == std::vector<int>{-1} && waited < 3 * LayerAllocator::kPauseMax;
       waited += 1s) {
    run(900'000, 1s);
  }
  EXPECT_GE(waited, LayerAllocator::kPauseMax - 10s);
  EXPECT_LE(waited, LayerAllocator::kPauseMax + 10s);
}

TEST_F(LayerAllocatorTest, GivesTheLargestThatFits) {
  run(3'000'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(2));
  EXPECT_EQ(cause(), kLargest);
  EXPECT_EQ(result.video_bps, 1'500'000u);
  EXPECT_EQ(result.probe_bps, 0u);
}

TEST_F(LayerAllocatorTest, BeginsWithTheLowestLayer) {
  allocate(3'000'000);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_EQ(cause(), kWaitingForKeyFrame);
  carry();
  allocate(3'000'000);
  EXPECT_EQ(cause(), kSettling);
  EXPECT_GT(result.slots[0].wait, 0s);
}

TEST_F(LayerAllocatorTest, GivesEverybodyTheLowestLayerFirst) {
  sit(3);
  seats[1].priority = 200;
  run(500'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0, 0, 0));
}

TEST_F(LayerAllocatorTest, GivesMoreToWhomItIsWorthMore) {
  sit(3);
  seats[1].priority = 2;
  run(1'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0, 1, 0));
  seats[2].wanted_pixels = kSmallPixels;
  run(1'300'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1, 1, 0));
}

TEST_F(LayerAllocatorTest, TakesAudioOffFirst) {
  audio_bps = 400'000;
  run(900'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_EQ(cause(), kEstimate);
  EXPECT_EQ(result.slots[0].needed_bps, 1'000'000u);
  audio_bps = 40'000;
  run(900'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, GivesNoLayerLargerThanWanted) {
  seats[0].wanted_pixels = kSmallPixels;
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_EQ(cause(), kLargestWanted);
}

TEST_F(LayerAllocatorTest, GivesTheNextLayerAboveASizeInBetween) {
  seats[0].wanted_pixels = kSmallPixels * 3 / 2;
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, TakesALayerThatIsSmallerByAHairAsLargeEnough) {
  seats[0].wanted_pixels = kMediumPixels * 21 / 20;
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, GivesNoMoreThanWasAskedFor) {
  seats[0].options[2].is_allowed = false;
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_EQ(cause(), kLargestAsked);
}

TEST_F(LayerAllocatorTest, TakesANewLayerOnlyWhenItHasFittedForAWhileWithAMargin) {
  run(160'000, 10s);
  run(540'000, 10s);  // 500,000 fit, without the margin
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_EQ(cause(), kEstimate);
  run(600'000, 1'200ms);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_EQ(cause(), kSettling);
  run(600'000, 1'400ms);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, KeepsALayerForAsLongAsItFits) {
  run(600'000, 10s);
  run(500'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  allocate(499'999);
  EXPECT_THAT(encodings(), ElementsAre(0));
}

TEST_F(LayerAllocatorTest, SaysAtOnceWhenTheEstimateAsksForAnotherDecision) {
  run(600'000, 10s);
  allocate(600'000);
  EXPECT_FALSE(allocator.on_estimate(550'000, now));
  EXPECT_TRUE(allocator.on_estimate(499'000, now));
  EXPECT_TRUE(allocator.on_estimate(1'700'000, now));
  allocate(600'000);
  EXPECT_FALSE(allocator.on_estimate(600'000, now + LayerAllocator::kInterval - 1us));
  EXPECT_TRUE(allocator.on_estimate(600'000, now + LayerAllocator::kInterval));
}

TEST_F(LayerAllocatorTest, TriesALayerMoreRarelyEachTimeThatItDidNotLast) {
  std::vector<TimePoint> climbed;
  for (const TimePoint end = now + 5min; now < end; now += 100ms) {
    // The path seems to carry it until it is tried.
    const bool is_tried = !result.slots.empty() && encoding(0) == 1;
    allocate(is_tried ? 450'000 : 600'000);
    carry();
    if (encoding(0) == 1) climbed.push_back(now);
    if (is_tried) {
      allocate(600'000);
      EXPECT_EQ(cause(), kHeldBack);
      EXPECT_GT(result.slots[0].wait, 0s);
    }
  }
  ASSERT_GE(climbed.size(), 3u);
  EXPECT_GE(climbed[1] - climbed[0], LayerAllocator::kHoldMin);
  EXPECT_GE(climbed[2] - climbed[1], 2 * LayerAllocator::kHoldMin);
  EXPECT_LE(climbed.size(), 6u);
}

TEST_F(LayerAllocatorTest, GoesUpAgainSoonAfterALayerThatHadLasted) {
  run(600'000, 20s);
  run(300'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(0));
  run(600'000, 3s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, TakesSilenceForNoSignThatALayerDidNotFit) {
  run(600'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  is_path_silent = true;
  run(30'000, 1s);
  EXPECT_THAT(encodings(), ElementsAre(0));
  is_path_silent = false;
  run(600'000, 3s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, HoldsBackOnlyTheLayerThatDidNotLast) {
  run(2'000'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(2));
  run(400'000, 1s);
  EXPECT_THAT(encodings(), ElementsAre(0));
  run(2'000'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, TakesNothingFromWhomItWasGivenForALittleGain) {
  sit(2);
  run(800'000, 10s);
  ASSERT_THAT(encodings(), ElementsAre(1, 0));
  seats[1].options[1].bitrate_bps = 480'000;
  run(800'000, 1min);
  EXPECT_THAT(encodings(), ElementsAre(1, 0));
}

TEST_F(LayerAllocatorTest, TakesALargeLayerFromSomebodyForWhomItIsWorthFarLess) {
  sit(2);
  run(1'100'000, 10s);
  seats[1].priority = 200;
  run(800'000, 1s);
  run(800'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0, 1));
}

TEST_F(LayerAllocatorTest, SendsTheLowestLayerForAWhileThoughItDoesNotFit) {
  run(600'000, 10s);
  run(100'000, LayerAllocator::kPauseAfter - 100ms);
  EXPECT_THAT(encodings(), ElementsAre(0));
  run(100'000, 200ms);
  EXPECT_THAT(encodings(), ElementsAre(-1));
  EXPECT_EQ(cause(), kPausedByEstimate);
  EXPECT_EQ(result.slots[0].needed_bps, 166'667u);
  EXPECT_GT(result.probe_bps, 166'667u);
}

TEST_F(LayerAllocatorTest, GoesOnWhenTheLowestLayerHasFittedForAWhile) {
  run(100'000, 10s);
  ASSERT_THAT(encodings(), ElementsAre(-1));
  run(200'000, 1'100ms);
  EXPECT_THAT(encodings(), ElementsAre(-1));
  run(200'000, 1'500ms);
  EXPECT_THAT(encodings(), ElementsAre(0));
}

TEST_F(LayerAllocatorTest, PausesThoseOfLowPriorityFirst) {
  sit(3);
  seats[2].priority = 9;
  run(310'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0, -1, 0));
}

TEST_F(LayerAllocatorTest, LetsTheSmallInWhereTheLargeDoesNotFit) {
  sit(2);
  seats[0] = {.options = {simulcast(2, 1'500'000)}, .priority = 200};
  run(300'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(-1, 0));
}

TEST_F(LayerAllocatorTest, GivesNothingToWhomIsPausedByRequest) {
  sit(2);
  seats[0].is_paused = true;
  run(700'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(-1, 1));
  EXPECT_EQ(cause(0), kPausedByRequest);
}

TEST_F(LayerAllocatorTest, TellsThatNobodyIsThereOrNobodySends) {
  sit(2);
  seats[0].track = 0;
  for (LayerOption& option : seats[1].options) option.supply = LayerSupply::kAbsent;
  run(700'000, 10s);
  EXPECT_EQ(cause(0), kEmpty);
  EXPECT_EQ(cause(1), kPublisherNotSending);
}

TEST_F(LayerAllocatorTest, TellsThatThePublisherDoesNotSendALargerOne) {
  seats[0].options[2].supply = LayerSupply::kAbsent;
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_EQ(cause(), kPublisherNotSending);
}

TEST_F(LayerAllocatorTest, WakesALayerThatNobodyWatched) {
  seats[0].options[2].supply = LayerSupply::kSuspended;
  run(5'000'000, 3s);
  seats[0].carried = LayerId{.encoding = 1};
  allocate(5'000'000);
  EXPECT_THAT(encodings(), ElementsAre(2));
  EXPECT_EQ(cause(), kWaitingForPublisher);
  seats[0].options[2].supply = LayerSupply::kSent;
  allocate(5'000'000);
  EXPECT_EQ(cause(), kWaitingForKeyFrame);
}

TEST_F(LayerAllocatorTest, StandsOnTheLayerBelowOneThatFellSilent) {
  run(5'000'000, 5s);
  seats[0].options[2].supply = LayerSupply::kAbsent;
  allocate(5'000'000);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, ForgetsTheHoldWithTheTrack) {
  run(600'000, 5s);
  run(400'000, 1s);
  run(600'000, 5s);
  ASSERT_EQ(cause(), kHeldBack);
  seats[0].track = 2;
  run(600'000, 5s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, ProbesForTheNextUsefulLayerOnly) {
  run(160'000, 5s);
  EXPECT_NEAR(static_cast<double>(result.probe_bps), 500'000 / 0.9 * 1.1, 2);
  run(600'000, 5s);
  EXPECT_NEAR(static_cast<double>(result.probe_bps), 1'500'000 / 0.9 * 1.1, 2);
  seats[0].wanted_pixels = kMediumPixels;
  run(600'000, 5s);
  EXPECT_EQ(result.probe_bps, 0u);
}

TEST_F(LayerAllocatorTest, ProbesFurtherWhileALayerThatFitsSettles) {
  run(160'000, 5s);
  allocate(600'000);
  EXPECT_THAT(encodings(), ElementsAre(0));
  EXPECT_NEAR(static_cast<double>(result.probe_bps), 1'500'000 / 0.9 * 1.1, 2);
}

TEST_F(LayerAllocatorTest, TakesFewerFramesBeforeSmallerOnes) {
  LayerOption half = simulcast(1, 300'000);
  half.id.temporal = 0;
  half.frames_per_second = 15;
  LayerOption full = simulcast(1, 500'000);
  full.id.temporal = 1;
  seats[0].options = {simulcast(0, 150'000), half, full};
  run(400'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  EXPECT_EQ(result.slots[0].layer->temporal, 0);
  run(600'000, 10s);
  EXPECT_EQ(result.slots[0].layer->temporal, 1);
}

TEST_F(LayerAllocatorTest, LeavesOutALayerThatCostsMoreAndShowsLess) {
  seats[0].options = {simulcast(0, 700'000), simulcast(1, 500'000)};
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  run(600'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
}

TEST_F(LayerAllocatorTest, BeginsWithoutAnyMeasurement) {
  for (LayerOption& option : seats[0].options) {
    option.bitrate_bps = 0;
    option.width = option.height = 0;
  }
  run(5'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(0));
}

TEST_F(LayerAllocatorTest, TakesASizeForABitrateThatIsUnknown) {
  seats[0].options[2].bitrate_bps = 0;
  run(1'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(1));
  run(4'000'000, 10s);
  EXPECT_THAT(encodings(), ElementsAre(2));
}

TEST_F(LayerAllocatorTest, LooksAtSoManySlotsAndLayersAndNoMore) {
  sit(kSlotsMax + 3);
  for (Seat& seat : seats) {
    seat.options.clear();
    for (uint8_t i = 0; i < kLayerOptionsMax + 5; ++i) {
      seat.options.push_back({.id = {.temporal = i},
                              .bitrate_bps = 1'000u * (i + 1),
                              .width = static_cast<uint16_t>(100 + i),
                              .height = 100});
    }
  }
  run(1'000'000'000, 10s);
  ASSERT_EQ(result.slots.size(), kSlotsMax);
  for (const SlotGrant& grant : result.slots) {
    EXPECT_EQ(grant.layer->temporal, kLayerOptionsMax - 1);
  }
}

}  // namespace
}  // namespace simpul::relay
