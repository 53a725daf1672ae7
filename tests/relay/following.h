#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/relay/scene.h"

namespace simpul::relay::testing {

inline constexpr uint8_t kVoice = 40;  // -dBov
inline constexpr uint8_t kSilence = 120;

inline rtp::MediaPacket with_level(rtp::MediaPacket media, uint8_t level) {
  const uint32_t at = media.packet->size;
  media.packet->bytes[at] = level;
  media.packet->size = at + 1;
  media.extensions.items[0] = {
      .kind = rtp::ExtensionKind::kAudioLevel, .offset = static_cast<uint16_t>(at), .size = 1};
  media.extensions.count = 1;
  return media;
}

// A room in which several speak, and those who watch it.
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
    bool is_discontinuous = false;  // sends nothing while silent
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
      if (person->is_discontinuous && !person->speaks) {
        person->voice.at().timestamp += 960;
        ++person->voice.at().first_tag;
        continue;
      }
      rtp::MediaPacket packet = person->voice.audio();
      if (person->has_level) {
        packet = with_level(std::move(packet), person->speaks ? person->voice_level : kSilence);
      }
      deliver_(person->audio, std::move(packet));
      if (person->video == 0 || steps_ % 5 != 0) continue;
      scene_.receive(person->video, person->camera.frame({.key = true}, 9'000));
    }
    for (const Sent& sent : scene_.collect()) take(sent);
    for (const SlotReport& report : scene_.advance().reports) reports_.push_back(report);
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
    if (stream.packets > 0 && !is_disordered_) {
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
      if (!is_first && !is_disordered_) {
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
  std::vector<SlotReport> reports_;
  std::function<void(const Sent&)> on_sent_;
  // What a microphone (its track) sends now.
  std::function<void(uint32_t, rtp::MediaPacket)> deliver_ = [this](uint32_t track,
                                                                    rtp::MediaPacket packet) {
    scene_.relay.receive(TrackId(track), 0, std::move(packet), scene_.now);
  };
  bool is_disordered_ = false;  // so are the packets that are sent on
  int steps_ = 0;
};

}  // namespace simpul::relay::testing
