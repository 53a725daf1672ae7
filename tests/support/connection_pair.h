#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "connection/connection.h"
#include "ice/demultiplex.h"
#include "tests/support/dtls_pair.h"

namespace simpul::testing {

// A connection and its peer: an ICE and DTLS client that does what it is told. No time passes and
// nothing is lost unless a test says so.
class ConnectionPair {
 public:
  static constexpr rtp::Ssrc kOwnSsrc{7};

  explicit ConnectionPair(connection::MediaConfig media = {}, dtls::Role role = dtls::Role::kServer,
                          const DtlsIdentity& expected = client_identity())
      : client(client_identity().context,
               {.role = role == dtls::Role::kServer ? dtls::Role::kClient : dtls::Role::kServer,
                .peer_fingerprints = {server_identity().certificate.fingerprint()}}),
        connection(
            {.ice = {.local = {"ours", kPassword}, .remote_username_fragment = "theirs"},
             .dtls = {.role = role, .peer_fingerprints = {expected.certificate.fingerprint()}},
             .media = std::move(media),
             .own_ssrc = kOwnSsrc,
             .clock = rtp::NtpClock(std::chrono::seconds(3'000'000'000))},
            server_identity().context, engine, now) {}

  static ice::Path path(uint16_t port) {
    return {.socket = 0, .remote = Address::v4({192, 0, 2, 9}, port)};
  }

  std::vector<uint8_t> make_check(bool use_candidate, std::string_view password = kPassword) {
    ice::BindingRequest request{.username = "ours:theirs", .key = password};
    request.id[0] = ++checks_;
    request.controlling = 1;
    request.use_candidate = use_candidate;
    return ice::make_binding_request(request);
  }
  void check(bool use_candidate = true) { check(use_candidate, home); }
  void check(bool use_candidate, ice::Path from) { receive(make_check(use_candidate), from); }

  // What the client says goes out by `home`, what the connection says to any path comes back.
  void start_client() {
    client.start(now, client_out_);
    take_client();
  }
  bool connect() {
    check();
    start_client();
    return state() == connection::State::kConnected && client_out.has_value();
  }

  void receive(Bytes datagram) { receive(datagram, home); }
  void receive(Bytes datagram, ice::Path from) {
    PacketRef packet = pool.allocate();
    packet->size = static_cast<uint32_t>(std::min(datagram.size(), kPacketCapacity));
    std::copy_n(datagram.begin(), packet->size, packet->bytes.begin());
    connection.receive(std::move(packet), from, now, out);
    settle();
  }
  void advance(Duration duration) {
    now += duration;
    connection.advance(now, out);
    settle();
  }
  void close() {
    connection.close(now, out);
    settle();
  }
  void close_client() {
    client.close(client_out_);
    take_client();
  }
  // Runs a step that was held back (see holds_steps).
  void run_step() {
    auto step = std::exchange(held_step, nullptr);
    step->run();
    connection.resume(std::move(step), now, out);
    settle();
  }

  // The SRTP packet of a plain RTP packet with that many bytes of header.
  std::vector<uint8_t> seal(Bytes plain, size_t header_size, uint64_t index) {
    std::vector<uint8_t> sealed(plain.size() + dtls::kSrtpOverheadMax);
    std::copy_n(plain.begin(), header_size, sealed.begin());
    dtls::RtpToSeal job{.destination = sealed,
                        .header_size = header_size,
                        .head = {},
                        .body = plain.subspan(header_size),
                        .index = index};
    client_out->seal({&job, 1});
    sealed.resize(job.sealed_size);
    return sealed;
  }
  std::vector<uint8_t> seal_rtcp(Bytes plain) {
    std::vector<uint8_t> sealed(plain.size() + dtls::kSrtcpOverheadMax);
    sealed.resize(client_out->seal_rtcp(plain, sealed));
    return sealed;
  }

  connection::State state() const { return connection.state(); }
  connection::CloseReason reason() const { return connection.close_reason(); }
  uint64_t drops(connection::Drop drop) const {
    return connection.drops()[static_cast<size_t>(drop)];
  }
  size_t sent(ice::DatagramKind kind) const {
    return static_cast<size_t>(std::ranges::count_if(
        log, [&](const auto& datagram) { return ice::classify(datagram.bytes) == kind; }));
  }

  static constexpr const char* kPassword = "abcdefghijklmnopqrstuvwx";

  TimePoint now{std::chrono::hours(1)};
  ice::Path home = path(4000);
  bool holds_steps = false;
  bool client_is_deaf = false;
  PacketPool pool{256};
  crypto::CipherEngine engine;
  dtls::Endpoint client;
  std::optional<dtls::SrtpSender> client_out;
  std::optional<dtls::SrtpReceiver> client_in;
  bool client_closed = false;
  connection::Output out;                  // all that is neither datagram nor step piles up here
  std::vector<connection::Datagram> log;   // what the connection sent
  std::vector<std::vector<uint8_t>> rtcp;  // of it, what the client could decrypt
  std::unique_ptr<dtls::HandshakeStep> held_step;
  connection::Connection connection;

 private:
  void settle() {
    for (;;) {
      std::vector<connection::Datagram> datagrams = std::exchange(out.datagrams, {});
      auto step = std::move(out.handshake_step);
      if (datagrams.empty() && !step) return;
      for (auto& datagram : datagrams) {
        log.push_back(datagram);
        if (!client_is_deaf) hear(datagram.bytes);
      }
      if (!step) continue;
      if (holds_steps) {
        held_step = std::move(step);
        continue;
      }
      step->run();
      connection.resume(std::move(step), now, out);
    }
  }
  void hear(MutableBytes datagram) {
    if (ice::classify(datagram) == ice::DatagramKind::kDtls) {
      client.receive(datagram, now, client_out_);
      take_client();
    } else if (ice::classify(datagram) == ice::DatagramKind::kRtcp && client_in) {
      const auto size = client_in->open_rtcp(datagram);
      if (size) rtcp.emplace_back(datagram.begin(), datagram.begin() + static_cast<long>(*size));
    }
  }
  void take_client() {
    while (client_out_.step) {
      auto step = std::move(client_out_.step);
      step->run();
      client.resume(std::move(step), now, client_out_);
    }
    for (const auto& event : std::exchange(client_out_.events, {})) {
      if (const auto* connected = std::get_if<dtls::Connected>(&event)) {
        client_out.emplace(engine, connected->local);
        client_in.emplace(engine, connected->remote);
      }
      client_closed = client_closed || std::holds_alternative<dtls::Closed>(event);
    }
    for (const auto& datagram : std::exchange(client_out_.datagrams, {})) receive(datagram);
  }

  dtls::Endpoint::Output client_out_;
  uint8_t checks_ = 0;
};

}  // namespace simpul::testing
