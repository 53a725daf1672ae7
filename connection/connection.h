#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/packet.h"
#include "base/time.h"
#include "bwe/estimator.h"
#include "connection/media_config.h"
#include "connection/media_loss.h"
#include "connection/media_receiver.h"
#include "connection/media_sender.h"
#include "connection/paced_packets.h"
#include "connection/pacer.h"
#include "connection/probe_sender.h"
#include "connection/protection_rule.h"
#include "connection/round_trip.h"
#include "connection/sent_numbers.h"
#include "dtls/endpoint.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"
#include "ice/agent.h"
#include "ice/path.h"
#include "rtp/media_packet.h"
#include "rtp/ntp_time.h"
#include "rtp/rtcp.h"

namespace simpul::connection {

struct Config {
  ice::AgentConfig ice;
  dtls::EndpointConfig dtls;
  MediaConfig media;
  rtp::Ssrc own_ssrc;                     // of our RTCP where we send no media
  rtp::NtpClock clock{Duration::zero()};  // the node's, of its sender reports
};

struct Datagram {
  ice::Path path;
  std::vector<uint8_t> bytes;
};

// A receiver asked for these packets of the source again.
struct NackReceived {
  rtp::Ssrc ssrc;
  std::vector<rtp::SequenceNumber> missing;
};

// What a receiver told about one of our sources.
struct ReceptionReported {
  rtp::Ssrc ssrc;
  double loss = 0;  // of the last interval, 0 to 1
};

enum class State : uint8_t { kNew, kChecking, kConnected, kClosed };

enum class CloseReason : uint8_t {
  kNone,
  kIdle,         // no authenticated packet for the idle timeout
  kHandshake,    // DTLS failed or took too long
  kFingerprint,  // the certificate is not the one of the offer
  kByPeer,       // close_notify
  kByUs,
};

std::string_view to_string(CloseReason reason);

// Why a datagram was dropped; each has a counter.
enum class Drop : uint8_t {
  kUnknownFirstByte,
  kStun,  // not authenticated, or not for an ICE-lite agent
  kPathNotValidated,
  kDtls,  // the queue of the handshake is full
  kBeforeKeys,
  kAuthentication,
  kReplay,
  kTooManySources,
  kMalformed,
  kUnknownSource,
  kUnknownRtcp,  // of a type that nobody here reads; the rest of its compound counts
  kRate,         // above the bit rate that a track may have, or feedback too often
  kFalseReport,  // that a packet came which never left
  kLateRepair,   // a retransmission that had to wait for too long or until it was of no use, or
                 // that waits already
};
inline constexpr size_t kDropKinds = 14;
std::string_view to_string(Drop drop);

struct Output {
  std::vector<Datagram> datagrams;
  std::vector<ReceivedMedia> media;
  std::vector<ReceivedSenderReport> sender_reports;
  std::vector<NackReceived> nacks;
  std::vector<rtp::Ssrc> key_frame_requests;
  std::vector<ReceptionReported> receptions;
  std::unique_ptr<dtls::HandshakeStep> handshake_step;
  std::vector<ice::Path> validated;  // new paths: datagrams from there are this connection's
  bool state_changed = false;
  bool padding_wanted = false;  // next_send() is earlier than it was

  void clear();
};

// The numbers of one sender report of ours (RFC 3550 §6.4.1).
struct ReportToSend {
  rtp::Ssrc ssrc;
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;
  uint32_t packets = 0;
  uint32_t octets = 0;
};

// One ICE and DTLS association with a peer: datagrams in; media, feedback and datagrams out.
// Nothing that is not authenticated changes its state: STUN by its MESSAGE-INTEGRITY, DTLS only
// from a validated path, media by its SRTP tag. Knows no room. It has a path argument more than
// ProtocolCore has, and is otherwise of that shape.
class Connection {
 public:
  using Output = connection::Output;
  // Datagrams of a handshake that wait until their path is nominated: a hello takes two.
  static constexpr size_t kHeldMax = 8;
  // Transport-wide feedback is read so often at most, apart from a burst of so many messages;
  // receivers send one each 50 ms or less often, and what it says costs more to read than to write.
  static constexpr Duration kFeedbackInterval = std::chrono::milliseconds(10);
  static constexpr int kFeedbackBurst = 16;
  // Of who reports by the numbers of the streams it is found out whether it tells the truth by
  // those of retransmissions, one of which leaves so often where there is nothing to repeat.
  static constexpr Duration kSingleEach = std::chrono::seconds(3);

