#include "bench/peer/media_stamp.h"

#include <gtest/gtest.h>

#include <vector>

namespace simpul::peer {
namespace {

constexpr size_t kHeadSize = 4;
constexpr MediaStamp kStamp{.source = 0x12345678,
                            .number = 99,
                            .made_at = TimePoint(std::chrono::hours(24 * 365)),
                            .frame = 0xfedc,
                            .frame_packets = 8,
                            .depends_on = 4,
                            .head_size = kHeadSize,
                            .key_frame = true};

std::vector<uint8_t> stamped(size_t size = 301) {
  std::vector<uint8_t> payload(size, 0x5a);
  write_stamp(kStamp, payload);
  return payload;
}

TEST(MediaStamp, ComesBackAsItWasWritten) {
  const auto read = read_stamp(stamped());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->source, kStamp.source);
  EXPECT_EQ(read->number, kStamp.number);
  EXPECT_EQ(read->made_at, kStamp.made_at);
  EXPECT_EQ(read->frame, kStamp.frame);
  EXPECT_EQ(read->frame_packets, kStamp.frame_packets);
  EXPECT_EQ(read->depends_on, kStamp.depends_on);
  EXPECT_EQ(read->head_size, kStamp.head_size);
  EXPECT_EQ(read->key_frame, kStamp.key_frame);
}

TEST(MediaStamp, NoticesEveryByteThatChangedButTheDescriptors) {
  const auto whole = stamped();
  for (size_t i = 0; i < whole.size(); ++i) {
    auto changed = whole;
    changed[i] ^= 0x80;
    EXPECT_EQ(read_stamp(changed).has_value(), i < kHeadSize) << i;
  }
}

TEST(MediaStamp, NoticesWhatWasCutShortOrGrew) {
  auto payload = stamped();
  payload.push_back(0);
  EXPECT_FALSE(read_stamp(payload));
  payload.pop_back();
  EXPECT_TRUE(read_stamp(payload));
  payload.insert(payload.begin(), 0x5a);
  EXPECT_FALSE(read_stamp(payload)) << "in front";
  payload.erase(payload.begin());
  while (!payload.empty()) {
    payload.pop_back();
    EXPECT_FALSE(read_stamp(payload)) << payload.size();
  }
}

TEST(MediaStamp, FitsIntoAPayloadThatIsNothingElse) {
  std::vector<uint8_t> payload(kStampSize);
  write_stamp({.source = 7}, payload);
  EXPECT_EQ(read_stamp(payload)->source, 7u);
  payload[22] = 1;  // a head that is not there
  EXPECT_FALSE(read_stamp(payload));
}

}  // namespace
}  // namespace simpul::peer
