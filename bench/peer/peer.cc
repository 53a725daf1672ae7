#include "bench/peer/peer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/byte_writer.h"
#include "crypto/random.h"
#include "ice/demultiplex.h"
#include "ice/stun_message.h"
#include "rtp/header_extensions.h"
#include "sdp/ice_fragment.h"
#include "sdp/session_description.h"

namespace simpul::peer {
namespace {

constexpr Duration kCheckInterval = std::chrono::milliseconds(50);
constexpr Duration kKeepAlive = std::chrono::seconds(2);
constexpr size_t kExtensionsMax = 256;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

// The first candidate of an answer over UDP (RFC 8839 §5.1), or the first passive one over TCP.
std::optional<Address> candidate_of(std::string_view answer, bool tcp) {
  constexpr std::string_view kPrefix = "a=candidate:";
  size_t at = answer.find(kPrefix);
  while (at != std::string_view::npos) {
    const size_t end = std::min(answer.find_first_of("\r\n", at), answer.size());
    const auto words = words_of(answer.substr(at, end - at));
    uint16_t port = 0;
    const bool is_tcp = words.size() >= 10 && words[2] == "tcp" && words[9] == "passive";
    const bool is_udp = words.size() >= 8 && (words[2] == "udp" || words[2] == "UDP");
    if ((tcp ? is_tcp : is_udp) &&
        std::from_chars(words[5].data(), words[5].data() + words[5].size(), port).ec ==
            std::errc()) {
      if (auto address = Address::parse(words[4], port)) return address;
    }
    at = answer.find(kPrefix, end);
  }
  return std::nullopt;
}

std::string hex_of(Bytes digest) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const uint8_t byte : digest) {
    if (!text.empty()) text += ':';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace

Peer::Peer(Options options, Identity& identity)
    : options_(std::move(options)), identity_(identity) {}

const dtls::Context& Identity::context_of(std::optional<dtls::SrtpProfile> profile) {
  if (!profile) return context;
  auto& narrow = narrow_contexts_[static_cast<size_t>(*profile)];
  if (!narrow) narrow = std::make_unique<dtls::Context>(certificate, std::span(&*profile, 1));
  return *narrow;
}

std::string Peer::offer() const {
  return make_offer(options_, local_,
                    options_.fingerprint.empty() ? identity_.certificate.fingerprint().to_string()
                                                 : options_.fingerprint);
}

bool Peer::accept(std::string_view answer) {
  const auto parsed = sdp::parse(answer);
  const auto candidate = candidate_of(answer, options_.tcp);
  if (!parsed || !candidate || parsed->media.empty()) return false;
  remote_ = *candidate;
  sdp::TransportDescription transport = parsed->transport;
  for (const sdp::MediaDescription& media : parsed->media) {
    if (!media.transport.ice_ufrag.empty()) {
      transport.ice_ufrag = media.transport.ice_ufrag;
      transport.ice_pwd = media.transport.ice_pwd;
    }
    if (!media.transport.fingerprints.empty()) {
      transport.fingerprints = media.transport.fingerprints;
    }
    if (!media.ssrcs.empty()) slots_.push_back(media.ssrcs.front());
    for (const sdp::ExtensionOffer& extension : media.extensions) {
      const auto kind = rtp::extension_kind(extension.uri);
      if (kind) taken_.set(*kind, static_cast<uint8_t>(extension.id));
    }
  }
  if (transport.ice_ufrag.empty() || transport.fingerprints.empty()) return false;
  server_ = {transport.ice_ufrag, transport.ice_pwd};
  dtls::EndpointConfig config;
  config.role = options_.waits_for_hello ? dtls::Role::kServer : dtls::Role::kClient;
  for (const sdp::Fingerprint& fingerprint : transport.fingerprints) {
    const auto known =
        dtls::Fingerprint::parse(fingerprint.algorithm + " " + hex_of(fingerprint.digest));
    if (known) config.peer_fingerprints.push_back(*known);
  }
  dtls_ = std::make_unique<dtls::Endpoint>(identity_.context_of(options_.srtp_profile),
                                           std::move(config));
  return true;
}

std::string Peer::restart_ice() {
  next_local_ = ice::make_credentials();
  const std::string mid = options_.audio ? "0" : "1";
  return "a=group:BUNDLE" + std::string(options_.audio ? " 0" : "") + (options_.video ? " 1" : "") +
         "\r\nm=" + (options_.audio ? "audio" : "video") +
         " 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:" + mid +
         "\r\na=ice-ufrag:" + next_local_.username_fragment +
         "\r\na=ice-pwd:" + next_local_.password +
         "\r\na=candidate:1 1 udp 2130706431 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n";
}

bool Peer::accept_restart(std::string_view text) {
  const auto fragment = sdp::parse_ice_fragment(text);
  if (!fragment || fragment->media.empty() || !candidate_of(text, options_.tcp)) return false;
  const sdp::FragmentSection& section = fragment->media.front();
  if (!section.has_credentials() || !section.end_of_candidates) return false;
  local_ = next_local_;
  server_ = {section.ice_ufrag, section.ice_pwd};
  answered_ = false;
  next_check_ = TimePoint{};
  return true;
}

std::vector<uint8_t> Peer::make_check(bool use_candidate) const {
  ice::TransactionId id;
  crypto::random_bytes(id);
  const std::string username = server_.username_fragment + ":" + local_.username_fragment;
  return ice::make_binding_request({.id = id,
                                    .username = username,
                                    .controlling = UINT64_MAX,  // wins a conflict of roles
                                    .use_candidate = use_candidate,
                                    .key = server_.password});
}

void Peer::advance(TimePoint now, Output& out) {
  if (closed_ || !dtls_) return;
  if (now >= next_check_) {
    out.datagrams.push_back(make_check(nominates_));
    next_check_ = now + (answered_ ? kKeepAlive : kCheckInterval);
  }
  if (dtls_->next_deadline() <= now) {
    dtls_->advance(now, dtls_out_);
    take_dtls(now, out);
  }
}

TimePoint Peer::next_deadline() const {
  if (closed_ || !dtls_) return kNever;
  return std::min(next_check_, dtls_->next_deadline());
}

void Peer::receive(MutableBytes datagram, TimePoint now, Output& out) {
  if (closed_ || !dtls_) return;
  switch (ice::classify(datagram)) {
    case ice::DatagramKind::kStun: {
      const auto message = ice::StunMessage::parse(datagram);
      if (message && message->message_class() == ice::StunClass::kRequest) {
        return answer_check(*message, out);
      }
      if (!message || message->message_class() != ice::StunClass::kSuccess || answered_) return;
      // An answer from before a restart is not signed with the password of now.
      if (!message->has_integrity(crypto::HmacSha1(as_bytes(server_.password)))) return;
      answered_ = true;
      next_check_ = now + kKeepAlive;
      if (dtls_->handshake_over()) return;  // of a restart
      dtls_->start(now, dtls_out_);
      return take_dtls(now, out);
    }
    case ice::DatagramKind::kDtls:
      dtls_->receive(datagram, now, dtls_out_);
      return take_dtls(now, out);
    case ice::DatagramKind::kRtp:
      return receive_rtp(datagram, out);
    case ice::DatagramKind::kRtcp: {
      if (!srtp_in_) return;
      const auto size = srtp_in_->open_rtcp(datagram);
      if (!size) return;
      out.rtcp.emplace_back(datagram.begin(), datagram.begin() + static_cast<int64_t>(*size));
      return;
    }
    case ice::DatagramKind::kUnknown:
      return;
  }
}

// A full agent checks the path from its side, too (RFC 8445 §7.3).
void Peer::answer_check(const ice::StunMessage& check, Output& out) const {
  const crypto::HmacSha1 key(as_bytes(local_.password));
  if (!check.has_integrity(key)) return;
  out.datagrams.push_back(ice::make_binding_success(check.transaction_id(), remote_, key));
}

void Peer::receive_rtp(MutableBytes datagram, Output& out) {
  if (!srtp_in_ || datagram.size() < rtp::PacketView::kFixedHeaderSize + tag_size_) return;
  const rtp::PayloadType payload_type(static_cast<uint8_t>(datagram[1] & 0x7f));
  if (!options_.decrypts && !is_rtx(payload_type)) {
    // How much of it is padding is encrypted: without the P bit nobody looks.
    datagram[0] &= static_cast<uint8_t>(~0x20);
    const auto view = rtp::PacketView::parse(datagram.first(datagram.size() - tag_size_));
    if (view) out.rtp.push_back({*view, datagram.size(), false});
    return;
  }
  dtls::RtpToOpen job{.packet = datagram};
  srtp_in_->open(std::span(&job, 1));
  if (!job.opened) return;
  const auto view = rtp::PacketView::parse(datagram.first(*job.opened));
  if (view) out.rtp.push_back({*view, datagram.size()});
}

void Peer::take_dtls(TimePoint now, Output& out) {
  // Clients run their own handshakes in line.
  while (dtls_out_.step) {
    auto step = std::move(dtls_out_.step);
    step->run();
    dtls_->resume(std::move(step), now, dtls_out_);
  }
  for (auto& datagram : dtls_out_.datagrams) out.datagrams.push_back(std::move(datagram));
  for (const dtls::EndpointEvent& event : dtls_out_.events) {
    if (const auto* connected = std::get_if<dtls::Connected>(&event)) {
      srtp_out_.emplace(identity_.engine, connected->local);
      forging_key_ = connected->local;
      srtp_in_.emplace(identity_.engine, connected->remote);
      tag_size_ = srtp_out_->overhead();
    } else {
      closed_ = true;
    }
  }
  dtls_out_ = {};
}

size_t Peer::write_extensions_of(const PacketToSend& packet, MutableBytes room) {
  using enum rtp::ExtensionKind;
  std::array<uint8_t, 2> transport_sequence{};
  std::array<uint8_t, 3> send_time{};
  std::array<uint8_t, 1> audio_level{};
  std::array<rtp::ExtensionElement, 16> elements;
  size_t count = 0;
  const auto add = [&](uint8_t id, Bytes data) {
    if (count < elements.size()) elements[count++] = {id, data};
  };
  if (!packet.mid.empty()) add(kMidExtension, as_bytes(packet.mid));
  if (!packet.rid.empty()) add(kRidExtension, as_bytes(packet.rid));
  if (!packet.repaired_rid.empty()) add(kRepairedRidExtension, as_bytes(packet.repaired_rid));
  const bool is_numbered = packet.sent_at && takes(kTransportSequence);
  if (packet.transport_sequence || is_numbered) {
    store_be16(transport_sequence,
               packet.transport_sequence ? *packet.transport_sequence : transport_sequence_++);
    add(kTransportSequenceExtension, transport_sequence);
  }
  if (packet.audio_level) {
    audio_level[0] = *packet.audio_level;
    add(kAudioLevelExtension, audio_level);
  }
  if (packet.sent_at && takes(kAbsSendTime)) {
    // Seconds in 6.18 fixed point.
    const auto micros = static_cast<uint64_t>(packet.sent_at->time_since_epoch().count());
    store_be24(send_time, static_cast<uint32_t>((micros % 64'000'000 << 18) / 1'000'000));
    add(extension_id(kAbsSendTime), send_time);
  }
  for (const KnownExtension& extension : packet.more) {
    if (takes(extension.kind)) add(extension_id(extension.kind), extension.data);
  }
  return rtp::write_extensions(
      std::span(elements).first(count), room,
      options_.all_extensions ? rtp::ExtensionForms::kMixed : rtp::ExtensionForms::kOneByte);
}

size_t Peer::header_size(const PacketToSend& packet) {
  std::array<uint8_t, kExtensionsMax> block{};
  const uint16_t next = transport_sequence_;
  const size_t extension = write_extensions_of(packet, block);
  transport_sequence_ = next;
  return rtp::PacketView::kFixedHeaderSize + extension;
}

std::vector<uint8_t> Peer::seal(const PacketToSend& packet) {
  std::array<uint8_t, kExtensionsMax> block{};
  const size_t extension = write_extensions_of(packet, block);
  std::vector<uint8_t> datagram(12 + extension + packet.payload.size() + packet.padding +
                                dtls::kSrtpOverheadMax);
  ByteWriter writer(datagram);
  writer.u8(
      static_cast<uint8_t>(0x80 | (packet.padding > 0 ? 0x20 : 0) | (extension > 0 ? 0x10 : 0)));
  writer.u8(static_cast<uint8_t>((packet.marker ? 0x80 : 0) | packet.payload_type.value()));
  writer.u16(static_cast<uint16_t>(packet.index));
  writer.u32(packet.timestamp);
  writer.u32(packet.ssrc.value());
  writer.bytes(Bytes(block).first(extension));
  dtls::RtpToSeal job{.destination = datagram,
                      .header_size = writer.size(),
                      .head = {},
                      .body = packet.payload,
                      .padding = packet.padding,
                      .index = packet.index};
  if (packet.is_forged) return forge(job, std::move(datagram));
  srtp_out_->seal(std::span(&job, 1));
  datagram.resize(job.sealed_size);
  return datagram;
}

std::vector<uint8_t> Peer::seal_raw(Bytes header, Bytes payload, uint64_t index) {
  std::vector<uint8_t> datagram(header.size() + payload.size() + dtls::kSrtpOverheadMax);
  std::ranges::copy(header, datagram.begin());
  dtls::RtpToSeal job{.destination = datagram,
                      .header_size = header.size(),
                      .head = {},
                      .body = payload,
                      .padding = 0,
                      .index = index};
  return forge(job, std::move(datagram));
}

// By a sender of its own, which has nothing to compare it with.
std::vector<uint8_t> Peer::forge(dtls::RtpToSeal job, std::vector<uint8_t> datagram) {
  dtls::SrtpSender sender(identity_.engine, *forging_key_);
  sender.seal(std::span(&job, 1));
  datagram.resize(job.sealed_size);
  return datagram;
}

std::vector<uint8_t> Peer::seal_rtcp(Bytes compound) {
  std::vector<uint8_t> datagram(compound.size() + dtls::kSrtcpOverheadMax);
  datagram.resize(srtp_out_->seal_rtcp(compound, datagram));
  return datagram;
}

void Peer::close(Output& out) {
  if (!dtls_ || closed_) return;
  dtls_->close(dtls_out_);
  for (auto& datagram : dtls_out_.datagrams) out.datagrams.push_back(std::move(datagram));
  dtls_out_ = {};
  closed_ = true;
}

}  // namespace simpul::peer
