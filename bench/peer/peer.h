#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/time.h"
#include "bench/peer/formats.h"
#include "bench/peer/options.h"
#include "dtls/certificate.h"
#include "dtls/context.h"
#include "dtls/endpoint.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"
#include "ice/credentials.h"
#include "rtp/extension_map.h"
#include "rtp/packet_view.h"
#include "rtp/types.h"

namespace simpul::ice {
class StunMessage;
}

namespace simpul::peer {

// What all peers of one thread share.
struct Identity {
  dtls::Certificate certificate;
  dtls::Context context;
  crypto::CipherEngine engine;

  explicit Identity(std::chrono::seconds unix_now)
      : certificate(dtls::Certificate::make(unix_now)), context(certificate) {}

  // That offers one SRTP profile alone; made when it is asked for first.
  const dtls::Context& context_of(std::optional<dtls::SrtpProfile> profile);

 private:
  std::array<std::unique_ptr<dtls::Context>, dtls::Context::kSrtpProfiles.size()> narrow_contexts_;
};

// A header extension, by what it means.
struct KnownExtension {
  rtp::ExtensionKind kind = rtp::ExtensionKind::kMid;
  Bytes data = {};
};

// An RTP packet as a peer sends it.
struct PacketToSend {
  rtp::Ssrc ssrc;
  rtp::PayloadType payload_type;
  uint64_t index = 0;  // rollover counter and sequence number
  uint32_t timestamp = 0;
  bool marker = false;
  std::string_view mid = {};  // written as an extension when not empty
  std::string_view rid = {};
  std::string_view repaired_rid = {};
  std::optional<uint16_t> transport_sequence = {};
  // With a time it gets what names it to the path, if the server takes that: the next
  // transport-wide number of the peer's, and the time itself (abs-send-time).
  std::optional<TimePoint> sent_at = {};
  std::optional<uint8_t> audio_level = {};
  std::span<const KnownExtension> more = {};  // those that the server takes are written
  Bytes payload = {};
  uint8_t padding = 0;
  // Its index may be any, used before or long gone: what no honest sender does.
  bool is_forged = false;
};

// A synthetic participant: a full ICE agent's part in one connection to an ICE-lite server, a
// DTLS client (or server), SRTP both ways. For tests, demonstrations and load. Sends no media by
// itself. Like the cores of the relay it has no socket and no clock.
class Peer {
 public:
  struct Received {
    rtp::PacketView view;  // borrows from the datagram that was given
    size_t size = 0;       // of the datagram
    // Otherwise the payload is still encrypted, and ends with the padding.
    bool decrypted = true;
  };
  struct Output {
    std::vector<std::vector<uint8_t>> datagrams;
    std::vector<Received> rtp;
    std::vector<std::vector<uint8_t>> rtcp;  // decrypted compounds

    void clear() {
      datagrams.clear();
      rtp.clear();
      rtcp.clear();
    }
  };

  Peer(Options options, Identity& identity);

  std::string offer() const;
  // Takes the server's answer; false when there is nothing usable in it.
  bool accept(std::string_view answer);
  // Begins an ICE restart: the fragment for PATCH (RFC 9725 §4.3.3). Nothing changes until it is
  // answered; then checks carry the new credentials, and all else goes on.
  std::string restart_ice();
  bool accept_restart(std::string_view fragment);
  // A check of the present ICE session was answered.
  bool checked() const { return answered_; }
  // The first candidate of the answer over the wanted transport; may be replaced (by an impairment
  // relay's address).
  const Address& remote() const { return remote_; }
  // The SSRCs of the slots, in the order of the m-lines: audio, video.
  const std::vector<rtp::Ssrc>& slots() const { return slots_; }

  void receive(MutableBytes datagram, TimePoint now, Output& out);
  // Sends checks and resends handshake flights; the first call begins.
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;

  bool connected() const { return srtp_out_.has_value() && !closed_; }
  bool closed() const { return closed_; }

  // What such a packet has in front of its payload; takes no number.
  size_t header_size(const PacketToSend& packet);
  // The SRTP datagram, only while connected.
  std::vector<uint8_t> seal(const PacketToSend& packet);
  std::vector<uint8_t> seal_rtcp(Bytes compound);
  // An authentic packet with a header of the caller's, which may lie about what follows it, and any
  // index.
  std::vector<uint8_t> seal_raw(Bytes header, Bytes payload, uint64_t index);
  // An authenticated check as this peer sends it.
  std::vector<uint8_t> make_check(bool use_candidate) const;
  // From now on its checks carry no USE-CANDIDATE, like Firefox's once the path is chosen.
  void stop_nominating() { nominates_ = false; }
  void close(Output& out);

  const ice::Credentials& local() const { return local_; }
  const ice::Credentials& server() const { return server_; }

 private:
  void answer_check(const ice::StunMessage& check, Output& out) const;
  void receive_dtls(Bytes datagram, TimePoint now, Output& out);
  void take_dtls(TimePoint now, Output& out);
  void receive_rtp(MutableBytes datagram, Output& out);
  bool takes(rtp::ExtensionKind kind) const { return taken_.id(kind) != 0; }
  std::vector<uint8_t> forge(dtls::RtpToSeal job, std::vector<uint8_t> datagram);
  size_t write_extensions_of(const PacketToSend& packet, MutableBytes room);

  Options options_;
  Identity& identity_;
  ice::Credentials local_ = ice::make_credentials();
  ice::Credentials server_;
  ice::Credentials next_local_;  // of a restart that has not been answered
  Address remote_;
  std::vector<rtp::Ssrc> slots_;
  rtp::ExtensionMap taken_;          // the header extensions that the answer has
  uint16_t transport_sequence_ = 0;  // of the next packet
  std::unique_ptr<dtls::Endpoint> dtls_;
  dtls::Endpoint::Output dtls_out_;
  std::optional<dtls::SrtpSender> srtp_out_;
  std::optional<dtls::SrtpMasterKey> forging_key_;  // the same, for senders that seal one packet
  std::optional<dtls::SrtpReceiver> srtp_in_;
  size_t tag_size_ = 0;
  bool answered_ = false;  // a check was
  bool nominates_ = true;
  bool closed_ = false;
  TimePoint next_check_{};
};

}  // namespace simpul::peer
