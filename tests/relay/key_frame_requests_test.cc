#include "relay/key_frame_requests.h"

#include <gtest/gtest.h>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;
using Cause = KeyFrameRequests::Cause;

class KeyFrameRequestsTest : public ::testing::Test {
 protected:
  bool ask_and_take(Cause cause = Cause::kAssignment) {
    requests_.ask(cause, now_);
    return requests_.take(now_);
  }
  // The request that finds this out is sent now.
  void hide() {
    for (int request = 0; request < KeyFrameRequests::kUnansweredMax; ++request) {
      ask_and_take();
      requests_.on_other_frame();
      now_ += 1s;
    }
    EXPECT_TRUE(ask_and_take());
    EXPECT_TRUE(requests_.are_hidden());
  }

  TimePoint now_{100s};
  KeyFrameRequests requests_;
};

TEST_F(KeyFrameRequestsTest, SendsNothingUnasked) {
  EXPECT_EQ(requests_.next_due(), kNever);
  EXPECT_FALSE(requests_.take(now_));
}

TEST_F(KeyFrameRequestsTest, LeavesItToWhoAsksOnceToAskAgain) {
  requests_.ask_once(Cause::kAssignment);
  EXPECT_TRUE(requests_.take(now_));
  EXPECT_EQ(requests_.next_due(), kNever);
  requests_.ask_once(Cause::kAssignment);
  EXPECT_TRUE(requests_.take(now_ + 1s));
}

TEST_F(KeyFrameRequestsTest, KeepsTheWishOfWhoAsksOnceWhenTheOthersAreGone) {
  requests_.ask(Cause::kRepair, now_);
  requests_.ask_once(Cause::kAssignment);
  requests_.cancel();
  EXPECT_EQ(requests_.cause(), Cause::kAssignment);
  EXPECT_TRUE(requests_.take(now_));
  EXPECT_EQ(requests_.next_due(), kNever);
}

TEST_F(KeyFrameRequestsTest, BoundsThoseWhoAskOnceAsWell) {
  int sent = 0;
  for (int i = 0; i < 100; ++i) {
    requests_.ask_once(Cause::kAssignment);
    sent += requests_.take(now_);
    now_ += 10ms;
  }
  EXPECT_EQ(sent, 1);  // until it is repeated, as long as no key frame came
}

TEST_F(KeyFrameRequestsTest, SendsTwoInABurstThenOneASecond) {
  int sent = 0;
  for (int i = 0; i < 50; ++i) {
    sent += ask_and_take();
    requests_.on_key_frame();
    now_ += 10ms;
  }
  EXPECT_EQ(sent, 2);
  for (int i = 0; i < 1'000; ++i) {
    now_ += 10ms;
    sent += ask_and_take();
    requests_.on_key_frame();
  }
  EXPECT_EQ(sent, 12);
}

TEST_F(KeyFrameRequestsTest, WhoComesRightAfterAKeyFrameSharesTheSecondRequest) {
  EXPECT_TRUE(ask_and_take());
  requests_.on_key_frame();
  EXPECT_FALSE(ask_and_take());
  EXPECT_EQ(requests_.next_due(), now_ + KeyFrameRequests::kSpacing);
  now_ += KeyFrameRequests::kSpacing;
  EXPECT_TRUE(requests_.take(now_));
}

TEST_F(KeyFrameRequestsTest, OneRequestServesAllWhoAskBeforeTheKeyFrame) {
  EXPECT_TRUE(ask_and_take());
  EXPECT_FALSE(ask_and_take());
  now_ += 500ms;
  EXPECT_FALSE(ask_and_take());
}

TEST_F(KeyFrameRequestsTest, RepeatsEachSecondUntilAKeyFrameComes) {
  EXPECT_TRUE(ask_and_take());
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(requests_.next_due(), now_ + 1s);
    now_ += 1s;
    EXPECT_TRUE(requests_.take(now_));
  }
  requests_.on_key_frame();
  EXPECT_EQ(requests_.next_due(), kNever);
}

