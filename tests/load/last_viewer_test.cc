#include "bench/load/last_viewer.h"

#include <gtest/gtest.h>

namespace simpul::load {
namespace {

peer::MediaStamp stamp(uint16_t frame, uint32_t source = 1, uint16_t packets = 9) {
  return {.source = source, .frame = frame, .frame_packets = packets};
}

TEST(LastViewer, IsTheOneWhoGotAFrameLatestFrameByFrame) {
  LastViewer last;
  for (const double delay : {1.0, 4.0, 2.0}) last.add(stamp(65'535), delay);
  EXPECT_EQ(last.frames().count(), 0u) << "the frame may not have come to all yet";
  for (const double delay : {1.0, 8.0}) last.add(stamp(0), delay);
  last.add(stamp(1), 1);
  EXPECT_EQ(last.frames().count(), 2u);
  EXPECT_NEAR(last.frames().percentile(0), 4, 0.1);
  EXPECT_EQ(last.frames().max(), 8);
}

TEST(LastViewer, IsNotWhoGotARepairOfAnEarlierFrame) {
  LastViewer last;
  last.add(stamp(1), 1);
  last.add(stamp(2), 1);
  last.add(stamp(1), 50);
  last.add(stamp(3), 1);
  EXPECT_EQ(last.frames().max(), 1);
}

TEST(LastViewer, TellsSourcesApartAndLeavesSoundOut) {
  LastViewer last;
  last.add(stamp(1, 1), 1);
  last.add(stamp(7, 2), 3);
  last.add(stamp(1, 3, 1), 90);
  last.add(stamp(2, 3, 1), 90);
  last.add(stamp(2, 1), 1);
  EXPECT_EQ(last.frames().count(), 1u);
  EXPECT_EQ(last.frames().max(), 1);
}

TEST(LastViewer, CountsSoManySourcesAndNoMore) {
  LastViewer last;
  const auto all = static_cast<uint32_t>(LastViewer::kSourcesMax) + 5;
  for (const uint16_t frame : {uint16_t{1}, uint16_t{2}}) {
    for (uint32_t source = 0; source < all; ++source) last.add(stamp(frame, source), 1);
  }
  EXPECT_EQ(last.frames().count(), LastViewer::kSourcesMax);
}

}  // namespace
}  // namespace simpul::load
