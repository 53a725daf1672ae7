#include "bench/load/viewer_media.h"

#include <algorithm>
#include <array>

#include "bench/peer/peer.h"
#include "rtp/rtcp_writer.h"
#include "rtp/rtx.h"

namespace simpul::load {
namespace {

constexpr uint32_t kAudioClock = 48'000;
constexpr uint32_t kVideoClock = 90'000;

using RtcpBuffer = std::array<uint8_t, rtp::kRtcpSizeMax>;

}  // namespace

MediaCounts& MediaCounts::operator+=(const MediaCounts& other) {
  packets += other.packets;
  bytes += other.bytes;
  repaired += other.repaired;
  duplicates += other.duplicates;
  reordered += other.reordered;
  corrupt += other.corrupt;
  return *this;
}

ViewerMedia::Source& ViewerMedia::source_of(uint32_t ssrc) {
  const auto found = std::ranges::find(sources_, ssrc, &Source::ssrc);
  if (found != sources_.end()) return *found;
  sources_.push_back({.ssrc = ssrc});
  return sources_.back();
}

ViewerMedia::Stream& ViewerMedia::stream_of(const rtp::PacketView& view, bool is_video) {
  const auto found = std::ranges::find(streams_, view.ssrc(), &Stream::ssrc);
  if (found != streams_.end()) return *found;
  streams_.push_back(
      {.ssrc = view.ssrc(),
       .is_video = is_video,
       .statistics = rtp::ReceiveStatistics(view.ssrc(), is_video ? kVideoClock : kAudioClock)});
  return streams_.back();
}

std::optional<peer::MediaStamp> ViewerMedia::receive(const rtp::PacketView& view, size_t size,
                                                     TimePoint now) {
  counts_.bytes += size;
  if (next_report_ == kNever) next_report_ = now + kReportInterval;
  const bool is_repair = view.payload_type() == peer::kRtxPayloadType;
  const bool is_video = is_repair || view.payload_type() == peer::kVp8PayloadType;
  Bytes payload = view.payload();
  if (is_repair) {
    const auto rtx = rtp::unwrap_rtx(payload);
    if (!rtx) return std::nullopt;  // a probe
    const auto repaired = std::ranges::find(streams_, true, &Stream::is_video);
    if (repaired != streams_.end()) repaired->gaps.on_packet(rtx->original, now);
    payload = rtx->payload;
  } else {
    Stream& stream = stream_of(view, is_video);
    stream.statistics.on_packet(view.sequence_number(), view.timestamp(), size, now);
    stream.gaps.on_packet(view.sequence_number(), now);
  }
  const auto stamp = peer::read_stamp(payload, is_video);
  if (!stamp) {
    ++counts_.corrupt;
    return std::nullopt;
  }
  Source& source = source_of(stamp->source);
  const uint32_t newest = source.newest.value_or(stamp->number);
  const bool is_late = stamp->number < newest;
  const bool is_measured = source.measured && stamp->number >= source.measured_from;
  if (is_late ? newest - stamp->number >= kWindow || source.seen.test(stamp->number % kWindow)
              : source.newest == stamp->number) {
    counts_.duplicates += is_measured;
    return std::nullopt;
  }
  for (uint32_t number = newest + 1; number < stamp->number; ++number) {
    source.seen.reset(number % kWindow);
    if (number - newest > kWindow) break;
  }
  source.seen.set(stamp->number % kWindow);
  source.newest = std::max(newest, stamp->number);
  if (is_measured) {
    ++counts_.packets;
    counts_.repaired += is_repair;
    counts_.reordered += is_late && !is_repair;
  }
  if (is_video) note_frame(*stamp, view.timestamp(), now);
  if (!video_ && !first_frame_at_) first_frame_at_ = now;
  return stamp;
}

void ViewerMedia::note_frame(const peer::MediaStamp& stamp, uint32_t timestamp, TimePoint now) {
  if (first_frame_at_ || !stamp.key_frame) return;
  if (frame_packets_ == 0 || timestamp != frame_timestamp_) {
    frame_timestamp_ = timestamp;
    frame_packets_ = 0;
  }
  if (++frame_packets_ == stamp.frame_packets) first_frame_at_ = now;
}

void ViewerMedia::measure(uint32_t source, uint32_t number) {
  Source& measured = source_of(source);
  measured.measured = true;
  measured.measured_from = number;
  counts_ = {};
}

void ViewerMedia::write_due(TimePoint now, std::vector<std::vector<uint8_t>>& packets) {
  for (Stream& stream : streams_) {
    if (stream.is_video && stream.gaps.next_deadline() <= now) write_nacks(stream, now, packets);
  }
  if (now < next_report_) return;
  next_report_ = now + kReportInterval;
  std::vector<rtp::ReportBlock> blocks;
  for (Stream& stream : streams_) {
    if (const auto block = stream.statistics.make_report(now)) blocks.push_back(*block);
  }
  RtcpBuffer buffer;
  rtp::RtcpWriter writer(buffer);
  writer.receiver_report(own_ssrc_, blocks);
  writer.cname(own_ssrc_, "simpul-load");
  packets.emplace_back(writer.written().begin(), writer.written().end());
}

void ViewerMedia::write_nacks(Stream& stream, TimePoint now,
                              std::vector<std::vector<uint8_t>>& packets) {
  missing_.clear();
  stream.gaps.collect_due(now, missing_);
  std::span<const rtp::SequenceNumber> rest = missing_;
  while (!rest.empty()) {
    RtcpBuffer buffer;
    rtp::RtcpWriter writer(buffer);
    const size_t written = writer.nack(own_ssrc_, stream.ssrc, rest);
    if (written == 0) return;
    packets.emplace_back(writer.written().begin(), writer.written().end());
    rest = rest.subspan(written);
  }
}

}  // namespace simpul::load
