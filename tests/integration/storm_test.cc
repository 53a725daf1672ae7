// A thousand people come at once into a room where some watch already.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "bench/peer/descriptors.h"
#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

// Sanitizers make a handshake ten times slower, and that of the guests runs here too.
#ifdef NDEBUG
constexpr int kJoins = 1000;
#else
constexpr int kJoins = 100;
#endif
constexpr int kThere = 20;

// Little media: a thousand receivers of more would keep this one thread busy for longer.
const peer::VideoProfile kPicture = {.layers = {{.bitrate_bps = 50'000}}, .frames_per_second = 10};

bool sees(const LiveGuest* guest) { return guest->key_frames > 0; }

class Storm : public ::testing::Test {
 protected:
  Storm() { peer::raise_descriptor_limit(); }
  // All guests are on this thread, and read in between.
  void add(std::vector<LiveGuest*>& guests) {
    guests.push_back(&live_.watch("stage", "viewer" + std::to_string(++viewers_)));
    int turns = 0;
    live_.run_until([&] { return ++turns > 1; });
  }
  // As long as more and more of them do: a thousand handshakes may take a busy machine a while.
  bool everybody_sees() {
    const auto count = [this] { return std::ranges::count_if(coming_, sees); };
    for (auto seen = count(); seen < std::ssize(coming_); seen = count()) {
      if (!live_.run_until([&] { return count() > seen; })) return false;
    }
    return true;
  }

  LiveNode live_{2};
  std::vector<LiveGuest*> there_;
  std::vector<LiveGuest*> coming_;
  int viewers_ = 0;
};

TEST_F(Storm, GetsAPictureToEverybodyAndHurtsNobodyWhoIsThere) {
  LiveGuest& alice = live_.publish("stage", "alice");
  alice.socket->sources().clear();
  alice.socket->add_source(peer::MediaSource::video("1", kPicture, 0, {.seed = 1}));
  for (int i = 0; i < kThere; ++i) add(there_);
  ASSERT_TRUE(live_.run_until([&] { return std::ranges::all_of(there_, sees); }));
  for (LiveGuest* guest : there_) guest->video = 0;
  for (int i = 0; i < kJoins; ++i) add(coming_);
  EXPECT_TRUE(everybody_sees());
  EXPECT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(there_, [](const LiveGuest* guest) { return guest->video > 50; });
  }));
  for (const LiveGuest* guest : there_) EXPECT_EQ(guest->missed(), 0u);
  std::printf("# figure: %d joined while %d watched\n", kJoins, kThere);
  EXPECT_EQ(live_.dropped("send_full"), 0u);
  EXPECT_EQ(live_.dropped("feed_full"), 0u);
}

}  // namespace
}  // namespace simpul::testing