  Connection(Config config, const dtls::Context& context, crypto::CipherEngine& engine,
             TimePoint now);

  void receive(PacketRef packet, ice::Path from, TimePoint now, Output& out);
  void advance(TimePoint now, Output& out);
  TimePoint next_deadline() const;
  // Gives a handshake step back that ran elsewhere.
  void resume(std::unique_ptr<dtls::HandshakeStep> step, TimePoint now, Output& out);
  // The path is no more: nothing will come from it, and nothing can be sent there.
  void forget_path(ice::Path path);
  // Says good-bye to the peer and ends.
  void close(TimePoint now, Output& out);
  // ICE begins anew (see ice::Agent::restart()); the DTLS association and all media go on.
  void restart_ice(ice::Credentials local, std::string_view remote_username_fragment) {
    agent_.restart(std::move(local), remote_username_fragment);
  }

  // Sends a key-frame request at the next chance.
  void request_key_frame(LayerId id) { receiver_.request_key_frame(id); }
  void send_report(const ReportToSend& report, Output& out);
  // Encrypts packets of a batch into the places that it asks for. Does nothing unless connected.
  void seal(std::span<const rtp::OutgoingPacket> packets, const MediaSender::Place& place,
            MediaSender::Scratch& scratch, TimePoint now);
  // The same at the pace of the path: of packets that are more than a burst some wait, and are
  // sealed by send_paced(). Urgent ones never do; repairs wait before all media, which cannot be
  // shown without them. Neither waits longer than Pacer::kWaitMax: then repairs are dropped, as
  // they are while kRepairsMax wait and when their stream begins anew, and media leave.
  static constexpr size_t kRepairsMax = 256;
  void send(const rtp::OutgoingBatch& batch, const MediaSender::Place& place,
            MediaSender::Scratch& scratch, TimePoint now);
  void send_paced(const MediaSender::Place& place, MediaSender::Scratch& scratch, TimePoint now);
  // There is no way out: what waits would be too old when there is one.
  void forget_paced();
  // Repairs that were dropped.
  std::span<const rtp::UnsentRepair> unsent() const { return unsent_; }
  void forget_unsent() { unsent_.clear(); }

  // What more the media could use than they have: the rate with the next layer that is of use, or
  // no more than now. Probes try for it.
  void set_wanted(double bps);
  // How many bytes of padding are to be sealed now, so that a probe has its rate.
  size_t take_padding_due(TimePoint now);
  // When send_paced() or take_padding_due() has something; kNever while all leaves by itself.
  TimePoint next_send() const {
    if (state_ != State::kConnected) return kNever;
    const TimePoint padding = probes_.next_deadline();
    return paced_ == nullptr ? padding : std::min(padding, next_release());
  }

  // What a packet needs, to be called some packets ahead (base/prefetch.h): first the connection
  // itself, and when that is there what is behind it, for receive() or for seal().
  void prefetch() const;
  void prefetch_receiving() const;
  void prefetch_sending() const;

  State state() const { return state_; }
  CloseReason close_reason() const { return close_reason_; }
  std::optional<ice::Path> selected() const { return agent_.selected(); }
  // Ours of the present ICE session.
  const std::string& username_fragment() const { return agent_.local().username_fragment; }
  bool is_validated(ice::Path path) const { return agent_.is_validated(path); }
  std::optional<Duration> round_trip() const { return round_trip_.value(); }
  // Bit/s on the path to the peer, as far as that is known (bwe::Estimator::knows_path()).
  struct PathRates {
    double carried_bps = 0;
    double arriving_bps = 0;  // of what is sent now; 0: not known
    bool is_full = false;     // more than it carries was sent, and waits
    bool is_silent = false;   // the peer reported, and does so no longer
  };
  std::optional<PathRates> path_rates(TimePoint now) const;
  // What the path to the peer carries, bit/s; nothing before the peer has told anything of it.
  std::optional<double> estimate_bps() const;
  const MediaReceiver& receiver() const { return receiver_; }
  const std::array<uint64_t, kDropKinds>& drops() const { return drops_; }
  // When the last authenticated media, feedback or check came.
  TimePoint last_heard() const { return last_heard_; }

