#include "connection/media_sender.h"

#include <algorithm>
#include <array>

#include "base/byte_writer.h"
#include "rtp/dependency_descriptor.h"
#include "rtp/header_extensions.h"

namespace simpul::connection {
namespace {

constexpr size_t kFixedSize = 12 + 4;  // with the one CSRC
constexpr uint8_t kPaddingBit = 0x20;
constexpr size_t kNumberSize = 2;
constexpr uint8_t kOneByteIdMax = 14;  // RFC 8285 §4.2

// The end of the run of packets that belong to one frame of one source, from `first` on.
size_t frame_end(std::span<const rtp::OutgoingPacket> packets, size_t first) {
  size_t end = first + 1;
  while (end < packets.size() && packets[end].ssrc == packets[first].ssrc &&
         packets[end].timestamp == packets[first].timestamp) {
    ++end;
  }
  return end;
}

// Whether the extensions of both are the same for whoever gets them, because none is the source's.
// Of most frames that is so for all packets but one.
bool have_same_extensions(const rtp::OutgoingPacket& a, const rtp::OutgoingPacket& b) {
  const auto tells = [](const rtp::OutgoingPacket& packet) {
    return packet.extensions != nullptr && packet.extensions->count > 0;
  };
  return a.ssrc == b.ssrc && !tells(a) && !tells(b);
}

// All but the extensions (RFC 3550 §5.1).
void write_fixed(const rtp::OutgoingPacket& packet, bool is_extended, MutableBytes room) {
  ByteWriter writer(room);
  writer.u8(is_extended ? 0x91 : 0x81);
  writer.u8(static_cast<uint8_t>((packet.marker ? 0x80 : 0) | packet.payload_type.value()));
  writer.u16(packet.sequence_number().value());
  writer.u32(packet.timestamp);
  writer.u32(packet.ssrc.value());
  writer.u32(packet.csrc);
}

bool has_room_for(rtp::ExtensionKind kind, const MediaConfig& config) {
  const uint8_t id = config.extensions.id(kind);
  return id != 0 && (id <= kOneByteIdMax || config.extension_forms == rtp::ExtensionForms::kMixed);
}

// Where the data of the first element of a block begins, which begins at `block`.
size_t first_data(Bytes header, size_t block) {
  const bool one_byte = load_be16(header.subspan(block).first<2>()) == rtp::kOneByteProfile;
  return block + 4 + (one_byte ? 1 : 2);
}

// The data of an extension that is passed on; empty when this receiver does not get it.
Bytes told_to_receiver(const rtp::OutgoingPacket& packet, const rtp::PassedExtension& passed,
                       RewrittenExtensions& rewritten) {
  const Bytes data = packet.source.subspan(passed.offset, passed.size);
  if (passed.kind == rtp::ExtensionKind::kDependencyDescriptor) {
    if (!packet.frame_number) return {};  // it could not be read
    return Bytes(rewritten.descriptor)
        .first(rtp::rewrite_descriptor(data, *packet.frame_number, packet.active_targets,
                                       rewritten.descriptor));
  }
  if (passed.kind == rtp::ExtensionKind::kAbsCaptureTime) {
    auto time = rtp::read_capture_time(data);
    if (!time) return {};
    // The clock that the receiver knows is ours, by our sender reports: to it the capture clock is
    // ahead by both steps together. Where one is unknown, so is the sum.
    if (time->clock_ahead && packet.clock_ahead) {
      time->clock_ahead = static_cast<int64_t>(static_cast<uint64_t>(*time->clock_ahead) +
                                               static_cast<uint64_t>(*packet.clock_ahead));
    } else {
      time->clock_ahead.reset();
    }
    return Bytes(rewritten.capture_time)
        .first(rtp::write_capture_time(*time, rewritten.capture_time));
  }
  return data;
}

// Numbers until the next one that is left out, by a generator whose outputs do not give its state
// away (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
uint32_t hole_distance(uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  mixed ^= mixed >> 31;
  constexpr uint64_t kRange = MediaSender::kHoleDistanceMax - MediaSender::kHoleDistanceMin + 1;
  return MediaSender::kHoleDistanceMin + static_cast<uint32_t>(mixed % kRange);
}

}  // namespace

MediaSender::MediaSender(const MediaConfig& config)
    : config_(config), holes_(config.hole_seed), protection_(config) {
  if (holes_ != 0) until_hole_ = hole_distance(holes_);
  const bool numbers = has_room_for(rtp::ExtensionKind::kTransportSequence, config);
  const bool times = has_room_for(rtp::ExtensionKind::kAbsSendTime, config);
  for (size_t line = 0; line < config.sending.size(); ++line) {
    const SendingLine& sending = config.sending[line];
    const bool carries = numbers && sending.transport_feedback;
    const Source source{.ssrc = sending.ssrc,
                        .line = line,
                        .is_rtx = false,
                        .numbered = carries || sending.congestion_feedback,
                        .carries_number = carries,
                        .carries_time = times && sending.send_times};
    numbers_ |= source.numbered;
    tells_time_ |= source.carries_time;
    sources_.push_back(source);
    if (const auto rtx = sending.rtx_ssrc) {
      sources_.push_back(source);
      sources_.back().ssrc = *rtx;
      sources_.back().is_rtx = true;
    }
    if (const auto& flexfec = sending.flexfec) {
      sources_.push_back(source);
      sources_.back().ssrc = flexfec->ssrc;
      sources_.back().known = true;  // by the answer, and there is no room for a MID
    }
  }
}

bool MediaSender::numbers_retransmissions() const {
  return std::ranges::any_of(sources_,
                             [](const Source& source) { return source.is_rtx && source.numbered; });
}

const MediaSender::Source* MediaSender::source_of(rtp::Ssrc ssrc) const {
  const auto found = std::ranges::find(sources_, ssrc, &Source::ssrc);
  return found == sources_.end() ? nullptr : &*found;
}

void MediaSender::source_is_known(rtp::Ssrc ssrc) {
  const auto found = std::ranges::find(sources_, ssrc, &Source::ssrc);
  if (found == sources_.end()) return;
  // A receiver that reports on the media knows the m-line, and its retransmissions with it.
  for (Source& source : sources_) {
    if (source.line == found->line) source.known = true;
  }
}

rtp::SequenceNumber MediaSender::take_number(bool may_follow_hole) {
  if (until_hole_ > 1) {
    --until_hole_;
  } else if (until_hole_ == 1 && may_follow_hole) {
    ++next_number_;
    until_hole_ = hole_distance(holes_);
  }
  return rtp::SequenceNumber(next_number_++);
}

void MediaSender::pad_frames(std::span<const rtp::OutgoingPacket> packets, Scratch& scratch) const {
  scratch.paddings_.assign(packets.size(), 0);
  if (!config_.pad_frames) return;
  for (size_t first = 0; first < packets.size();) {
    const size_t end = frame_end(packets, first);
    const Source* source = source_of(packets[first].ssrc);
    const auto size_of = [&](size_t i) {
      return scratch.headers_[i].size + packets[i].payload_size();
    };
    size_t largest = 0;
    for (size_t i = first; i < end; ++i) largest = std::max(largest, size_of(i));
    // The last of a run may be shorter as it is. Padding inside a retransmission is untried.
    const bool alone = end - first == 1 || source == nullptr || source->is_rtx;
    for (size_t i = first; !alone && i + 1 < end; ++i) {
      const size_t missing = largest - size_of(i);
      if (missing <= kPaddingMax) scratch.paddings_[i] = static_cast<uint8_t>(missing);
    }
    first = end;
  }
}

void MediaSender::write_header(const rtp::OutgoingPacket& packet, Header& header,
                               Scratch& scratch) const {
  auto& elements = scratch.elements_;
  size_t count = 0;
  const Source* source = source_of(packet.ssrc);
  // Comes first, so that it is found again: the number is given when the packet has its place.
  constexpr std::array<uint8_t, kNumberSize> kNumber{};
  const bool carries_number = source != nullptr && source->carries_number;
  if (carries_number) {
    elements[count++] = {config_.extensions.id(rtp::ExtensionKind::kTransportSequence), kNumber};
  }
  header.carries_time = source != nullptr && source->carries_time;
  if (header.carries_time) {
    elements[count++] = {config_.extensions.id(rtp::ExtensionKind::kAbsSendTime), send_time_};
  }
  const uint8_t mid_id = config_.extensions.id(rtp::ExtensionKind::kMid);
  if (mid_id != 0 && source != nullptr && !source->known) {
    elements[count++] = {mid_id, as_bytes(config_.sending[source->line].mid)};
  }
  size_t size = 2 + kNumberSize + 2 + rtp::kSendTimeSize + 2 + rtp::kMidSizeMax;
  for (size_t i = 0; packet.extensions != nullptr && i < packet.extensions->count; ++i) {
    const rtp::PassedExtension& passed = packet.extensions->items[i];
    const uint8_t id = config_.extensions.id(passed.kind);
    if (id == 0) continue;
    const Bytes data = told_to_receiver(packet, passed, scratch.rewritten_);
    if (data.empty()) continue;
    size += 2 + data.size();
    if (size > kExtensionsMax) break;
    elements[count++] = {id, data};
  }
  const MutableBytes room = header.bytes;
  const size_t extension =
      count == 0 ? 0
                 : rtp::write_extensions(std::span(elements).first(count), room.subspan(kFixedSize),
                                         config_.extension_forms);
  write_fixed(packet, extension > 0, room);
  header.size = kFixedSize + extension;
  header.number_at = carries_number && extension > 0 ? first_data(room, kFixedSize) : 0;
  header.is_numbered = source != nullptr && source->numbered;
  const bool by_own_number = header.is_numbered && !carries_number;
  header.may_follow_hole = header.is_numbered && (carries_number || source->is_rtx);
  header.renumbered =
      by_own_number && source->is_rtx ? static_cast<size_t>(source - sources_.data()) + 1 : 0;
}

void MediaSender::put(const rtp::OutgoingPacket& packet, const Header& header, uint8_t padding,
                      const Place& place, size_t overhead, Scratch& scratch) {
  const size_t size = header.size + packet.payload_size() + padding + overhead;
  const MutableBytes destination = place(size);
  if (destination.empty()) return;
  std::copy_n(header.bytes.begin(), header.size, destination.begin());
  if (padding > 0) destination[0] |= kPaddingBit;
  scratch.bytes_ += size;
  scratch.timed_bytes_ += header.carries_time ? size : 0;
  uint64_t index = packet.index;
  if (header.is_numbered) {
    const uint16_t next = next_number_;
    const rtp::SequenceNumber number = take_number(header.may_follow_hole);
    const bool follows_hole = number.value() != next && header.renumbered != 0;
    if (header.renumbered != 0) {
      Source& source = sources_[header.renumbered - 1];
      if (follows_hole) ++source.left_out;
      index += source.left_out;
      store_be16(destination.subspan<2, 2>(), static_cast<uint16_t>(index));
    }
    if (header.number_at != 0) {
      store_be16(destination.subspan(header.number_at).first<2>(), number.value());
    }
    NumberedPacket& numbered = scratch.numbered_.emplace_back();
    numbered.transport_sequence = number;
    numbered.size = size;
    numbered.ssrc = packet.ssrc;
    numbered.sequence = rtp::SequenceNumber(static_cast<uint16_t>(index));
    numbered.follows_hole = follows_hole;
  }
  // Written where it stays: what is made elsewhere in parts is waited for when it is copied.
  dtls::RtpToSeal& job = scratch.jobs_.emplace_back();
  job.destination = destination;
  job.header_size = header.size;
  job.head = Bytes(packet.head).first(packet.head_size);
  job.body = packet.body;
  job.padding = padding;
  job.index = index;
}

void MediaSender::put_parities(const Place& place, size_t overhead, Scratch& scratch) {
  Parities& parities = scratch.parities_;
  protection_.end_burst(parities);
  for (size_t i = 0; i < parities.payloads.size(); ++i) {
    const rtp::OutgoingPacket packet = protection_.packet_of(parities, i);
    Header header;
    write_header(packet, header, scratch);
    put(packet, header, 0, place, overhead, scratch);
  }
}

void MediaSender::seal(std::span<const rtp::OutgoingPacket> packets, dtls::SrtpSender& srtp,
                       const Place& place, Scratch& scratch) {
  auto& headers = scratch.headers_;
  if (headers.size() < packets.size()) headers.resize(packets.size());
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i == 0 || !have_same_extensions(packets[i - 1], packets[i])) {
      write_header(packets[i], headers[i], scratch);
      continue;
    }
    const Header& before = headers[i - 1];
    headers[i].size = before.size;
    headers[i].number_at = before.number_at;
    headers[i].is_numbered = before.is_numbered;
    headers[i].carries_time = before.carries_time;
    headers[i].may_follow_hole = before.may_follow_hole;
    headers[i].renumbered = before.renumbered;
    std::copy(before.bytes.begin() + kFixedSize, before.bytes.begin() + before.size,
              headers[i].bytes.begin() + kFixedSize);
    write_fixed(packets[i], before.size > kFixedSize, headers[i].bytes);
  }
  pad_frames(packets, scratch);
  scratch.jobs_.clear();
  scratch.numbered_.clear();
  scratch.bytes_ = scratch.timed_bytes_ = 0;
  scratch.parities_.payloads.clear();
  scratch.parities_.lines.clear();
  for (size_t i = 0; i < packets.size(); ++i) {
    const rtp::OutgoingPacket& packet = packets[i];
    const auto padding = static_cast<uint8_t>(scratch.paddings_[i] + packet.padding);
    put(packet, headers[i], padding, place, srtp.overhead(), scratch);
    if (protection_.is_on()) {
      protection_.add(packet, Bytes(headers[i].bytes).first(headers[i].size), padding,
                      scratch.parities_);
    }
  }
  if (protection_.is_on()) put_parities(place, srtp.overhead(), scratch);
  srtp.begin_seal(scratch.jobs_, scratch.tags_);
}

}  // namespace simpul::connection
