// Attacks on the TCP port of media, while a call goes on: alice and bob by UDP, carol by TCP. The
// letters and numbers are the rows of docs/attacks.md.
#include <gmock/gmock.h>

#include <numeric>

#include "crypto/random.h"
#include "ice/stun_message.h"
#include "net/frame_reader.h"
#include "node/tcp_door.h"
#include "node/tcp_paths.h"
#include "tests/integration/attack_test.h"
#include "tests/integration/raw_tcp.h"
#include "tests/support/read_file.h"

namespace simpul::testing {
namespace {

using Strangers = std::vector<std::unique_ptr<RawTcp>>;

class AttackOnTcp : public AttackTest {
 protected:
  // Who is there and silent stays, however long a test takes.
  AttackOnTcp() : AttackTest(std::chrono::minutes(5)) {}

  void SetUp() override {
    AttackTest::SetUp();
    carol_ = &node_.watch("stage", "carol", {}, relay::LayerChoice::kHighest, {}, {.tcp = true});
    ++connections_before_;
    ASSERT_TRUE(node_.run_until([&] { return carol_->video > 30; }));
    carol_before_ = node_.report_of(*carol_);
  }

  const Address& door() { return carol_->socket->remote(); }
  RawTcp& knock(const std::string& from = "127.0.0.2") {
    return *strangers_.emplace_back(std::make_unique<RawTcp>(node_.loop(), door(), from));
  }
  bool all_ended() {
    return node_.run_until(
        [&] { return std::ranges::all_of(strangers_, [](const auto& s) { return s->ended(); }); });
  }
  size_t ended() {
    return static_cast<size_t>(
        std::ranges::count_if(strangers_, [](const auto& s) { return s->ended(); }));
  }
  uint64_t refused(const std::string& reason) {
    return node_.node().report().tcp_refused.at(reason);
  }
  std::vector<uint8_t> forged_check() {
    auto check = carol_->socket->peer().make_check(true);
    check[check.size() - 28] ^= 1;  // of MESSAGE-INTEGRITY
    return check;
  }

  void expect_nobody_hurt() {
    const uint64_t video = carol_->video;
    ASSERT_TRUE(node_.run_until([&] { return carol_->video > video + 30; }));
    EXPECT_EQ(carol_->missed(), 0u);
    const auto carol = node_.report_of(*carol_);
    ASSERT_TRUE(carol);
    EXPECT_EQ(carol->remote, carol_before_->remote);
    for (const auto& stranger : strangers_) {
      EXPECT_LE(stranger->received(), answered_max_) << "a stranger was answered";
    }
    expect_unharmed();
  }

