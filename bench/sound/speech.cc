#include "bench/sound/speech.h"

#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/check.h"
#include "bench/peer/media_stamp.h"
#include "bench/sound/voice.h"

namespace simpul::sound {
namespace {

constexpr int32_t kPacketsPerSecond = 50;
constexpr opus_int32 kPacketSizeMax = 1'200;
// What padding costs beside itself: the byte that counts the frames and the one that counts it.
constexpr int32_t kPaddingHeadSize = 2;
constexpr int32_t kStampRoom = peer::kStampSize + kPaddingHeadSize;
constexpr int32_t kEncoderBitrateMin = 6'000;
// A packet as small as this says only that the silence goes on (libopus, OPUS_SET_DTX).
constexpr opus_int32 kSilentSize = 2;
constexpr uint8_t kVoiceLevelMax = 55;

struct Free {
  void operator()(OpusEncoder* encoder) const { opus_encoder_destroy(encoder); }
};
using Encoder = std::unique_ptr<OpusEncoder, Free>;

Encoder make_encoder(const peer::AudioProfile& profile) {
  int error = OPUS_OK;
  Encoder encoder(opus_encoder_create(kSampleRate, 1, OPUS_APPLICATION_VOIP, &error));
  SIMPUL_CHECK(error == OPUS_OK);
  const int32_t bitrate =
      static_cast<int32_t>(profile.bitrate_bps) - kStampRoom * 8 * kPacketsPerSecond;
  OpusEncoder* made = encoder.get();
  SIMPUL_CHECK(opus_encoder_ctl(made, OPUS_SET_BITRATE(std::max(bitrate, kEncoderBitrateMin))) ==
               OPUS_OK);
  SIMPUL_CHECK(opus_encoder_ctl(made, OPUS_SET_DTX(profile.dtx ? 1 : 0)) == OPUS_OK);
  SIMPUL_CHECK(opus_encoder_ctl(made, OPUS_SET_INBAND_FEC(1)) == OPUS_OK);
  SIMPUL_CHECK(opus_encoder_ctl(made, OPUS_SET_COMPLEXITY(5)) == OPUS_OK);
  return encoder;
}

}  // namespace

peer::SoundClip make_speech(const peer::AudioProfile& profile, Duration length, uint64_t seed) {
  const Encoder encoder = make_encoder(profile);
  Voice voice(profile, seed);
  peer::SoundClip clip;
  const int64_t count = std::max<int64_t>(length / std::chrono::milliseconds(20), 1);
  bool was_silent = false;
  for (int64_t i = 0; i < count; ++i) {
    std::array<float, kFrameSamples> samples{};
    const bool talks = voice.fill(samples);
    std::array<uint8_t, kPacketSizeMax + kStampRoom> packet{};
    const opus_int32 size = opus_encode_float(encoder.get(), samples.data(), kFrameSamples,
                                              packet.data(), kPacketSizeMax);
    SIMPUL_CHECK(size > 0);
    peer::SoundClip::Packet entry{.at = static_cast<uint32_t>(clip.bytes.size()),
                                  .level = level_of(samples)};
    entry.voice = talks && entry.level <= kVoiceLevelMax;
    // Of a silence only its first packet is sent, and what renews its noise now and then.
    const bool is_silent = profile.dtx && size <= kSilentSize;
    if (!is_silent || !was_silent) {
      SIMPUL_CHECK(opus_packet_pad(packet.data(), size, size + kStampRoom) == OPUS_OK);
      entry.size = static_cast<uint16_t>(size + kStampRoom);
      clip.bytes.insert(clip.bytes.end(), packet.begin(), packet.begin() + entry.size);
    }
    was_silent = is_silent;
    clip.packets.push_back(entry);
  }
  return clip;
}

}  // namespace simpul::sound
