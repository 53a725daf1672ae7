// Who is in the slots of those who named nobody, in a room where several people speak.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "relay/microphone.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr uint8_t kVoice = 40;  // -dBov
constexpr uint8_t kSilence = 120;

rtp::MediaPacket with_level(rtp::MediaPacket media, uint8_t level) {
  const uint32_t at = media.packet->size;
  media.packet->bytes[at] = level;
  media.packet->size = at + 1;
  media.extensions.items[0] = {
      .kind = rtp::ExtensionKind::kAudioLevel, .offset = static_cast<uint16_t>(at), .size = 1};
  media.extensions.count = 1;
  return media;
}

class Following : public ::testing::Test {
 protected:
  struct Person {
    PublisherId id;
    uint32_t audio = 0;  // tracks
    uint32_t video = 0;
    Source voice;
    Source camera;
    bool speaks = false;
    bool has_level = true;
    uint8_t voice_level = kVoice;
  };
  // What somebody got in one slot: it has to be one valid stream.
  struct Stream {
    uint64_t index = 0;
    uint32_t timestamp = 0;
    size_t packets = 0;
    std::map<uint32_t, size_t> by_track;
  };
  // Up to which of its packets somebody has heard a microphone.
  using Heard = std::map<std::pair<uint32_t, uint32_t>, uint32_t>;

  // The microphone of person n is track 2n - 1, the camera 2n.
  Person& join(uint32_t number, bool has_camera = true) {
    Person& person = *(people_[number] = std::make_unique<Person>(
                           Person{.id = {},
                                  .audio = 2 * number - 1,
                                  .video = has_camera ? 2 * number : 0,
                                  .voice = Source(scene_.pool, {.ssrc = 1'000 + number,
                                                                .codec = rtp::Codec::kOpus,
                                                                .timestamp = number * 77'777'777}),
                                  .camera = Source(scene_.pool, {.ssrc = 2'000 + number})}));
    std::vector<TrackConfig> tracks = {audio_track(person.audio)};
    if (has_camera) tracks.push_back(video_track(person.video));
    person.id = scene_.publish("p" + std::to_string(number), tracks);
    return person;
  }
  void leave(uint32_t number) {
    scene_.relay.remove_publisher(people_.at(number)->id, scene_.now);
    std::erase_if(
        heard_, [&](const auto& heard) { return heard.first.second == people_.at(number)->audio; });
    people_.erase(number);
  }
  SubscriberId watch(size_t audio, size_t video, const Wish& wish = {}) {
    std::vector<SlotConfig> slots;
    for (size_t i = 0; i < audio; ++i) slots.push_back(audio_slot(static_cast<uint32_t>(1 + i)));
    for (size_t i = 0; i < video; ++i) {
      slots.push_back(video_slot(static_cast<uint32_t>(100 + 10 * i)));
    }
    return scene_.watch(wish, slots);
  }
  // Which track each slot carries, 0 for none.
  std::vector<uint32_t> tracks(SubscriberId watcher) {
    std::vector<uint32_t> ids;
    for (const auto& slot : scene_.relay.slots_of(watcher)) {
      ids.push_back(slot.track ? slot.track->value() : 0);
    }
    return ids;
  }

  void step() {
    scene_.now += 20ms;
    ++steps_;
    for (auto& [number, person] : people_) {
      rtp::MediaPacket packet = person->voice.audio();
      if (person->has_level) {
        packet = with_level(std::move(packet), person->speaks ? person->voice_level : kSilence);
      }
      scene_.relay.receive(TrackId(person->audio), 0, std::move(packet), scene_.now);
      if (person->video == 0 || steps_ % 5 != 0) continue;
      scene_.receive(person->video, person->camera.frame({.key = true}, 9'000));
    }
    for (const Sent& sent : scene_.collect()) take(sent);
    scene_.advance();
  }
  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 20ms) step();
  }
  void speak(const std::set<uint32_t>& numbers, Duration duration) {
    for (auto& [number, person] : people_) person->speaks = numbers.contains(number);
    run(duration);
  }

  void take(const Sent& sent) {
    Stream& stream = streams_[{sent.subscriber.value(), sent.ssrc.value()}];
    if (stream.packets > 0) {
      EXPECT_EQ(sent.index, stream.index + 1);
      const auto step = static_cast<int32_t>(sent.timestamp - stream.timestamp);
      if (sent.payload_type == kOpusType) {
        EXPECT_GE(step, 960);
      } else {
        EXPECT_GE(step, 0);
      }
    }
    stream.index = sent.index;
    stream.timestamp = sent.timestamp;
    ++stream.packets;
    ++stream.by_track[sent.csrc];
    if (sent.payload_type == kOpusType) {
      auto [heard, is_first] = heard_.try_emplace({sent.subscriber.value(), sent.csrc}, sent.tag());
      if (!is_first) {
        EXPECT_GT(sent.tag(), heard->second) << "heard twice, of track " << sent.csrc;
        heard->second = sent.tag();
      }
    }
    if (on_sent_) on_sent_(sent);
  }
  // Tracks of which somebody got anything since the last time.
  std::set<uint32_t> got(SubscriberId watcher, size_t* packets = nullptr) {
    std::set<uint32_t> tracks;
    for (auto& [key, stream] : streams_) {
      if (key.first != watcher.value()) continue;
      for (const auto& [track, count] : stream.by_track) {
        tracks.insert(track);
        if (packets != nullptr) *packets += count;
      }
      stream.by_track.clear();
    }
    return tracks;
  }

  Scene scene_;
  std::map<uint32_t, std::unique_ptr<Person>> people_;
  std::map<std::pair<uint32_t, uint32_t>, Stream> streams_;
  Heard heard_;
  std::function<void(const Sent&)> on_sent_;
  int steps_ = 0;
};

TEST_F(Following, NobodyIsListenedToWhereOneSpeaksAlone) {
  join(1);
  const auto watcher = watch(1, 1);
  speak({1}, 2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_EQ(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking, std::nullopt);
}

TEST_F(Following, WhoSpeaksIsHeardAndSeen) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4)) << "who came last, while nobody speaks";
  speak({1}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(false));
  speak({}, 5s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2)) << "who spoke last, while nobody speaks";
  EXPECT_FALSE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(true));
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
}

TEST_F(Following, AWordIsHeardButChangesNoPicture) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({1}, 2s);
  speak({}, 1s);
  speak({2}, 200ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 2));
  speak({}, 1s);
  speak({1}, 400ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
}