  LiveGuest* carol_ = nullptr;
  std::optional<node::ConnectionReport> carol_before_;
  Strangers strangers_;
  size_t answered_max_ = 0;
};

TEST_F(AttackOnTcp, T1_LengthsThatLieAreClosedAtOnce) {
  const auto check = carol_->socket->peer().make_check(true);
  knock().say(std::vector<uint8_t>{0, 0});
  knock().say(std::vector<uint8_t>{0xff, 0xff, 0});
  for (const int off : {-20, -4, -1, 1, 4}) {
    auto lie = net::frame_header(check.size() + static_cast<size_t>(off));
    RawTcp& stranger = knock();
    stranger.say(lie);
    stranger.say(check);
  }
  EXPECT_TRUE(all_ended());
  EXPECT_EQ(refused("greeting"), 7u);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T1_WhoIsSilentOrTricklesIsClosedAfterTenSeconds) {
  const auto check = carol_->socket->peer().make_check(true);
  knock();                               // says nothing
  knock().say(std::vector<uint8_t>{0});  // half a header
  RawTcp& slow = knock();                // says a byte now and then
  RawTcp& forger = knock();              // is handed over, and proves nothing
  slow.say(net::frame_header(check.size()));
  forger.say_frame(forged_check());
  TimePoint next = net::EventLoop::clock_now();
  size_t said = 0;
  EXPECT_TRUE(node_.run_until([&] {
    if (net::EventLoop::clock_now() >= next && !slow.ended()) {
      slow.say(Bytes(check).subspan(said++, 1));
      forger.say_frame(forged_check());
      next = net::EventLoop::clock_now() + 500ms;
    }
    return ended() == strangers_.size();
  }));
  EXPECT_GT(said, 10u);
  EXPECT_EQ(refused("silent"), 3u);
  EXPECT_EQ(node_.tcp_streams(), 1u);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T1_FramesThatNeverComeWholeAreBoundedAfterTheCheckToo) {
  // She is in, by a stream of her own, and lies from there.
  const auto check = carol_->socket->peer().make_check(false);
  RawTcp& stranger = knock();
  stranger.say_frame(check);
  ASSERT_TRUE(node_.run_until([&] { return stranger.received() > 0; }));
  answered_max_ = stranger.received();
  const uint64_t before = node_.dropped("too_large");
  for (int i = 0; i < 20; ++i) {
    stranger.say(net::frame_header(65'535));
    stranger.say(std::vector<uint8_t>(65'535));
  }
  stranger.say(std::vector<uint8_t>{0, 0, 0, 0, 0xff, 0xff, 1});
  EXPECT_TRUE(node_.ask_until([&] { return node_.dropped("too_large") >= before + 21; }));
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T1_FramesTooSmallForAnythingAreSkippedAndCounted) {
  RawTcp& stranger = knock();
  stranger.say_frame(carol_->socket->peer().make_check(false));
  ASSERT_TRUE(node_.run_until([&] { return stranger.received() > 0; }));
  answered_max_ = stranger.received();
  // A few at a time: for as long as this thread makes them, the call stands still.
  constexpr uint64_t kCount = 300'000;
  constexpr uint64_t kAtOnce = 3'000;
  std::vector<uint8_t> frames;
  for (uint64_t i = 0; i < kAtOnce; ++i) frames.insert(frames.end(), {0, 1, 0});
  for (uint64_t i = 0; i < kCount; i += kAtOnce) stranger.say(frames);
  EXPECT_TRUE(node_.ask_until([&] { return node_.dropped("runt") >= kCount; }));
  EXPECT_FALSE(stranger.ended());
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T2_ThousandsOfSilentConnectionsKeepNobodyOut) {
  constexpr size_t kOfOneHost = 2'000;
  for (size_t i = 0; i < kOfOneHost; ++i) {
    knock();
    if (i % 200 == 199) let_pass();
  }
  ASSERT_TRUE(
      node_.run_until([&] { return ended() == kOfOneHost - node::TcpDoor::kWaitingPerHostMax; }));
  // And many hosts with as many as each may have.
  for (int host = 10; host < 30; ++host) {
    for (size_t i = 0; i < node::TcpDoor::kWaitingPerHostMax; ++i) {
      knock("127.0.0." + std::to_string(host));
    }
    let_pass();
  }
  ASSERT_TRUE(
      node_.run_until([&] { return strangers_.size() - ended() <= node::TcpDoor::kWaitingMax; }));
  LiveGuest& dave =
      node_.watch("stage", "dave", {}, relay::LayerChoice::kHighest, {}, {.tcp = true});
  ++connections_before_;
  EXPECT_TRUE(node_.run_until([&] { return dave.video > 30; }));
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T2_OneSessionHasFewStreamsWhoeverOpensThem) {
  for (size_t i = 0; i < 20; ++i) knock().say_frame(forged_check());
  ASSERT_TRUE(
      node_.run_until([&] { return ended() == 20 - node::TcpPaths::kUnprovedPerSessionMax; }));
  EXPECT_EQ(node_.tcp_streams(), 1 + node::TcpPaths::kUnprovedPerSessionMax);
  // With the password it is the ICE agent that keeps few paths, and the one in use among them.
  strangers_.clear();
  ASSERT_TRUE(node_.ask_until([&] { return node_.tcp_streams() == 1; }));
  for (size_t i = 0; i < 20; ++i) {
    RawTcp& stranger = knock();
    stranger.say_frame(carol_->socket->peer().make_check(false));
    ASSERT_TRUE(node_.run_until([&] { return stranger.received() > 0; }));
    answered_max_ = stranger.received();
  }
  EXPECT_TRUE(node_.ask_until([&] { return node_.tcp_streams() <= ice::AgentLimits{}.paths_max; }));
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T4_WhatIsNoCheckIsClosedAtOnce) {
  const auto check = carol_->socket->peer().make_check(true);
  for (const char* text :
       {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n", "SSH-2.0-x\r\n",
        "\x16\x03\x01\x02\x05\x01"}) {
    knock().say(as_bytes(text));
  }
  const auto hello = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  ASSERT_FALSE(hello.empty());
  knock().say_frame(hello);
  knock().say_frame(std::vector<uint8_t>(200, 0x80));  // RTP
  auto indication = check;
  indication[1] = 0x11;
  knock().say_frame(indication);
  EXPECT_TRUE(all_ended());
  EXPECT_EQ(refused("greeting"), 7u);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T4_WhoProvedNothingIsClosedAtTheFirstFrameThatIsNoCheck) {
  const auto hello = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  ASSERT_FALSE(hello.empty());
  for (const auto& frame : {hello, std::vector<uint8_t>(200, 0x80)}) {
    RawTcp& stranger = knock();
    stranger.say_frame(forged_check());
    stranger.say_frame(forged_check());  // she may try again
    stranger.say_frame(frame);
    stranger.say_frame(carol_->socket->peer().make_check(false));  // too late
  }
  for (const size_t size : {size_t{1}, size_t{60'000}}) {
    RawTcp& stranger = knock();
    stranger.say_frame(forged_check());
    stranger.say_frame(std::vector<uint8_t>(size));
  }
  EXPECT_TRUE(all_ended());
  EXPECT_EQ(node_.dropped("tcp_unproved"), 4u);
  EXPECT_EQ(node_.tcp_streams(), 1u);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T4_ACheckForNobodyIsClosedAtOnce) {
  const uint64_t before = node_.dropped("unknown_sender");
  for (const std::string fragment : {"unknownAA", "unknown//", "x", "unknown:"}) {
    knock().say_frame(ice::make_binding_request(
        {.username = fragment + ":theirs", .controlling = 1, .key = "password"}));
  }
  EXPECT_TRUE(all_ended());
  EXPECT_EQ(refused("worker"), 3u);
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 1);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T7_WhoBreaksOffInTheMiddleOfAFrameLeavesNothingBehind) {
  const auto check = carol_->socket->peer().make_check(false);
  for (size_t i = 0; i < 12; ++i) {
    RawTcp& stranger = knock();
    if (i % 3 > 0) {
      stranger.say_frame(check);
      ASSERT_TRUE(node_.run_until([&] { return stranger.received() > 0; }));
      answered_max_ = stranger.received();
    }
    stranger.say(net::frame_header(check.size()));
    stranger.say(Bytes(check).first(40));
    ASSERT_TRUE(node_.run_until([&] { return stranger.connected(); }));
    let_pass();
    ASSERT_FALSE(stranger.ended());
    i % 2 == 0 ? stranger.reset() : stranger.close();
  }
  EXPECT_TRUE(node_.ask_until([&] { return node_.tcp_streams() == 1; }));
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, S11_AReplayedNominationMovesNoMedia) {
  RawTcp& stranger = knock();
  stranger.say_frame(carol_->socket->peer().make_check(true));
  ASSERT_TRUE(node_.run_until([&] { return stranger.received() > 0; }));
  answered_max_ = 200;  // of one answer, and no packet of media
  expect_nobody_hurt();
}

// A viewer by TCP who can stop reading.
class SlowReader {
 public:
  SlowReader(LiveNode& node, const std::string& room, const std::string& name)
      : peer_({.tcp = true}, node.identity()) {
    const auto join = node.join(
        {.role = node::Role::kWatcher, .room = room, .participant = name, .offer = peer_.offer()});
    if (!join || !peer_.accept(join->answer)) throw std::runtime_error("no answer");
    stream_ = std::make_unique<RawTcp>(node.loop(), peer_.remote(), "127.0.0.3",
                                       [this](Bytes bytes) { read(bytes); });
    stream_->set_receive_buffer(4'096);
    peer_.advance(net::EventLoop::clock_now(), out_);
    say();
  }

  bool reads() const { return packets_ > 0; }
  void stop_reading() { stream_->stop_reading(); }

 private:
  void read(Bytes bytes) {
    std::vector<PacketRef> packets;
    reader_.read(bytes, pool_, packets, statistics_);
    for (const PacketRef& packet : packets) {
      peer_.receive(packet->data(), net::EventLoop::clock_now(), out_);
    }
    packets_ += out_.rtp.size();
    say();
  }
  void say() {
    for (const auto& datagram : out_.datagrams) stream_->say_frame(datagram);
    out_.clear();
  }

  peer::Peer peer_;
  peer::Peer::Output out_;
  std::unique_ptr<RawTcp> stream_;
  PacketPool pool_{256};
  net::FrameReader reader_;
  net::FrameStatistics statistics_;
  size_t packets_ = 0;
};

TEST_F(AttackOnTcp, T3_AViewerWhoDoesNotReadIsClosedAndNobodyElseIsHurt) {
  // A stream that fills what may wait within a second.
  LiveGuest& zoe = node_.publish("loud", "zoe");
  zoe.socket->sources().pop_back();
  zoe.socket->add_source(peer::MediaSource::video("1", {.bitrate_bps = 8'000'000}));
  SlowReader slow(node_, "loud", "mallory");
  connections_before_ += 2;
  ASSERT_TRUE(node_.run_until([&] { return slow.reads(); }));
  slow.stop_reading();
  EXPECT_TRUE(node_.ask_until([&] { return node_.tcp_streams() == 1; }));
  EXPECT_GT(node_.dropped("tcp_slow"), 100u);
  expect_nobody_hurt();
}

TEST_F(AttackOnTcp, T5_EndsInAnyOrderWithEverythingAlive) {
  SlowReader slow(node_, "stage", "mallory");
  ASSERT_TRUE(node_.run_until([&] { return slow.reads(); }));
  knock();
  knock().say_frame(forged_check());
  let_pass();
  // First the server's end of a call, then the node's, with streams that wait and that are used.
  ASSERT_TRUE(node_.node().leave("stage", carol_->session));
  EXPECT_TRUE(node_.run_until([&] { return carol_->socket->peer().closed(); }));
  slow.stop_reading();
  node_.stop();
  EXPECT_TRUE(all_ended());
  EXPECT_TRUE(node_.run_until([&] { return alice_.socket->peer().closed(); }));
}

}  // namespace
}  // namespace simpul::testing