TEST_F(KeyFrameRequestsTest, RepeatsSoonWhereThePublisherIsNear) {
  EXPECT_EQ(KeyFrameRequests::repeat_after(std::nullopt), 1s);
  EXPECT_EQ(KeyFrameRequests::repeat_after(20ms), 200ms);
  EXPECT_EQ(KeyFrameRequests::repeat_after(200ms), 400ms);
  EXPECT_EQ(KeyFrameRequests::repeat_after(3s), 1s);
  requests_.ask(Cause::kAssignment, now_);
  EXPECT_TRUE(requests_.take(now_, 400ms));
  EXPECT_EQ(requests_.next_due(), now_ + 400ms);
}

TEST_F(KeyFrameRequestsTest, RepeatsNoMoreOftenThanTheBucketLets) {
  requests_.ask(Cause::kAssignment, now_);
  int sent = 0;
  for (const TimePoint end = now_ + 10s; now_ < end; now_ += 10ms) {
    sent += requests_.take(now_, KeyFrameRequests::kRepeatMin);
  }
  EXPECT_EQ(sent, 11);
}

TEST_F(KeyFrameRequestsTest, RepairsLeaveATokenForWhoComesNext) {
  int repairs = 0;
  for (int i = 0; i < 50; ++i) {
    repairs += ask_and_take(Cause::kRepair);
    requests_.on_key_frame();
    now_ += 10ms;
  }
  EXPECT_EQ(repairs, 1);
  EXPECT_TRUE(ask_and_take(Cause::kAssignment));
}

TEST_F(KeyFrameRequestsTest, ARepairThatWaitsForATokenIsNotSwallowed) {
  const TimePoint began = now_;
  EXPECT_TRUE(ask_and_take(Cause::kRepair));
  requests_.on_key_frame();
  now_ += 500ms;
  EXPECT_FALSE(ask_and_take(Cause::kRepair));
  EXPECT_EQ(requests_.next_due(), began + 1s);
}

TEST_F(KeyFrameRequestsTest, AWishWithoutATokenWaitsAndIsNotSwallowed) {
  const TimePoint began = now_;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(ask_and_take());
    requests_.on_key_frame();
    now_ += KeyFrameRequests::kSpacing;
  }
  EXPECT_FALSE(ask_and_take());
  EXPECT_EQ(requests_.next_due(), began + 1s);
  now_ = began + 1s;
  EXPECT_TRUE(requests_.take(now_));
}

TEST_F(KeyFrameRequestsTest, ANewAssignmentRaisesWhatARepairAsked) {
  requests_.ask(Cause::kRepair, now_);
  requests_.ask(Cause::kAssignment, now_);
  requests_.ask(Cause::kRepair, now_);
  EXPECT_EQ(requests_.cause(), Cause::kAssignment);
}

TEST_F(KeyFrameRequestsTest, TakesKeyFramesToBeHiddenWhenTwoRequestsBringOnlyOtherFrames) {
  for (int request = 0; request < 3; ++request) {
    EXPECT_FALSE(requests_.are_hidden()) << request;
    EXPECT_TRUE(ask_and_take());
    requests_.on_other_frame();
    now_ += 1s;
  }
  EXPECT_TRUE(requests_.are_hidden());
  EXPECT_EQ(requests_.next_due(), kNever) << "the request may have been met";
  requests_.on_key_frame();
  EXPECT_FALSE(requests_.are_hidden());
}

TEST_F(KeyFrameRequestsTest, TakesKeyFramesThatHaveShownToBeLostSixTimes) {
  requests_.on_key_frame();
  for (int request = 0; request <= KeyFrameRequests::kUnansweredOfShownMax; ++request) {
    EXPECT_FALSE(requests_.are_hidden()) << request;
    EXPECT_TRUE(ask_and_take());
    requests_.on_other_frame();
    now_ += 1s;
  }
  EXPECT_TRUE(requests_.are_hidden()) << "somebody has begun to hide them";
}

TEST_F(KeyFrameRequestsTest, WhatHasShownSaysNothingOfAnotherStream) {
  requests_.on_key_frame();
  ask_and_take();
  requests_.begin_anew();
  now_ += 1s;
  hide();
  requests_.begin_anew();
  EXPECT_TRUE(requests_.are_hidden()) << "as before";
}

