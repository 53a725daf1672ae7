#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "bench/peer/media_stamp.h"
#include "rtp/nack_tracker.h"
#include "rtp/packet_view.h"
#include "rtp/receive_statistics.h"

namespace simpul::load {

// What was received of media that sources made from some moment on.
struct MediaCounts {
  uint64_t packets = 0;  // different ones
  uint64_t bytes = 0;    // of all datagrams, duplicates too
  uint64_t repaired = 0;
  uint64_t duplicates = 0;
  uint64_t reordered = 0;  // came behind a later one, and not as a repair
  uint64_t corrupt = 0;    // not as their source made them; not among the packets

  MediaCounts& operator+=(const MediaCounts& other);
};

// One viewer's media: knows each packet by the stamp of its source, so that what is missing is
// told exactly, and asks for lost packets again like any client (RFC 4585 §6.2.1, RFC 4588). Pure:
// time is an argument, and what it has to say is appended as RTCP in the clear.
class ViewerMedia {
 public:
  // A packet that comes so far behind the newest of its source is not told from a duplicate.
  static constexpr uint32_t kWindow = 4'096;
  static constexpr Duration kReportInterval = std::chrono::seconds(1);

  // Without video the first packet of sound is the first frame.
  explicit ViewerMedia(rtp::Ssrc own_ssrc, bool video = true)
      : own_ssrc_(own_ssrc), video_(video) {}

  // `size` is the datagram's. Returns the stamp of what came for the first time.
  std::optional<peer::MediaStamp> receive(const rtp::PacketView& view, size_t size, TimePoint now);
  // Receiver reports, and requests for what is missing.
  void write_due(TimePoint now, std::vector<std::vector<uint8_t>>& packets);

  // When the first whole key frame was there.
  std::optional<TimePoint> first_frame_at() const { return first_frame_at_; }

  // What a source makes from here on counts; `number` is that of its next packet. Begins at zero.
  void measure(uint32_t source, uint32_t number);
  const MediaCounts& counts() const { return counts_; }

 private:
  struct Source {
    uint32_t ssrc = 0;
    uint32_t measured_from = 0;
    bool measured = false;
    std::optional<uint32_t> newest = {};
    std::bitset<kWindow> seen = {};
  };
  struct Stream {
    rtp::Ssrc ssrc;
    bool is_video = false;
    rtp::ReceiveStatistics statistics;
    rtp::NackTracker gaps = {};
  };

  Source& source_of(uint32_t ssrc);
  Stream& stream_of(const rtp::PacketView& view, bool is_video);
  void note_frame(const peer::MediaStamp& stamp, uint32_t timestamp, TimePoint now);
  void write_nacks(Stream& stream, TimePoint now, std::vector<std::vector<uint8_t>>& packets);

  rtp::Ssrc own_ssrc_;
  bool video_;
  std::vector<Source> sources_;  // few
  std::vector<Stream> streams_;
  MediaCounts counts_;
  std::optional<TimePoint> first_frame_at_;
  uint32_t frame_timestamp_ = 0;  // of the key frame that is coming
  uint16_t frame_packets_ = 0;
  TimePoint next_report_ = kNever;
  std::vector<rtp::SequenceNumber> missing_;  // scratch
};

}  // namespace simpul::load
