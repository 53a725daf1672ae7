#include "bench/sound/speech.h"

#include <gtest/gtest.h>
#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <numeric>

#include "bench/peer/media_stamp.h"
#include "bench/sound/voice.h"

namespace simpul::sound {
namespace {

using namespace std::chrono_literals;
using peer::AudioProfile;
using peer::SoundClip;

size_t bytes_of(const SoundClip& clip) {
  return std::accumulate(clip.packets.begin(), clip.packets.end(), size_t{0},
                         [](size_t sum, const auto& packet) { return sum + packet.size; });
}

size_t spurts_of(const SoundClip& clip) {
  size_t spurts = 0;
  size_t silent = 100;
  for (const auto& packet : clip.packets) {
    if (packet.voice && silent >= 25) ++spurts;
    silent = packet.voice ? 0 : silent + 1;
  }
  return spurts;
}

TEST(Speech, IsPlayedByADecoderThatKnowsNothingOfStamps) {
  const SoundClip clip = make_speech({.talk = AudioProfile::Talk::kAlways}, 4s, 1);
  int error = OPUS_OK;
  const std::unique_ptr<OpusDecoder, void (*)(OpusDecoder*)> decoder(
      opus_decoder_create(kSampleRate, 1, &error), opus_decoder_destroy);
  std::array<float, kFrameSamples> samples{};
  double level_error = 0;
  for (const auto& packet : clip.packets) {
    std::vector<uint8_t> payload(clip.payload(packet).begin(), clip.payload(packet).end());
    peer::write_stamp({.source = 7, .number = 0xffffffff}, payload);
    ASSERT_EQ(
        opus_decode_float(decoder.get(), payload.data(), static_cast<opus_int32>(payload.size()),
                          samples.data(), kFrameSamples, 0),
        static_cast<int>(kFrameSamples));
    level_error += level_of(samples) - packet.level;
  }
  EXPECT_LT(std::abs(level_error / static_cast<double>(clip.packets.size())), 4);
}

TEST(Speech, HasTheBitRateOfTheProfileWithItsStamps) {
  for (const uint32_t bitrate : {24'000u, 32'000u, 64'000u}) {
    const SoundClip clip =
        make_speech({.bitrate_bps = bitrate, .talk = AudioProfile::Talk::kAlways}, 10s, 1);
    ASSERT_EQ(clip.packets.size(), 500u);
    EXPECT_NEAR(static_cast<double>(bytes_of(clip)) * 8 / 10, bitrate, bitrate * 0.2);
    EXPECT_TRUE(
        std::ranges::all_of(clip.packets, [](const auto& p) { return p.size > peer::kStampSize; }));
  }
}

TEST(Speech, TalksInSpurtsOrAlways) {
  const SoundClip spurts = make_speech({}, 60s, 2);
  EXPECT_GE(spurts_of(spurts), 5u);
  const auto voiced =
      std::ranges::count_if(spurts.packets, [](const auto& packet) { return packet.voice; });
  EXPECT_GT(voiced, 500);
  EXPECT_LT(voiced, 2'000);
  const auto quiet =
      std::ranges::count_if(spurts.packets, [](const auto& packet) { return packet.level > 60; });
  EXPECT_GT(quiet, 1'000);
  const SoundClip always = make_speech({.talk = AudioProfile::Talk::kAlways}, 20s, 2);
  const auto heard =
      std::ranges::count_if(always.packets, [](const auto& packet) { return packet.level < 50; });
  EXPECT_GT(heard, 600);
}

TEST(Speech, HardlySendsSilenceWithDtx) {
  const AudioProfile profile{.dtx = true};
  const SoundClip clip = make_speech(profile, 60s, 2);
  const SoundClip plain = make_speech({}, 60s, 2);
  const auto sent = std::ranges::count_if(clip.packets, [](const auto& p) { return p.size > 0; });
  EXPECT_LT(sent, static_cast<ptrdiff_t>(plain.packets.size() * 3 / 4));
  EXPECT_EQ(std::ranges::count_if(plain.packets, [](const auto& p) { return p.size == 0; }), 0);
  size_t unsent = 0;
  for (const auto& packet : clip.packets) {
    unsent = packet.size == 0 ? unsent + 1 : 0;
    EXPECT_LE(unsent, 20u) << "the noise is renewed every 400 ms";
    EXPECT_FALSE(packet.size == 0 && packet.voice && packet.level < 40);
  }
}

TEST(Speech, IsTheSameForTheSameSeed) {
  const SoundClip first = make_speech({}, 2s, 4);
  EXPECT_EQ(make_speech({}, 2s, 4).bytes, first.bytes);
  EXPECT_NE(make_speech({}, 2s, 5).bytes, first.bytes);
}

TEST(LevelOf, CountsDownFromTheLoudest) {
  std::array<float, kFrameSamples> samples{};
  EXPECT_EQ(level_of(samples), 127);
  samples.fill(1);
  EXPECT_EQ(level_of(samples), 0);
  samples.fill(0.1F);
  EXPECT_EQ(level_of(samples), 20);
}

}  // namespace
}  // namespace simpul::sound