TEST_F(Following, FiftyMicrophonesCostAListenerThreeStreams) {
  for (uint32_t number = 1; number <= 50; ++number) join(number, false);
  const auto watcher = watch(10, 0);
  speak({7, 21, 33}, 1s);
  got(watcher);
  size_t packets = 0;
  run(5s);
  EXPECT_THAT(got(watcher, &packets), UnorderedElementsAre(13, 41, 65));
  EXPECT_EQ(packets, 750u);
  speak({7, 21, 33, 4, 50}, 5s);
  EXPECT_EQ(got(watcher).size(), 3u) << "whoever speaks beside them";
}

TEST_F(Following, EverybodyWhoSpeaksAloneIsHeardInARoomOfFifty) {
  for (uint32_t number = 1; number <= 50; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 1s);
  for (const uint32_t number : {50u, 1u, 17u, 33u, 2u, 49u, 17u}) {
    got(watcher);
    speak({number}, 60ms);
    EXPECT_TRUE(got(watcher).contains(2 * number - 1)) << number << " within three packets";
    speak({}, 1s);
    EXPECT_EQ(got(watcher).size(), 3u);
  }
}

TEST_F(Following, SoundStaysInItsSlotForAsLongAsItIsHeard) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  speak({1}, 1s);
  const auto place_of = [&](uint32_t track) {
    const auto in = tracks(watcher);
    return std::ranges::find(in, track) - in.begin();
  };
  const auto place = place_of(1);
  ASSERT_LT(place, 3);
  speak({1, 2}, 2s);
  speak({2}, 2s);
  speak({2, 3}, 2s);
  EXPECT_EQ(place_of(1), place);
  EXPECT_EQ(tracks(watcher)[3], 4u) << "who dominates";
  speak({2, 3, 4}, 2s);
  EXPECT_EQ(place_of(1), 4) << "nobody's any more";
  EXPECT_EQ(place_of(7), place);
}

