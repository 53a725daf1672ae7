#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "bench/demo/encoders.h"
#include "bench/demo/sent_packets.h"
#include "bench/demo/test_picture.h"
#include "bench/demo/vp8_packetizer.h"
#include "bench/peer/peer.h"
#include "rtp/ntp_time.h"
#include "rtp/rtcp.h"

namespace simpul::demo {

// The monotonic and the wall clock, read together.
struct Moment {
  TimePoint now;
  int64_t unix_us = 0;
};

// The picture and the sound of one session: what is due is drawn, encoded, packetised and sealed,
// with a sender report a second so that both stay in step (RFC 3550 §6.4.1). Key frames only when
// asked for; what is asked for again is sent as RTX (RFC 4588).
class Media {
 public:
  using Datagrams = std::vector<std::vector<uint8_t>>;

  // The peer is connected and outlives this.
  Media(peer::Peer& peer, const Moment& start, int utc_offset_s);

  void send_due(const Moment& moment, Datagrams& datagrams);
  void receive_rtcp(Bytes compound, Datagrams& datagrams);
  TimePoint next_deadline() const;

 private:
  struct Stream {
    rtp::Ssrc ssrc;
    rtp::PayloadType payload_type;
    uint32_t clock_rate;
    std::string mid;
    uint64_t index;
    uint32_t timestamp_base;
    uint32_t packets = 0;
    uint32_t octets = 0;
  };

  static Stream make_stream(rtp::PayloadType payload_type, uint32_t clock_rate, std::string mid);
  uint32_t timestamp(const Stream& stream, TimePoint at) const;
  void send(Stream& stream, uint32_t timestamp, bool marker, std::vector<uint8_t> payload,
            Datagrams& datagrams);
  void send_frame(const Moment& moment, Datagrams& datagrams);
  void send_sound(Datagrams& datagrams);
  void send_reports(TimePoint now, Datagrams& datagrams);
  void repair(const rtp::Nack& nack, Datagrams& datagrams);

  peer::Peer& peer_;
  TimePoint start_;
  int64_t start_unix_us_;
  rtp::NtpClock ntp_;
  Stream video_;
  Stream audio_;
  Stream rtx_;
  TestPicture picture_;
  VideoEncoder video_encoder_;
  AudioEncoder audio_encoder_;
  Vp8Packetizer packetizer_;
  SentPackets sent_;
  bool key_frame_wanted_ = false;
  uint32_t counter_;  // of the last picture
  TimePoint next_frame_;
  TimePoint next_sound_;
  TimePoint next_report_;
};

}  // namespace simpul::demo
