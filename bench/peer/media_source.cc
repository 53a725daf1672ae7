#include "bench/peer/media_source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/peer/media_stamp.h"
#include "crypto/random.h"
#include "rtp/rtcp_writer.h"
#include "rtp/rtx.h"

namespace simpul::peer {
namespace {

constexpr size_t kPlainSoundSize = 80;  // 32 kbit/s
constexpr size_t kHistoryFrames = 128;  // some four seconds
// After a stall a source goes on from now, as an encoder would, and does not catch up.
constexpr Duration kLateMax = std::chrono::milliseconds(200);
constexpr Duration kReportInterval = std::chrono::seconds(1);
constexpr uint32_t kVideoClock = 90'000;
constexpr uint8_t kVoice = 0x80;
constexpr uint8_t kPlainLevel = kVoice | 30;
constexpr std::string_view kCname = "simpul";

using rtp::ExtensionKind;

// As libwebrtc has them: the first packet of a key frame tells the delay that the receiver may add,
// the last one how the picture is turned and its colors (BT.709, narrow).
constexpr std::array<uint8_t, 3> kPlayoutDelay = {0, 0x03, 0xe8};  // 0 to 10 s
constexpr std::array<uint8_t, 1> kUpright = {0};
constexpr std::array<uint8_t, 4> kColorSpace = {1, 1, 1, 0x10};

}  // namespace

std::vector<VideoLayer> simulcast_layers() {
  return {{.rid = "q", .bitrate_bps = 150'000, .width = 320, .height = 180},
          {.rid = "h", .bitrate_bps = 500'000, .width = 640, .height = 360},
          {.rid = "f", .bitrate_bps = 1'700'000, .width = 1280, .height = 720}};
}

// SRTP wants the first sequence number below 2^15 (RFC 3711 §3.3.1).
MediaSource::MediaSource(std::string mid, const SourceSetup& setup, bool is_plain)
    : mid_(std::move(mid)),
      setup_(setup),
      is_plain_(is_plain),
      ssrc_(crypto::random_u32() | 1),
      index_(crypto::random_u32() & 0x3fff),
      rtx_ssrc_(crypto::random_u32() | 1),
      rtx_index_(crypto::random_u32() & 0x3fff) {}

MediaSource MediaSource::audio(std::string mid) { return {std::move(mid), SourceSetup{}, true}; }

MediaSource MediaSource::audio(std::string mid, const SoundClip& clip, const SourceSetup& setup) {
  MediaSource source(std::move(mid), setup, false);
  Random random(setup.seed);
  source.clip_ = &clip;
  source.clip_at_ = random.next() % clip.packets.size();
  source.timestamp_base_ = static_cast<uint32_t>(random.next());
  return source;
}

MediaSource MediaSource::video(std::string mid, const VideoShape& shape) {
  const VideoProfile profile{.layers = {{.rid = shape.rid,
                                         .bitrate_bps = shape.bitrate_bps,
                                         .width = shape.width,
                                         .height = shape.height}},
                             .frames_per_second = shape.frames_per_second,
                             .encode_time = Duration(0),
                             .payload_max = shape.payload_max,
                             .size_variation = 0,
                             .key_frame_factor_min = 4,
                             .key_frame_factor_max = 4,
                             .retransmits = false};
  MediaSource source = video(std::move(mid), profile, 0, SourceSetup{});
  source.is_plain_ = true;
  source.timestamp_base_ = 0;
  return source;
}

MediaSource MediaSource::video(std::string mid, const VideoProfile& profile, size_t layer,
                               const SourceSetup& setup) {
  MediaSource source(std::move(mid), setup, false);
  const VideoLayer& chosen = profile.layers.at(layer);
  Camera& camera = source.camera_.emplace(profile, layer, setup.seed + layer);
  camera.rid = chosen.rid;
  camera.format = {.codec = profile.codec,
                   .source = source.ssrc_.value(),
                   .width = chosen.width,
                   .height = chosen.height,
                   .temporal_layers = profile.temporal_layers,
                   .payload_max = profile.payload_max};
  if (profile.retransmits) camera.history.resize(kHistoryFrames);
  source.clock_rate_ = kVideoClock;
  source.ticks_per_second_ = profile.frames_per_second;
  source.timestamp_base_ = static_cast<uint32_t>(Random(~(setup.seed + layer)).next());
  return source;
}

TimePoint MediaSource::tick_at(uint64_t ticks) const {
  return began_ + Duration(static_cast<int64_t>(ticks * 1'000'000 / ticks_per_second_));
}

uint32_t MediaSource::timestamp_of(uint64_t ticks) const {
  return timestamp_base_ + static_cast<uint32_t>(ticks * clock_rate_ / ticks_per_second_);
}

// When the next packet of sound, or the first one of the next frame, may leave.
TimePoint MediaSource::next_tick() const {
  if (!camera_) return tick_at(ticks_);
  return std::max(tick_at(ticks_) + camera_->profile.encode_time, camera_->next_burst);
}

TimePoint MediaSource::next_deadline() const {
  if (began_ == TimePoint{}) return began_;
  return std::min(is_sending() ? camera_->next_burst : next_tick(), next_report_);
}

void MediaSource::request_key_frame(TimePoint now) {
  if (!camera_) return;
  camera_->key_frame_asked = std::min(camera_->key_frame_asked.value_or(now), now);
}

void MediaSource::begin(TimePoint now) {
  began_ = now;
  if (setup_.clock) next_report_ = now;
}

void MediaSource::send_due(TimePoint now, Peer& peer, Datagrams& datagrams) {
  if (!peer.connected()) return;
  if (began_ == TimePoint{}) begin(now);
  const Duration lag = camera_ ? camera_->profile.encode_time : Duration(0);
  if (now - (tick_at(ticks_) + lag) > kLateMax) {
    const auto late = static_cast<uint64_t>((now - lag - began_).count());
    ticks_ = late * ticks_per_second_ / 1'000'000;  // due now: the next turn may be late, too
  }
  if (is_sending() && camera_->next_burst <= now) send_burst(now, peer, datagrams);
  // What is left of a frame goes first, as in a pacer's queue.
  while (next_tick() <= now && !is_sending()) {
    if (camera_) {
      take_frame(now, peer);
      send_burst(now, peer, datagrams);
    } else if (clip_ != nullptr) {
      send_sound(now, peer, datagrams);
    } else {
      send_plain_sound(now, peer, datagrams);
    }
    ++ticks_;
  }
  if (next_report_ <= now) send_report(now, peer, datagrams);
}

void MediaSource::take_frame(TimePoint now, Peer& peer) {
  Camera& camera = *camera_;
  const bool key_frame = camera.key_frame_asked && *camera.key_frame_asked <= tick_at(ticks_);
  if (key_frame) {
    camera.key_frame_asked.reset();
    ++key_frames_;
  }
  camera.current = camera.maker.next(key_frame);
  Frame& frame = camera.current;
  frame.made_at = now;
  frame.timestamp = timestamp_of(ticks_);
  reduce(frame, now, peer);
  frame.packets = packets_of(camera.format, frame);
  frame.first_index = index_;
  frame.first_number = static_cast<uint32_t>(packets_);
  index_ += frame.packets;
  camera.sent = 0;
  if (!camera.history.empty()) camera.history[frame.number % kHistoryFrames] = frame;
}

// How much longer the headers of its first, its last and its only packet are than those of others.
void MediaSource::reduce(Frame& frame, TimePoint now, Peer& peer) const {
  constexpr uint16_t kSeveral = 3;
  frame.packets = kSeveral;
  const size_t middle = header_size(frame, 1, now, peer);
  const auto reduction = [&](size_t packet) {
    const size_t size = header_size(frame, packet, now, peer);
    return static_cast<uint8_t>(size - std::min(size, middle));
  };
  frame.first_reduction = reduction(0);
  frame.last_reduction = reduction(kSeveral - 1);
  frame.packets = 1;
  frame.only_reduction = reduction(0);
}

size_t MediaSource::header_size(const Frame& frame, size_t packet, TimePoint now,
                                Peer& peer) const {
  Extensions more;
  write_extensions(frame, packet, more);
  PacketToSend probe{.ssrc = ssrc_,
                     .payload_type = format_of(camera_->format.codec).payload_type,
                     .mid = mid_,
                     .rid = camera_->rid,
                     .more = std::span(more.all).first(more.count)};
  if (!is_plain_) probe.sent_at = now;
  return peer.header_size(probe);
}

void MediaSource::write_extensions(const Frame& frame, size_t packet, Extensions& more) const {
  const FrameFormat& format = camera_->format;
  const auto add = [&more](ExtensionKind kind, Bytes data) {
    more.all[more.count++] = {kind, data};
  };
  if (format.codec == rtp::Codec::kAv1) {
    const size_t taken = write_dependency_descriptor(format, frame, packet, more.descriptor);
    add(ExtensionKind::kDependencyDescriptor, Bytes(more.descriptor).first(taken));
  }
  if (!frame.key_frame) return;
  if (packet == 0) add(ExtensionKind::kPlayoutDelay, kPlayoutDelay);
  if (packet + 1u == frame.packets) {
    add(ExtensionKind::kVideoOrientation, kUpright);
    add(ExtensionKind::kColorSpace, kColorSpace);
  }
}

void MediaSource::send_burst(TimePoint now, Peer& peer, Datagrams& datagrams) {
  Camera& camera = *camera_;
  const Pacing& pacing = camera.profile.pacing;
  const size_t left = camera.current.packets - camera.sent;
  const size_t burst =
      pacing.burst_packets == 0 ? left : std::min<size_t>(left, pacing.burst_packets);
  for (size_t i = 0; i < burst; ++i) {
    send_packet_of(camera.current, camera.sent++, false, now, peer, datagrams);
  }
  if (pacing.burst_packets > 0) camera.next_burst = now + pacing.interval;
}

void MediaSource::count(size_t payload_size) {
  ++packets_;
  octets_ += payload_size;
}

void MediaSource::send_packet_of(const Frame& frame, size_t packet, bool is_repair, TimePoint now,
                                 Peer& peer, Datagrams& datagrams) {
  const Camera& camera = *camera_;
  const VideoFormat& format = format_of(camera.format.codec);
  std::array<uint8_t, rtp::kRtxHeadSize + kPayloadSizeMax> room;
  const auto body = std::span(room).subspan<rtp::kRtxHeadSize>();
  const size_t size =
      write_payload(camera.format, frame, packet, is_repair ? frame.made_at : now, body);
  const bool is_last = packet + 1u == frame.packets;
  Extensions more;
  write_extensions(frame, packet, more);
  const uint64_t index = frame.first_index + packet;
  PacketToSend out{.ssrc = is_repair ? rtx_ssrc_ : ssrc_,
                   .payload_type = is_repair ? format.rtx : format.payload_type,
                   .index = is_repair ? rtx_index_++ : index,
                   .timestamp = frame.timestamp,
                   .marker = is_last,
                   .mid = mid_,
                   .more = std::span(more.all).first(more.count),
                   .payload = body.first(size)};
  (is_repair ? out.repaired_rid : out.rid) = camera.rid;
  if (!is_plain_) out.sent_at = now;
  if (is_repair) {
    const auto head = rtp::rtx_head(rtp::SequenceNumber(static_cast<uint16_t>(index)));
    std::ranges::copy(head, room.begin());
    out.payload = Bytes(room).first(head.size() + size);
    ++retransmissions_;
  } else {
    count(size);
  }
  datagrams.push_back(peer.seal(out));
}

void MediaSource::send_plain_sound(TimePoint now, Peer& peer, Datagrams& datagrams) {
  std::array<uint8_t, kPlainSoundSize> payload{0xfc};
  const auto number = static_cast<uint32_t>(packets_);
  std::ranges::fill(std::span(payload).subspan(1), static_cast<uint8_t>(number));
  write_stamp({.source = ssrc_.value(), .number = number, .made_at = now}, payload);
  datagrams.push_back(peer.seal({.ssrc = ssrc_,
                                 .payload_type = kOpusPayloadType,
                                 .index = index_++,
                                 .timestamp = timestamp(),
                                 .mid = mid_,
                                 .audio_level = kPlainLevel,
                                 .payload = payload}));
  count(payload.size());
}

// A talk spurt begins with the marker (RFC 3551 §4.1). What is not sent takes no number.
void MediaSource::send_sound(TimePoint now, Peer& peer, Datagrams& datagrams) {
  const SoundClip::Packet& packet = clip_->packets[clip_at_];
  clip_at_ = (clip_at_ + 1) % clip_->packets.size();
  if (packet.size == 0) {
    was_silent_ = true;
    return;
  }
  const Bytes made = clip_->payload(packet);
  std::array<uint8_t, kPayloadSizeMax> payload;
  std::ranges::copy(made, payload.begin());
  write_stamp({.source = ssrc_.value(), .number = static_cast<uint32_t>(packets_), .made_at = now},
              std::span(payload).first(made.size()));
  datagrams.push_back(
      peer.seal({.ssrc = ssrc_,
                 .payload_type = kOpusPayloadType,
                 .index = index_++,
                 .timestamp = timestamp(),
                 .marker = std::exchange(was_silent_, false),
                 .mid = mid_,
                 .sent_at = now,
                 .audio_level = static_cast<uint8_t>((packet.voice ? kVoice : 0) | packet.level),
                 .payload = Bytes(payload).first(made.size())}));
  count(made.size());
}

// The RTP timestamp of now, which lies beyond that of the last frame (RFC 3550 §6.4.1).
void MediaSource::send_report(TimePoint now, Peer& peer, Datagrams& datagrams) {
  next_report_ = now + kReportInterval;
  const int64_t since = (now - began_).count();
  std::array<uint8_t, 128> room{};
  rtp::RtcpWriter writer(room);
  writer.sender_report(
      {.ssrc = ssrc_,
       .ntp_time = setup_.clock->ntp_time(now),
       .rtp_timestamp = timestamp_base_ + static_cast<uint32_t>(since * clock_rate_ / 1'000'000),
       .packets = static_cast<uint32_t>(packets_),
       .octets = static_cast<uint32_t>(octets_)},
      {});
  writer.cname(ssrc_, kCname);
  datagrams.push_back(peer.seal_rtcp(writer.written()));
}

// Null when it is gone or never was.
const Frame* MediaSource::frame_with(rtp::SequenceNumber number) const {
  for (const Frame& frame : camera_->history) {
    const bool is_current = frame.number == camera_->current.number;
    const size_t sent = is_current ? camera_->sent : frame.packets;
    if (static_cast<uint16_t>(number.value() - frame.first_index) < sent) return &frame;
  }
  return nullptr;
}

void MediaSource::repair(const rtp::Nack& nack, TimePoint now, Peer& peer, Datagrams& datagrams) {
  if (nack.media != ssrc_ || !camera_ || camera_->history.empty()) return;
  std::vector<rtp::SequenceNumber> missing;
  nack.append_missing(missing);
  for (const rtp::SequenceNumber number : missing) {
    const Frame* frame = frame_with(number);
    if (frame == nullptr) continue;
    const auto packet = static_cast<uint16_t>(number.value() - frame->first_index);
    send_packet_of(*frame, packet, true, now, peer, datagrams);
  }
}

std::optional<TimePoint> made_at(Bytes payload) {
  const auto stamp = read_stamp(payload);
  return stamp ? std::optional(stamp->made_at) : std::nullopt;
}

}  // namespace simpul::peer
