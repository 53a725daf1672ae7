// A worker that borrows a layer again and again, at any moment, over a network that loses and
// delays: what its viewers get is a valid stream each time, and begins with what the home keeps.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "tests/relay/stream_checker.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr TrackId kTrack(2);
constexpr std::array kCodecs = {rtp::Codec::kVp8, rtp::Codec::kVp9, rtp::Codec::kH264,
                                rtp::Codec::kAv1};

class Borrowing {
 public:
  explicit Borrowing(uint32_t seed)
      : random_(seed), video_(home_.pool, {.ssrc = 1, .codec = kCodecs[seed % kCodecs.size()]}) {
    home_.publish("ana", {video_track(2)});
    home_.watch({.participant = "ana"}, {video_slot(30)});
    there_.publish("ana", {video_track(2)});
    there_.relay.set_lent(kTrack, 0, false, there_.now);
  }

  void run(int frames) {
    for (int i = 0; i < frames; ++i) {
      if (one_in(15)) change_watcher();
      if (wished_ > 0 && --wished_ == 0) lend();
      const bool key = i == 0 || asked_ || one_in(40);
      asked_ = false;
      send(key);
      for (int ms = 0; ms < 33; ++ms) pass_time();
    }
  }

  // Nothing is lost any more: who watches sees what is made.
  void settle() {
    is_lossy_ = false;
    if (!checker_) change_watcher();
    while (wished_ > 0) {
      if (--wished_ == 0) lend();
    }
    for (int i = 0; i < 60; ++i) {
      send(asked_ || i == 5);
      asked_ = false;
      for (int ms = 0; ms < 33; ++ms) pass_time();
    }
    EXPECT_EQ(last_tag_, video_.at().first_tag - 1);
  }

  size_t lent_pasts() const { return lent_pasts_; }
  size_t starts() const { return starts_; }

 private:
  bool one_in(uint32_t count) { return random_() % count == 0; }

  void change_watcher() {
    if (checker_) {
      there_.relay.remove_subscriber(watcher_);
      there_.relay.set_lent(kTrack, 0, false, there_.now);
      checker_.reset();
      lends_ = false;
      wished_ = 0;
      return;
    }
    std::vector<LayerNews> told;
    home_.relay.repeat_news(kTrack);
    home_.relay.take_news(told);
    for (const LayerNews& news : told) there_.relay.receive_news(news, there_.now);
    watcher_ = there_.watch({.participant = "ana"}, {video_slot(10)});
    there_.relay.set_lent(kTrack, 0, true, there_.now);
    checker_ = std::make_unique<StreamChecker>(world_, true);
    wished_ = 1 + static_cast<int>(random_() % 3);
  }

  void lend() {
    lends_ = true;
    interrupted_ = true;
    world_.arrived.clear();
    const auto past = home_.relay.past_of(kTrack, 0);
    if (past.empty()) {
      asked_ = true;
      return;
    }
    ++lent_pasts_;
    for (size_t i = 0; i < past.size(); ++i) {
      tell_interruption();
      note(past[i].media);
      there_.relay.receive_past(kTrack, 0, past[i], i + 1 == past.size(), there_.now);
      if (one_in(20)) pass_time();  // it comes in several turns
    }
  }
  void tell_interruption() {
    if (std::exchange(interrupted_, false)) there_.relay.interrupt(kTrack, 0);
  }

  void send(bool key) {
    const size_t count = 1 + random_() % 5;
    for (auto& packet : video_.frame({.key = key, .packets = count})) {
      world_.made(1, place_++, packet);
      if (is_lossy_ && one_in(30)) continue;
      const bool is_late = is_lossy_ && one_in(30);
      const auto delay = is_late ? std::chrono::milliseconds(random_() % 120) : 0ms;
      late_.push_back({home_.now + delay, std::move(packet)});
    }
    arrive();
  }
  void arrive() {
    for (size_t i = 0; i < late_.size();) {
      if (late_[i].at > home_.now) {
        ++i;
        continue;
      }
      const rtp::MediaPacket packet = late_[i].packet;
      late_.erase(late_.begin() + static_cast<ptrdiff_t>(i));
      if (lends_) {
        tell_interruption();
        note(packet);
        there_.relay.receive(kTrack, 0, rtp::MediaPacket(packet), there_.now);
      }
      home_.relay.receive(kTrack, 0, rtp::MediaPacket(packet), home_.now);
    }
  }
  void note(const rtp::MediaPacket& packet) {
    world_.came(1, world_.origins.at(tag_of(packet.payload())).place, false);
  }

  void pass_time() {
    home_.advance(1ms);
    asked_ = there_.requests(1ms) > 0 || asked_;
    arrive();
    home_.collect(10ms);
    for (const Sent& sent : there_.collect(10ms)) {
      if (!checker_) continue;
      const bool was_started = checker_->started();
      checker_->check(sent, there_.now);
      if (!was_started) ++starts_;
      last_tag_ = sent.tag();
    }
  }

  struct Late {
    TimePoint at{};
    rtp::MediaPacket packet;
  };

  std::mt19937 random_;
  Scene home_;
  Scene there_;
  World world_;
  Source video_;
  std::deque<Late> late_;
  std::unique_ptr<StreamChecker> checker_;
  SubscriberId watcher_;
  bool is_lossy_ = true;
  bool lends_ = false;
  bool interrupted_ = false;
  bool asked_ = false;
  int wished_ = 0;  // frames until home looks
  int64_t place_ = 0;
  uint32_t last_tag_ = 0;
  size_t lent_pasts_ = 0;
  size_t starts_ = 0;
};

class BorrowedStream : public ::testing::TestWithParam<uint32_t> {};

TEST_P(BorrowedStream, IsValidWheneverItBegins) {
  size_t lent_pasts = 0;
  size_t starts = 0;
  for (uint32_t i = 0; i < 25 && !HasFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(GetParam() * 25 + i));
    Borrowing borrowing(GetParam() * 25 + i);
    borrowing.run(300);
    borrowing.settle();
    lent_pasts += borrowing.lent_pasts();
    starts += borrowing.starts();
  }
  EXPECT_GT(lent_pasts, 25u);
  EXPECT_GT(starts, lent_pasts / 2);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BorrowedStream, ::testing::Range(0u, 8u));

}  // namespace
}  // namespace simpul::relay