TEST_F(Following, PicturesAreOfThoseWhoSpokeLastAndStayInTheirSlots) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(1, 3);
  for (const uint32_t number : {1u, 2u, 3u}) {
    speak({number}, 1s);
    speak({}, 1s);
  }
  const auto before = tracks(watcher);
  EXPECT_THAT((std::set<uint32_t>{before[1], before[2], before[3]}), UnorderedElementsAre(2, 4, 6));
  speak({1}, 1s);
  speak({}, 1s);
  auto expected = before;
  expected[0] = 1;
  EXPECT_EQ(tracks(watcher), expected);
  speak({5}, 1s);  // 2 spoke before 3 and 1
  std::ranges::replace(expected, 4u, 10u);
  expected[0] = 9;
  EXPECT_EQ(tracks(watcher), expected);
}

TEST_F(Following, OnePersonsSoundAndPictureShareAPair) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(3, 3);
  speak({1}, 1s);
  speak({}, 1s);
  speak({2}, 1s);
  const auto in = tracks(watcher);
  size_t pairs = 0;
  for (size_t i = 0; i < 3; ++i) pairs += in[i] + 1 == in[i + 3] ? 1 : 0;
  EXPECT_EQ(pairs, 3u);
}

TEST_F(Following, WhoIsPinnedIsHeardThoughTheyAreSilentAndOthersSpeak) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  scene_.relay.set_pinned(people_.at(1)->id, true, scene_.now);
  speak({2, 3, 4}, 2s);
  got(watcher);
  speak({3, 4, 5, 6}, 2s);
  EXPECT_TRUE(got(watcher).contains(1));
  speak({3, 4, 5, 6}, 2s);
  EXPECT_EQ(got(watcher).size(), 4u) << "three microphones, and one camera";
  scene_.relay.set_pinned(people_.at(1)->id, false, scene_.now);
  speak({2, 3, 4}, 2s);
  got(watcher);
  run(1s);
  EXPECT_FALSE(got(watcher).contains(1)) << "as anybody who is silent";
}

TEST_F(Following, WhoIsPinnedIsHeardBeforeAnybodySpeaks) {
  for (uint32_t number = 1; number <= 2; ++number) join(number, false);
  const auto watcher = watch(1, 0);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3)) << "who came last";
  scene_.relay.set_pinned(people_.at(1)->id, true, scene_.now);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3)) << "who has one slot hears who speaks";
  speak({1, 2}, 100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(1)) << "the pinned one before others";
}

TEST_F(Following, NobodyHasMorePlacesThanOneByBeingPinned) {
  const auto host = scene_.publish("host", {audio_track(101), audio_track(102), audio_track(103)});
  for (uint32_t number = 1; number <= 3; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  scene_.relay.set_pinned(host, true, scene_.now);
  Source voice(scene_.pool, {.ssrc = 9, .codec = rtp::Codec::kOpus});
  for (int i = 0; i < 100; ++i) {
    scene_.relay.receive(TrackId(101), 0, with_level(voice.audio(), kSilence), scene_.now);
    speak({1, 2}, 20ms);
  }
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(101, 1, 3));
}

TEST_F(Following, EndsWithTheLastButOneMicrophoneAndWhoIsThereStaysInTheirSlots) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(2, 2);
  speak({1}, 1s);
  speak({}, 1s);
  speak({2}, 1s);
  leave(3);
  leave(1);
  run(100ms);
  const auto in = tracks(watcher);
  EXPECT_THAT(in, UnorderedElementsAre(0, 0, 3, 4)) << "nobody is there twice";
  EXPECT_EQ(scene_.relay.tracks_of(people_.at(2)->id)[0].is_speaking, std::nullopt)
      << "nobody listens any more";
  got(watcher);
  speak({}, 1s);
  EXPECT_EQ(tracks(watcher), in);
  EXPECT_THAT(got(watcher), UnorderedElementsAre(3, 4));
  join(4);
  speak({}, 1s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(3, 4, 7, 8)) << "in the order of coming";
  speak({4}, 1s);
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(4)->id)[0].is_speaking.value_or(false));
}

