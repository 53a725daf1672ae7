#pragma once

#include <cstdint>

#include "base/time.h"
#include "bench/peer/media_profile.h"
#include "bench/peer/sound_clip.h"

namespace simpul::sound {

// Speech-like sound, encoded by libopus as a browser's call is: vowels of a voice whose pitch and
// formants wander, consonants of noise, syllables and words with gaps between them, over a quiet
// room. The same seed makes the same. Each packet has room at its end for a stamp, in Opus's own
// padding (RFC 6716 §3.2.5), which decoders skip.
peer::SoundClip make_speech(const peer::AudioProfile& profile, Duration length, uint64_t seed);

}  // namespace simpul::sound
