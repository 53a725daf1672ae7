#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/prefetch.h"
#include "connection/media_config.h"
#include "connection/packet_protection.h"
#include "dtls/srtp_sender.h"
#include "rtp/header_extensions.h"
#include "rtp/media_packet.h"

namespace simpul::connection {

// Extensions that say something else to each receiver.
struct RewrittenExtensions {
  std::array<uint8_t, UINT8_MAX> descriptor;
  std::array<uint8_t, rtp::kCaptureTimeSizeMax> capture_time;
};

// A packet that left under a transport-wide sequence number, whether that stands in it or not.
struct NumberedPacket {
  rtp::SequenceNumber transport_sequence;
  size_t size = 0;  // of the datagram, in bytes
  rtp::Ssrc ssrc;
  rtp::SequenceNumber sequence;
  bool follows_hole = false;  // the numbers before it, of both kinds, were left out
};

// Gives outgoing packets their bytes: RTP header, the receiver's own extension ids, padding that
// makes the packets of a frame one GSO run, the transport-wide sequence number or the time of
// sending, and encryption, straight into the send arena.
class MediaSender {
 public:
  // Packets of a frame that differ by no more than this are padded to the largest (a header
  // extension more or less); a far smaller one stays a run of its own.
  static constexpr size_t kPaddingMax = 16;
  // Between two transport-wide numbers that are left out, where any are. To an honest peer a packet
  // was lost there, which is no packet of any stream. Where it reports by the numbers of the
  // streams themselves, one of retransmissions is left out instead, in which nobody waits for a
  // missing one.
  static constexpr uint32_t kHoleDistanceMin = 32;
  static constexpr uint32_t kHoleDistanceMax = 159;
  // Gives the place of a datagram of that size in the send memory, or nothing when that is full.
  using Place = std::function<MutableBytes(size_t size)>;

 private:
  // What the extensions of a packet may take together, each with its head: MID and what is passed
  // on. The dependency descriptor of three spatial and three temporal layers takes half of it.
  static constexpr size_t kExtensionsMax = 200;
  // Fixed header, one CSRC, the head of the extensions, and them.
  static constexpr size_t kHeaderMax = 12 + 4 + 4 + kExtensionsMax;

  struct Header {
    std::array<uint8_t, kHeaderMax> bytes;
    size_t size = 0;
    size_t number_at = 0;  // where the transport-wide sequence number goes; 0: nowhere
    bool is_numbered = false;
    bool carries_time = false;
    bool may_follow_hole = false;
    size_t renumbered = 0;  // one more than the place of its source, of which own numbers lack
  };

 public:
  // What one call of seal() works with. Kept between calls, so that nothing is allocated, and
  // shared by all senders of a thread, so that it stays in the cache from one receiver to the next.
  class Scratch {
   public:
    // What the last call sent under a number.
    std::span<const NumberedPacket> numbered() const { return numbered_; }
    // How many bytes of datagrams it made, and how many of them say when they left.
    size_t bytes() const { return bytes_; }
    size_t timed_bytes() const { return timed_bytes_; }
    // Makes whole what was sealed with it: before any of that leaves, is moved or looked at, and
    // before its connections end.
    void finish() { tags_.finish(); }

   private:
    friend class MediaSender;
    crypto::TagBatch tags_;
    RewrittenExtensions rewritten_{};
    std::array<rtp::ExtensionElement, rtp::PassedExtensions::kMax + 3> elements_{};
    std::vector<Header> headers_;
    std::vector<dtls::RtpToSeal> jobs_;
    std::vector<uint8_t> paddings_;
    std::vector<NumberedPacket> numbered_;
    size_t bytes_ = 0;
    size_t timed_bytes_ = 0;
    Parities parities_;
  };

  explicit MediaSender(const MediaConfig& config);

  // When what is sealed from now on leaves.
  void set_time(TimePoint now) {
    if (tells_time_) send_time_ = rtp::write_send_time(now);
  }

  // Asks for a place for each packet, in order, and writes it there. A packet that gets none is
  // left out: to its receiver it is lost. The packets are whole after scratch.finish() only.
  void seal(std::span<const rtp::OutgoingPacket> packets, dtls::SrtpSender& srtp,
            const Place& place, Scratch& scratch);

  // What seal() will need; see base/prefetch.h.
  void prefetch() const { simpul::prefetch(sources_.data(), sources_.size() * sizeof(Source)); }

  // The peer reports on packets one by one.
  bool numbers() const { return numbers_; }
  bool tells_time() const { return tells_time_; }
  // The peer takes retransmissions, and reports on each of them.
  bool numbers_retransmissions() const;

  // Some line agreed on parity packets.
  bool may_protect() const { return protection_.is_possible(); }
  bool is_parity(rtp::Ssrc ssrc) const { return protection_.is_parity(ssrc); }
  // So many parity packets follow for each packet of the lines that agreed on them; 0: none.
  void set_protection(double share) { protection_.set_share(share); }

  // A receiver report about the source came: it needs the MID no longer (RFC 9143 §14).
  void source_is_known(rtp::Ssrc ssrc);

 private:
  struct Source {
    rtp::Ssrc ssrc;
    size_t line;
    bool is_rtx;
    bool numbered;        // the peer reports on each packet
    bool carries_number;  // and needs to be told the number
    bool carries_time;    // it estimates by when they left
    bool known = false;
    uint64_t left_out = 0;  // of its own numbers
  };

  rtp::SequenceNumber take_number(bool may_follow_hole);
  void write_header(const rtp::OutgoingPacket& packet, Header& header, Scratch& scratch) const;
  // Asks for the packet's place, gives it its number and leaves the rest to be encrypted.
  void put(const rtp::OutgoingPacket& packet, const Header& header, uint8_t padding,
           const Place& place, size_t overhead, Scratch& scratch);
  void put_parities(const Place& place, size_t overhead, Scratch& scratch);
  const Source* source_of(rtp::Ssrc ssrc) const;
  // Fills the paddings, by the sizes of header and payload together.
  void pad_frames(std::span<const rtp::OutgoingPacket> packets, Scratch& scratch) const;

  const MediaConfig& config_;
  std::vector<Source> sources_;
  bool numbers_ = false;     // some source is numbered
  bool tells_time_ = false;  // some source carries it
  std::array<uint8_t, rtp::kSendTimeSize> send_time_{};
  uint16_t next_number_ = 0;
  uint64_t holes_ = 0;       // what the distances come from
  uint32_t until_hole_ = 0;  // numbers; 0: none is left out
  PacketProtection protection_;
};

}  // namespace simpul::connection
