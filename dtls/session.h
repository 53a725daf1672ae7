#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "dtls/endpoint.h"
#include "dtls/record_cipher.h"

struct ssl_st;
struct ssl_ctx_st;

namespace simpul::dtls {

struct Fragment;

// OpenSSL's part of one association, which is its handshake: bytes in, bytes out, no time. Belongs
// to one thread at a time and may move between them. Between two calls OpenSSL keeps as little as
// it can be brought to; when the handshake is complete, nothing.
class Session {
 public:
  enum class Status : uint8_t {
    kUnderWay,
    kComplete,
    kBroken,  // a fatal error: this session is of no use any more
    kWrongFingerprint,
    kNoSrtpProfile,
  };

  Session(const Context& context, Role role, const std::vector<Fingerprint>& peer_fingerprints);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Begins a handshake, or goes on with one, by the records of one datagram, in which each message
  // is in one piece; empty for a client's beginning. This is what costs a millisecond.
  void handshake(Bytes datagram);
  Status status() const { return status_; }
  // Whether the flight that proves who the peer is was taken; it is not wanted again.
  bool has_flight() const { return has_flight_; }
  // Once, when it is complete; nothing of them stays here.
  std::optional<Connected> take_keys();
  std::optional<RecordCipher> take_record_cipher();

  // What the handshake wrote since the last call.
  std::vector<std::vector<uint8_t>> take_written();

 private:
  struct Wire;
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };

  void open();
  void begin();
  void feed_datagram(Bytes datagram);
  void take_hello(const Record& record);
  void take_flight(std::span<const Fragment> flight);
  void feed_plain(Bytes record);
  void feed(Bytes record);
  void take_encrypted(const Record& record);
  void feed_early();
  bool takes_encrypted() const;
  void finish();
  bool peer_matches() const;
  void export_keys(SrtpProfile profile);
  void make_record_cipher();

  // Of our own reference: steps may outlive the node's Context.
  std::unique_ptr<ssl_ctx_st, FreeContext> context_;
  const Role role_;
  const std::vector<Fingerprint> peer_fingerprints_;
  std::unique_ptr<Wire> wire_;  // before ssl_, which uses it to its end
  std::unique_ptr<ssl_st, FreeSsl> ssl_;
  std::vector<uint8_t> said_;                // what the peer signs besides its flight
  bool has_flight_ = false;                  // OpenSSL got it
  std::vector<std::vector<uint8_t>> early_;  // encrypted records that came before their keys
  uint32_t plain_records_ = 0;               // fed
  std::optional<Connected> keys_;
  std::optional<RecordCipher> record_cipher_;
  Status status_ = Status::kUnderWay;
};

}  // namespace simpul::dtls
