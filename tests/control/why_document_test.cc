#include "control/why_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <set>

namespace simpul::control {
namespace {

using relay::GrantCause;

node::SlotWhy slot(GrantCause cause) {
  return {.mid = "1",
          .participant = "bob",
          .layer = "q",
          .granted_layer = "h",
          .next_layer = "f",
          .grant = {.layer = relay::LayerId{},
                    .bitrate_bps = 150'000,
                    .wanted_pixels = 230'400,
                    .cause = cause,
                    .next = relay::LayerId{.encoding = 2},
                    .needed_bps = 1'760'000,
                    .wait = std::chrono::milliseconds(1'500)},
          .estimate_bps = 900'000,
          .audio_bps = 40'000,
          .competing = {{.mid = "2", .participant = "eve", .bitrate_bps = 500'000},
                        {.mid = "3", .participant = "tom", .bitrate_bps = 150'000}}};
}

TEST(WhyDocument, SaysWhatThePathCarriesAndWhoElseTakesOfIt) {
  EXPECT_EQ(cause_sentence(slot(GrantCause::kEstimate)),
            "The path carries 900 kbit/s, of which audio takes 40 kbit/s and 2 other slots take "
            "650 kbit/s; for the next layer (f) it would have to carry 1.8 Mbit/s.");
  node::SlotWhy alone = slot(GrantCause::kPausedByEstimate);
  alone.competing.clear();
  alone.audio_bps = 0;
  EXPECT_EQ(cause_sentence(alone),
            "The path carries 900 kbit/s; for the lowest layer it would have to carry 1.8 Mbit/s, "
            "so that video pauses and audio goes on.");
}

TEST(WhyDocument, SaysWhatItWaitsFor) {
  EXPECT_EQ(cause_sentence(slot(GrantCause::kWaitingForKeyFrame)),
            "It waits for a key frame of its layer (h).");
  EXPECT_EQ(
      cause_sentence(slot(GrantCause::kHeldBack)),
      "The path did not carry a larger layer when it was tried; it is tried again in 1.5 s at "
      "the earliest.");
}

TEST(WhyDocument, TellsAPublisherWhoSendsNothingFromOneWhoSendsLess) {
  node::SlotWhy why = slot(GrantCause::kPublisherNotSending);
  EXPECT_EQ(cause_sentence(why), "The publisher does not send a larger layer now.");
  why.grant.layer.reset();
  EXPECT_EQ(cause_sentence(why), "The publisher does not send this track now.");
}

TEST(WhyDocument, HasAWordAndASentenceOfItsOwnForEachCause) {
  using enum GrantCause;
  constexpr std::array kCauses = {kLargest,
                                  kLargestWanted,
                                  kLargestAsked,
                                  kPublisherNotSending,
                                  kWaitingForKeyFrame,
                                  kWaitingForPublisher,
                                  kEstimate,
                                  kSettling,
                                  kHeldBack,
                                  kEstimateUnknown,
                                  kPausedByEstimate,
                                  kPausedByRequest,
                                  kEmpty};
  std::set<std::string> words;
  std::set<std::string> sentences;
  for (const GrantCause cause : kCauses) {
    words.insert(std::string(cause_word(slot(cause))));
    sentences.insert(cause_sentence(slot(cause)));
    EXPECT_TRUE(cause_sentence(slot(cause)).ends_with("."));
  }
  EXPECT_EQ(words.size(), kCauses.size());
  EXPECT_EQ(sentences.size(), kCauses.size());
}

TEST(WhyDocument, HasFieldsForPrograms) {
  const auto document = nlohmann::json::parse(why_document(slot(GrantCause::kEstimate)));
  EXPECT_EQ(document["mid"], "1");
  EXPECT_EQ(document["cause"], "estimate");
  EXPECT_EQ(document["layer"], "q");
  EXPECT_EQ(document["needed_bps"], 1'760'000);
  EXPECT_EQ(document["estimate_bps"], 900'000);
  EXPECT_EQ(document["wait_ms"], 1'500);
  EXPECT_EQ(document["competing"][0]["participant"], "eve");
  EXPECT_EQ(document["competing"][1]["bitrate_bps"], 150'000);
}

TEST(WhyDocument, WritesNullForWhatIsNotKnown) {
  const auto document = nlohmann::json::parse(why_document({.mid = "0"}));
  EXPECT_EQ(document["cause"], "empty");
  for (const char* field :
       {"participant", "layer", "next_layer", "needed_bps", "estimate_bps", "wanted_pixels"}) {
    EXPECT_TRUE(document[field].is_null()) << field;
  }
}

TEST(WhyDocument, ReplacesWhatIsNoText) {
  node::SlotWhy why = slot(GrantCause::kLargest);
  why.participant = "\xff";
  EXPECT_TRUE(nlohmann::json::accept(why_document(why)));
}

}  // namespace
}  // namespace simpul::control
