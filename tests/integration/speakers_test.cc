// A room of many microphones over real sockets: who is heard.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/live_http.h"

namespace simpul::testing {
namespace {

constexpr size_t kMicrophones = 50;
constexpr size_t kHeard = 3;  // at once, by default
constexpr size_t kTogether = 20;
constexpr uint8_t kVoice = 30;  // -dBov
constexpr uint8_t kSilence = 127;

class OpenMicrophones : public ::testing::TestWithParam<uint16_t> {
 protected:
  using Numbers = std::set<size_t>;

  struct Microphone {
    LiveGuest* guest = nullptr;
    uint64_t index = 1;
    uint32_t timestamp = 1;
  };
  struct Listener {
    LiveGuest* guest = nullptr;
    std::set<uint32_t> slots;            // SSRCs in which anything came
    std::map<uint32_t, size_t> packets;  // by track, since they were forgotten
  };

  void join() {
    for (size_t i = 0; i < kMicrophones; ++i) {
      LiveGuest& guest = live_.publish("hall", "speaker" + std::to_string(i), {.video = false});
      guest.socket->sources().clear();
      microphones_.push_back({.guest = &guest});
    }
    ASSERT_TRUE(live_.run_until([&] {
      return std::ranges::all_of(microphones_,
                                 [](const Microphone& one) { return one.guest->connected(); });
    }));
    ASSERT_TRUE(live_.ask_until([&] {
      return std::ranges::all_of(microphones_, [&](const Microphone& one) {
        const auto report = live_.report_of(*one.guest);
        return report && report->tracks.size() == 1;
      });
    }));
    for (size_t i = 0; i < kMicrophones; ++i) {
      const auto report = live_.report_of(*microphones_[i].guest);
      of_track_[report->tracks[0].state.id.value()] = i;
    }
  }
  Listener& listen(const std::string& name, size_t slots) {
    Listener& listener = *(listeners_[name] = std::make_unique<Listener>());
    listener.guest = &live_.watch("hall", name, {}, relay::LayerChoice::kHighest, {},
                                  {.video = false, .audio_slots = slots});
    listener.guest->on_rtp = [&listener](const peer::Peer::Received& received, TimePoint) {
      if (received.view.csrcs().size() != 1) return;
      listener.slots.insert(received.view.ssrc().value());
      ++listener.packets[received.view.csrcs()[0].value()];
    };
    return listener;
  }

  // All send, 50 packets a second each; `numbers` speak.
  bool speak_until(const Numbers& numbers, const std::function<bool()>& done) {
    return live_.run_until([&] {
      const TimePoint now = net::EventLoop::clock_now();
      if (now >= next_) {
        next_ = now + 20ms;
        ++ticks_;
        for (size_t i = 0; i < kMicrophones; ++i) {
          say(microphones_[i], numbers.contains(i) ? kVoice : kSilence);
        }
      }
      return done();
    });
  }
  void say(Microphone& microphone, uint8_t level) {
    static constexpr std::array<uint8_t, 40> kPayload{0xfc};
    peer::PeerSocket& socket = *microphone.guest->socket;
    socket.send(socket.peer().seal({.ssrc = rtp::Ssrc(7),
                                    .payload_type = peer::kOpusPayloadType,
                                    .index = microphone.index++,
                                    .timestamp = microphone.timestamp,
                                    .mid = "0",
                                    .audio_level = level,
                                    .payload = kPayload}));
    microphone.timestamp += 960;
  }
  bool speak_for(const Numbers& numbers, uint64_t ticks) {
    return speak_until(numbers, [this, end = ticks_ + ticks] { return ticks_ >= end; });
  }
  // Of whom a listener has got so many packets.
  Numbers heard(const Listener& listener, size_t at_least = 1) const {
    Numbers numbers;
    for (const auto& [track, count] : listener.packets) {
      if (count >= at_least) numbers.insert(of_track_.at(track));
    }
    return numbers;
  }
  void forget() {
    for (auto& [name, listener] : listeners_) listener->packets.clear();
  }
  // Everybody hears all of them, and then for a while nobody else.
  void expect_to_be_heard(const Numbers& numbers) {
    const auto all = [&](const auto& meets) {
      return std::ranges::all_of(listeners_, [&](const auto& one) { return meets(*one.second); });
    };
    forget();
    EXPECT_TRUE(speak_until(numbers, [&] {
      return all(
          [&](const Listener& one) { return std::ranges::includes(heard(one, 20), numbers); });
    }));
    // Who spoke before has left its slot for those who speak now, where they need it.
    forget();
    size_t others = kMicrophones;
    EXPECT_TRUE(speak_until(numbers, [&] {
      if (!all(
              [&](const Listener& one) { return std::ranges::includes(heard(one, 5), numbers); })) {
        return false;
      }
      others = 0;
      for (const auto& [name, listener] : listeners_) {
        others = std::max(others, heard(*listener).size() - numbers.size());
      }
      forget();
      return others + numbers.size() <= kHeard;
    }));
  }

