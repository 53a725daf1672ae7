#include "bench/peer/frame.h"

#include <algorithm>
#include <array>

#include "base/byte_writer.h"
#include "bench/peer/bit_writer.h"
#include "bench/peer/media_stamp.h"

namespace simpul::peer {
namespace {

constexpr uint8_t kLongPictureId = 0x80;

// NAL unit heads of H.264: nal_ref_idc and type.
constexpr uint8_t kSequenceParameters = 0x67;
constexpr uint8_t kPictureParameters = 0x68;
constexpr uint8_t kUserData = 0x06;
constexpr uint8_t kIdrSlice = 0x65;
constexpr uint8_t kSlice = 0x41;
constexpr uint8_t kStapA = 0x78;
constexpr uint8_t kFuA = 28;
constexpr uint8_t kUnitType = 0x1f;

void write_vp8(const FrameFormat& format, const Frame& frame, bool is_first, ByteWriter& out) {
  const bool has_layers = format.temporal_layers > 1;
  const bool is_droppable = has_layers && frame.temporal_id + 1 == format.temporal_layers;
  out.u8(static_cast<uint8_t>(0x80 | (is_droppable ? 0x20 : 0) | (is_first ? 0x10 : 0)));
  out.u8(has_layers ? 0xe0 : 0x80);  // I, and L and T
  out.u16(static_cast<uint16_t>(kLongPictureId << 8 | frame.picture_id));
  if (!has_layers) return;
  out.u8(frame.tl0_pic_idx);
  out.u8(static_cast<uint8_t>(frame.temporal_id << 6 | (frame.layer_sync ? 0x20 : 0)));
}

void write_vp8_frame_head(const FrameFormat& format, const Frame& frame, ByteWriter& out) {
  out.u8(frame.key_frame ? 0x10 : 0x11);
  if (!frame.key_frame) return;
  out.zeros(2);
  out.u24(0x9d012a);
  for (const uint16_t side : {format.width, format.height}) {
    out.u8(static_cast<uint8_t>(side));
    out.u8(static_cast<uint8_t>(side >> 8));
  }
}

void write_vp9(const FrameFormat& format, const Frame& frame, size_t packet, ByteWriter& out) {
  const bool has_layers = format.temporal_layers > 1;
  const bool is_first = packet == 0;
  const bool has_structure = is_first && frame.key_frame;
  out.u8(static_cast<uint8_t>(0x80 | (frame.key_frame ? 0 : 0x40) | (has_layers ? 0x20 : 0) |
                              (is_first ? 0x08 : 0) | (packet + 1u == frame.packets ? 0x04 : 0) |
                              (has_structure ? 0x02 : 0)));
  out.u16(static_cast<uint16_t>(kLongPictureId << 8 | frame.picture_id));
  if (has_layers) {
    out.u8(static_cast<uint8_t>(frame.temporal_id << 5 | (frame.layer_sync ? 0x10 : 0)));
    out.u8(frame.tl0_pic_idx);
  }
  if (!has_structure) return;
  out.u8(0x18);  // one layer, its size, a group of pictures
  out.u16(format.width);
  out.u16(format.height);
  // Temporal id, switching up, and one picture that it builds on.
  static constexpr std::array<uint8_t, 2> kPlain = {0x04, 1};
  static constexpr std::array<uint8_t, 8> kLayered = {0x04, 4, 0x54, 1, 0x34, 2, 0x44, 1};
  out.u8(has_layers ? 4 : 1);
  out.bytes(has_layers ? Bytes(kLayered) : Bytes(kPlain));
}

// H.264 §7.3.2.1.1: constrained baseline, level 3.1.
BitWriter sequence_parameters(const FrameFormat& format) {
  const uint32_t columns = (format.width + 15u) / 16;
  const uint32_t rows = (format.height + 15u) / 16;
  BitWriter out;
  out.bits(kSequenceParameters, 8).bits(66, 8).bits(0xe0, 8).bits(31, 8).golomb(0);
  out.golomb(0).golomb(2).golomb(1).bits(0, 1);  // frame numbers, picture order, one reference
  out.golomb(columns - 1).golomb(rows - 1).bits(3, 2);
  out.bits(1, 1).golomb(0).golomb((columns * 16 - format.width) / 2);
  out.golomb(0).golomb((rows * 16 - format.height) / 2);
  return out.bits(0, 1).bits(1, 1);
}

// The stamp, which comes last, is the body of a supplemental message with data of the user's.
void write_parameter_sets(const FrameFormat& format, ByteWriter& out) {
  static constexpr std::array<uint8_t, 4> kPicture = {kPictureParameters, 0xce, 0x38, 0x80};
  static constexpr std::array<uint8_t, 3> kMessage = {kUserData, 5, kStampSize};
  const BitWriter sequence = sequence_parameters(format);
  out.u8(kStapA);
  for (const Bytes unit : {sequence.bytes(), Bytes(kPicture)}) {
    out.u16(static_cast<uint16_t>(unit.size()));
    out.bytes(unit);
  }
  out.u16(kMessage.size() + kStampSize);
  out.bytes(kMessage);
}

bool has_parameter_sets(const FrameFormat& format, bool key_frame) {
  return format.codec == rtp::Codec::kH264 && key_frame;
}

void write_h264(const Frame& frame, size_t piece, size_t pieces, ByteWriter& out) {
  const uint8_t unit = frame.key_frame ? kIdrSlice : kSlice;
  if (pieces == 1) return out.u8(unit);
  out.u8(static_cast<uint8_t>((unit & ~kUnitType) | kFuA));
  out.u8(static_cast<uint8_t>((piece == 0 ? 0x80 : 0) | (piece + 1 == pieces ? 0x40 : 0) |
                              (unit & kUnitType)));
}

// AV1 §5.5.1: main profile, one operating point of level 4.0.
BitWriter sequence_header(const FrameFormat& format) {
  BitWriter out;
  out.bits(1 << 3, 8).bits(0, 5).bits(0, 2).bits(0, 5).bits(0, 12).bits(8, 5).bits(0, 1);
  out.bits(15, 4).bits(15, 4).bits(format.width - 1u, 16).bits(format.height - 1u, 16);
  return out.bits(0, 24).bits(1, 1);
}

void write_av1(const FrameFormat& format, const Frame& frame, size_t packet, ByteWriter& out) {
  const bool is_first = packet == 0;
  const bool begins_sequence = is_first && frame.key_frame;
  out.u8(static_cast<uint8_t>((is_first ? 0 : 0x80) | (packet + 1u < frame.packets ? 0x40 : 0) |
                              (begins_sequence ? 0x28 : 0x10)));
  if (begins_sequence) {
    const BitWriter header = sequence_header(format);
    out.u8(static_cast<uint8_t>(header.bytes().size()));
    out.bytes(header.bytes());
  }
  if (!is_first) return;
  // An OBU that is a frame; with layers an extension of its head tells which one (§5.3.3).
  const bool has_layers = format.temporal_layers > 1;
  out.u8(static_cast<uint8_t>(6 << 3 | (has_layers ? 0x04 : 0)));
  if (has_layers) out.u8(static_cast<uint8_t>(frame.temporal_id << 5));
}

// How a frame's bytes, without parameter sets, are cut: as if `total` of them, which fill the first
// and the last packet as far as all others.
struct Cut {
  size_t bytes = 0;
  size_t full = 0;  // what a packet in the middle holds
  size_t first_reduction = 0;
  size_t last_reduction = 0;
  size_t only_reduction = 0;