TEST_F(KeyFrameRequestsTest, TakesNothingToBeHiddenSoonerForAskingMoreOften) {
  requests_.ask(Cause::kAssignment, now_);
  for (const TimePoint end = now_ + 2s; now_ < end; now_ += 10ms) {
    requests_.take(now_, KeyFrameRequests::kRepeatMin);
    requests_.on_other_frame();
    EXPECT_FALSE(requests_.are_hidden());
  }
  EXPECT_TRUE(requests_.take(now_, KeyFrameRequests::kRepeatMin));
  EXPECT_TRUE(requests_.are_hidden());
}

TEST_F(KeyFrameRequestsTest, TakesNothingToBeHiddenWhereNothingComes) {
  for (int request = 0; request < 10; ++request) {
    EXPECT_TRUE(ask_and_take());
    now_ += 1s;
  }
  EXPECT_FALSE(requests_.are_hidden());
  EXPECT_NE(requests_.next_due(), kNever);
}

TEST_F(KeyFrameRequestsTest, DoesNotCountARequestOfWhoDidNotWaitForIt) {
  for (int request = 0; request < 10; ++request) {
    EXPECT_TRUE(ask_and_take());
    requests_.on_other_frame();
    requests_.cancel();
    now_ += 2s;
  }
  EXPECT_FALSE(requests_.are_hidden());
}

TEST_F(KeyFrameRequestsTest, BoundsTheRequestsForHiddenKeyFramesToo) {
  int sent = 0;
  for (int i = 0; i < 1'000; ++i) {
    sent += ask_and_take();
    requests_.on_other_frame();
    now_ += 10ms;
  }
  EXPECT_LE(sent, 11);
  EXPECT_TRUE(requests_.are_hidden());
}

TEST_F(KeyFrameRequestsTest, RepeatsSlowlyForWhoStillWaitsForAHiddenOne) {
  hide();
  const TimePoint last = now_;
  int sent = 0;
  while (now_ < last + 1min) {
    now_ += 100ms;
    requests_.keep_asking(Cause::kAssignment, now_);
    sent += requests_.take(now_);
    requests_.on_other_frame();
  }
  EXPECT_EQ(sent, 1min / KeyFrameRequests::kRepeatHiddenAfter);
}

TEST_F(KeyFrameRequestsTest, ANewWishDoesNotWaitBehindOneThatIsRepeatedSlowly) {
  hide();
  now_ += 2s;
  requests_.keep_asking(Cause::kAssignment, now_);
  EXPECT_FALSE(requests_.take(now_));
  EXPECT_TRUE(ask_and_take());
  requests_.keep_asking(Cause::kAssignment, now_);
  EXPECT_EQ(requests_.next_due(), now_ + KeyFrameRequests::kRepeatHiddenAfter);
}

TEST_F(KeyFrameRequestsTest, WhoAsksOnceDoesNotWaitBehindItEither) {
  hide();
  requests_.keep_asking(Cause::kAssignment, now_);
  requests_.ask_once(Cause::kAssignment);
  EXPECT_EQ(requests_.next_due(), now_ + KeyFrameRequests::kRepeatMax);
}

TEST_F(KeyFrameRequestsTest, WhoKeepsAskingIsNotHeldUpWhereKeyFramesShow) {
  EXPECT_TRUE(ask_and_take());
  requests_.on_key_frame();
  now_ += 1s;
  requests_.keep_asking(Cause::kAssignment, now_);
  EXPECT_TRUE(requests_.take(now_)) << "it did not get here whole";
  requests_.keep_asking(Cause::kAssignment, now_);
  EXPECT_EQ(requests_.next_due(), now_ + KeyFrameRequests::kRepeatMax);
}

TEST_F(KeyFrameRequestsTest, StopsWhenNobodyWantsItAnyMore) {
  EXPECT_TRUE(ask_and_take());
  requests_.cancel();
  now_ += 10s;
  EXPECT_FALSE(requests_.take(now_));
}

}  // namespace
}  // namespace simpul::relay
