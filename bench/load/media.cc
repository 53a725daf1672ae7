#include "bench/load/media.h"

#include <array>
#include <string>

#include "bench/sound/speech.h"

namespace simpul::load {
namespace {

// Of the same, over and over.
constexpr Duration kClipLength = std::chrono::seconds(20);
// A layer of simulcast has a quarter of the bits of the one above.
constexpr uint32_t kLayerFactor = 4;
constexpr std::array<const char*, 3> kRids = {"q", "h", "f"};

bool publishes(const Scenario& scenario, size_t people) {
  return std::ranges::find(scenario.phases, people, &Phase::publisher_class) !=
         scenario.phases.end();
}

}  // namespace

rtp::Codec codec_of(Codec codec) {
  switch (codec) {
    case Codec::kVp8:
      return rtp::Codec::kVp8;
    case Codec::kVp9:
      return rtp::Codec::kVp9;
    case Codec::kH264:
      return rtp::Codec::kH264;
    case Codec::kAv1:
      return rtp::Codec::kAv1;
  }
  return rtp::Codec::kVp8;
}

peer::VideoProfile profile_of(const VideoSettings& video) {
  peer::VideoProfile profile{.codec = codec_of(video.codec),
                             .layers = {},
                             .frames_per_second = video.frames_per_second,
                             .temporal_layers = video.temporal_layers,
                             .encode_time = video.encode_time};
  if (video.pacing == Pacing::kBursts) {
    profile.pacing = {.burst_packets = video.burst_packets, .interval = video.burst_interval};
  }
  for (size_t i = 0; i < video.layers; ++i) {
    uint32_t smaller = 1;
    uint32_t fewer = 1;
    for (size_t above = i + 1; above < video.layers; ++above) {
      smaller *= 2;
      fewer *= kLayerFactor;
    }
    profile.layers.push_back(
        {.rid = video.layers == 1 ? "" : kRids[kRids.size() - video.layers + i],
         .bitrate_bps = video.bitrate_bps / fewer,
         .width = static_cast<uint16_t>(video.width / smaller),
         .height = static_cast<uint16_t>(video.height / smaller)});
  }
  return profile;
}

peer::AudioProfile profile_of(const AudioSettings& audio) {
  using Talk = peer::AudioProfile::Talk;
  return {.bitrate_bps = audio.bitrate_bps,
          .dtx = audio.dtx,
          .talk = audio.always_talks ? Talk::kAlways : Talk::kSpurts};
}

// Gilbert-Elliott: it leaves the bad state after `burst_packets` on average, and is in it for
// `burst_loss` of all packets.
impairment::PathOptions path_of(const NetworkSettings& network) {
  impairment::PathOptions path{.loss = network.loss,
                               .delay = network.delay,
                               .jitter = network.jitter,
                               .rate_bps = network.rate_bps,
                               .queue = network.queue};
  if (network.burst_loss <= 0) return path;
  path.burst.to_good = 1 / network.burst_packets;
  path.burst.to_bad = network.burst_loss * path.burst.to_good / (1 - network.burst_loss);
  return path;
}

Sounds::Sounds(const Scenario& scenario) : clips_(scenario.classes.size()) {
  for (size_t i = 0; i < clips_.size(); ++i) {
    const ClientClass& people = scenario.classes[i];
    if (!people.has_audio || people.plain || !publishes(scenario, i)) continue;
    clips_[i] = sound::make_speech(profile_of(people.audio), kClipLength, scenario.seed + i);
  }
}

}  // namespace simpul::load
