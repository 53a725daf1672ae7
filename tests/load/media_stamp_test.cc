#include "bench/peer/media_stamp.h"

#include <gtest/gtest.h>

#include <vector>

namespace simpul::peer {
namespace {

constexpr MediaStamp kStamp{.source = 0x12345678,
                            .number = 99,
                            .made_at = TimePoint(std::chrono::hours(7)),
                            .frame_packets = 8,
                            .key_frame = true};

std::vector<uint8_t> stamped(bool is_video, size_t size = 301) {
  std::vector<uint8_t> payload(size, 0x5a);
  write_stamp(kStamp, is_video, payload);
  return payload;
}

TEST(MediaStamp, ComesBackAsItWasWritten) {
  for (const bool is_video : {false, true}) {
    const auto read = read_stamp(stamped(is_video), is_video);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->source, kStamp.source);
    EXPECT_EQ(read->number, kStamp.number);
    EXPECT_EQ(read->made_at, kStamp.made_at);
    EXPECT_EQ(read->frame_packets, kStamp.frame_packets);
    EXPECT_EQ(read->key_frame, kStamp.key_frame);
  }
}

TEST(MediaStamp, NoticesEveryByteThatChanged) {
  const auto whole = stamped(false);
  for (size_t i = 0; i < whole.size(); ++i) {
    auto changed = whole;
    changed[i] ^= 1;
    EXPECT_FALSE(read_stamp(changed, false)) << i;
  }
}

TEST(MediaStamp, LeavesTheDescriptorOfVideoToTheRelay) {
  const auto whole = stamped(true);
  for (size_t i = 0; i < whole.size(); ++i) {
    auto changed = whole;
    changed[i] ^= 0x80;
    EXPECT_EQ(read_stamp(changed, true).has_value(), i < kVideoDescriptorSize) << i;
  }
}

TEST(MediaStamp, NoticesWhatWasCutShortOrGrew) {
  auto payload = stamped(true);
  payload.push_back(0);
  EXPECT_FALSE(read_stamp(payload, true));
  payload.pop_back();
  EXPECT_TRUE(read_stamp(payload, true));
  while (!payload.empty()) {
    payload.pop_back();
    EXPECT_FALSE(read_stamp(payload, true)) << payload.size();
  }
}

}  // namespace
}  // namespace simpul::peer
