#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "dtls/fragment.h"
#include "dtls/record.h"
#include "dtls/record_cipher.h"
#include "tests/support/dtls_records.h"
#include "tests/support/dtls_server.h"

namespace simpul::testing {

// The same message under another number.
inline std::vector<uint8_t> renumbered(std::vector<uint8_t> record, uint16_t message_seq) {
  store_be16(MutableBytes(record).subspan(dtls::kRecordHeaderSize + 4).first<2>(), message_seq);
  return record;
}

// A handshake between a client on OpenSSL and an endpoint, stopped when the client has written its
// second flight and the endpoint has not seen any of it.
class StoppedHandshake {
 public:
  enum Part : size_t { kCertificate, kKeyExchange, kVerify, kChange, kFinished };
  static constexpr size_t kParts = 5;

  explicit StoppedHandshake(const DtlsIdentity& holder = client_identity(),
                            EndpointConfig config = server_config())
      : listener_(std::move(config)) {
    SSL_CTX_set_cipher_list(client_.context(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    SSL_CTX_use_certificate(client_.context(), holder.certificate.x509());
    SSL_CTX_use_PrivateKey(client_.context(), holder.certificate.key());
    client_.handshake();
    const Datagrams hello = client_.take_written();
    const Datagrams answer = listener_.receive_all(hello);
    client_.handshake(answer);
    flight_ = records_of(client_.take_written());
    for (const auto& record : records_of(hello)) note(record);
    for (const auto& record : records_of(answer)) note(record);
    EXPECT_EQ(flight_.size(), size_t{kParts});
  }

  DtlsListener& listener() { return listener_; }
  dtls::Endpoint& server() { return listener_.server_; }
  DtlsRawClient& client() { return client_; }
  const std::vector<uint8_t>& part(Part part) const { return flight_[part]; }
  const Datagrams& flight() const { return flight_; }
  Datagrams send(const std::vector<uint8_t>& record) { return listener_.receive(record); }
  bool connected() { return server().connected(); }
  // How often keys were told.
  size_t keys() const {
    return static_cast<size_t>(std::ranges::count_if(listener_.events_, [](const auto& event) {
      return std::holds_alternative<dtls::Connected>(event);
    }));
  }

  // The client's Finished as it had to be if it had sent these messages, in this order; with
  // `spoil` one bit of what it proves is wrong, though the record is genuine.
  std::vector<uint8_t> make_finished(const Datagrams& messages, bool spoil = false) {
    std::vector<uint8_t> transcript = transcript_;
    for (const auto& message : messages) append_message(message, transcript);
    auto verify = verify_data(transcript);
    if (spoil) verify[0] ^= 1;
    const auto message = make_fragment({.type = 20,
                                        .length = static_cast<uint32_t>(verify.size()),
                                        .message_seq = static_cast<uint16_t>(1 + messages.size()),
                                        .bytes = {verify.begin(), verify.end()}});
    const dtls::RecordKeys keys = record_keys();
    dtls::RecordCipher cipher(keys.client_write, keys.server_write,
                              {.sequence_number = 9, .nonce = 1'000});
    return cipher.seal(dtls::ContentType::kHandshake, message);
  }
  dtls::RecordKeys record_keys() {
    std::array<uint8_t, dtls::kHelloRandomSize> ours{};
    std::array<uint8_t, dtls::kHelloRandomSize> theirs{};
    SSL_get_client_random(client_.ssl(), ours.data(), ours.size());
    SSL_get_server_random(client_.ssl(), theirs.data(), theirs.size());
    return dtls::derive_record_keys(
        {.master = master(), .client_random = ours, .server_random = theirs});
  }

 private:
  static void append_message(const std::vector<uint8_t>& record, std::vector<uint8_t>& to) {
    to.insert(to.end(), record.begin() + dtls::kRecordHeaderSize, record.end());
  }
  void note(const std::vector<uint8_t>& record) { append_message(record, transcript_); }

  std::span<const uint8_t, dtls::kMasterSecretSize> master() {
    SSL_SESSION_get_master_key(SSL_get_session(client_.ssl()), master_.data(), master_.size());
    return master_;
  }
  // RFC 5246 §7.4.9.
  std::array<uint8_t, 12> verify_data(const std::vector<uint8_t>& transcript) {
    static constexpr std::string_view kLabel = "client finished";
    std::vector<uint8_t> seed(kLabel.begin(), kLabel.end());
    const auto hash = crypto::digest(crypto::DigestAlgorithm::kSha256, transcript);
    seed.insert(seed.end(), hash.begin(), hash.end());
    std::array<uint8_t, 12> data{};
    dtls::tls_prf(crypto::DigestAlgorithm::kSha256, master(), seed, data);
    return data;
  }

  DtlsListener listener_;
  DtlsRawClient client_;
  Datagrams flight_;
  std::vector<uint8_t> transcript_;  // hello and answer: every message in one piece
  std::array<uint8_t, dtls::kMasterSecretSize> master_{};
};

}  // namespace simpul::testing
