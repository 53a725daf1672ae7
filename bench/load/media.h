#pragma once

#include <optional>
#include <vector>

#include "bench/impairment/path.h"
#include "bench/load/scenario.h"
#include "bench/peer/media_profile.h"
#include "bench/peer/sound_clip.h"
#include "rtp/types.h"

// What a scenario says of devices and networks, as synthetic people know it.
namespace simpul::load {

rtp::Codec codec_of(Codec codec);
peer::VideoProfile profile_of(const VideoSettings& video);
peer::AudioProfile profile_of(const AudioSettings& audio);
impairment::PathOptions path_of(const NetworkSettings& network);

// The sound of each class that publishes, made before anybody joins; all of a class speak it, each
// from another place on. Outlives the clients.
class Sounds {
 public:
  explicit Sounds(const Scenario& scenario);
  // Null for a class without one.
  const peer::SoundClip* of(size_t people) const {
    return clips_[people] ? &*clips_[people] : nullptr;
  }

 private:
  std::vector<std::optional<peer::SoundClip>> clips_;
};

}  // namespace simpul::load
