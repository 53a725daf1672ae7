#include "relay/audio_levels.h"

#include <algorithm>

namespace simpul::relay {
namespace {

constexpr float kSmoothing = 0.125F;

}  // namespace

bool AudioLevels::is_loud(int loudness, TimePoint now) {
  if (span_began_ == TimePoint{}) span_began_ = now;
  if (now - span_began_ >= kNoiseSpan) {
    noise_ = lowest_;
    lowest_ = loudness;
    span_began_ = now;
  }
  lowest_ = std::min(lowest_, loudness);
  return !is_quiet(loudness);
}

void AudioLevels::be_silent(Duration span) {
  remembered_ -= std::min(remembered_, span / kSilenceLasts);
  if (remembered_ == Duration::zero()) is_speaking_ = false;
}

void AudioLevels::add(std::optional<uint8_t> level, size_t payload_size, TimePoint now) {
  if (last_ == TimePoint{}) last_ = now - std::chrono::milliseconds(20);
  advance(now);
  is_told_ = false;
  const Duration elapsed = std::max(now - last_, Duration::zero());
  last_ = std::max(last_, now);
  // A sender who tells no level is always a candidate, and the quietest of all.
  const bool has_sound = payload_size > kSilencePayloadMax;
  const int loudness = level ? kLoudnessMax - std::min<int>(*level, kLoudnessMax) : kLoudMin;
  if (level ? !is_loud(loudness, now) : !has_sound) return be_silent(elapsed);
  if (remembered_ == Duration::zero()) {
    began_ = now;
    loudness_ = static_cast<float>(loudness);
  }
  remembered_ = std::min(remembered_ + elapsed, kRememberedMax);
  loudness_ += (static_cast<float>(loudness) - loudness_) * kSmoothing;
  is_speaking_ = is_speaking_ || remembered_ >= kBegins;
  if (is_speaking_) spoke_ = now;
}

void AudioLevels::tell(bool is_speaking, uint8_t loudness, TimePoint now) {
  if (is_speaking && !is_speaking_) began_ = now;
  if (is_speaking || is_speaking_) spoke_ = now;
  is_speaking_ = is_speaking;
  is_told_ = true;
  remembered_ = is_speaking ? kRememberedMax : Duration::zero();
  loudness_ = static_cast<float>(std::min<int>(loudness, kLoudnessMax));
  last_ = now;
}

void AudioLevels::advance(TimePoint now) {
  if (is_told_ || now - last_ <= kPacketMax) return;
  lowest_ = 0;  // whoever leaves silence out has none to hide behind
  be_silent(now - last_ - kPacketMax);
  last_ = now - kPacketMax;
}

}  // namespace simpul::relay
