#pragma once

#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace simpul::testing {

// A DTLS peer straight on OpenSSL, to be as odd as a test wants: what it offers is set on its
// SSL_CTX before connect(). A client, unless it is told to serve.
class DtlsRawClient {
 public:
  enum class Part { kClient, kServer };

  explicit DtlsRawClient(Part part = Part::kClient,
                         const char* srtp_profiles = "SRTP_AES128_CM_SHA1_80")
      : part_(part), context_(SSL_CTX_new(DTLS_method()), &SSL_CTX_free) {
    SSL_CTX_set_cipher_list(context_.get(), "ALL:COMPLEMENTOFALL:@SECLEVEL=0");
    if (srtp_profiles != nullptr) SSL_CTX_set_tlsext_use_srtp(context_.get(), srtp_profiles);
  }

  SSL_CTX* context() { return context_.get(); }

  // Makes the connection on the first call; then goes on with it by what arrived.
  bool handshake(const std::vector<std::vector<uint8_t>>& arrived = {}) {
    if (!ssl_) open();
    incoming_.insert(incoming_.end(), arrived.begin(), arrived.end());
    return SSL_do_handshake(ssl_.get()) == 1;
  }
  void write(Bytes data) { SSL_write(ssl_.get(), data.data(), static_cast<int>(data.size())); }
  // Whether what arrived is the other side's goodbye, genuine.
  bool hears_goodbye(const std::vector<std::vector<uint8_t>>& arrived) {
    incoming_.insert(incoming_.end(), arrived.begin(), arrived.end());
    char byte = 0;
    SSL_read(ssl_.get(), &byte, 1);
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  void say_goodbye() { SSL_shutdown(ssl_.get()); }
  void renegotiate() {
    SSL_renegotiate(ssl_.get());
    SSL_do_handshake(ssl_.get());
  }
  SSL* ssl() { return ssl_.get(); }
  std::vector<std::vector<uint8_t>> take_written() { return std::exchange(outgoing_, {}); }

 private:
  static DtlsRawClient& of(BIO* bio) { return *static_cast<DtlsRawClient*>(BIO_get_data(bio)); }
  static int bio_write(BIO* bio, const char* data, int size) {
    const auto bytes = as_bytes({data, static_cast<size_t>(size)});
    of(bio).outgoing_.emplace_back(bytes.begin(), bytes.end());
    return size;
  }
  static int bio_read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    auto& incoming = of(bio).incoming_;
    if (incoming.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const auto count = std::min(incoming.front().size(), static_cast<size_t>(size));
    std::memcpy(data, incoming.front().data(), count);
    incoming.pop_front();
    return static_cast<int>(count);
  }
  static long bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  void open() {
    method_.reset(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "test"));
    BIO_meth_set_write(method_.get(), bio_write);
    BIO_meth_set_read(method_.get(), bio_read);
    BIO_meth_set_ctrl(method_.get(), bio_control);
    BIO_meth_set_create(method_.get(), bio_create);
    ssl_.reset(SSL_new(context_.get()));
    BIO* bio = BIO_new(method_.get());
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_options(ssl_.get(), SSL_OP_NO_QUERY_MTU);
    SSL_set_mtu(ssl_.get(), 1200);
    if (part_ == Part::kServer) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
    }
  }

  Part part_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<BIO_METHOD, decltype(&BIO_meth_free)> method_{nullptr, &BIO_meth_free};
  std::deque<std::vector<uint8_t>> incoming_;
  std::vector<std::vector<uint8_t>> outgoing_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};  // ends first
};

}  // namespace simpul::testing
