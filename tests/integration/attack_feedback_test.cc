// Attacks with authentic feedback that lies, while a call goes on (rows C and R19 of
// docs/attacks.md). Carol has keys of her own: what she says is read, and is to hurt nobody else.
#include <gmock/gmock.h>

#include <algorithm>

#include "crypto/random.h"
#include "rtp/header_extensions.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "tests/integration/attack_test.h"
#include "tests/support/rtp_packets.h"

namespace simpul::testing {
namespace {

using Compound = std::vector<uint8_t>;

class AttackByFalseFeedback : public AttackTest {
 protected:
  void SetUp() override {
    AttackTest::SetUp();
    carol_ = &node_.watch("stage", "carol");
    liars_ = {carol_, &bob_, &alice_};
    ++connections_before_;
    ASSERT_TRUE(node_.run_until([&] { return carol_->connected() && carol_->video > 0; }));
    alice_.on_rtcp = [this](Bytes compound) { note(compound); };
  }

  template <class Write>
  static Compound written(Write write) {
    std::array<uint8_t, rtp::kRtcpSizeMax> room{};
    rtp::RtcpWriter writer(room);
    EXPECT_TRUE(write(writer));
    return {writer.written().begin(), writer.written().end()};
  }
  // A feedback message (RFC 4585 §6.1) with that body behind the two SSRCs.
  static Compound feedback(uint8_t type, uint8_t format, rtp::Ssrc media, const Compound& rest) {
    Compound body;
    append_be(body, 0x99, 4);
    append_be(body, media.value(), 4);
    body.insert(body.end(), rest.begin(), rest.end());
    return make_rtcp(format, type, body);
  }

  void say(LiveGuest& guest, const Compound& compound) {
    guest.socket->send(guest.socket->peer().seal_rtcp(compound));
  }
  void all_say(const std::vector<Compound>& compounds) {
    size_t sent = 0;
    for (const Compound& compound : compounds) {
      for (LiveGuest* guest : liars_) say(*guest, compound);
      if (++sent % 50 == 0) let_pass();
    }
    let_pass();
  }

  // The sources of alice, and the slots of bob.
  std::vector<rtp::Ssrc> others() {
    std::vector<rtp::Ssrc> ssrcs = bob_.socket->peer().slots();
    for (const auto& source : alice_.socket->sources()) ssrcs.push_back(source.ssrc());
    return ssrcs;
  }

  void note(Bytes compound) {
    rtp::RtcpReader reader(compound);
    while (const auto part = reader.next()) {
      const auto* report = std::get_if<rtp::ReceiverReport>(&*part);
      if (report == nullptr) {
        said_otherwise_ += std::holds_alternative<rtp::Remb>(*part);
        said_otherwise_ += std::holds_alternative<rtp::Bye>(*part);
        continue;
      }
      for (const rtp::ReportBlock block : report->blocks) {
        ++reports_;
        told_lost_ = std::max(told_lost_, block.fraction_lost);
      }
    }
  }
  // The publisher heard of nothing: the relay speaks for itself alone.
  void expect_publisher_heard_nothing() {
    reports_ = 0;
    ASSERT_TRUE(node_.run_until([&] { return reports_ >= 2; }));
    EXPECT_EQ(told_lost_, 0);
    EXPECT_EQ(said_otherwise_, 0u);
  }
  double loss_told_of(const LiveGuest& guest) {
    const auto report = node_.report_of(guest);
    double loss = 0;
    for (const auto& slot : report->slots) loss = std::max(loss, slot.loss);
    return loss;
  }
  uint64_t key_frames() { return alice_.socket->sources()[1].key_frames(); }

