#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "sdp/negotiation.h"
#include "tests/sdp/minimal_offer.h"
#include "tests/support/sample_offers.h"

namespace simpul::sdp {
namespace {

using rtp::ExtensionKind;
using simpul::testing::replaced;
using simpul::testing::sample_offer;

Negotiated accepted(const std::string& offer, PeerRole role = PeerRole::kPublisher) {
  const auto negotiated = negotiate(offer, default_policy(role));
  EXPECT_TRUE(negotiated) << negotiated.error().detail;
  return negotiated ? *negotiated : Negotiated{};
}

std::string extmap(const std::string& id, ExtensionKind kind) {
  return "a=extmap:" + id + " " + std::string(rtp::uri_of(kind)) + "\r\n";
}

Negotiated with_extensions(const std::string& audio, const std::string& video) {
  return accepted(kSessionLines + kAudioLines + audio + kVideoLines + video);
}

TEST(ExtensionChoice, TakesWhatAPublisherIsUsedFor) {
  const auto map = accepted(sample_offer("chromium-offer-simulcast-vp8")).extension_map();
  EXPECT_EQ(map.id(ExtensionKind::kAudioLevel), 1);
  EXPECT_EQ(map.id(ExtensionKind::kTransportSequence), 3);
  EXPECT_EQ(map.id(ExtensionKind::kMid), 4);
  EXPECT_EQ(map.id(ExtensionKind::kVideoContentType), 6);
  EXPECT_EQ(map.id(ExtensionKind::kColorSpace), 8);
  EXPECT_EQ(map.id(ExtensionKind::kRid), 10);
  EXPECT_EQ(map.id(ExtensionKind::kRepairedRid), 11);
  EXPECT_EQ(map.id(ExtensionKind::kVideoOrientation), 13);
  EXPECT_EQ(map.id(ExtensionKind::kAbsSendTime), 0);
  EXPECT_EQ(map.id(ExtensionKind::kTimeOffset), 0);
  EXPECT_EQ(map.id(ExtensionKind::kPlayoutDelay), 5);
  EXPECT_EQ(map.id(ExtensionKind::kVideoLayersAllocation), 9);
  EXPECT_EQ(map.id(ExtensionKind::kDependencyDescriptor), 12);
}

TEST(ExtensionChoice, TakesWhatAWatcherCanBeTold) {
  const auto map =
      accepted(sample_offer("chromium-offer-recvonly"), PeerRole::kWatcher).extension_map();
  EXPECT_EQ(map.id(ExtensionKind::kAudioLevel), 1);
  EXPECT_EQ(map.id(ExtensionKind::kMid), 4);
  EXPECT_EQ(map.id(ExtensionKind::kPlayoutDelay), 5);
  EXPECT_EQ(map.id(ExtensionKind::kVideoOrientation), 13);
  EXPECT_EQ(map.id(ExtensionKind::kTransportSequence), 3);
  EXPECT_EQ(map.id(ExtensionKind::kRid), 0);
}

TEST(ExtensionChoice, EachMediaLineHasItsOwn) {
  const auto negotiated = accepted(sample_offer("chromium-offer-simulcast-vp8"));
  EXPECT_EQ(negotiated.media[1].extension_map().id(ExtensionKind::kAudioLevel), 0);
  EXPECT_EQ(negotiated.media[0].extension_map().id(ExtensionKind::kRid), 0);
}

TEST(ExtensionChoice, DirectionsAreTurnedRound) {
  const auto publisher = accepted(sample_offer("firefox-offer-simulcast-vp8")).media[1];
  for (const auto& extension : publisher.extensions) {
    EXPECT_NE(extension.kind, ExtensionKind::kPlayoutDelay) << "only towards the peer";
    if (extension.kind == ExtensionKind::kRid) {
      EXPECT_EQ(extension.direction, Direction::kRecvOnly);
    }
    if (extension.kind == ExtensionKind::kMid) {
      EXPECT_EQ(extension.direction, std::nullopt);
    }
  }
  const auto watcher = accepted(sample_offer("firefox-offer-recvonly"), PeerRole::kWatcher);
  const auto& extensions = watcher.media[1].extensions;
  const auto playout =
      std::ranges::find(extensions, ExtensionKind::kPlayoutDelay, &NegotiatedExtension::kind);
  ASSERT_NE(playout, extensions.end());
  EXPECT_EQ(playout->id, 6);
  EXPECT_EQ(playout->direction, Direction::kSendOnly);
}

TEST(ExtensionChoice, AnIdGivenAwayKeepsItsFirstMeaning) {
  const auto negotiated = with_extensions(extmap("2", ExtensionKind::kAudioLevel),
                                          extmap("2", ExtensionKind::kColorSpace));
  EXPECT_EQ(negotiated.extension_map().id(ExtensionKind::kAudioLevel), 2);
  EXPECT_EQ(negotiated.extension_map().id(ExtensionKind::kColorSpace), 0);
}

TEST(ExtensionChoice, AnExtensionKeepsItsFirstId) {
  const auto negotiated =
      with_extensions(extmap("2", ExtensionKind::kMid), extmap("3", ExtensionKind::kMid));
  EXPECT_EQ(negotiated.extension_map().id(ExtensionKind::kMid), 2);
  EXPECT_TRUE(negotiated.media[1].extensions.empty());
}

TEST(ExtensionChoice, OneThatStandsTwiceInASectionIsTakenOnce) {
  const auto twice = extmap("2", ExtensionKind::kMid) + extmap("2", ExtensionKind::kMid);
  EXPECT_EQ(with_extensions(twice, "").media[0].extensions.size(), 1u);
}

TEST(ExtensionChoice, WhatIsNotAcceptedClashesWithNothing) {
  const auto negotiated =
      with_extensions(extmap("2", ExtensionKind::kAbsSendTime), extmap("2", ExtensionKind::kMid));
  EXPECT_EQ(negotiated.extension_map().id(ExtensionKind::kMid), 2);
  const auto aiortc = accepted(sample_offer("aiortc-offer-default"));
  EXPECT_EQ(aiortc.extension_map().id(ExtensionKind::kAudioLevel), 2);
  EXPECT_EQ(aiortc.extension_map().id(ExtensionKind::kAbsSendTime), 0);
}

// aiortc's offers have one id for the level of sound and for send times.
TEST(ExtensionChoice, SendTimesAreForWatchersWhoEstimateByThemAloneAndTheirIdIsTheirs) {
  const std::string offer = sample_offer("aiortc-offer-recvonly");
  const auto watcher = accepted(offer, PeerRole::kWatcher);
  EXPECT_EQ(watcher.media[0].extension_map().id(ExtensionKind::kAbsSendTime), 0);
  EXPECT_EQ(watcher.media[1].extension_map().id(ExtensionKind::kAbsSendTime), 2);
  EXPECT_EQ(watcher.extension_map().id(ExtensionKind::kAudioLevel), 0);
  EXPECT_EQ(watcher.extension_map().id(ExtensionKind::kMid), 1);
  const auto send_time_id = [](const std::string& text) {
    return accepted(text, PeerRole::kWatcher).extension_map().id(ExtensionKind::kAbsSendTime);
  };
  EXPECT_EQ(send_time_id(std::regex_replace(offer, std::regex("goog-remb"), "x")), 0);
  EXPECT_EQ(send_time_id(std::regex_replace(offer, std::regex("goog-remb"), "ack ccfb")), 0);
  EXPECT_EQ(send_time_id(sample_offer("chromium-offer-recvonly")), 0);
}

TEST(ExtensionChoice, IdsBeyondTheOneByteFormAreNotTaken) {
  for (const char* id : {"15", "16", "255", "4096"}) {
    const auto negotiated = with_extensions(extmap(id, ExtensionKind::kMid), "");
    EXPECT_EQ(negotiated.extension_map(), rtp::ExtensionMap()) << id;
  }
  const auto last = with_extensions(extmap("14", ExtensionKind::kMid), "");
  EXPECT_EQ(last.extension_map().id(ExtensionKind::kMid), 14);
}

TEST(ExtensionChoice, TheDependencyDescriptorNeedsBothFormsOnEveryLine) {
  const std::string mixed = "a=extmap-allow-mixed\r\n";
  const auto descriptor = extmap("5", ExtensionKind::kDependencyDescriptor);
  const auto id = [](const Negotiated& negotiated) {
    return negotiated.extension_map().id(ExtensionKind::kDependencyDescriptor);
  };
  EXPECT_EQ(id(with_extensions("", descriptor)), 0);
  EXPECT_EQ(id(with_extensions("", descriptor + mixed)), 0) << "they share the transport";
  EXPECT_EQ(id(with_extensions(mixed, descriptor + mixed)), 5);
  const auto session = kSessionLines + mixed + kAudioLines + kVideoLines + descriptor;
  EXPECT_EQ(id(accepted(session)), 5);
}

TEST(ExtensionChoice, AMidThatDoesNotFitTheOneByteFormTravelsInNoHeader) {
  const auto with_mid = [](const std::string& mid) {
    const auto offer = kSessionLines + kAudioLines + extmap("4", ExtensionKind::kMid) + kVideoLines;
    return accepted(
        replaced(replaced(offer, "a=mid:a", "a=mid:" + mid), "BUNDLE a v", "BUNDLE " + mid + " v"));
  };
  EXPECT_EQ(with_mid("1234567890123456").extension_map().id(ExtensionKind::kMid), 4);
  EXPECT_EQ(with_mid("12345678901234567").extension_map().id(ExtensionKind::kMid), 0);
}

}  // namespace
}  // namespace simpul::sdp