TEST_F(Following, ListensOnWhereOthersWantToKnow) {
  join(1);
  join(2);
  scene_.relay.listen_to(people_.at(1)->id);
  leave(2);
  speak({1}, 1s);
  EXPECT_TRUE(scene_.relay.tracks_of(people_.at(1)->id)[0].is_speaking.value_or(false));
}

TEST_F(Following, ASlotCarriesWhoIsNamedForItUntilNobodyIs) {
  for (uint32_t number = 1; number <= 4; ++number) join(number);
  const auto watcher = watch(1, 2);
  speak({3}, 1s);
  const auto pin = [&](uint32_t ssrc, const std::optional<std::string>& participant) {
    scene_.relay.set_viewing(watcher, rtp::Ssrc(ssrc), {.participant = participant}, scene_.now);
  };
  pin(110, "p1");
  EXPECT_EQ(tracks(watcher)[2], 2u);
  pin(1, "p1");
  speak({3, 4}, 2s);
  EXPECT_EQ(tracks(watcher)[0], 1u);
  EXPECT_EQ(tracks(watcher)[2], 2u);
  got(watcher);
  run(1s);
  EXPECT_TRUE(got(watcher).contains(1)) << "though he is silent";
  pin(1, "");
  pin(110, "");
  speak({4}, 2s);
  EXPECT_EQ(tracks(watcher)[0], 7u);
  const auto is_pinned = [&](size_t slot) {
    return scene_.relay.slots_of(watcher)[slot].is_pinned;
  };
  EXPECT_FALSE(is_pinned(2));
  pin(110, "nobody");
  EXPECT_EQ(tracks(watcher)[2], 0u) << "held for who was named";
  EXPECT_TRUE(is_pinned(2));
}

TEST_F(Following, ASlotMayBeFreedOfWhomTheViewerNamed) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1, {.participant = "p1"});
  scene_.relay.set_viewing(watcher, rtp::Ssrc(1), {.participant = ""}, scene_.now);
  speak({3}, 2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 2));
}

TEST_F(Following, WhoNamedSomebodyStaysWithThem) {
  for (uint32_t number = 1; number <= 5; ++number) join(number);
  const auto watcher = watch(1, 1, {.participant = "p1"});
  speak({2, 3, 4}, 3s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2));
  EXPECT_THAT(got(watcher), UnorderedElementsAre(1, 2));
}

TEST_F(Following, SlotsBeyondThoseOfWhoWasNamedFollowTheOthers) {
  for (uint32_t number = 1; number <= 5; ++number) join(number);
  const auto watcher = watch(3, 2, {.participant = "p1"});
  speak({2, 3}, 2s);
  const auto in = tracks(watcher);
  EXPECT_THAT(in, ElementsAre(1, ::testing::_, ::testing::_, 2, ::testing::AnyOf(4, 6)));
  EXPECT_THAT((std::set{in[1], in[2]}), UnorderedElementsAre(3, 5));
  speak({1, 4, 5}, 2s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(1, 7, 9, 2, ::testing::_)) << "nobody is twice";
  leave(1);
  speak({4, 5}, 1s);
  EXPECT_EQ(tracks(watcher)[0], 0u) << "held for who was named";
  join(1);
  speak({4, 5}, 1s);
  EXPECT_EQ(tracks(watcher)[0], 1u);
}

TEST_F(Following, WhoLeavesMakesPlaceAndWhoComesTakesIt) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1);
  speak({2}, 1s);
  leave(2);
  run(100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(5, 6));
  leave(3);
  leave(1);
  EXPECT_THAT(tracks(watcher), ElementsAre(0, 0));
  join(4);
  run(100ms);
  EXPECT_THAT(tracks(watcher), ElementsAre(7, 8));
  speak({4}, 1s);
  EXPECT_THAT(got(watcher), ::testing::IsSupersetOf({7u, 8u}));
}

TEST_F(Following, WhoHasFallenSilentAltogetherIsNotSeen) {
  for (uint32_t number = 1; number <= 3; ++number) join(number);
  const auto watcher = watch(1, 1);
  speak({1}, 1s);
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
  auto crashed = std::move(people_.at(2));
  people_.erase(2);
  speak({}, 4s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1, 2)) << "who spoke before";
}

