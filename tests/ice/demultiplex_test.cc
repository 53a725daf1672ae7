#include "ice/demultiplex.h"

#include <array>

namespace simpul::ice {
namespace {

DatagramKind kind_of(int first, int second = 0) {
  const std::array<uint8_t, 2> bytes = {static_cast<uint8_t>(first), static_cast<uint8_t>(second)};
  return classify(bytes);
}

TEST(Demultiplex, SortsEveryFirstByteAsRfc7983Does) {
  for (int first = 0; first < 256; ++first) {
    DatagramKind expected = DatagramKind::kUnknown;
    if (first <= 3) expected = DatagramKind::kStun;
    if (first >= 20 && first <= 63) expected = DatagramKind::kDtls;
    if (first >= 128 && first <= 191) expected = DatagramKind::kRtp;
    EXPECT_EQ(kind_of(first), expected) << first;
  }
}

TEST(Demultiplex, TellsRtcpByEverySecondByte) {
  for (int second = 0; second < 256; ++second) {
    const bool rtcp = second >= 192 && second <= 223;
    EXPECT_EQ(kind_of(0x80, second), rtcp ? DatagramKind::kRtcp : DatagramKind::kRtp) << second;
  }
}

TEST(Demultiplex, DoesNotLookBehindTheEnd) {
  EXPECT_EQ(classify({}), DatagramKind::kUnknown);
  const std::array<uint8_t, 1> one = {0x80};
  EXPECT_EQ(classify(one), DatagramKind::kUnknown);
}

}  // namespace
}  // namespace simpul::ice
