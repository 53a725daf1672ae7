#include "base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "base/byte_writer.h"

namespace simpul {
namespace {

using ::testing::ElementsAre;

TEST(Bytes, LoadsBigEndian) {
  const std::array<uint8_t, 8> bytes = {0xf1, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8};
  const std::span<const uint8_t, 8> all(bytes);
  EXPECT_EQ(load_be16(all.first<2>()), 0xf102u);
  EXPECT_EQ(load_be24(all.first<3>()), 0xf10203u);
  EXPECT_EQ(load_be32(all.first<4>()), 0xf1020304u);
  EXPECT_EQ(load_be64(all), 0xf1020304050607f8u);
}

TEST(Bytes, StoresWhatItLoads) {
  std::array<uint8_t, 8> bytes{};
  const std::span<uint8_t, 8> all(bytes);
  store_be16(all.first<2>(), 0xfedc);
  EXPECT_EQ(load_be16(all.first<2>()), 0xfedcu);
  store_be24(all.first<3>(), 0xfedcba);
  EXPECT_EQ(load_be24(all.first<3>()), 0xfedcbau);
  store_be32(all.first<4>(), 0xfedcba98);
  EXPECT_EQ(load_be32(all.first<4>()), 0xfedcba98u);
  store_be64(all, 0xfedcba9876543210);
  EXPECT_EQ(load_be64(all), 0xfedcba9876543210u);
}

TEST(Bytes, GoesToTextAndBackWithoutACopy) {
  const std::string_view text = "opus";
  const Bytes bytes = as_bytes(text);
  EXPECT_THAT(bytes, ElementsAre('o', 'p', 'u', 's'));
  EXPECT_EQ(as_text(bytes).data(), text.data());
  EXPECT_EQ(as_text(bytes), text);
}

TEST(ByteWriter, WritesFieldsOneAfterTheOther) {
  std::array<uint8_t, 32> room{};
  ByteWriter writer(room);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u24(0x040506);
  writer.u32(0x0708090a);
  writer.u64(0x0b0c0d0e0f101112);
  writer.bytes(std::array<uint8_t, 2>{0x13, 0x14});
  writer.zeros(1);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.left(), 32u - 21u);
  EXPECT_THAT(writer.written(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
                                            17, 18, 19, 20, 0));
}

TEST(ByteWriter, WritesNothingOfAFieldThatDoesNotFit) {
  std::array<uint8_t, 3> room = {9, 9, 9};
  ByteWriter writer(room);
  writer.u16(0x0102);
  writer.u16(0x0304);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_EQ(room[2], 9);
}

TEST(ByteWriter, StaysFailedEvenWhenASmallerFieldWouldFit) {
  std::array<uint8_t, 3> room{};
  ByteWriter writer(room);
  writer.u32(1);
  writer.u8(1);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 0u);
}

TEST(ByteWriter, WritesNothingAtAllIntoNoRoom) {
  ByteWriter writer({});
  writer.bytes({});
  writer.zeros(0);
  EXPECT_TRUE(writer.ok());
  writer.u8(1);
  EXPECT_FALSE(writer.ok());
}

TEST(ByteWriter, FillsItsRoomToTheLastByte) {
  std::array<uint8_t, 4> room{};
  ByteWriter writer(room);
  writer.u32(0xffffffff);
  EXPECT_TRUE(writer.ok());
  EXPECT_EQ(writer.left(), 0u);
}

}  // namespace
}  // namespace simpul
