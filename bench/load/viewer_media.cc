#include "bench/load/viewer_media.h"

#include <algorithm>
#include <array>

#include "rtp/header_extensions.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtx.h"

namespace simpul::load {
namespace {

constexpr uint32_t kAudioClock = 48'000;
constexpr uint32_t kVideoClock = 90'000;
// A stream is flowing when its last packet is younger than that.
constexpr Duration kFlowing = std::chrono::milliseconds(200);

using RtcpBuffer = std::array<uint8_t, rtp::kRtcpSizeMax>;
using Packets = std::vector<std::vector<uint8_t>>;

void append(const rtp::RtcpWriter& writer, Packets& packets) {
  packets.emplace_back(writer.written().begin(), writer.written().end());
}

// Sound is not asked for again: what is missing of it is only told.
rtp::NackTracker::Limits limits_of(bool is_video) {
  rtp::NackTracker::Limits limits;
  if (!is_video) limits.missing_max = 0;
  return limits;
}

}  // namespace

MediaCounts& MediaCounts::operator+=(const MediaCounts& other) {
  packets += other.packets;
  bytes += other.bytes;
  repaired += other.repaired;
  duplicates += other.duplicates;
  repeated += other.repeated;
  reordered += other.reordered;
  corrupt += other.corrupt;
  expected += other.expected;
  return *this;
}

ViewerMedia::Source& ViewerMedia::source_of(uint32_t ssrc) {
  const auto found = std::ranges::find(sources_, ssrc, &Source::ssrc);
  if (found != sources_.end()) return *found;
  if (sources_.size() == kSourcesMax) {
    return *std::ranges::min_element(sources_, {}, &Source::heard) = {.ssrc = ssrc};
  }
  sources_.push_back({.ssrc = ssrc});
  return sources_.back();
}

// Null when there are too many.
ViewerMedia::Stream* ViewerMedia::stream_of(rtp::Ssrc ssrc, bool is_video) {
  const auto found = std::ranges::find(streams_, ssrc, &Stream::ssrc);
  if (found != streams_.end()) return &*found;
  if (streams_.size() == kStreamsMax) return nullptr;
  streams_.push_back(
      {.ssrc = ssrc,
       .is_video = is_video,
       .statistics = rtp::ReceiveStatistics(ssrc, is_video ? kVideoClock : kAudioClock),
       .gaps = rtp::NackTracker(limits_of(is_video))});
  return &streams_.back();
}

// The stream that shows the same track, or else the first one.
ViewerMedia::Stream* ViewerMedia::repaired_stream(uint32_t track) {
  Stream* first = nullptr;
  for (Stream& stream : streams_) {
    if (!stream.is_video) continue;
    if (stream.track == track) return &stream;
    if (first == nullptr) first = &stream;
  }
  return first;
}

void ViewerMedia::note_transport_number(const rtp::PacketView& view, TimePoint now) {
  rtp::ExtensionReader reader(view.extension_profile(), view.extension());
  while (const auto element = reader.next()) {
    if (element->id != peer::kTransportSequenceExtension) continue;
    const auto number = rtp::read_transport_sequence(element->data);
    if (!number) return;
    transport_.on_packet(rtp::SequenceNumber(*number), now);
    transport_media_ = view.ssrc();
    return;
  }
}

std::optional<peer::MediaStamp> ViewerMedia::receive(const rtp::PacketView& view, size_t size,
                                                     TimePoint now, bool decrypted) {
  counts_.bytes += size;
  ++heard_;
  if (next_report_ == kNever) next_report_ = now + kReportInterval;
  note_transport_number(view, now);
  const bool is_repair = peer::is_rtx(view.payload_type());
  const bool is_video = is_repair || peer::is_video(view.payload_type());
  const uint32_t track = view.csrcs().empty() ? 0 : view.csrcs()[0].value();
  Bytes payload = view.payload();
  std::optional<int64_t> number;
  Stream* stream = is_repair ? repaired_stream(track) : stream_of(view.ssrc(), is_video);
  if (stream == nullptr) return std::nullopt;
  if (is_repair) {
    const auto rtx = rtp::unwrap_rtx(payload);
    if (!rtx) return std::nullopt;  // a probe
    note_round_trip(*stream, rtx->original, now);
    number = note_arrival(*stream, rtx->original, true, now);
    payload = rtx->payload;
  } else {
    if (!is_video && stream->highest < 0) ++sounds_;
    stream->statistics.on_packet(view.sequence_number(), view.timestamp(), size, now);
    stream->track = track;
    stream->last_packet_at = now;
    number = note_arrival(*stream, view.sequence_number(), false, now);
    stream->is_listened = !decrypted;
  }
  if (stream->is_listened && is_video && number) {
    const auto before = stream->listened.first_frame_at();
    stream->listened.on_packet(*number, view.timestamp(), view.marker(), now);
    note_first_frame(before, stream->listened.first_frame_at());
  }
  // A probe, or the silence that ends a slot's sound, is nobody's. Of a stream that is not
  // decrypted its repairs alone would tell too much of delay.
  if (!decrypted || stream->is_listened || payload.empty() ||
      (!is_video && payload.size() < peer::kStampSize)) {
    return std::nullopt;
  }
  const auto stamp = peer::read_stamp(payload);
  if (!stamp) {
    ++counts_.corrupt;
    return std::nullopt;
  }
  if (!take_number(*stamp, is_repair)) return std::nullopt;
  if (is_video) note_picture(*stream, *stamp, track, now);
  return stamp;
}

void ViewerMedia::note_picture(Stream& stream, const peer::MediaStamp& stamp, uint32_t track,
                               TimePoint now) {
  peer::PictureWatch& picture = stream.picture;
  const auto before = picture.first_frame_at();
  const uint64_t changes = picture.changes();
  picture.on_packet(stamp, track, now);
  note_first_frame(before, picture.first_frame_at());
  const bool counts = picture.changes() != changes && !pictures_ended_;
  if (counts && switches_.size() < kSwitchesMax) switches_.push_back(picture.last_change()->gap);
}

void ViewerMedia::note_first_frame(std::optional<TimePoint> before,
                                   std::optional<TimePoint> after) {
  if (before || !after) return;
  ++pictures_;
  if (!first_frame_at_) first_frame_at_ = after;
}

// By the relay's sequence numbers.
std::optional<int64_t> ViewerMedia::note_arrival(Stream& stream, rtp::SequenceNumber number,
                                                 bool is_repair, TimePoint now) {
  const rtp::Arrival arrival = stream.gaps.on_packet(number, now);
  const int64_t before = stream.highest;
  const int64_t unwrapped =
      before < 0 ? int64_t{number.value()} + 0x10000 : rtp::unwrap_near(before, number);
  stream.highest = std::max(before, unwrapped);
  if (listening_measured_) count_arrival(stream, arrival, unwrapped, before, is_repair);
  const bool is_new = arrival == rtp::Arrival::kNew || arrival == rtp::Arrival::kRecovered;
  return is_new ? std::optional(unwrapped) : std::nullopt;
}

void ViewerMedia::count_arrival(Stream& stream, rtp::Arrival arrival, int64_t number,
                                int64_t before, bool is_repair) {
  if (!stream.counted_from) {
    if (arrival != rtp::Arrival::kNew) return;
    stream.counted_from = number;
    stream.counted_to = INT64_MAX;
  }
  if (number < *stream.counted_from || number > stream.counted_to) return;
  switch (arrival) {
    case rtp::Arrival::kNew:
      ++counts_.packets;
      counts_.expected +=
          static_cast<uint64_t>(number - std::max(before, *stream.counted_from - 1));
      break;
    case rtp::Arrival::kRecovered:
      ++counts_.packets;
      counts_.repaired += is_repair;
      counts_.reordered += !is_repair;
      break;
    case rtp::Arrival::kDuplicate:
      ++(is_repair ? counts_.repeated : counts_.duplicates);
      break;
    case rtp::Arrival::kTooOld:
      break;
  }
}

// A packet that was asked for once tells how long that takes.
void ViewerMedia::note_round_trip(Stream& stream, rtp::SequenceNumber original, TimePoint now) {
  const auto asked = stream.gaps.asked_at(original);
  if (!asked) return;
  round_trip_ = round_trip_ ? (*round_trip_ * 7 + (now - *asked)) / 8 : now - *asked;
  for (Stream& each : streams_) each.gaps.set_round_trip(*round_trip_);
}

// True for a number of its source's that was not here before.
bool ViewerMedia::take_number(const peer::MediaStamp& stamp, bool is_repair) {
  Source& source = source_of(stamp.source);
  source.heard = heard_;
  const uint32_t newest = source.newest.value_or(stamp.number);
  const bool is_late = stamp.number < newest;
  const bool is_measured = source.measured && stamp.number >= source.measured_from &&
                           stamp.number < source.measured_until;
  if (is_late ? newest - stamp.number >= kWindow || source.seen.test(stamp.number % kWindow)
              : source.newest == stamp.number) {
    (is_repair ? counts_.repeated : counts_.duplicates) += is_measured;
    return false;
  }
  for (uint32_t number = newest + 1; number < stamp.number; ++number) {
    source.seen.reset(number % kWindow);
    if (number - newest > kWindow) break;
  }
  source.seen.set(stamp.number % kWindow);
  source.newest = std::max(newest, stamp.number);
  if (is_measured) {
    ++counts_.packets;
    counts_.repaired += is_repair;
    counts_.reordered += is_late && !is_repair;
  }
  return true;
}

void ViewerMedia::receive_rtcp(Bytes compound, TimePoint now) {
  rtp::RtcpReader reader(compound);
  while (const auto part = reader.next()) {
    const auto* report = std::get_if<rtp::SenderReport>(&*part);
    if (report == nullptr) continue;
    const auto stream = std::ranges::find(streams_, report->sender.ssrc, &Stream::ssrc);
    if (stream == streams_.end()) continue;
    stream->statistics.on_sender_report(report->sender.ntp_time, now);
  }
}

void ViewerMedia::measure(uint32_t source, uint32_t number) {
  Source& measured = source_of(source);
  measured.measured = true;
  measured.measured_from = number;
  measured.measured_until = UINT32_MAX;
  measured.heard = heard_;
  counts_ = {};
}

void ViewerMedia::measure_until(uint32_t source, uint32_t number) {
  source_of(source).measured_until = number;
}

void ViewerMedia::measure_listening() {
  listening_measured_ = true;
  counts_ = {};
  for (Stream& stream : streams_) stream.counted_from.reset();
}

void ViewerMedia::end_listening() {
  for (Stream& stream : streams_) stream.counted_to = stream.highest;
}

const peer::FreezeMeter& ViewerMedia::Stream::freezes() const {
  return is_listened ? listened.freezes() : picture.freezes();
}

void ViewerMedia::measure_pictures() {
  switches_.clear();
  pictures_ended_ = false;
  for (Stream& stream : streams_) {
    stream.picture.freezes().reset();
    stream.listened.freezes().reset();
  }
}

void ViewerMedia::end_pictures(TimePoint now) {
  pictures_ended_ = true;
  for (Stream& stream : streams_) {
    stream.picture.freezes().end(now);
    stream.listened.freezes().end(now);
  }
}

PictureCounts ViewerMedia::picture() const {
  PictureCounts all;
  for (const Stream& stream : streams_) {
    const auto& counts = stream.freezes().counts();
    all.frames += stream.picture.frames();
    all.freezes += counts.freezes;
    all.frozen += counts.frozen;
    all.longest_gap = std::max(all.longest_gap, counts.longest_gap);
  }
  return all;
}

std::optional<TimePoint> ViewerMedia::last_new_at() const {
  std::optional<TimePoint> picture;
  std::optional<TimePoint> sound;
  for (const Stream& stream : streams_) {
    const auto at = stream.freezes().last_frame_at();
    if (stream.is_video && at) picture = std::min(picture.value_or(*at), *at);
    if (!stream.is_video) {
      sound = std::max(sound.value_or(stream.last_packet_at), stream.last_packet_at);
    }
  }
  return picture ? picture : sound;
}

std::optional<peer::PictureWatch::Change> ViewerMedia::last_change() const {
  std::optional<peer::PictureWatch::Change> last;
  for (const Stream& stream : streams_) {
    const auto& change = stream.picture.last_change();
    if (change && (!last || change->first_frame_at > last->first_frame_at)) last = change;
  }
  return last;
}

uint64_t ViewerMedia::changes() const {
  uint64_t changes = 0;
  for (const Stream& stream : streams_) changes += stream.picture.changes();
  return changes;
}

void ViewerMedia::write_due(TimePoint now, Packets& packets) {
  for (Stream& stream : streams_) {
    if (!stream.is_video) continue;
    if (stream.gaps.next_deadline() <= now) write_nacks(stream, now, packets);
    write_key_frame_request(stream, now, packets);
  }
  if (now >= next_feedback_) write_feedback(now, packets);
  if (now >= next_report_) write_reports(now, packets);
}

void ViewerMedia::write_feedback(TimePoint now, Packets& packets) {
  next_feedback_ = now + kFeedbackInterval;
  while (true) {
    RtcpBuffer buffer;
    rtp::RtcpWriter writer(buffer);
    if (!transport_.write_due(now, own_ssrc_, transport_media_, writer)) return;
    append(writer, packets);
    ++feedback_.transport_feedback;
  }
}

void ViewerMedia::write_reports(TimePoint now, Packets& packets) {
  constexpr size_t kBlocksMax = 31;
  next_report_ = now + kReportInterval;
  std::array<rtp::ReportBlock, kBlocksMax> blocks;
  size_t count = 0;
  for (Stream& stream : streams_) {
    if (count == kBlocksMax) break;
    if (const auto block = stream.statistics.make_report(now)) blocks[count++] = *block;
  }
  RtcpBuffer buffer;
  rtp::RtcpWriter writer(buffer);
  writer.receiver_report(own_ssrc_, std::span(blocks).first(count));
  writer.cname(own_ssrc_, "simpul-load");
  append(writer, packets);
  ++feedback_.reports;
}

void ViewerMedia::write_nacks(Stream& stream, TimePoint now, Packets& packets) {
  missing_.clear();
  if (stream.gaps.collect_due(now, missing_) > 0) stream.wants_key_frame = true;
  feedback_.nacked += missing_.size();
  std::span<const rtp::SequenceNumber> rest = missing_;
  while (!rest.empty()) {
    RtcpBuffer buffer;
    rtp::RtcpWriter writer(buffer);
    const size_t written = writer.nack(own_ssrc_, stream.ssrc, rest);
    if (written == 0) return;
    append(writer, packets);
    rest = rest.subspan(written);
  }
}

void ViewerMedia::write_key_frame_request(Stream& stream, TimePoint now, Packets& packets) {
  if (stream.gaps.wants_key_frame()) stream.wants_key_frame = true;
  const auto waiting = stream.picture.waiting_since();
  const bool flows = now - stream.last_packet_at < kFlowing;
  const bool is_blind = waiting && flows && now - *waiting >= kPictureWait;
  if (!stream.wants_key_frame && !is_blind) return;
  if (now - stream.key_frame_asked < kPictureWait) return;
  stream.wants_key_frame = false;
  stream.key_frame_asked = now;
  RtcpBuffer buffer;
  rtp::RtcpWriter writer(buffer);
  writer.pli(own_ssrc_, stream.ssrc);
  append(writer, packets);
  ++feedback_.key_frame_requests;
}

}  // namespace simpul::load
