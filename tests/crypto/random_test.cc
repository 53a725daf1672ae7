#include "crypto/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace simpul::crypto {
namespace {

TEST(Random, FillsWhatItIsGivenAndNothingElse) {
  std::array<uint8_t, 66> bytes{};
  random_bytes(MutableBytes(bytes).subspan(1, 64));
  EXPECT_EQ(bytes.front(), 0);
  EXPECT_EQ(bytes.back(), 0);
  EXPECT_FALSE(std::ranges::all_of(bytes, [](uint8_t byte) { return byte == 0; }));
  random_bytes({});
}

TEST(Random, DoesNotRepeatItself) {
  std::set<uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(random_u64());
  EXPECT_EQ(numbers.size(), 1000u);
}

TEST(Random, ReachesEveryBitOfItsNumbers) {
  uint32_t ones = 0;
  uint32_t zeros = 0;
  for (int i = 0; i < 200; ++i) {
    const uint32_t number = random_u32();
    ones |= number;
    zeros |= ~number;
  }
  EXPECT_EQ(ones, 0xFFFFFFFFu);
  EXPECT_EQ(zeros, 0xFFFFFFFFu);
}

TEST(Random, WritesHexadecimalOfTheAskedSize) {
  EXPECT_EQ(random_hex(0), "");
  const std::string text = random_hex(4001);
  EXPECT_EQ(text.size(), 4001u);
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 16u);
}

TEST(Random, WritesEveryCharacterOfIceAndNoOther) {
  const std::string text = random_ice_text(20'000);
  EXPECT_EQ(text.size(), 20'000u);
  EXPECT_TRUE(std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
  }));
  EXPECT_EQ(std::set<char>(text.begin(), text.end()).size(), 64u);
}

}  // namespace
}  // namespace simpul::crypto
