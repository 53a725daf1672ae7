#include "connection/paced_packets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>

namespace simpul::connection {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr size_t kPayload = 960;  // a thousand bytes with what is around it

class PacedPacketsTest : public ::testing::Test {
 protected:
  // Whoever made the packet keeps nothing of it.
  void put(uint64_t index, rtp::Ssrc ssrc = rtp::Ssrc(1)) {
    rtp::MediaPacket media;
    media.packet = pool_.allocate();
    media.packet->size = kPayload;
    std::memset(media.packet->bytes.data(), static_cast<int>(index), kPayload);
    media.payload_size = kPayload;
    media.extensions.items[0] = {
        .kind = rtp::ExtensionKind::kVideoTiming, .offset = 0, .size = uint8_t(index)};
    media.extensions.count = 1;
    paced_.put({.index = index,
                .ssrc = ssrc,
                .payload_type = rtp::PayloadType(96),
                .body = media.payload(),
                .source = media.packet->data(),
                .extensions = &media.extensions,
                .packet = &media.packet},
               now_);
  }

  PacketPool pool_{2'000};
  PacedPackets paced_;
  TimePoint now_{};
};

TEST_F(PacedPacketsTest, KeepsPacketsAndWhatTheyBorrowInTheirOrder) {
  for (uint64_t index = 1; index <= 5; ++index) put(index);
  EXPECT_EQ(paced_.size(), 5u);
  EXPECT_EQ(paced_.bytes(), 5'000u);
  EXPECT_EQ(pool_.in_use(), 5u);
  const auto packets = paced_.first(SIZE_MAX);
  ASSERT_THAT(packets, SizeIs(5));
  for (uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(packets[i].index, i + 1);
    EXPECT_EQ(packets[i].body[kPayload - 1], i + 1);
    EXPECT_EQ(packets[i].extensions->items[0].size, i + 1);
  }
}

TEST_F(PacedPacketsTest, GivesNoMoreThanSoManyBytes) {
  for (uint64_t index = 1; index <= 5; ++index) put(index);
  EXPECT_THAT(paced_.first(999), SizeIs(0));
  EXPECT_THAT(paced_.first(2'000), SizeIs(2));
  EXPECT_THAT(paced_.first(2'999), SizeIs(2));
}

TEST_F(PacedPacketsTest, LetsGoOfThePacketsThatHaveLeft) {
  for (uint64_t index = 1; index <= 5; ++index) put(index);
  paced_.drop(3);
  EXPECT_EQ(pool_.in_use(), 2u);
  EXPECT_EQ(paced_.bytes(), 2'000u);
  ASSERT_THAT(paced_.first(1'000), SizeIs(1));
  EXPECT_EQ(paced_.first(1'000)[0].index, 4u);
}

TEST_F(PacedPacketsTest, TakesNoMoreMemoryWhileSomeAlwaysWait) {
  put(1);
  for (uint64_t index = 2; index < 5 * PacedPackets::kMax; ++index) {
    put(index);
    ASSERT_EQ(paced_.first(1'000)[0].index, index - 1);
    paced_.drop(1);
  }
  EXPECT_EQ(paced_.size(), 1u);
  EXPECT_EQ(pool_.in_use(), 1u);
}

TEST_F(PacedPacketsTest, TellsWhatHasWaitedForTooLong) {
  for (uint64_t index = 1; index <= 5; ++index) {
    put(index);
    now_ += 10ms;
  }
  EXPECT_EQ(paced_.first_came(), TimePoint{});
  EXPECT_THAT(paced_.first(SIZE_MAX, TimePoint{} - 1us), SizeIs(0));
  EXPECT_THAT(paced_.first(SIZE_MAX, TimePoint{} + 10ms), SizeIs(2));
  EXPECT_THAT(paced_.first(1'000, TimePoint{} + 10ms), SizeIs(1));
  paced_.drop(2);
  EXPECT_EQ(paced_.first_came(), TimePoint{} + 20ms);
  EXPECT_THAT(paced_.first(SIZE_MAX, now_), SizeIs(3));
  paced_.drop(3);
  EXPECT_EQ(paced_.first_came(), kNever);
  EXPECT_THAT(paced_.first(SIZE_MAX, now_), SizeIs(0));
}

TEST_F(PacedPacketsTest, DropsThoseOfOneStreamAndKeepsTheOrderOfTheOthers) {
  put(1);
  paced_.drop(1);
  for (uint64_t index = 2; index <= 7; ++index) put(index, rtp::Ssrc(1 + index % 2));
  std::vector<uint64_t> dropped;
  paced_.drop_stream(rtp::Ssrc(2),
                     [&](const rtp::OutgoingPacket& packet) { dropped.push_back(packet.index); });
  EXPECT_THAT(dropped, ElementsAre(3u, 5u, 7u));
  EXPECT_EQ(pool_.in_use(), 3u);
  EXPECT_EQ(paced_.bytes(), 3'000u);
  const auto kept = paced_.first(SIZE_MAX);
  ASSERT_THAT(kept, SizeIs(3));
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(kept[i].index, 2 + 2 * i);
    EXPECT_EQ(kept[i].body[kPayload - 1], 2 + 2 * i) << "what it borrows is its own";
  }
}

}  // namespace
}  // namespace simpul::connection
