#include "rtp/dependency_descriptor.h"

#include <algorithm>
#include <utility>

#include "rtp/bit_reader.h"

namespace simpul::rtp {
namespace {

constexpr size_t kFrameNumberAt = 1;
constexpr size_t kFlagsAt = DependencyDescriptor::kSizeMin;
constexpr uint16_t kFlagsEnd = 8 * kFlagsAt + 5;
constexpr uint8_t kHasActiveTargets = 0x40;  // of the flags' byte

// The optional fields of the frame, which need a structure to be read.
struct FrameFields {
  bool has_active_targets = false;
  bool own_indications = false;
  bool own_references = false;
};

struct Head {
  DependencyDescriptor descriptor;
  FrameFields fields;
  uint16_t mask_at = kFlagsEnd;
  std::optional<DependencyStructure> structure = {};
};

// Up to the active decode targets.
Expected<Head, ParseError> read_head(Bytes data, BitReader& reader) {
  if (data.size() < DependencyDescriptor::kSizeMin) return unexpected(ParseError::kTooShort);
  Head head;
  DependencyDescriptor& descriptor = head.descriptor;
  descriptor.starts_frame = reader.flag();
  descriptor.ends_frame = reader.flag();
  descriptor.template_id = static_cast<uint8_t>(reader.bits(6));
  descriptor.frame_number = static_cast<uint16_t>(reader.bits(16));
  if (data.size() == DependencyDescriptor::kSizeMin) return head;
  descriptor.has_structure = reader.flag();
  head.fields = {.has_active_targets = reader.flag(),
                 .own_indications = reader.flag(),
                 .own_references = reader.flag()};
  reader.skip(1);  // own differences to the chains, which come last
  if (descriptor.has_structure) {
    if (!descriptor.starts_frame) return unexpected(ParseError::kMalformed);
    DependencyStructure& structure = head.structure.emplace();
    if (!structure.read(reader)) return unexpected(ParseError::kMalformed);
    head.mask_at = static_cast<uint16_t>(reader.position());
    descriptor.decode_targets = structure.target_count;
    descriptor.templates = static_cast<uint8_t>(structure.templates.size());
    descriptor.width = structure.width;
    descriptor.height = structure.height;
  }
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  return head;
}

// Writes bits one after the other from `at` on, the start of a byte.
class BitCopier {
 public:
  BitCopier(MutableBytes room, size_t at) : room_(room), at_(at) {}
  void bit(bool value) {
    if (at_ % 8 == 0) room_[at_ / 8] = 0;
    if (value) room_[at_ / 8] |= static_cast<uint8_t>(0x80 >> at_ % 8);
    ++at_;
  }
  size_t size() const { return (at_ + 7) / 8; }