  size_t total() const { return bytes + first_reduction + last_reduction; }
  size_t pieces() const {
    if (bytes + only_reduction <= full) return 1;
    return std::max<size_t>((total() + full - 1) / full, 2);
  }
};

Cut cut_of(const FrameFormat& format, const Frame& frame) {
  // Parameter sets are the first packet, and what follows them cannot be the only one.
  const bool has_sets = has_parameter_sets(format, frame.key_frame);
  return {.bytes = frame.bytes,
          .full = std::min(format.payload_max, kPayloadSizeMax),
          .first_reduction = has_sets ? size_t{0} : frame.first_reduction,
          .last_reduction = frame.last_reduction,
          .only_reduction = has_sets ? frame.last_reduction : frame.only_reduction};
}

size_t reduced(size_t size, size_t reduction) { return size - std::min(size, reduction); }

// Of one piece of the frame's bytes.
size_t piece_size(const FrameFormat& format, const Frame& frame, size_t piece, size_t pieces) {
  const Cut cut = cut_of(format, frame);
  if (pieces == 1) return cut.bytes;
  const bool is_last = piece + 1 == pieces;
  const size_t total = cut.total();
  size_t size = total / pieces + (piece >= pieces - total % pieces ? 1 : 0);
  if (format.codec == rtp::Codec::kAv1) {
    size = is_last ? reduced(total, cut.full * (pieces - 1)) : cut.full;
  }
  if (piece == 0) size = reduced(size, cut.first_reduction);
  return is_last ? reduced(size, cut.last_reduction) : size;
}

// Of L1T3 those of the three targets: with every frame, every second one, every fourth one. Of each
// template its targets' indications (0 none, 1 discardable, 2 switch), the frame that it builds on
// and the one of the lowest layer before it, so many back.
struct Template {
  uint8_t next_layer;  // from the one before: 0 the same, 1 another temporal one
  std::array<uint8_t, 3> indications;
  uint8_t depends_on;
  uint8_t chain;
};
constexpr std::array<Template, 5> kThreeLayers = {{{0, {2, 2, 2}, 0, 0},
                                                   {0, {2, 2, 2}, 4, 4},
                                                   {1, {0, 1, 2}, 2, 2},
                                                   {1, {0, 0, 1}, 1, 1},
                                                   {0, {0, 0, 1}, 1, 3}}};
constexpr std::array<Template, 2> kOneLayer = {{{0, {2}, 0, 0}, {0, {2}, 1, 1}}};

uint8_t template_of(const FrameFormat& format, const Frame& frame) {
  if (frame.key_frame) return 0;
  if (format.temporal_layers == 1 || frame.temporal_id == 0) return 1;
  if (frame.temporal_id == 1) return 2;
  return frame.layer_sync ? 3 : 4;
}

void write_structure(const FrameFormat& format, BitWriter& out) {
  constexpr uint64_t kLayersEnd = 3;
  const bool has_layers = format.temporal_layers > 1;
  const auto templates =
      has_layers ? std::span<const Template>(kThreeLayers) : std::span<const Template>(kOneLayer);
  const size_t targets = has_layers ? 3 : 1;
  out.bits(0x10, 5).bits(0, 6).bits(targets - 1, 5);  // a structure: templates from 0
  for (const Template& each : templates.subspan(1)) out.bits(each.next_layer, 2);
  out.bits(kLayersEnd, 2);
  for (const Template& each : templates) {
    for (const uint8_t indication : std::span(each.indications).first(targets)) {
      out.bits(indication, 2);
    }
  }
  for (const Template& each : templates) {
    if (each.depends_on > 0) out.bits(1, 1).bits(each.depends_on - 1u, 4);
    out.bits(0, 1);
  }
  // One chain, which protects every target: ns(2) and ns(4), then nothing.
  out.bits(1, has_layers ? 2 : 1);
  for (const Template& each : templates) out.bits(each.chain, 4);
  out.bits(1, 1).bits(format.width - 1u, 16).bits(format.height - 1u, 16);
}

}  // namespace

uint16_t packets_of(const FrameFormat& format, const Frame& frame) {
  return static_cast<uint16_t>(cut_of(format, frame).pieces() +
                               has_parameter_sets(format, frame.key_frame));
}

size_t write_payload(const FrameFormat& format, const Frame& frame, size_t packet,
                     TimePoint made_at, std::span<uint8_t, kPayloadSizeMax> room) {
  using enum rtp::Codec;
  const bool has_sets = has_parameter_sets(format, frame.key_frame);
  const size_t pieces = frame.packets - size_t{has_sets};
  const size_t piece = packet - size_t{has_sets};  // of no meaning for the sets
  const bool is_sets = has_sets && packet == 0;
  ByteWriter out(room);
  size_t head_size = 0;
  switch (format.codec) {
    case kVp8:
      write_vp8(format, frame, packet == 0, out);
      head_size = out.size();
      if (packet == 0) write_vp8_frame_head(format, frame, out);
      break;
    case kVp9:
      write_vp9(format, frame, packet, out);
      head_size = out.size();
      break;
    case kH264:
      is_sets ? write_parameter_sets(format, out) : write_h264(frame, piece, pieces, out);
      break;
    case kAv1:
      write_av1(format, frame, packet, out);
      break;
    case kOpus:
    case kRed:
      return 0;
  }
  const auto number = static_cast<uint32_t>(frame.first_number + packet);
  const size_t least = out.size() + kStampSize;
  const size_t size =
      is_sets ? least
              : std::min(std::max(piece_size(format, frame, piece, pieces), least), room.size());
  std::ranges::fill(room.first(size).subspan(out.size()), static_cast<uint8_t>(number | 1));
  write_stamp({.source = format.source,
               .number = number,
               .made_at = made_at,
               .frame = frame.number,
               .frame_packets = frame.packets,
               .depends_on = frame.depends_on,
               .head_size = static_cast<uint8_t>(head_size),
               .key_frame = frame.key_frame},
              room.first(size));
  return size;
}

size_t write_dependency_descriptor(const FrameFormat& format, const Frame& frame, size_t packet,
                                   std::span<uint8_t, kDependencyDescriptorMax> room) {
  const bool is_first = packet == 0;
  BitWriter out;
  out.bits(is_first ? 1 : 0, 1).bits(packet + 1u == frame.packets ? 1 : 0, 1);
  out.bits(template_of(format, frame), 6).bits(frame.number, 16);
  if (is_first && frame.key_frame) write_structure(format, out);
  std::ranges::copy(out.bytes(), room.begin());
  return out.bytes().size();
}

}  // namespace simpul::peer
