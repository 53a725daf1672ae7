#include "bench/demo/media.h"

#include <algorithm>
#include <array>
#include <utility>

#include "bench/demo/chime.h"
#include "bench/demo/marker.h"
#include "crypto/random.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"
#include "rtp/rtx.h"

namespace simpul::demo {
namespace {

constexpr uint32_t kVideoKbps = 900;
constexpr int32_t kAudioBps = 48'000;
constexpr Duration kSoundInterval = std::chrono::milliseconds(20);
constexpr size_t kSoundSamples = 960;
constexpr Duration kReportInterval = std::chrono::seconds(1);
// After a stall the sound goes on from now.
constexpr Duration kLateMax = std::chrono::milliseconds(200);
constexpr std::string_view kCname = "demo";
// A bell is loud enough to count as speech.
constexpr uint8_t kSoundLevel = 0x80 | 30;

}  // namespace

Media::Stream Media::make_stream(rtp::PayloadType payload_type, uint32_t clock_rate,
                                 std::string mid) {
  // SRTP wants the first sequence number below 2^15 (RFC 3711 §3.3.1).
  return {.ssrc = rtp::Ssrc(crypto::random_u32() | 1),
          .payload_type = payload_type,
          .clock_rate = clock_rate,
          .mid = std::move(mid),
          .index = crypto::random_u32() & 0x3fff,
          .timestamp_base = crypto::random_u32()};
}

Media::Media(peer::Peer& peer, const Moment& start, int utc_offset_s)
    : peer_(peer),
      start_(start.now),
      start_unix_us_(start.unix_us),
      ntp_(Duration(start.unix_us) - start.now.time_since_epoch() + rtp::kNtpToUnix),
      video_(make_stream(peer::kVp8PayloadType, 90'000, "1")),
      audio_(make_stream(peer::kOpusPayloadType, kSampleRate, "0")),
      rtx_(make_stream(peer::kRtxPayloadType, 90'000, "1")),
      picture_(utc_offset_s),
      video_encoder_(TestPicture::kWidth, TestPicture::kHeight, kVideoKbps),
      audio_encoder_(kAudioBps),
      packetizer_(static_cast<uint16_t>(crypto::random_u32())),
      counter_(marker_counter(start.unix_us)),
      next_frame_(start.now),
      next_sound_(start.now),
      next_report_(start.now) {}

uint32_t Media::timestamp(const Stream& stream, TimePoint at) const {
  return stream.timestamp_base +
         static_cast<uint32_t>((at - start_).count() * stream.clock_rate / 1'000'000);
}

TimePoint Media::next_deadline() const {
  return std::min({next_frame_, next_sound_, next_report_});
}

void Media::send_due(const Moment& moment, Datagrams& datagrams) {
  if (!peer_.connected()) return;
  if (next_frame_ <= moment.now) {
    // Pictures begin with their marker's counter: each has another one, and is young when it goes.
    if (std::exchange(counter_, marker_counter(moment.unix_us)) != counter_) {
      send_frame(moment, datagrams);
    }
    next_frame_ = moment.now + Duration(next_marker_unix_us(moment.unix_us) - moment.unix_us);
  }
  if (moment.now - next_sound_ > kLateMax) {
    next_sound_ += (moment.now - next_sound_) / kSoundInterval * kSoundInterval;
  }
  while (next_sound_ <= moment.now) send_sound(datagrams);
  if (next_report_ <= moment.now) {
    send_reports(moment.now, datagrams);
    next_report_ = moment.now + kReportInterval;
  }
}

void Media::send_frame(const Moment& moment, Datagrams& datagrams) {
  const uint32_t time = timestamp(video_, moment.now);
  const int64_t ticks = (moment.now - start_).count() * 9 / 100;
  const Bytes frame = video_encoder_.encode(picture_.draw(moment.unix_us), ticks,
                                            std::exchange(key_frame_wanted_, false));
  std::vector<std::vector<uint8_t>> payloads;
  packetizer_.cut(frame, payloads);
  for (size_t i = 0; i < payloads.size(); ++i) {
    const bool last = i + 1 == payloads.size();
    sent_.add({video_.index, time, last, payloads[i]});
    send(video_, time, last, std::move(payloads[i]), datagrams);
  }
}

void Media::send_sound(Datagrams& datagrams) {
  const Duration since = next_sound_ - start_;
  std::array<float, kSoundSamples> samples;
  fill_chime((start_unix_us_ + since.count()) * 6 / 125, samples);
  const Bytes packet = audio_encoder_.encode(samples);
  send(audio_, timestamp(audio_, next_sound_), false, {packet.begin(), packet.end()}, datagrams);
  next_sound_ += kSoundInterval;
}

void Media::send(Stream& stream, uint32_t timestamp, bool marker, std::vector<uint8_t> payload,
                 Datagrams& datagrams) {
  peer::PacketToSend packet{.ssrc = stream.ssrc,
                            .payload_type = stream.payload_type,
                            .index = stream.index++,
                            .timestamp = timestamp,
                            .marker = marker,
                            .mid = stream.mid,
                            .payload = payload};
  if (&stream == &audio_) packet.audio_level = kSoundLevel;
  ++stream.packets;
  stream.octets += static_cast<uint32_t>(payload.size());
  datagrams.push_back(peer_.seal(packet));
}

void Media::send_reports(TimePoint now, Datagrams& datagrams) {
  for (const Stream* stream : {&video_, &audio_}) {
    std::array<uint8_t, 128> room{};
    rtp::RtcpWriter writer(room);
    writer.sender_report({.ssrc = stream->ssrc,
                          .ntp_time = ntp_.ntp_time(now),
                          .rtp_timestamp = timestamp(*stream, now),
                          .packets = stream->packets,
                          .octets = stream->octets},
                         {});
    writer.cname(stream->ssrc, kCname);
    datagrams.push_back(peer_.seal_rtcp(writer.written()));
  }
}

void Media::receive_rtcp(Bytes compound, Datagrams& datagrams) {
  if (!peer_.connected()) return;
  rtp::RtcpReader reader(compound);
  while (const auto part = reader.next()) {
    if (const auto* pli = std::get_if<rtp::Pli>(&*part)) {
      key_frame_wanted_ = key_frame_wanted_ || pli->media == video_.ssrc;
    } else if (const auto* nack = std::get_if<rtp::Nack>(&*part)) {
      if (nack->media == video_.ssrc) repair(*nack, datagrams);
    }
  }
}

void Media::repair(const rtp::Nack& nack, Datagrams& datagrams) {
  std::vector<rtp::SequenceNumber> missing;
  nack.append_missing(missing);
  for (const rtp::SequenceNumber number : missing) {
    const SentPacket* packet = sent_.find(number);
    if (packet == nullptr) continue;
    const auto head = rtp::rtx_head(number);
    std::vector<uint8_t> payload(head.begin(), head.end());
    payload.insert(payload.end(), packet->payload.begin(), packet->payload.end());
    send(rtx_, packet->timestamp, packet->marker, std::move(payload), datagrams);
  }
}

}  // namespace simpul::demo