TEST_F(Following, WhoSaysNothingIsSeenInPlaceOfWhoHasFallenSilentAltogether) {
  join(1);
  join(2);
  const auto watcher = watch(1, 1);
  speak({1}, 1s);
  speak({2}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(3, 4));
  auto crashed = std::move(people_.at(2));
  people_.erase(2);
  leave(1);
  join(3);
  speak({}, 4s);
  EXPECT_EQ(tracks(watcher)[1], 6u);
}

TEST_F(Following, WithoutLevelsWhoeverSendsIsHeardUntilSomebodyLouderSpeaks) {
  for (uint32_t number = 1; number <= 4; ++number) join(number).has_level = false;
  const auto watcher = watch(4, 0);
  run(2s);
  EXPECT_EQ(got(watcher).size(), 3u);
  join(5);
  speak({5}, 2s);
  EXPECT_TRUE(got(watcher).contains(9));
}

TEST_F(Following, R19_WhoClaimsToBeTheLoudestTakesOnePlaceAndNotForever) {
  for (uint32_t number = 1; number <= 6; ++number) join(number);
  const auto watcher = watch(3, 1);
  speak({1, 2, 3}, 1s);
  people_.at(6)->voice_level = 0;
  speak({1, 2, 3, 6}, 3s);
  got(watcher);
  run(1s);
  const auto heard = got(watcher);
  EXPECT_TRUE(heard.contains(11));
  EXPECT_EQ(heard.size(), 4u) << "two others are heard, and one is seen";
  // Who speaks makes pauses; a tone does not.
  for (int i = 0; i < 30; ++i) {
    speak({1, 2, 3, 6}, 1s);
    speak({6}, 200ms);
  }
  speak({1, 2, 3, 6}, 1s);
  EXPECT_THAT(tracks(watcher), UnorderedElementsAre(1, 3, 5, ::testing::_));
}

// The first packet that leaves is from before it was clear that somebody speaks.
TEST_F(Following, TheOnsetIsHeardToo) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 2s);
  ASSERT_FALSE(got(watcher).contains(9));
  const uint32_t first_loud = people_.at(5)->voice.at().first_tag;
  std::vector<uint32_t> tags;
  on_sent_ = [&](const Sent& sent) {
    // What was put behind the payload is no part of it.
    if (sent.csrc == 9) tags.push_back(sent.tag());
  };
  speak({5}, 200ms);
  ASSERT_FALSE(tags.empty());
  EXPECT_LE(tags.front(), first_loud);
  EXPECT_GE(tags.front() + 3, first_loud) << "and no more than that";
  for (size_t i = 1; i < tags.size(); ++i) EXPECT_EQ(tags[i], tags[i - 1] + 1);
  EXPECT_EQ(tags.back(), people_.at(5)->voice.at().first_tag - 1);
}

// Of a microphone whose packets another worker wishes for.
TEST_F(Following, TheOnsetIsThereForOthersWhileItIsOne) {
  for (uint32_t number = 1; number <= 2; ++number) join(number, false);
  const auto onset = [&] { return scene_.relay.onset_of(TrackId(1)); };
  speak({}, 2s);
  EXPECT_TRUE(onset().empty()) << "of silence";
  speak({1}, 100ms);
  EXPECT_EQ(onset().size(), 7u) << "with two packets before it";
  EXPECT_EQ(onset().back().timestamp + 960, people_.at(1)->voice.at().timestamp);
  speak({1}, 200ms);
  EXPECT_TRUE(onset().empty()) << "of who has spoken for a while";
  EXPECT_TRUE(scene_.relay.onset_of(TrackId(77)).empty());
}

