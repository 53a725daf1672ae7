#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "bench/load/listened_picture.h"
#include "bench/peer/freeze_meter.h"
#include "bench/peer/media_stamp.h"
#include "bench/peer/peer.h"
#include "bench/peer/picture_watch.h"
#include "rtp/nack_tracker.h"
#include "rtp/packet_view.h"
#include "rtp/receive_statistics.h"
#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback_builder.h"

namespace simpul::load {

// What was received of media that sources made from some moment on.
struct MediaCounts {
  uint64_t packets = 0;  // different ones
  uint64_t bytes = 0;    // of all datagrams, duplicates too
  uint64_t repaired = 0;
  uint64_t duplicates = 0;
  uint64_t repeated = 0;   // came by RTX although they were there: the relay probes with them
  uint64_t reordered = 0;  // came behind a later one, and not as a repair
  uint64_t corrupt = 0;    // not as their source made them; not among the packets
  // By the relay's own numbers, of who only listens: packets that should have come.
  uint64_t expected = 0;

  MediaCounts& operator+=(const MediaCounts& other);
};

// What was seen.
struct PictureCounts {
  uint64_t frames = 0;  // shown, from the beginning on
  uint64_t freezes = 0;
  Duration frozen{};
  Duration longest_gap{};
};

// What a viewer told the relay, from its beginning on.
struct FeedbackCounts {
  uint64_t transport_feedback = 0;  // messages
  uint64_t reports = 0;
  uint64_t nacked = 0;  // numbers asked for, each time
  uint64_t key_frame_requests = 0;
};

// One viewer's media: knows each packet by the stamp of its source, so that what is missing is
// told exactly, and answers like any browser: transport-wide feedback, receiver reports, NACKs with
// retries (RFC 4585 §6.2.1, RFC 4588), PLI when there is nothing to see. One who only listens, for
// whom packets are still encrypted, counts by the relay's sequence numbers. Pure: time is an
// argument, and what it has to say is appended as RTCP in the clear. Nothing is allocated per
// packet.
class ViewerMedia {
 public:
  // A packet that comes so far behind the newest of its source is not told from a duplicate.
  static constexpr uint32_t kWindow = 4'096;
  static constexpr Duration kReportInterval = std::chrono::seconds(1);
  static constexpr Duration kFeedbackInterval = std::chrono::milliseconds(100);
  // PLI: after so long without a frame while packets come, and never more often than that.
  static constexpr Duration kPictureWait = std::chrono::milliseconds(500);
  static constexpr size_t kSourcesMax = 32;  // that are known at a time; the longest unheard goes
  static constexpr size_t kStreamsMax = 64;  // SSRCs of the relay; more are not counted
  static constexpr size_t kSwitchesMax = 1'000;

  explicit ViewerMedia(rtp::Ssrc own_ssrc) : own_ssrc_(own_ssrc) {}

  // `size` is the datagram's. Returns the stamp of what came for the first time; nothing for what
  // is not decrypted.
  std::optional<peer::MediaStamp> receive(const rtp::PacketView& view, size_t size, TimePoint now,
                                          bool decrypted = true);
  std::optional<peer::MediaStamp> receive(const peer::Peer::Received& received, TimePoint now) {
    return receive(received.view, received.size, now, received.decrypted);
  }
  // Sender reports, which reports refer to.
  void receive_rtcp(Bytes compound, TimePoint now);
  // What is due of feedback, reports, and requests. Some of it each 20 ms.
  void write_due(TimePoint now, std::vector<std::vector<uint8_t>>& packets);

  // Video slots that have shown a whole key frame; and those of sound that something came of.
  size_t pictures() const { return pictures_; }
  size_t sounds() const { return sounds_; }
  // When the first of these pictures was there.
  std::optional<TimePoint> first_frame_at() const { return first_frame_at_; }

