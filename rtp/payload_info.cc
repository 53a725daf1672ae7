#include "rtp/payload_info.h"

#include "rtp/av1.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/h264.h"

namespace simpul::rtp {
namespace {

LayerInfo layers_of(const Vp8Descriptor& vp8) {
  if (!vp8.temporal_id) return {};
  return {.layering = Layering::kVp8,
          .temporal = *vp8.temporal_id,
          .starts_frame = vp8.starts_frame(),
          .switching_up = vp8.layer_sync};
}

LayerInfo layers_of(const Vp9Descriptor& vp9) {
  if (!vp9.has_layers) return {};
  return {.layering = Layering::kVp9,
          .spatial = vp9.spatial_id,
          .temporal = vp9.temporal_id,
          .spatial_layers = vp9.spatial_layers,
          .starts_frame = vp9.starts_frame,
          .ends_frame = vp9.ends_frame,
          .predicted = vp9.inter_predicted,
          .inter_layer = vp9.inter_layer,
          .used_above = vp9.used_above,
          .switching_up = vp9.switching_up};
}

Expected<PayloadInfo, ParseError> read_vp8(Bytes payload) {
  const auto vp8 = Vp8Descriptor::parse(payload);
  if (!vp8) return unexpected(vp8.error());
  return PayloadInfo{.key_frame = vp8->key_frame,
                     .width = vp8->width,
                     .height = vp8->height,
                     .frame_number = {},
                     .layers = layers_of(*vp8),
                     .descriptor = *vp8};
}

Expected<PayloadInfo, ParseError> read_vp9(Bytes payload) {
  const auto vp9 = Vp9Descriptor::parse(payload);
  if (!vp9) return unexpected(vp9.error());
  return PayloadInfo{.key_frame = vp9->key_frame(),
                     .width = vp9->width,
                     .height = vp9->height,
                     .frame_number = {},
                     .layers = layers_of(*vp9),
                     .descriptor = *vp9};
}

KeyPart key_part_of(const H264Payload& payload) {
  if (payload.has_idr) return KeyPart::kIdr;
  // Parameters that are repeated with another picture are no place to begin.
  if (payload.has_slice) return KeyPart::kOtherPicture;
  return payload.has_parameters ? KeyPart::kParameters : KeyPart::kOther;
}

Expected<PayloadInfo, ParseError> read_h264(Bytes payload) {
  const auto h264 = H264Payload::parse(payload);
  if (!h264) return unexpected(h264.error());
  return PayloadInfo{.key_frame = h264->key_frame(),
                     .key_part = key_part_of(*h264),
                     .width = h264->width,
                     .height = h264->height,
                     .frame_number = {},
                     .layers = {},
                     .descriptor = {}};
}

Expected<PayloadInfo, ParseError> read_av1(Bytes payload) {
  const auto av1 = Av1Payload::parse(payload);
  if (!av1) return unexpected(av1.error());
  return PayloadInfo{.key_frame = av1->starts_sequence,
                     .width = av1->width,
                     .height = av1->height,
                     .frame_number = {},
                     .layers = {},
                     .descriptor = {}};
}

Expected<PayloadInfo, ParseError> read_red(Bytes payload) {
  const auto red = RedPayload::parse(payload);
  if (!red) return unexpected(red.error());
  PayloadInfo info{.key_frame = true, .frame_number = {}, .layers = {}, .descriptor = *red};
  return info;
}

Expected<PayloadInfo, ParseError> read_by_codec(Codec codec, Bytes payload) {
  switch (codec) {
    case Codec::kOpus:
      return PayloadInfo{.key_frame = true, .frame_number = {}, .layers = {}, .descriptor = {}};
    case Codec::kRed:
      return read_red(payload);
    case Codec::kVp8:
      return read_vp8(payload);
    case Codec::kVp9:
      return read_vp9(payload);
    case Codec::kH264:
      return read_h264(payload);
    case Codec::kAv1:
      return read_av1(payload);
  }
  return unexpected(ParseError::kMalformed);
}

// Encryption leaves the parameter sets alone, but nobody can rely on it.
PayloadInfo read_h264_size(Bytes payload) {
  PayloadInfo info;
  if (const auto h264 = H264Payload::parse(payload)) {
    info.width = h264->width;
    info.height = h264->height;
  }
  return info;
}

// What of an encrypted frame stays in the clear: the descriptors in front of it.
Expected<PayloadInfo, ParseError> read_descriptor(Codec codec, Bytes payload) {
  switch (codec) {
    case Codec::kOpus:
    case Codec::kRed:
    case Codec::kVp8:
    case Codec::kVp9:
      return read_by_codec(codec, payload);
    case Codec::kH264:
      return read_h264_size(payload);
    case Codec::kAv1:
      return PayloadInfo{};
  }
  return unexpected(ParseError::kMalformed);
}

}  // namespace

std::optional<PictureNumbers> PayloadInfo::numbers() const {
  if (const auto* vp8 = std::get_if<Vp8Descriptor>(&descriptor)) return vp8->numbers();
  if (const auto* vp9 = std::get_if<Vp9Descriptor>(&descriptor)) return vp9->numbers();
  return std::nullopt;
}

PayloadHead PayloadInfo::with_numbers(const PictureNumbers& numbers) const {
  if (const auto* vp8 = std::get_if<Vp8Descriptor>(&descriptor)) return vp8->with_numbers(numbers);
  if (const auto* vp9 = std::get_if<Vp9Descriptor>(&descriptor)) return vp9->with_numbers(numbers);
  return {};
}

Expected<PayloadInfo, ParseError> read_payload(Codec codec, Bytes payload,
                                               Bytes dependency_descriptor,
                                               DependencyReader& reader) {
  LayerInfo layers;
  const auto dependencies = reader.read(dependency_descriptor, layers);
  if (!dependencies) return read_by_codec(codec, payload);
  auto info = read_descriptor(codec, payload);
  if (!info) return info;
  info->key_frame = dependencies->key_frame();
  if (dependencies->width > 0) {
    info->width = dependencies->width;
    info->height = dependencies->height;
  }
  info->frame_number = dependencies->frame_number;
  // VP8 and VP9 tell their layers themselves.
  if (info->layers.layering == Layering::kNone) info->layers = layers;
  return info;
}

SpatialSizes read_spatial_sizes(const PayloadInfo& info, Bytes payload,
                                const DependencyReader& reader) {
  SpatialSizes sizes{};
  if (std::holds_alternative<Vp9Descriptor>(info.descriptor)) {
    sizes = Vp9Descriptor::read_sizes(payload);
  }
  const bool is_told = sizes != SpatialSizes{};
  return is_told || reader.structure() == nullptr ? sizes : reader.structure()->sizes;
}

Expected<PayloadInfo, ParseError> read_payload(Codec codec, Bytes payload,
                                               Bytes dependency_descriptor) {
  DependencyReader reader;
  return read_payload(codec, payload, dependency_descriptor, reader);
}

}  // namespace simpul::rtp