// Silent, but in a slot, one begins to speak; three others, who began before, take all slots; one
// of them stops, and the first word is played from its middle on. take() sees that nothing is
// played twice.
TEST_F(Following, NobodyIsHeardTwiceWhoHadToMakeRoomForAMoment) {
  for (uint32_t number = 1; number <= 4; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({1}, 400ms);
  speak({}, 1s);
  ASSERT_THAT(tracks(watcher), ::testing::Contains(1));
  speak({2, 3, 4}, 20ms);
  speak({1, 2, 3, 4}, 40ms);
  ASSERT_THAT(tracks(watcher), ::testing::Not(::testing::Contains(1)));
  const uint32_t missed = heard_.at({watcher.value(), 1}) + 1;
  leave(2);
  uint32_t next = 0;
  on_sent_ = [&](const Sent& sent) {
    if (sent.csrc == 1 && next == 0) next = sent.tag();
  };
  speak({1, 3, 4}, 100ms);
  ASSERT_THAT(tracks(watcher), ::testing::Contains(1));
  EXPECT_EQ(next, missed) << "and not later either";
}

// What a batch borrows holds until the next one is collected, whatever comes meanwhile.
TEST_F(Following, AnOnsetStaysThereUntilItHasLeft) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  const auto watcher = watch(3, 0);
  speak({}, 2s);
  Person& person = *people_.at(5);
  const auto say = [&](uint8_t level) {
    scene_.now += 20ms;
    scene_.relay.receive(TrackId(9), 0, with_level(person.voice.audio(), level), scene_.now);
  };
  const uint32_t first = person.voice.at().first_tag;
  for (int i = 0; i < 3; ++i) say(kVoice);
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect(scene_.now, 0ms, batch));
  ASSERT_EQ(batch.subscriber, watcher);
  ASSERT_EQ(batch.packets.size(), 5u);
  for (size_t i = 0; i < 2 * Onset::kPacketsMax; ++i) say(kVoice);
  for (size_t i = 0; i < batch.packets.size(); ++i) {
    EXPECT_EQ(Scene::copy(watcher, batch.packets[i]).tag(), first - 2 + i);
    EXPECT_EQ(batch.packets[i].extensions->count, 1);
  }
}

TEST_F(Following, WhoComesInTheMiddleOfASpeechHearsNothingLate) {
  for (uint32_t number = 1; number <= 5; ++number) join(number, false);
  speak({1}, 2s);
  watch(3, 0);
  const uint32_t next = people_.at(1)->voice.at().first_tag;
  uint32_t first = 0;
  on_sent_ = [&](const Sent& sent) {
    if (sent.csrc == 1 && first == 0) first = sent.tag();
  };
  run(100ms);
  EXPECT_EQ(first, next);
}

TEST_F(Following, WhatIsToldOfAMicrophoneElsewhereCountsAsIfItWereHeard) {
  for (uint32_t number = 1; number <= 4; ++number) join(number, false);
  const auto watcher = watch(1, 0);
  speak({2}, 2s);
  auto elsewhere = std::move(people_.at(1));
  people_.erase(1);
  scene_.relay.set_lent(TrackId(1), 0, false, scene_.now);
  LayerNews news;
  news.track = TrackId(1);
  news.seen = true;
  news.active = true;
  news.format = rtp::CodecFormat{};
  scene_.relay.receive_news(news, scene_.now);
  speak({}, 1s);
  news.is_speaking = true;
  news.loudness = 90;
  scene_.relay.receive_news(news, scene_.now);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  run(2s);
  EXPECT_THAT(tracks(watcher), ElementsAre(1));
  news.is_speaking = false;
  scene_.relay.receive_news(news, scene_.now);
  speak({3}, 1s);
  EXPECT_THAT(tracks(watcher), ElementsAre(5));
}

class AnyRoom : public Following, public ::testing::WithParamInterface<uint32_t> {};

// take() checks each packet of each stream.
TEST_P(AnyRoom, LeavesEverySlotOneValidStreamWhateverHappens) {
  std::mt19937 random(GetParam());
  for (int i = 0; i < 60; ++i) {
    const uint32_t number = 1 + random() % 8;
    const bool is_here = people_.contains(number);
    if (!is_here && random() % 2 == 0) join(number, random() % 4 != 0);
    if (is_here && random() % 12 == 0) leave(number);
    if (random() % 16 == 0) {
      const auto whom = static_cast<uint32_t>(random() % 16);
      const Wish wish = {.participant = whom > 8 ? "" : "p" + std::to_string(whom)};
      watch(random() % 4, random() % 4, wish);
    }
    std::set<uint32_t> speaking;
    for (auto k = random() % 5; k > 0; --k) {
      speaking.insert(static_cast<uint32_t>(1 + random() % 8));
    }
    speak(speaking, Duration(random() % 400'000));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyRoom, ::testing::Range(0u, 20u));

}  // namespace
}  // namespace simpul::relay
