#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/peer/peer.h"
#include "ice/demultiplex.h"
#include "ice/stun_message.h"
#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"

namespace simpul::testing {

// What a peer joins in these tests: answers its checks, is the server of its handshake, and opens
// what it sends. No time passes and nothing is lost unless a test says so.
class FarEnd {
 public:
  // One packet as it came.
  struct Packet {
    std::vector<uint8_t> bytes;
    size_t sealed_size = 0;

    rtp::PacketView view() const { return *rtp::PacketView::parse(bytes); }
    Bytes extension(rtp::ExtensionKind kind) const {
      rtp::ExtensionReader reader(view().extension_profile(), view().extension());
      while (const auto element = reader.next()) {
        if (element->id == peer::extension_id(kind)) return element->data;
      }
      return {};
    }
  };

  explicit FarEnd(peer::Options options)
      : peer(std::move(options), identity()),
        endpoint_(identity().context,
                  {.role = dtls::Role::kServer,
                   .peer_fingerprints = {identity().certificate.fingerprint()}}) {}

  static peer::Identity& identity() {
    static peer::Identity made{std::chrono::seconds(1'800'000'000)};
    return made;
  }

  // All that the peer offers is taken.
  std::string answer() const {
    const std::string offer = peer.offer();
    std::string text = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n";
    size_t at = 0;
    while (at < offer.size()) {
      const size_t end = offer.find("\r\n", at) + 2;
      const std::string line = offer.substr(at, end - at);
      for (const char* kept :
           {"m=", "c=", "a=mid", "a=extmap", "a=rtpmap", "a=fmtp", "a=rtcp-mux"}) {
        if (line.starts_with(kept)) text += line;
      }
      if (line.starts_with("m=")) text += ends();
      at = end;
    }
    return text;
  }

  bool connect() {
    if (!peer.accept(answer())) return false;
    for (int i = 0; i < 10 && !peer.connected(); ++i) advance(Duration(0));
    return peer.connected() && in_.has_value();
  }

  void advance(Duration duration) {
    now += duration;
    peer.advance(now, out_);
    settle();
  }

  // Opens what the peer has sealed.
  void take(const std::vector<std::vector<uint8_t>>& datagrams) {
    for (auto datagram : datagrams) {
      if (ice::classify(datagram) == ice::DatagramKind::kRtcp) {
        const auto size = in_->open_rtcp(datagram);
        if (!size) continue;
        datagram.resize(*size);
        rtcp.push_back(std::move(datagram));
        continue;
      }
      const size_t sealed = datagram.size();
      dtls::RtpToOpen job{.packet = datagram};
      in_->open(std::span(&job, 1));
      if (!job.opened) continue;
      datagram.resize(*job.opened);
      packets.push_back({std::move(datagram), sealed});
    }
  }

  // The peer gets a packet of ours, and this is what it makes of it.
  struct Heard {
    std::vector<uint8_t> datagram;
    peer::Peer::Output out = {};
  };
  Heard send(Bytes header, Bytes payload, uint64_t index) {
    Heard heard{.datagram = std::vector<uint8_t>(header.size() + payload.size() + 32)};
    std::ranges::copy(header, heard.datagram.begin());
    dtls::RtpToSeal job{.destination = heard.datagram,
                        .header_size = header.size(),
                        .head = {},
                        .body = payload,
                        .index = index};
    out_side_->seal(std::span(&job, 1));
    heard.datagram.resize(job.sealed_size);
    peer.receive(heard.datagram, now, heard.out);
    return heard;
  }

  std::optional<dtls::SrtpProfile> profile() const { return profile_; }

  TimePoint now{std::chrono::hours(1)};
  peer::Peer peer;
  std::vector<Packet> packets;
  std::vector<std::vector<uint8_t>> rtcp;

 private:
  static constexpr const char* kPassword = "abcdefghijklmnopqrstuvwx";

  std::string ends() const {
    return std::string("a=ice-ufrag:ours\r\na=ice-pwd:") + kPassword +
           "\r\na=setup:passive\r\na=fingerprint:" +
           identity().certificate.fingerprint().to_string() +
           "\r\na=candidate:1 1 udp 2130706431 192.0.2.1 7700 typ host\r\n";
  }

  void settle() {
    while (!out_.datagrams.empty()) {
      for (const auto& datagram : std::exchange(out_.datagrams, {})) receive(datagram);
    }
  }

  void receive(std::vector<uint8_t> datagram) {
    if (ice::classify(datagram) == ice::DatagramKind::kStun) {
      ice::TransactionId id{};
      std::copy_n(datagram.begin() + 8, id.size(), id.begin());
      auto success = ice::make_binding_success(id, Address::v4({192, 0, 2, 9}, 9),
                                               crypto::HmacSha1(as_bytes(kPassword)));
      return peer.receive(success, now, out_);
    }
    endpoint_.receive(datagram, now, dtls_out_);
    while (dtls_out_.step) {
      auto step = std::move(dtls_out_.step);
      step->run();
      endpoint_.resume(std::move(step), now, dtls_out_);
    }
    for (const auto& event : dtls_out_.events) {
      if (const auto* connected = std::get_if<dtls::Connected>(&event)) {
        profile_ = connected->profile;
        in_.emplace(identity().engine, connected->remote);
        out_side_.emplace(identity().engine, connected->local);
      }
    }
    auto datagrams = std::move(dtls_out_.datagrams);
    dtls_out_ = {};
    for (auto& answer : datagrams) peer.receive(answer, now, out_);
  }

  dtls::Endpoint endpoint_;
  dtls::Endpoint::Output dtls_out_;
  std::optional<dtls::SrtpProfile> profile_;
  std::optional<dtls::SrtpReceiver> in_;
  std::optional<dtls::SrtpSender> out_side_;
  peer::Peer::Output out_;
};

}  // namespace simpul::testing
