#include "rtp/rtx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace simpul::rtp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Rtx, TakesTheOriginalNumberOffThePayload) {
  const std::vector<uint8_t> payload = {0xfe, 0xdc, 1, 2, 3};
  const auto unwrapped = unwrap_rtx(payload);
  ASSERT_TRUE(unwrapped);
  EXPECT_EQ(unwrapped->original, SequenceNumber(0xfedc));
  EXPECT_THAT(unwrapped->payload, ElementsAre(1, 2, 3));
}

TEST(Rtx, TakesARetransmissionOfAnEmptyPayload) {
  const auto unwrapped = unwrap_rtx(std::vector<uint8_t>{0, 1});
  ASSERT_TRUE(unwrapped);
  EXPECT_THAT(unwrapped->payload, IsEmpty());
}

TEST(Rtx, RefusesProbesAndWhatIsCutShort) {
  EXPECT_EQ(unwrap_rtx({}).error(), ParseError::kTooShort);
  EXPECT_EQ(unwrap_rtx(std::vector<uint8_t>{1}).error(), ParseError::kTooShort);
}

TEST(Rtx, WritesTheHeadThatItReads) {
  const auto head = rtx_head(SequenceNumber(0xabcd));
  EXPECT_EQ(unwrap_rtx(head)->original, SequenceNumber(0xabcd));
}

}  // namespace
}  // namespace simpul::rtp