  // What a source makes from here on counts; `number` is that of its next packet. Begins at zero.
  void measure(uint32_t source, uint32_t number);
  // What it makes from here on counts no more.
  void measure_until(uint32_t source, uint32_t number);
  // The same for who only listens: from the next packet of each stream on, and up to the last one.
  void measure_listening();
  void end_listening();
  // What is seen counts from now on, and no more: what stands still then is a freeze.
  void measure_pictures();
  void end_pictures(TimePoint now);
  const MediaCounts& counts() const { return counts_; }
  const FeedbackCounts& feedback() const { return feedback_; }
  // Of all video slots together, since the beginning or measure_pictures(); who only listens counts
  // frames that begin to come.
  PictureCounts picture() const;
  // When there was a new frame last, or sound where nothing is to be seen; of those video slots
  // that have had one, the one that has waited longest.
  std::optional<TimePoint> last_new_at() const;
  // How long each change of what a video slot shows took, the last frame before to the first one
  // after it; up to kSwitchesMax.
  const std::vector<Duration>& switches() const { return switches_; }
  // The last change of what is in a video slot, and how many there were.
  std::optional<peer::PictureWatch::Change> last_change() const;
  uint64_t changes() const;

 private:
  struct Source {
    uint32_t ssrc = 0;
    uint32_t measured_from = 0;
    uint32_t measured_until = UINT32_MAX;
    bool measured = false;
    std::optional<uint32_t> newest = {};
    uint64_t heard = 0;  // when, in packets
    std::bitset<kWindow> seen = {};
  };
  struct Stream {
    rtp::Ssrc ssrc;
    bool is_video = false;
    rtp::ReceiveStatistics statistics;
    rtp::NackTracker gaps;
    int64_t highest = -1;                      // unwrapped; -1: none yet
    std::optional<int64_t> counted_from = {};  // of who only listens
    int64_t counted_to = INT64_MAX;
    uint32_t track = 0;  // its last CSRC
    TimePoint last_packet_at{};
    bool wants_key_frame = false;
    TimePoint key_frame_asked{};
    bool is_listened = false;  // its packets are not decrypted
    peer::PictureWatch picture = {};
    ListenedPicture listened = {};  // instead

    // Of the one that sees something.
    const peer::FreezeMeter& freezes() const;
  };

  Source& source_of(uint32_t ssrc);
  Stream* stream_of(rtp::Ssrc ssrc, bool is_video);
  Stream* repaired_stream(uint32_t track);
  void note_transport_number(const rtp::PacketView& view, TimePoint now);
  // Returns its unwrapped number when it is a new one.
  std::optional<int64_t> note_arrival(Stream& stream, rtp::SequenceNumber number, bool is_repair,
                                      TimePoint now);
  void count_arrival(Stream& stream, rtp::Arrival arrival, int64_t number, int64_t before,
                     bool is_repair);
  void note_picture(Stream& stream, const peer::MediaStamp& stamp, uint32_t track, TimePoint now);
  void note_first_frame(std::optional<TimePoint> before, std::optional<TimePoint> after);
  void note_round_trip(Stream& stream, rtp::SequenceNumber original, TimePoint now);
  bool take_number(const peer::MediaStamp& stamp, bool is_repair);
  void write_feedback(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_reports(TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_nacks(Stream& stream, TimePoint now, std::vector<std::vector<uint8_t>>& packets);
  void write_key_frame_request(Stream& stream, TimePoint now,
                               std::vector<std::vector<uint8_t>>& packets);

  rtp::Ssrc own_ssrc_;
  std::vector<Source> sources_;  // few
  std::vector<Stream> streams_;
  rtp::TransportFeedbackBuilder transport_;
  rtp::Ssrc transport_media_;  // the last one that a number came with
  MediaCounts counts_;
  FeedbackCounts feedback_;
  uint64_t heard_ = 0;  // packets
  bool listening_measured_ = false;
  std::optional<TimePoint> first_frame_at_;
  size_t pictures_ = 0;
  size_t sounds_ = 0;
  std::vector<Duration> switches_;
  bool pictures_ended_ = false;
  std::optional<Duration> round_trip_;
  TimePoint next_report_ = kNever;
  TimePoint next_feedback_{};
  std::vector<rtp::SequenceNumber> missing_;  // scratch
};

}  // namespace simpul::load
