#include "bench/demo/encoders.h"

#include <opus/opus.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace simpul::demo {
namespace {

constexpr unsigned kFrameTicks = 3000;  // of 1/90000 s
// Libvpx calls the fixed speeds of real time negative; this one is the cheapest that looks well.
constexpr int kSpeed = -8;
constexpr unsigned kKeyFramePercent = 400;  // the most that one may have, of a frame's mean size

vpx_codec_enc_cfg_t call_settings(int width, int height, uint32_t bitrate_kbps) {
  vpx_codec_enc_cfg_t settings;
  SIMPUL_CHECK(vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &settings, 0) == VPX_CODEC_OK);
  settings.g_w = static_cast<unsigned>(width);
  settings.g_h = static_cast<unsigned>(height);
  settings.g_timebase = {1, 90'000};
  settings.g_threads = 1;
  settings.g_lag_in_frames = 0;
  settings.kf_mode = VPX_KF_DISABLED;
  settings.rc_end_usage = VPX_CBR;
  settings.rc_target_bitrate = bitrate_kbps;
  settings.rc_min_quantizer = 4;
  settings.rc_max_quantizer = 56;
  settings.rc_buf_sz = 1000;
  settings.rc_buf_initial_sz = 500;
  settings.rc_buf_optimal_sz = 600;
  settings.rc_dropframe_thresh = 0;
  return settings;
}

}  // namespace

void VideoEncoder::CodecDeleter::operator()(vpx_codec_ctx* codec) const {
  vpx_codec_destroy(codec);
  delete codec;
}

void VideoEncoder::ImageDeleter::operator()(vpx_image* image) const { vpx_img_free(image); }

VideoEncoder::VideoEncoder(int width, int height, uint32_t bitrate_kbps)
    : codec_(new vpx_codec_ctx{}),
      image_(vpx_img_alloc(nullptr, VPX_IMG_FMT_I420, static_cast<unsigned>(width),
                           static_cast<unsigned>(height), 16)) {
  SIMPUL_CHECK(image_ != nullptr);
  const vpx_codec_enc_cfg_t settings = call_settings(width, height, bitrate_kbps);
  vpx_codec_ctx* codec = codec_.get();
  SIMPUL_CHECK(vpx_codec_enc_init(codec, vpx_codec_vp8_cx(), &settings, 0) == VPX_CODEC_OK);
  SIMPUL_CHECK(vpx_codec_control(codec, VP8E_SET_CPUUSED, kSpeed) == VPX_CODEC_OK);
  SIMPUL_CHECK(vpx_codec_control(codec, VP8E_SET_STATIC_THRESHOLD, 1u) == VPX_CODEC_OK);
  SIMPUL_CHECK(vpx_codec_control(codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, kKeyFramePercent) ==
               VPX_CODEC_OK);
}

Bytes VideoEncoder::encode(const Picture& picture, int64_t timestamp, bool key_frame) {
  // The encoder reads the planes where they are.
  const auto width = picture.width();
  const std::array<Bytes, 3> planes = {picture.luma(), picture.chroma_u(), picture.chroma_v()};
  for (size_t i = 0; i < planes.size(); ++i) {
    image_->planes[i] = const_cast<uint8_t*>(planes[i].data());
    image_->stride[i] = i == 0 ? width : width / 2;
  }
  const vpx_enc_frame_flags_t flags = key_frame ? VPX_EFLAG_FORCE_KF : 0;
  SIMPUL_CHECK(vpx_codec_encode(codec_.get(), image_.get(), timestamp, kFrameTicks, flags,
                                VPX_DL_REALTIME) == VPX_CODEC_OK);
  vpx_codec_iter_t position = nullptr;
  while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(codec_.get(), &position)) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    return {static_cast<const uint8_t*>(packet->data.frame.buf), packet->data.frame.sz};
  }
  return {};
}

void AudioEncoder::EncoderDeleter::operator()(OpusEncoder* encoder) const {
  opus_encoder_destroy(encoder);
}

AudioEncoder::AudioEncoder(int32_t bitrate_bps) : packet_(1000) {
  int error = OPUS_OK;
  encoder_.reset(opus_encoder_create(48'000, 1, OPUS_APPLICATION_AUDIO, &error));
  SIMPUL_CHECK(error == OPUS_OK);
  SIMPUL_CHECK(opus_encoder_ctl(encoder_.get(), OPUS_SET_BITRATE(bitrate_bps)) == OPUS_OK);
  SIMPUL_CHECK(opus_encoder_ctl(encoder_.get(), OPUS_SET_COMPLEXITY(4)) == OPUS_OK);
}

Bytes AudioEncoder::encode(std::span<const float> samples) {
  const int size =
      opus_encode_float(encoder_.get(), samples.data(), static_cast<int>(samples.size()),
                        packet_.data(), static_cast<opus_int32>(packet_.size()));
  SIMPUL_CHECK(size > 0);
  return Bytes(packet_).first(static_cast<size_t>(size));
}

}  // namespace simpul::demo