 private:
  void receive_stun(const PacketRef& packet, ice::Path from, TimePoint now, Output& out);
  void receive_dtls(const PacketRef& packet, ice::Path from, TimePoint now, Output& out);
  void release_held(TimePoint now, Output& out);
  void receive_rtp(PacketRef packet, ice::Path from, TimePoint now, Output& out);
  void receive_rtcp(const PacketRef& packet, ice::Path from, TimePoint now, Output& out);
  void take_rtcp(const rtp::RtcpPacket& packet, TimePoint now, Output& out);
  bool admits_feedback(TimePoint now);
  void take_feedback(const rtp::TransportFeedback& feedback, TimePoint now, Output& out);
  void take_feedback(const rtp::CongestionFeedback& feedback, TimePoint now, Output& out);
  void path_was_told(TimePoint now, Output& out);
  void take_remb(const rtp::Remb& remb, TimePoint now);
  void take_report_blocks(const rtp::WireList<rtp::ReportBlock>& blocks, TimePoint now,
                          Output& out);
  void note_round_trip(Duration sample) {
    round_trip_.add(sample);
    receiver_.set_round_trip(*round_trip_.value());
    if (estimator_ != nullptr) estimator_->on_round_trip(*round_trip_.value());
  }
  void note_heard(ice::Path from, TimePoint now, Output& out);
  void take_ice(TimePoint now, Output& out);
  void take_dtls(TimePoint now, Output& out);
  void send_rtcp(Bytes plain, Output& out);
  void enter(State state, CloseReason reason, Output& out);
  void judge_protection(TimePoint now);
  void note_unnumbered(const MediaSender::Scratch& scratch, TimePoint now);
  void note_parities(std::span<const NumberedPacket> packets, TimePoint now);
  bool hears_of_path() const;
  bool may_fill() const;
  void begin_estimate();
  size_t seal_counted(std::span<const rtp::OutgoingPacket> packets, const MediaSender::Place& place,
                      MediaSender::Scratch& scratch, TimePoint now);
  struct Waiting {
    PacedPackets repairs;
    PacedPackets media;

    bool is_empty() const { return repairs.size() == 0 && media.size() == 0; }
    bool has_too_many() const { return media.size() > PacedPackets::kMax; }
  };
  void hold(const rtp::OutgoingBatch& batch, TimePoint now);
  void hold_repair(const rtp::OutgoingPacket& repair, TimePoint now);
  void give_up(const rtp::OutgoingPacket& repair);
  void give_up_late(TimePoint now);
  void give_up_before(const rtp::OutgoingPacket& beginning);
  // When some of what waits may leave, or has to.
  TimePoint next_release() const {
    const TimePoint came = paced_->media.first_came();
    return came == kNever ? pacer_.clear_at() : std::min(pacer_.clear_at(), came + Pacer::kWaitMax);
  }
  void release(const MediaSender::Place& place, MediaSender::Scratch& scratch, TimePoint now);
  void release_from(PacedPackets& packets, std::span<const rtp::OutgoingPacket> leaving,
                    const MediaSender::Place& place, MediaSender::Scratch& scratch, TimePoint now);
  void pace(TimePoint now);
  void plan_probes(TimePoint now, Output& out);
  void begin_probes(Output& out);
  void count(Drop drop) { ++drops_[static_cast<size_t>(drop)]; }
  bool owns_source(rtp::Ssrc ssrc) const;

  Config config_;
  crypto::CipherEngine& engine_;
  ice::Agent agent_;
  dtls::Endpoint dtls_;
  MediaReceiver receiver_;
  MediaSender sender_;
  std::optional<dtls::SrtpReceiver> srtp_in_;
  std::optional<dtls::SrtpSender> srtp_out_;
  std::unique_ptr<bwe::Estimator> estimator_;  // where media is sent, and its path is told of
  std::unique_ptr<SentNumbers> sent_numbers_;  // where it is told of by SSRC and sequence number
  ProbeSender probes_;
  Pacer pacer_;
  std::unique_ptr<Waiting> paced_;  // null: nothing waits
  std::vector<rtp::UnsentRepair> unsent_;
  bool path_told_ = false;
  uint32_t false_reports_ = 0;  // that were counted
  ProtectionRule protection_;
  std::unique_ptr<MediaLoss> media_loss_;  // where parity packets were agreed on
  TimePoint feedback_until_{};             // what was read has used up the rate until then
  State state_ = State::kNew;
  CloseReason close_reason_ = CloseReason::kNone;
  std::vector<Datagram> held_;
  RoundTrip round_trip_;
  TimePoint last_heard_;
  std::array<uint64_t, kDropKinds> drops_{};
  ice::Agent::Output ice_out_;  // scratch
  dtls::Endpoint::Output dtls_out_;
  std::vector<std::vector<uint8_t>> rtcp_out_;
  std::vector<bwe::Probe> planned_;
};

}  // namespace simpul::connection