  LiveGuest* carol_ = nullptr;
  std::vector<LiveGuest*> liars_;
  uint64_t reports_ = 0;
  uint64_t said_otherwise_ = 0;
  uint8_t told_lost_ = 0;
};

TEST_F(AttackByFalseFeedback, C1_ReportsAndGoodbyesForSourcesOfOthersAreIgnored) {
  const LiveGuest& erin = node_.publish("other", "erin");  // who publishes may not say it either
  ++connections_before_;
  ASSERT_TRUE(node_.run_until([&] { return erin.connected(); }));
  std::vector<Compound> lies;
  for (const rtp::Ssrc ssrc : others()) {
    const rtp::ReportBlock block{.ssrc = ssrc, .fraction_lost = 255, .cumulative_lost = 0x7fffff};
    lies.push_back(written([&](auto& w) { return w.bye(std::span(&ssrc, 1)); }));
    lies.push_back(written([&](auto& w) {
      return w.sender_report({.ssrc = ssrc, .ntp_time = ~uint64_t{0}, .rtp_timestamp = 1},
                             std::span(&block, 1));
    }));
    lies.push_back(written([&](auto& w) { return w.receiver_report(ssrc, std::span(&block, 1)); }));
  }
  const uint64_t asked = key_frames();
  for (int i = 0; i < 50; ++i) {
    for (const auto& lie : lies) {
      say(*carol_, lie);
      erin.socket->send(erin.socket->peer().seal_rtcp(lie));
    }
    let_pass();
  }
  EXPECT_EQ(loss_told_of(bob_), 0);
  EXPECT_EQ(key_frames(), asked);
  expect_publisher_heard_nothing();
  expect_unharmed();
}

TEST_F(AttackByFalseFeedback, C3_EstimatesThatLieChangeNothing) {
  std::vector<Compound> lies;
  const rtp::Ssrc ssrc = bob_.socket->peer().slots()[1];
  for (const uint32_t rate : std::initializer_list<uint32_t>{0, 1, 0x3ffff, 0xfc0001, 0xffffff}) {
    for (const uint8_t count : std::initializer_list<uint8_t>{0, 1, 255}) {
      Compound rest{'R', 'E', 'M', 'B', count};
      append_be(rest, rate, 3);
      append_be(rest, ssrc.value(), 4);  // one, however many were announced
      lies.push_back(feedback(206, 15, rtp::Ssrc(0), rest));
    }
  }
  const auto layer_before = node_.report_of(bob_)->slots[1].state.track;
  for (int i = 0; i < 20; ++i) all_say(lies);
  EXPECT_EQ(node_.report_of(bob_)->slots[1].state.track, layer_before);
  expect_publisher_heard_nothing();
  expect_unharmed();
}

TEST_F(AttackByFalseFeedback, C4_ArrivalsThatLieAreBoundedAndChangeNothing) {
  std::vector<Compound> lies;
  const auto message = [&](uint16_t base, uint16_t count, const Compound& chunks) {
    Compound rest;
    append_be(rest, base, 2);
    append_be(rest, count, 2);
    append_be(rest, 0x800000, 3);  // a reference time of minus six days
    append_be(rest, 0, 1);
    rest.insert(rest.end(), chunks.begin(), chunks.end());
    rest.resize((rest.size() + 3) & ~size_t{3});
    lies.push_back(feedback(205, 15, rtp::Ssrc(1), rest));
  };
  message(0, 65535, {0x20, 0x01});                      // one chunk for all of them
  message(0, 65535, {0x1f, 0xff, 0x1f, 0xff});          // runs of losses
  message(1, 7, {0xff, 0xff});                          // symbols of the reserved kind
  message(40'000, 1, {0x20, 0x01, 0x04});               // never sent
  message(0, 2, {0x40, 0x02, 0x80, 0, 0x80, 0});        // deltas of minus 8 s
  message(0, 2, {0x40, 0x02, 0x7f, 0xff, 0x7f, 0xff});  // and of plus 8 s
  message(0, 0, {});
  for (int i = 0; i < 30; ++i) {
    Compound chunks(40);
    crypto::random_bytes(chunks);
    message(static_cast<uint16_t>(crypto::random_u32()),
            static_cast<uint16_t>(crypto::random_u32()), chunks);
  }
  liars_ = {carol_, &alice_};  // who reports by chance and then no more is sent the least (C6)
  for (int i = 0; i < 30; ++i) all_say(lies);
  for (int i = 0; i < 10; ++i) all_say(std::vector<Compound>(100, lies.front()));
  expect_publisher_heard_nothing();
  const uint64_t heard = carol_->audio;
  EXPECT_TRUE(node_.run_until([&] { return carol_->audio > heard + 30; })) << "her sound stopped";
  expect_unharmed();
}

TEST_F(AttackByFalseFeedback, C12_RequestsThatNobodyHereFulfilsAreCountedAndIgnored) {
  const rtp::Ssrc slot = carol_->socket->peer().slots()[1];
  std::vector<Compound> lies;
  for (const uint32_t rate : std::initializer_list<uint32_t>{0, 0xffffffff}) {
    Compound entry;  // TMMBR (RFC 5104 §4.2.1)
    append_be(entry, slot.value(), 4);
    append_be(entry, rate, 4);
    lies.push_back(feedback(205, 3, rtp::Ssrc(0), entry));
    lies.push_back(feedback(205, 4, rtp::Ssrc(0), entry));  // TMMBN
  }
  lies.push_back(feedback(206, 2, slot, {0, 0, 0, 0}));  // SLI
  lies.push_back(feedback(206, 3, slot, {8, 0, 1, 0}));  // RPSI
  for (uint8_t format = 5; format < 32; ++format) {
    if (format != 15) lies.push_back(feedback(206, format, slot, Compound(8, 0xff)));
    const bool is_read = format == 11 || format == 15;
    if (!is_read) lies.push_back(feedback(205, format, slot, Compound(8, 0xff)));
  }
  lies.push_back(make_rtcp(31, 204, Compound(12, 'x')));  // APP
  lies.push_back(make_rtcp(0, 207, Compound(12, 0xff)));  // XR
  for (uint8_t type = 208; type < 214; ++type) lies.push_back(make_rtcp(0, type, Compound(8, 1)));
  const uint64_t before = node_.dropped("unknown_rtcp");
  const uint64_t asked = key_frames();
  all_say(lies);
  EXPECT_EQ(node_.dropped("unknown_rtcp"), before + 3 * lies.size());
  EXPECT_EQ(key_frames(), asked);
  expect_publisher_heard_nothing();
  expect_unharmed();
}

TEST_F(AttackByFalseFeedback, C13_OneBadReceiverIsNotThePublishersMatter) {
  // Carol says that she lost everything that was sent to her, and has room for nothing.
  std::vector<Compound> complaints;
  for (const rtp::Ssrc slot : carol_->socket->peer().slots()) {
    const rtp::ReportBlock block{.ssrc = slot,
                                 .fraction_lost = 255,
                                 .cumulative_lost = 0x7fffff,
                                 .jitter = 0xffffffff,
                                 .last_sender_report = 1,
                                 .delay_since_last_sender_report = 0xffffffff};
    complaints.push_back(
        written([&](auto& w) { return w.receiver_report(rtp::Ssrc(9), std::span(&block, 1)); }));
    complaints.push_back(
        written([&](auto& w) { return w.remb(rtp::Ssrc(9), 0, std::span(&slot, 1)); }));
  }
  for (int i = 0; i < 100; ++i) {
    for (const auto& complaint : complaints) say(*carol_, complaint);
    if (i % 10 == 9) let_pass();
  }
  EXPECT_GT(loss_told_of(*carol_), 0.9);  // believed, of herself
  EXPECT_EQ(loss_told_of(bob_), 0);
  expect_publisher_heard_nothing();
  expect_unharmed();
}

TEST_F(AttackByFalseFeedback, R19_AudioLevelsThatLieMoveNobodyWhoNamedSomebody) {
  // Two publish. Dave watches one of them; the other one claims to be the loudest, always.
  LiveGuest& erin = node_.publish("debate", "erin");
  LiveGuest& frank = node_.publish("debate", "frank");
  ASSERT_TRUE(node_.run_until([&] { return erin.connected() && frank.connected(); }));
  LiveGuest& dave = node_.watch("debate", "dave", {}, relay::LayerChoice::kHighest, "erin");
  connections_before_ += 3;
  ASSERT_TRUE(node_.run_until([&] { return dave.connected() && dave.video > 0; }));
  const auto seated = [&] {
    const auto report = node_.report_of(dave);
    std::vector<std::string> names;
    for (const auto& slot : report->slots) names.push_back(slot.state.participant);
    return names;
  };
  const auto before = seated();
  ASSERT_EQ(before, (std::vector<std::string>{"erin", "erin"}));
  const uint64_t lost = dave.missed();
  uint64_t index = 20'000;
  repeat(500, [&](int i) {
    // Level 0 with the voice bit, and every other byte in between.
    const auto level = static_cast<uint8_t>(i % 2 == 0 ? 0x80 : i);
    frank.socket->send(frank.socket->peer().seal({.ssrc = frank.socket->sources()[0].ssrc(),
                                                  .payload_type = peer::kOpusPayloadType,
                                                  .index = index++,
                                                  .mid = "0",
                                                  .audio_level = level,
                                                  .payload = std::array<uint8_t, 20>{0xfc},
                                                  .is_forged = true}));
  });
  EXPECT_EQ(seated(), before);
  EXPECT_EQ(dave.missed(), lost);
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
