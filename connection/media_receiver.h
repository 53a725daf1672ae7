#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/packet.h"
#include "base/prefetch.h"
#include "base/time.h"
#include "connection/ingress_policer.h"
#include "connection/media_config.h"
#include "connection/received_stream.h"
#include "rtp/media_packet.h"
#include "rtp/packet_view.h"
#include "rtp/rtcp.h"
#include "rtp/transport_feedback_builder.h"

namespace simpul::rtp {
class RtcpWriter;
}

namespace simpul::connection {

struct ReceivedMedia {
  LayerId id;
  rtp::MediaPacket packet;
};

struct ReceivedSenderReport {
  LayerId id;
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;
};

// What a publisher's RTP becomes: finds the m-line and layer of each packet (RFC 9143 §9.2, RFC
// 8852: MID and RID until the SSRC is learnt, then the SSRC), unwraps RTX, keeps the statistics,
// and writes our side's RTCP: receiver reports, NACK, transport-wide feedback, PLI or FIR.
// Everything that it is given has been authenticated.
class MediaReceiver {
 public:
  // A sender with right keys can make up SSRCs: more than this are not followed (R7).
  static constexpr size_t kStreamsMax = 128;  // 16 lines of 4 layers with RTX
  static constexpr Duration kReportInterval = std::chrono::seconds(1);
  // A source keeps its layer until it was silent for so long or said BYE: two that take turns
  // would otherwise be a change of source, for every receiver, with each packet.
  static constexpr Duration kSourceSilence = std::chrono::milliseconds(200);

  MediaReceiver(const MediaConfig& config, rtp::Ssrc own_ssrc);

  // Takes one decrypted packet; gives it back parsed when it carries media of a known layer that
  // was not there before.
  std::optional<ReceivedMedia> receive(PacketRef packet, const rtp::PacketView& view,
                                       TimePoint now);
  std::optional<ReceivedSenderReport> receive_sender_report(const rtp::SenderInfo& sender,
                                                            TimePoint now);

  // The source said that it ends (RFC 3550 §6.6): what was counted of it is forgotten, and another
  // may take its layer at once. Its SSRC stays bound: a layer that is switched off says BYE too,
  // and comes back without MID and RID. A source of nobody's is ignored.
  void receive_bye(rtp::Ssrc ssrc);

  // Queues a request for a key frame, which goes out with the next write_due().
  void request_key_frame(LayerId id);
  void set_round_trip(Duration round_trip);

  // Appends compound RTCP packets that are due at `now`, in the clear, each of 1,200 bytes or less.
  void write_due(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  TimePoint next_deadline() const;

  // Loss of the last report's interval, 0 to 1.
  double loss_of(LayerId id) const;
  // Packets of sources that nobody announced, of one source too many, of one whose layer another
  // still sends, or with a payload type that is not their line's.
  uint64_t ignored() const { return ignored_; }
  // Packets beyond the bit rate of their line.
  uint64_t over_rate() const { return over_rate_; }
  // What receive() will need; see base/prefetch.h.
  void prefetch() const {
    simpul::prefetch(streams_.data(), std::min<size_t>(streams_.size(), 2) * sizeof(streams_[0]));
    simpul::prefetch(policers_.data());
  }
  // What the last packet told of the round trip, by answering a request for it.
  std::optional<Duration> take_round_trip_sample() {
    return std::exchange(round_trip_sample_, std::nullopt);
  }

 private:
  // Where a packet belongs, and whether it is a retransmission.
  struct Route {
    LayerId id;
    bool is_rtx = false;
  };

  ReceivedStream* find_or_bind(const rtp::PacketView& view, TimePoint now);
  std::optional<Route> route(const rtp::PacketView& view) const;
  std::optional<Route> route_by_announcement(rtp::Ssrc ssrc) const;
  std::optional<Route> route_by_extensions(const rtp::PacketView& view) const;
  std::optional<Route> route_by_payload_type(rtp::PayloadType payload_type) const;
  static std::optional<rtp::MediaPacket> unwrap(const rtp::PacketView& view, bool is_rtx);
  ReceivedStream* primary_of(LayerId id);
  const ReceivedStream* primary_of(LayerId id) const;
  ReceivedStream* stream_of(rtp::Ssrc ssrc);
  void read_extensions(const rtp::PacketView& view, Bytes packet, rtp::MediaPacket& media) const;
  void note_arrival(const ReceivedStream& stream, const rtp::PacketView& view, TimePoint now);
  void begin_feedback(rtp::RtcpWriter& writer) const;
  void write_reports(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_nacks(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_feedback(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_key_frame_requests(std::vector<std::vector<uint8_t>>& packets);

  const MediaConfig& config_;
  rtp::Ssrc own_ssrc_;
  std::vector<IngressPolicer> policers_;  // by line
  std::vector<ReceivedStream> streams_;   // few: searched from the one found last
  size_t last_found_ = 0;
  rtp::TransportFeedbackBuilder feedback_;
  rtp::Ssrc feedback_media_;
  std::vector<LayerId> key_frames_wanted_;
  uint8_t fir_number_ = 0;
  TimePoint next_report_ = kNever;
  uint64_t ignored_ = 0;
  uint64_t over_rate_ = 0;
  std::optional<Duration> round_trip_;
  std::optional<Duration> round_trip_sample_;
  std::vector<rtp::SequenceNumber> missing_;  // scratch
};

}  // namespace simpul::connection