  LiveNode live_{GetParam(), 30s, kTogether};
  std::vector<Microphone> microphones_;
  std::map<uint32_t, size_t> of_track_;
  std::map<std::string, std::unique_ptr<Listener>> listeners_;
  TimePoint next_{};
  uint64_t ticks_ = 0;
};

TEST_P(OpenMicrophones, CostAListenerThreeStreamsOfThoseWhoSpeak) {
  ASSERT_NO_FATAL_FAILURE(join());
  Listener& anna = listen("anna", kHeard);
  Listener& ben = listen("ben", 10);
  ASSERT_TRUE(speak_until({}, [&] { return anna.guest->connected() && ben.guest->connected(); }));
  expect_to_be_heard({7});
  expect_to_be_heard({7, 21, 33});
  expect_to_be_heard({4, 33});
  expect_to_be_heard({0, 48, 49});
  // However many slots somebody has, and however many speak. What is on its way arrives first.
  ASSERT_TRUE(speak_for({0, 48, 49}, 25));
  forget();
  constexpr size_t kPackets = 100;  // of each microphone
  ASSERT_TRUE(speak_for({0, 48, 49, 11, 12, 13}, kPackets));
  for (const Listener* listener : {&anna, &ben}) {
    EXPECT_EQ(listener->slots.size(), kHeard);
    size_t packets = 0;
    for (const auto& [track, count] : listener->packets) packets += count;
    EXPECT_LT(packets, (kHeard + 1) * kPackets);
  }
}

// By the API, on the workers where they are and where they are not.
TEST_P(OpenMicrophones, AreHeardInAnyCaseWhenTheyArePinned) {
  LiveHttp http(live_);
  ASSERT_NO_FATAL_FAILURE(join());
  Listener& anna = listen("anna", kHeard);
  Listener& ben = listen("ben", 10);
  ASSERT_TRUE(speak_until({}, [&] { return anna.guest->connected() && ben.guest->connected(); }));
  const auto pin = [&](size_t number, const std::string& pinned) {
    return http
        .ask("PATCH", "/v1/rooms/hall/participants/speaker" + std::to_string(number),
             "application/json", R"({"pinned":)" + pinned + "}")
        .status;
  };
  const Numbers pinned = {40, 41};
  for (const size_t number : pinned) EXPECT_EQ(pin(number, "true"), 204);
  const auto hear = [&](const Listener& one, const Numbers& numbers) {
    return std::ranges::includes(heard(one, 20), numbers);
  };
  const Numbers loud = {0, 48, 49, 11, 12, 13};
  EXPECT_TRUE(speak_until(loud, [&] { return hear(anna, pinned) && hear(ben, pinned); }));
  EXPECT_EQ(pin(42, "true"), 204);
  EXPECT_EQ(pin(43, "true"), 409) << "all places are taken";
  EXPECT_EQ(pin(99, "true"), 404);
  for (const size_t number : {40u, 41u, 42u}) EXPECT_EQ(pin(number, "false"), 204);
  expect_to_be_heard({0, 48, 49});
}

INSTANTIATE_TEST_SUITE_P(Workers, OpenMicrophones, ::testing::Values(1, 2));

}  // namespace
}  // namespace simpul::testing
