#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "dtls/endpoint.h"
#include "tests/support/dtls_pair.h"
#include "tests/support/dtls_raw_client.h"

namespace simpul::testing {

using dtls::Endpoint;
using dtls::EndpointConfig;
using dtls::EndpointEvent;
using dtls::Failed;
using dtls::HandshakeFailure;

inline EndpointConfig server_config() {
  return {.peer_fingerprints = {client_identity().certificate.fingerprint()}};
}

// An endpoint alone, to which a test says what it likes.
class DtlsListener {
 public:
  using Datagrams = std::vector<std::vector<uint8_t>>;

  explicit DtlsListener(EndpointConfig config = server_config())
      : server_(server_identity().context, std::move(config)) {}

  // What it answers, with its steps run at once.
  Datagrams receive(Bytes datagram) {
    return settle([&](Endpoint::Output& out) { server_.receive(datagram, now_, out); });
  }
  Datagrams start() {
    return settle([&](Endpoint::Output& out) { server_.start(now_, out); });
  }
  Datagrams close() {
    return settle([&](Endpoint::Output& out) { server_.close(out); });
  }
  Datagrams receive_all(const Datagrams& datagrams) {
    Datagrams answers;
    for (const auto& datagram : datagrams) {
      std::ranges::move(receive(datagram), std::back_inserter(answers));
    }
    return answers;
  }
  Datagrams advance(Duration by) {
    now_ += by;
    Endpoint::Output out;
    server_.advance(now_, out);
    std::ranges::move(out.events, std::back_inserter(events_));
    return out.datagrams;
  }
  // True when the client is content.
  bool connect(DtlsRawClient& client) {
    bool done = client.handshake();
    for (int round = 0; round < 5 && !done; ++round) {
      done = client.handshake(receive_all(client.take_written()));
    }
    return done;
  }
  static void give_certificate(DtlsRawClient& client) {
    SSL_CTX_use_certificate(client.context(), client_identity().certificate.x509());
    SSL_CTX_use_PrivateKey(client.context(), client_identity().certificate.key());
  }

  TimePoint now_{};
  Endpoint server_;
  std::vector<EndpointEvent> events_;
  int steps_ = 0;

 private:
  template <class Action>
  Datagrams settle(Action action) {
    Endpoint::Output out;
    action(out);
    Datagrams answered = std::move(out.datagrams);
    while (out.step) {
      auto step = std::move(out.step);
      step->run();
      ++steps_;
      Endpoint::Output next;
      server_.resume(std::move(step), now_, next);
      std::ranges::move(next.datagrams, std::back_inserter(answered));
      std::ranges::move(next.events, std::back_inserter(out.events));
      out.step = std::move(next.step);
    }
    std::ranges::move(out.events, std::back_inserter(events_));
    return answered;
  }
};

// The same as a fixture.
class DtlsServer : public ::testing::Test, protected DtlsListener {
 protected:
  explicit DtlsServer(EndpointConfig config = server_config()) : DtlsListener(std::move(config)) {}

  void expect_failed(HandshakeFailure reason) {
    ASSERT_EQ(events_.size(), 1u);
    ASSERT_TRUE(std::holds_alternative<Failed>(events_[0]));
    EXPECT_EQ(std::get<Failed>(events_[0]).reason, reason);
    EXPECT_TRUE(server_.handshake_over());
    EXPECT_FALSE(server_.connected());
    EXPECT_EQ(server_.next_deadline(), kNever);
  }
};

}  // namespace simpul::testing
