#include "rtp/vp9_references.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "rtp/payload_info.h"
#include "tests/support/hex.h"

namespace simpul::rtp {
namespace {

using ::testing::ElementsAre;

struct Picture {
  int id = 0;
  uint8_t temporal = 0;
  std::vector<uint8_t> back = {};  // how far; nothing: a key picture
};

// How far back a picture of one packet, in flexible mode, refers as it is sent on.
std::vector<int> pass(Vp9References& references, const Picture& picture, bool long_ids) {
  const bool is_key = picture.back.empty();
  Vp9Descriptor descriptor{
      .first = static_cast<uint8_t>(is_key ? 0xB8 : 0xF8),
      .inter_predicted = !is_key,
      .flexible = true,
      .starts_frame = true,
      .has_layers = true,
      .long_picture_id = long_ids,
      .picture_id = static_cast<uint16_t>(picture.id & (long_ids ? 0x7FFF : 0x7F)),
      .temporal_id = picture.temporal,
      .tl0_pic_idx = {}};
  for (const uint8_t back : picture.back) {
    descriptor.references[descriptor.reference_count++] = back;
  }
  references.correct(descriptor);
  std::vector<int> sent;
  for (uint8_t i = 0; i < descriptor.reference_count; ++i) {
    sent.push_back(descriptor.references[i]);
  }
  return sent;
}

// Streams with picture ids of 15 bits and of 7.
class Vp9ReferencesTest : public ::testing::TestWithParam<bool> {
 protected:
  std::vector<int> pass(const Picture& picture) {
    return rtp::pass(references_, picture, GetParam());
  }

  Vp9References references_;
};

TEST_P(Vp9ReferencesTest, StayAsTheyAreWhereTheyMayBeMeant) {
  EXPECT_THAT(pass({.id = 10}), ElementsAre());
  EXPECT_THAT(pass({11, 2, {1}}), ElementsAre(1));
  EXPECT_THAT(pass({12, 1, {2}}), ElementsAre(2));
  EXPECT_THAT(pass({13, 2, {1, 3}}), ElementsAre(1, 3));
  EXPECT_THAT(pass({14, 0, {4}}), ElementsAre(4));
  EXPECT_THAT(pass({15, 2, {1}}), ElementsAre(1));
  EXPECT_THAT(pass({16, 1, {2, 4}}), ElementsAre(2, 4));
}

TEST_P(Vp9ReferencesTest, ToAHigherTemporalLayerMeanThePictureBehindIt) {
  pass({.id = 10});
  pass({11, 2, {1}});
  pass({12, 1, {2}});
  // One of layer 2 was left out here.
  EXPECT_THAT(pass({13, 0, {4}}), ElementsAre(3)) << "as 9 is before the key picture";
  pass({14, 2, {1}});
  pass({15, 1, {2, 3}});
  EXPECT_THAT(pass({16, 0, {4}}), ElementsAre(3)) << "as 12 is of layer 1";
  EXPECT_THAT(pass({17, 1, {1, 3}}), ElementsAre(1, 2)) << "as 14 is of layer 2";
}

TEST_P(Vp9ReferencesTest, ToWhatWasBeforeTheKeyPictureMeanThat) {
  for (int id = 0; id < 10; ++id) pass({id, 0, {1}});
  pass({.id = 10});
  EXPECT_THAT(pass({11, 0, {2}}), ElementsAre(1));
}

TEST_P(Vp9ReferencesTest, StayAsTheyAreWherePicturesAreNotKnown) {
  pass({.id = 10});
  // 11 and 12 are lost.
  EXPECT_THAT(pass({13, 0, {2}}), ElementsAre(2));
  EXPECT_THAT(pass({14, 1, {2}}), ElementsAre(2));
  // 11 comes late; 12 is still missing, and may be what is meant.
  pass({11, 2, {1}});
  EXPECT_THAT(pass({15, 0, {4}}), ElementsAre(4));
  pass({12, 0, {2}});
  EXPECT_THAT(pass({16, 0, {5}}), ElementsAre(4));
}

TEST_P(Vp9ReferencesTest, ThatHaveNoPictureBehindThemStayAsTheyAre) {
  pass({.id = 10});
  pass({11, 2, {1}});
  pass({12, 2, {1}});
  EXPECT_THAT(pass({13, 0, {2}}), ElementsAre(2)) << "11 cannot be meant, and 12 neither";
  EXPECT_THAT(pass({14, 0, {0, 1}}), ElementsAre(0, 1));
}

TEST_P(Vp9ReferencesTest, AreFollowedOverTheWrapOfPictureIds) {
  const int end = GetParam() ? 0x8000 : 0x80;
  pass({.id = end - 3});
  pass({end - 2, 2, {1}});
  pass({end - 1, 0, {2}});
  pass({end, 2, {1}});
  EXPECT_THAT(pass({end + 1, 0, {3}}), ElementsAre(2));
}

INSTANTIATE_TEST_SUITE_P(PictureIds, Vp9ReferencesTest, ::testing::Bool(), [](const auto& tested) {
  return tested.param ? std::string("Long") : std::string("Short");
});

TEST(Vp9References, OfPicturesLongAgoAreForgotten) {
  Vp9References references;
  const auto send = [&](const Picture& picture) { return pass(references, picture, true); };
  send({.id = 10});
  send({11, 2, {1}});
  send({12, 0, {2}});
  send({212, 0, {1}});
  // 139 and 140 never came, and have the places of 11 and 12.
  EXPECT_THAT(send({213, 0, {213 - 139}}), ElementsAre(213 - 139));
  EXPECT_THAT(send({12, 0, {2}}), ElementsAre(2)) << "too late";
}

TEST(Vp9Descriptor, IsSentOnWithCorrectedReferences) {
  using simpul::testing::from_hex;
  // I P L F B, picture ids of 15 bits; a key picture, T1, and T0 with references 3 and 1.
  Vp9References references;
  for (const char* before : {"b8 8010 00 aa", "f8 8011 20 02 aa", "f8 8012 00 04 aa"}) {
    auto descriptor = Vp9Descriptor::parse(from_hex(before));
    ASSERT_TRUE(descriptor);
    references.correct(*descriptor);
    EXPECT_FALSE(descriptor->are_references_corrected);
  }
  const auto payload = from_hex("f8 8013 00 05 06 aa");
  auto descriptor = Vp9Descriptor::parse(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->reference_count, 2);
  references.correct(*descriptor);
  const PayloadHead head = descriptor->with_numbers({.picture_id = 0x0123});
  EXPECT_THAT(std::vector<uint8_t>(head.bytes.begin(), head.bytes.begin() + head.size),
              ElementsAre(0xF8, 0x81, 0x23, 0x00, 0x03, 0x06));
  EXPECT_EQ(head.replaced, 6);
}

}  // namespace
}  // namespace simpul::rtp
