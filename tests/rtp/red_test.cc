#include "rtp/red.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::simpul::testing::from_hex;

TEST(RedPayload, FindsThePrimaryBlockBehindTheOthers) {
  // One redundant block of three bytes, 960 ticks old, of type 111; then the primary one.
  const auto red = RedPayload::parse(from_hex("ef 0f00 03 6f aaaaaa bbbb"));
  ASSERT_TRUE(red);
  EXPECT_EQ(red->block_type, PayloadType(111));
  EXPECT_EQ(red->primary_offset, 8);
}

TEST(RedPayload, APrimaryBlockMayBeAlone) {
  const auto red = RedPayload::parse(from_hex("6f bb"));
  ASSERT_TRUE(red);
  EXPECT_EQ(red->primary_offset, 1);
}

TEST(RedPayload, BlocksThatRunPastTheEndAreRefused) {
  const auto whole = from_hex("ef 0f00 03 6f aaaaaa");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(RedPayload::parse(Bytes(whole).first(size)).error(), ParseError::kTooShort) << size;
  }
  EXPECT_EQ(RedPayload::parse(whole).error(), ParseError::kMalformed) << "no primary block";
  EXPECT_EQ(RedPayload::parse(from_hex("ef 03ff ff 6f aa")).error(), ParseError::kTooShort);
}

TEST(RedPayload, BlocksOfDifferentTypesAreRefused) {
  EXPECT_EQ(RedPayload::parse(from_hex("ef 0f00 01 63 aa bb")).error(), ParseError::kMalformed);
}

TEST(RedPayload, AChainOfTooManyBlocksIsRefused) {
  const auto chain = [](size_t blocks) {
    std::vector<uint8_t> bytes;
    for (size_t i = 0; i < blocks; ++i) {
      for (const int byte : {0xef, 0, 0, 0}) bytes.push_back(static_cast<uint8_t>(byte));
    }
    bytes.push_back(0x6f);
    bytes.push_back(0xbb);
    return bytes;
  };
  EXPECT_TRUE(RedPayload::parse(chain(RedPayload::kRedundantMax)));
  EXPECT_EQ(RedPayload::parse(chain(RedPayload::kRedundantMax + 1)).error(),
            ParseError::kMalformed);
}

TEST(WriteRed, WritesTheOldestBlockFirstAndThePrimaryOneLast) {
  const auto oldest = from_hex("aaaaaa");
  const auto newer = from_hex("bb");
  const auto primary = from_hex("cccc");
  const std::vector<RedBlock> blocks = {{.age = 1'920, .data = oldest},
                                        {.age = 960, .data = newer}};
  std::vector<uint8_t> room(red_size(blocks, primary));
  EXPECT_EQ(write_red(PayloadType(111), blocks, primary, room), room.size());
  EXPECT_EQ(room, from_hex("ef 1e0003 ef 0f0001 6f aaaaaa bb cccc"));
}

TEST(WriteRed, FillsTheBitsOfAgeAndSizeAndNoOthers) {
  const std::vector<uint8_t> large(RedBlock::kSizeMax, 0x11);
  const auto primary = from_hex("cc");
  const std::vector<RedBlock> blocks = {{.age = RedBlock::kAgeMax, .data = large}};
  std::vector<uint8_t> room(red_size(blocks, primary));
  write_red(PayloadType(127), blocks, primary, room);
  EXPECT_EQ(std::vector<uint8_t>(room.begin(), room.begin() + 5), from_hex("ff ffffff 7f"));
  const auto red = RedPayload::parse(room);
  ASSERT_TRUE(red);
  EXPECT_EQ(red->primary_offset, room.size() - 1);
}

}  // namespace
}  // namespace simpul::rtp
