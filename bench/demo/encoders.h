#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "bench/demo/picture.h"

struct OpusEncoder;
struct vpx_codec_ctx;
struct vpx_image;

namespace simpul::demo {

// VP8 by libvpx, as for a call: no look-ahead, a steady bit rate, key frames only when asked for
// (the first frame is one). A library that refuses what is asked of it ends the process.
class VideoEncoder {
 public:
  VideoEncoder(int width, int height, uint32_t bitrate_kbps);

  // The encoded picture, valid until the next call. `timestamp` is in 1/90000 s and grows.
  Bytes encode(const Picture& picture, int64_t timestamp, bool key_frame);

 private:
  struct CodecDeleter {
    void operator()(vpx_codec_ctx* codec) const;
  };
  struct ImageDeleter {
    void operator()(vpx_image* image) const;
  };

  std::unique_ptr<vpx_codec_ctx, CodecDeleter> codec_;
  std::unique_ptr<vpx_image, ImageDeleter> image_;
};

// Opus by libopus: one channel, 48 kHz.
class AudioEncoder {
 public:
  explicit AudioEncoder(int32_t bitrate_bps);

  // One packet of 20 ms (960 samples), valid until the next call.
  Bytes encode(std::span<const float> samples);

 private:
  struct EncoderDeleter {
    void operator()(OpusEncoder* encoder) const;
  };

  std::unique_ptr<OpusEncoder, EncoderDeleter> encoder_;
  std::vector<uint8_t> packet_;
};

}  // namespace simpul::demo
