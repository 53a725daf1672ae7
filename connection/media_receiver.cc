#include "connection/media_receiver.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "rtp/header_extensions.h"
#include "rtp/red.h"
#include "rtp/rtcp_writer.h"
#include "rtp/rtx.h"

namespace simpul::connection {
namespace {

using RtcpBuffer = std::array<uint8_t, rtp::kRtcpSizeMax>;

void append(const rtp::RtcpWriter& writer, std::vector<std::vector<uint8_t>>& packets) {
  if (writer.size() == 0) return;
  const Bytes written = writer.written();
  packets.emplace_back(written.begin(), written.end());
}

const ReceivedCodec* codec_with(const ReceivingLine& line, rtp::PayloadType payload_type,
                                bool is_rtx) {
  const auto found = std::ranges::find_if(line.codecs, [&](const ReceivedCodec& codec) {
    return is_rtx ? codec.rtx_payload_type == payload_type : codec.payload_type == payload_type;
  });
  return found == line.codecs.end() ? nullptr : &*found;
}

bool has_rtx(const ReceivingLine& line, rtp::PayloadType payload_type) {
  return codec_with(line, payload_type, true) != nullptr;
}

// The values of a packet's routing extensions, empty when absent.
struct RoutingExtensions {
  std::string_view mid;
  std::string_view rid;
  std::string_view repaired_rid;
};

RoutingExtensions routing_of(const rtp::PacketView& view, const rtp::ExtensionMap& ids) {
  RoutingExtensions found;
  rtp::ExtensionReader reader(view.extension_profile(), view.extension());
  while (const auto element = reader.next()) {
    const auto kind = ids.kind(element->id);
    if (kind == rtp::ExtensionKind::kMid) {
      found.mid = rtp::read_mid(element->data).value_or("");
    } else if (kind == rtp::ExtensionKind::kRid) {
      found.rid = rtp::read_rid(element->data).value_or("");
    } else if (kind == rtp::ExtensionKind::kRepairedRid) {
      found.repaired_rid = rtp::read_rid(element->data).value_or("");
    }
  }
  return found;
}

// RED may be of the type that was agreed on only: not of anything else, nor of itself.
bool is_sound(const rtp::CodecFormat& format, Bytes payload) {
  if (format.codec != rtp::Codec::kRed || payload.empty()) return true;
  const auto red = rtp::RedPayload::parse(payload);
  return red && red->block_type.value() == format.profile;
}

std::optional<uint8_t> layer_named(const ReceivingLine& line, std::string_view rid) {
  const auto found = std::ranges::find(line.rids, rid);
  if (found == line.rids.end()) return std::nullopt;
  return static_cast<uint8_t>(found - line.rids.begin());
}

}  // namespace

MediaReceiver::MediaReceiver(const MediaConfig& config, rtp::Ssrc own_ssrc)
    : config_(config),
      own_ssrc_(own_ssrc),
      policers_(config.receiving.size(), IngressPolicer(config.bitrate_max)) {}

std::optional<ReceivedMedia> MediaReceiver::receive(PacketRef packet, const rtp::PacketView& view,
                                                    TimePoint now) {
  ReceivedStream* stream = find_or_bind(view, now);
  const auto* codec = stream == nullptr ? nullptr
                                        : codec_with(config_.receiving[stream->id.line],
                                                     view.payload_type(), stream->is_rtx);
  if (codec == nullptr) {
    ++ignored_;
    return std::nullopt;
  }
  if (next_report_ == kNever) next_report_ = now + kReportInterval;
  stream->last_packet = now;
  stream->ended = false;
  note_arrival(*stream, view, now);
  stream->statistics.on_packet(view.sequence_number(), view.timestamp(), packet->size, now);
  auto media = unwrap(view, stream->is_rtx);
  if (!media) return std::nullopt;
  media->format = codec->format;
  if (!is_sound(codec->format, view.payload())) return std::nullopt;
  const LayerId id = stream->id;
  // A retransmission counts for the stream that it repairs, once that one is known.
  ReceivedStream* primary = stream->is_rtx ? primary_of(id) : stream;
  if (primary == nullptr) return std::nullopt;
  if (stream->is_rtx && !primary->gaps.follows(media->sequence_number)) return std::nullopt;
  media->ssrc = primary->ssrc;
  if (stream->is_rtx) {
    const auto asked = primary->gaps.asked_at(media->sequence_number);
    if (asked) round_trip_sample_ = now - *asked;
  }
  const auto arrival = primary->gaps.on_packet(media->sequence_number, now);
  if (primary->gaps.wants_key_frame()) request_key_frame(id);
  if (arrival == rtp::Arrival::kDuplicate || arrival == rtp::Arrival::kTooOld) return std::nullopt;
  // Only now, so that what is dropped is not asked for again.
  if (!policers_[id.line].admit(packet->size, now)) {
    ++over_rate_;
    return std::nullopt;
  }
  read_extensions(view, packet->data(), *media);
  media->packet = std::move(packet);
  return ReceivedMedia{id, std::move(*media)};
}

std::optional<rtp::MediaPacket> MediaReceiver::unwrap(const rtp::PacketView& view, bool is_rtx) {
  rtp::MediaPacket media;
  media.payload_offset = static_cast<uint16_t>(view.header_size());
  media.payload_size = static_cast<uint16_t>(view.payload().size());
  media.sequence_number = view.sequence_number();
  media.timestamp = view.timestamp();
  media.marker = view.marker();
  if (!is_rtx) return media;
  const auto rtx = rtp::unwrap_rtx(view.payload());
  if (!rtx) return std::nullopt;  // a probe of padding alone
  media.sequence_number = rtx->original;
  media.payload_offset = static_cast<uint16_t>(media.payload_offset + rtp::kRtxHeadSize);
  media.payload_size = static_cast<uint16_t>(rtx->payload.size());
  return media;
}

ReceivedStream* MediaReceiver::stream_of(rtp::Ssrc ssrc) {
  if (last_found_ < streams_.size() && streams_[last_found_].ssrc == ssrc) {
    return &streams_[last_found_];
  }
  for (size_t i = 0; i < streams_.size(); ++i) {
    if (streams_[i].ssrc != ssrc) continue;
    last_found_ = i;
    return &streams_[i];
  }
  return nullptr;
}

ReceivedStream* MediaReceiver::find_or_bind(const rtp::PacketView& view, TimePoint now) {
  if (ReceivedStream* known = stream_of(view.ssrc())) return known;
  const auto where = route(view);
  if (!where) return nullptr;
  const ReceivingLine& line = config_.receiving[where->id.line];
  const auto* codec = codec_with(line, view.payload_type(), where->is_rtx);
  if (codec == nullptr) return nullptr;
  // A new SSRC for a layer that has one: the sender started over; the old source is dropped.
  const auto old = std::ranges::find_if(streams_, [&](const ReceivedStream& stream) {
    return stream.id == where->id && stream.is_rtx == where->is_rtx;
  });
  if (old != streams_.end()) {
    if (!old->ended && now - old->last_packet < kSourceSilence) return nullptr;
    streams_.erase(old);
  }
  if (streams_.size() >= kStreamsMax) return nullptr;
  streams_.push_back({.ssrc = view.ssrc(),
                      .id = where->id,
                      .is_rtx = where->is_rtx,
                      .statistics = rtp::ReceiveStatistics(view.ssrc(), codec->clock_rate),
                      .gaps = rtp::NackTracker(),
                      .asks_again = codec->nack && !where->is_rtx});
  if (round_trip_) streams_.back().gaps.set_round_trip(*round_trip_);
  last_found_ = streams_.size() - 1;
  return &streams_.back();
}

std::optional<MediaReceiver::Route> MediaReceiver::route(const rtp::PacketView& view) const {
  if (auto found = route_by_extensions(view)) return found;
  if (auto found = route_by_announcement(view.ssrc())) return found;
  return route_by_payload_type(view.payload_type());
}

std::optional<MediaReceiver::Route> MediaReceiver::route_by_announcement(rtp::Ssrc ssrc) const {
  for (size_t line = 0; line < config_.receiving.size(); ++line) {
    const ReceivingLine& receiving = config_.receiving[line];
    const auto& sources = receiving.sources;
    for (size_t i = 0; i < std::min(sources.size(), receiving.layer_count()); ++i) {
      const LayerId id{static_cast<uint8_t>(line), static_cast<uint8_t>(i)};
      if (sources[i].ssrc == ssrc) return Route{id, false};
      if (sources[i].rtx_ssrc == ssrc) return Route{id, true};
    }
  }
  return std::nullopt;
}

std::optional<MediaReceiver::Route> MediaReceiver::route_by_extensions(
    const rtp::PacketView& view) const {
  const RoutingExtensions found = routing_of(view, config_.extensions);
  if (found.mid.empty() && found.rid.empty() && found.repaired_rid.empty()) return std::nullopt;
  for (size_t i = 0; i < config_.receiving.size(); ++i) {
    const ReceivingLine& line = config_.receiving[i];
    if (!found.mid.empty() && line.mid != found.mid) continue;
    const bool is_rtx = has_rtx(line, view.payload_type());
    if (line.rids.empty()) {
      if (found.mid.empty()) continue;
      return Route{{static_cast<uint8_t>(i), 0}, is_rtx};
    }
    const auto layer = layer_named(line, is_rtx ? found.repaired_rid : found.rid);
    if (layer) return Route{{static_cast<uint8_t>(i), *layer}, is_rtx};
  }
  return std::nullopt;
}

std::optional<MediaReceiver::Route> MediaReceiver::route_by_payload_type(
    rtp::PayloadType payload_type) const {
  std::optional<Route> found;
  for (size_t i = 0; i < config_.receiving.size(); ++i) {
    const ReceivingLine& line = config_.receiving[i];
    const bool is_rtx = has_rtx(line, payload_type);
    if (!is_rtx && codec_with(line, payload_type, false) == nullptr) continue;
    if (found || !line.rids.empty()) return std::nullopt;  // ambiguous
    found = Route{{static_cast<uint8_t>(i), 0}, is_rtx};
  }
  return found;
}

ReceivedStream* MediaReceiver::primary_of(LayerId id) {
  const auto found = std::ranges::find_if(
      streams_, [&](const ReceivedStream& stream) { return stream.id == id && !stream.is_rtx; });
  return found == streams_.end() ? nullptr : &*found;
}

const ReceivedStream* MediaReceiver::primary_of(LayerId id) const {
  const auto found = std::ranges::find_if(
      streams_, [&](const ReceivedStream& stream) { return stream.id == id && !stream.is_rtx; });
  return found == streams_.end() ? nullptr : &*found;
}

void MediaReceiver::read_extensions(const rtp::PacketView& view, Bytes packet,
                                    rtp::MediaPacket& media) const {
  rtp::ExtensionReader reader(view.extension_profile(), view.extension());
  auto& passed = media.extensions;
  while (const auto element = reader.next()) {
    const auto kind = config_.extensions.kind(element->id);
    if (!kind || !rtp::is_passed_on(*kind)) continue;
    if (passed.find(*kind) != nullptr || passed.count == rtp::PassedExtensions::kMax) continue;
    passed.items[passed.count++] = {
        .kind = *kind,
        .offset = static_cast<uint16_t>(element->data.data() - packet.data()),
        .size = static_cast<uint8_t>(element->data.size())};
  }
}

void MediaReceiver::note_arrival(const ReceivedStream& stream, const rtp::PacketView& view,
                                 TimePoint now) {
  if (!config_.receiving[stream.id.line].transport_feedback) return;
  const uint8_t id = config_.extensions.id(rtp::ExtensionKind::kTransportSequence);
  if (id == 0) return;
  rtp::ExtensionReader reader(view.extension_profile(), view.extension());
  while (const auto element = reader.next()) {
    if (element->id != id) continue;
    if (const auto number = rtp::read_transport_sequence(element->data)) {
      feedback_.on_packet(rtp::SequenceNumber(*number), now);
      feedback_media_ = view.ssrc();
    }
    return;
  }
}

std::optional<ReceivedSenderReport> MediaReceiver::receive_sender_report(
    const rtp::SenderInfo& sender, TimePoint now) {
  ReceivedStream* stream = stream_of(sender.ssrc);
  if (stream == nullptr) return std::nullopt;
  stream->statistics.on_sender_report(sender.ntp_time, now);
  if (stream->is_rtx) return std::nullopt;
  return ReceivedSenderReport{stream->id, sender.ntp_time, sender.rtp_timestamp};
}

void MediaReceiver::receive_bye(rtp::Ssrc ssrc) {
  ReceivedStream* stream = stream_of(ssrc);
  if (stream == nullptr) return;
  stream->statistics = rtp::ReceiveStatistics(ssrc, stream->statistics.clock_rate());
  stream->gaps = rtp::NackTracker();
  stream->ended = true;
}

void MediaReceiver::request_key_frame(LayerId id) {
  if (std::ranges::find(key_frames_wanted_, id) == key_frames_wanted_.end()) {
    key_frames_wanted_.push_back(id);
  }
}

void MediaReceiver::set_round_trip(Duration round_trip) {
  round_trip_ = round_trip;
  for (ReceivedStream& stream : streams_) stream.gaps.set_round_trip(round_trip);
}

void MediaReceiver::write_due(TimePoint now, std::vector<std::vector<uint8_t>>& packets) {
  write_key_frame_requests(packets);
  write_nacks(now, packets);
  write_feedback(now, packets);
  if (now >= next_report_) {
    write_reports(now, packets);
    next_report_ = now + kReportInterval;
  }
}

void MediaReceiver::write_key_frame_requests(std::vector<std::vector<uint8_t>>& packets) {
  if (key_frames_wanted_.empty()) return;
  RtcpBuffer buffer;
  rtp::RtcpWriter writer(buffer);
  begin_feedback(writer);
  const size_t head = writer.size();
  std::erase_if(key_frames_wanted_, [&](LayerId id) {
    const ReceivedStream* primary = primary_of(id);
    if (primary == nullptr) return false;  // asked for as soon as its first packet tells the SSRC
    const auto& codecs = config_.receiving[id.line].codecs;
    if (std::ranges::any_of(codecs, &ReceivedCodec::pli)) {
      writer.pli(own_ssrc_, primary->ssrc);
    } else if (std::ranges::any_of(codecs, &ReceivedCodec::fir)) {
      const rtp::FirEntry entry{primary->ssrc, fir_number_++};
      writer.fir(own_ssrc_, std::span(&entry, 1));
    }
    return true;
  });
  if (writer.size() > head) append(writer, packets);
}

// Without RFC 5506 a compound has a report and a CNAME first (RFC 3550 §6.1).
void MediaReceiver::begin_feedback(rtp::RtcpWriter& writer) const {
  if (config_.reduced_size_rtcp) return;
  writer.receiver_report(own_ssrc_, {});
  writer.cname(own_ssrc_, config_.cname);
}

void MediaReceiver::write_nacks(TimePoint now, std::vector<std::vector<uint8_t>>& packets) {
  for (ReceivedStream& stream : streams_) {
    if (!stream.asks_again || stream.gaps.next_deadline() > now) continue;
    missing_.clear();
    const size_t given_up = stream.gaps.collect_due(now, missing_);
    if (given_up > 0) request_key_frame(stream.id);
    std::span<const rtp::SequenceNumber> rest = missing_;
    while (!rest.empty()) {
      RtcpBuffer buffer;
      rtp::RtcpWriter writer(buffer);
      begin_feedback(writer);
      const size_t written = writer.nack(own_ssrc_, stream.ssrc, rest);
      if (written == 0) break;
      append(writer, packets);
      rest = rest.subspan(written);
    }
  }
}

void MediaReceiver::write_feedback(TimePoint now, std::vector<std::vector<uint8_t>>& packets) {
  if (feedback_.next_deadline() > now) return;
  while (true) {
    RtcpBuffer buffer;
    rtp::RtcpWriter writer(buffer);
    begin_feedback(writer);
    if (!feedback_.write_due(now, own_ssrc_, feedback_media_, writer)) return;
    append(writer, packets);
  }
}

void MediaReceiver::write_reports(TimePoint now, std::vector<std::vector<uint8_t>>& packets) {
  std::vector<rtp::ReportBlock> blocks;
  for (ReceivedStream& stream : streams_) {
    if (const auto block = stream.statistics.make_report(now)) blocks.push_back(*block);
  }
  std::span<const rtp::ReportBlock> rest = blocks;
  while (!rest.empty()) {
    RtcpBuffer buffer;
    rtp::RtcpWriter writer(buffer);
    const size_t count = std::min<size_t>(rest.size(), 31);
    writer.receiver_report(own_ssrc_, rest.first(count));
    writer.cname(own_ssrc_, config_.cname);
    append(writer, packets);
    rest = rest.subspan(count);
  }
}

TimePoint MediaReceiver::next_deadline() const {
  TimePoint next = std::min(next_report_, feedback_.next_deadline());
  for (const ReceivedStream& stream : streams_) {
    if (stream.asks_again) next = std::min(next, stream.gaps.next_deadline());
  }
  for (const LayerId id : key_frames_wanted_) {
    if (primary_of(id) != nullptr) return TimePoint::min();
  }
  return next;
}

double MediaReceiver::loss_of(LayerId id) const {
  const ReceivedStream* stream = primary_of(id);
  return stream == nullptr ? 0 : stream->statistics.loss();
}

}  // namespace simpul::connection