 private:
  MutableBytes room_;
  size_t at_;
};

// frame_fdiffs().
void read_references(BitReader& reader, LayerInfo& frame) {
  frame.reference_count = 0;
  for (uint32_t size = reader.bits(2); size > 0 && reader.ok(); size = reader.bits(2)) {
    const auto back = static_cast<uint16_t>(reader.bits(static_cast<int>(4 * size)) + 1);
    if (frame.reference_count < LayerInfo::kReferencesMax) {
      frame.references[frame.reference_count] = back;
    }
    if (frame.reference_count <= LayerInfo::kReferencesMax) ++frame.reference_count;
  }
}

bool bit_of(Bytes bytes, size_t at) { return (bytes[at / 8] >> (7 - at % 8) & 1) != 0; }

}  // namespace

//      0                   1                   2
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//     +-+-+-----------+-------------------------------+
//     |S|E| template  |         frame number          |
//     +-+-+-+-+-+-----+-------------------------------+
//     |T|A|D|F|C|  then what the flags announce: template structure, active decode targets, ...
//     +-+-+-+-+-+
Expected<DependencyDescriptor, ParseError> DependencyDescriptor::parse(Bytes data) {
  BitReader reader(data);
  const auto head = read_head(data, reader);
  if (!head) return unexpected(head.error());
  if (head->descriptor.has_structure && head->fields.has_active_targets) {
    reader.skip(head->descriptor.decode_targets);
    if (!reader.ok()) return unexpected(ParseError::kTooShort);
  }
  return head->descriptor;
}

Expected<DependencyDescriptor, ParseError> DependencyReader::read(Bytes data, LayerInfo& info) {
  BitReader reader(data);
  auto head = read_head(data, reader);
  if (!head) return unexpected(head.error());
  const DependencyDescriptor& descriptor = head->descriptor;
  const FrameFields& fields = head->fields;
  uint32_t mask = 0;
  if (fields.has_active_targets) {
    const bool has_own = descriptor.has_structure;
    mask = reader.bits(has_own      ? descriptor.decode_targets
                       : structure_ ? structure_->target_count
                                    : 0);
    if (has_own && !reader.ok()) return unexpected(ParseError::kTooShort);
  }
  if (head->structure) keep(std::move(*head->structure), descriptor.frame_number);
  const DependencyStructure* structure = this->structure();
  const auto* found = structure != nullptr ? structure->find(descriptor.template_id) : nullptr;
  const bool is_late = found == nullptr && before_;
  if (is_late) {
    structure = &*before_;
    found = structure->find(descriptor.template_id);
  }
  info.layering = Layering::kUnknown;
  if (found == nullptr) return descriptor;

  LayerInfo frame{.layering = Layering::kDependencies,
                  .spatial = found->spatial,
                  .temporal = found->temporal,
                  .starts_frame = descriptor.starts_frame,
                  .ends_frame = descriptor.ends_frame,
                  .structure = static_cast<uint8_t>(count_ - (is_late ? 1 : 0)),
                  .reference_count = found->reference_count,
                  .mask_at = head->mask_at,
                  .indications = found->indications,
                  .references = found->references};
  if (fields.own_indications) frame.indications = read_indications(reader, *structure);
  if (fields.own_references) read_references(reader, frame);
  if (!reader.ok()) return descriptor;
  frame.used_above = structure->is_used_above(frame);
  info = frame;
  if (fields.has_active_targets && !is_late) set_active(mask, descriptor.frame_number);
  return descriptor;
}

uint64_t DependencyReader::read_indications(BitReader& reader,
                                            const DependencyStructure& structure) {
  uint64_t indications = 0;
  for (int i = 0; i < structure.target_count; ++i) {
    indications |= uint64_t{reader.bits(2)} << (2 * i);
  }
  return indications;
}

void DependencyReader::set_active(uint32_t mask, uint16_t frame_number) {
  if (static_cast<int16_t>(frame_number - active_frame_) < 0) return;  // it came late
  active_ = mask;
  active_frame_ = frame_number;
}

void DependencyReader::keep(DependencyStructure structure, uint16_t frame_number) {
  // That of an older key frame, which came late.
  if (structure_ && static_cast<int16_t>(frame_number - structure_frame_) < 0) return;
  const bool is_again = structure_ && frame_number == structure_frame_;
  if (!is_again) before_ = std::move(structure_);
  structure_ = std::move(structure);
  structure_frame_ = frame_number;
  if (is_again) return;
  ++count_;
  active_ = structure_->all_targets();
  active_frame_ = frame_number;
}

size_t rewrite_descriptor(Bytes descriptor, uint16_t frame_number, const ActiveTargets& active,
                          MutableBytes room) {
  const size_t end = 8 * descriptor.size();
  const bool is_short = descriptor.size() == DependencyDescriptor::kSizeMin;
  const size_t needed = std::max<size_t>(end, kFlagsEnd) + active.count;
  if (active.count == 0 || 8 * room.size() < needed) {
    std::ranges::copy(descriptor, room.begin());
    store_be16(room.subspan(kFrameNumberAt).first<2>(), frame_number);
    return descriptor.size();
  }
  const size_t before = is_short ? end : active.mask_at;
  std::ranges::copy(descriptor.first(before / 8), room.begin());
  BitCopier copier(room, before / 8 * 8);
  for (size_t at = before / 8 * 8; at < before; ++at) copier.bit(bit_of(descriptor, at));
  for (size_t at = before; at < kFlagsEnd; ++at) copier.bit(false);
  for (int i = active.count - 1; i >= 0; --i) copier.bit((active.mask >> i & 1) != 0);
  const bool has_own = !is_short && (descriptor[kFlagsAt] & kHasActiveTargets) != 0;
  const size_t after = before + (has_own ? active.count : 0u);
  for (size_t at = after; at < end; ++at) copier.bit(bit_of(descriptor, at));
  room[kFlagsAt] |= kHasActiveTargets;
  store_be16(room.subspan(kFrameNumberAt).first<2>(), frame_number);
  return copier.size();
}

}  // namespace simpul::rtp
