#include "dtls/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "crypto/secret.h"
#include "dtls/context.h"
#include "dtls/fragment.h"
#include "dtls/message_assembler.h"
#include "dtls/peer_flight.h"
#include "dtls/record.h"

namespace simpul::dtls {
namespace {

constexpr long kDatagramMax = 1200;
constexpr size_t kSequenceNumberAt = 5;  // 48 bits, behind type, version and epoch
constexpr size_t kEarlyRecordsMax = 2;   // the newest: a peer repeats its Finished
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 §4.2

SrtpProfile profile_of(const SRTP_PROTECTION_PROFILE& selected) {
  if (selected.id == SRTP_AEAD_AES_128_GCM) return SrtpProfile::kAeadAes128Gcm;
  if (selected.id == SRTP_AEAD_AES_256_GCM) return SrtpProfile::kAeadAes256Gcm;
  return SrtpProfile::kAes128CmHmacSha1_80;
}

// OpenSSL's own retransmission reads the wall clock; it must never fire (our clock resends).
unsigned an_hour(SSL*, unsigned) { return 3'600'000'000u; }

}  // namespace

// The two ends of OpenSSL's wire: at most one record to read, a list of datagrams written.
struct Session::Wire {
  Bytes incoming;
  std::vector<std::vector<uint8_t>> outgoing;
  std::optional<RecordNumbers> last_protected;  // of all that was written

  static Wire& of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    Wire& wire = of(bio);
    const auto bytes = as_bytes({data, static_cast<size_t>(size)});
    wire.outgoing.emplace_back(bytes.begin(), bytes.end());
    RecordReader reader(bytes);
    while (const auto record = reader.next()) {
      if (const auto numbers = record_numbers(*record)) wire.last_protected = numbers;
    }
    return size;
  }
  static int read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    Wire& wire = of(bio);
    if (wire.incoming.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t count = std::min(wire.incoming.size(), static_cast<size_t>(size));
    std::copy_n(wire.incoming.begin(), count, data);
    wire.incoming = {};  // a datagram: what does not fit is gone
    return static_cast<int>(count);
  }
  // 0 for whatever is not known: a 1 everywhere would claim kernel TLS.
  static long control(BIO*, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    return command == BIO_CTRL_DGRAM_QUERY_MTU ? kDatagramMax : 0;
  }
  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
      SIMPUL_CHECK(fresh != nullptr);
      BIO_meth_set_write(fresh, write);
      BIO_meth_set_read(fresh, read);
      BIO_meth_set_ctrl(fresh, control);
      BIO_meth_set_create(fresh, create);
      return fresh;
    }();
    return made;
  }
};

void Session::FreeSsl::operator()(ssl_st* ssl) const { SSL_free(ssl); }
void Session::FreeContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Session::Session(const Context& context, Role role,
                 const std::vector<Fingerprint>& peer_fingerprints)
    : context_(context.ssl_context()),
      role_(role),
      peer_fingerprints_(peer_fingerprints),
      wire_(std::make_unique<Wire>()) {
  SSL_CTX_up_ref(context_.get());
}

Session::~Session() = default;

void Session::open() {
  ssl_.reset(SSL_new(context_.get()));
  BIO* bio = BIO_new(Wire::method());
  SIMPUL_CHECK(ssl_ != nullptr && bio != nullptr);  // out of memory
  BIO_set_data(bio, wire_.get());
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_mtu(ssl_.get(), kDatagramMax);
  DTLS_set_timer_cb(ssl_.get(), an_hour);
  if (role_ == Role::kServer) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
  }
}

void Session::handshake(Bytes datagram) {
  if (status_ != Status::kUnderWay) return;
  if (!ssl_) open();
  SIMPUL_CHECK(SSL_alloc_buffers(ssl_.get()) == 1);
  feed_datagram(datagram);
  if (ssl_) SSL_free_buffers(ssl_.get());  // 33 KB
}

void Session::feed_datagram(Bytes datagram) {
  if (datagram.empty()) return begin();
  std::vector<Fragment> flight;
  RecordReader reader(datagram);
  while (const auto record = reader.next()) {
    Bytes content = record->content;
    const bool is_plain = record->epoch == 0;
    const bool is_message = is_plain && record->type == ContentType::kHandshake;
    const auto message = is_message ? take_fragment(content) : std::nullopt;
    if (message && !is_hello(message->type)) {
      flight.push_back(*message);
      continue;
    }
    take_flight(std::exchange(flight, {}));
    if (!is_plain) {
      take_encrypted(*record);
    } else if (message && message->type == message_type::kClientHello) {
      take_hello(*record);
    } else if (message || has_flight_) {  // before, there is no cipher to change to
      feed_plain(record->whole);
    }
    feed_early();
  }
  take_flight(flight);
  feed_early();
}

// OpenSSL would keep a 16 KB buffer for each encrypted record that comes too early; here only the
// newest few wait.
void Session::take_encrypted(const Record& record) {
  if (early_.size() == kEarlyRecordsMax) early_.erase(early_.begin());
  early_.emplace_back(record.whole.begin(), record.whole.end());
}

void Session::feed_early() {
  while (takes_encrypted() && !early_.empty()) {
    const auto next = std::move(early_.front());
    early_.erase(early_.begin());
    feed(next);
  }
}

// A client's hello.
void Session::begin() {
  feed({});
  said_.resize(kHelloRandomSize);
  SIMPUL_CHECK(SSL_get_client_random(ssl_.get(), said_.data(), said_.size()) == said_.size());
}

// What the client signs begins with its hello and our answer.
void Session::take_hello(const Record& record) {
  if (has_flight_ || !said_.empty()) return;
  feed_plain(record.whole);
  std::vector<uint8_t> messages(record.whole.begin(), record.whole.end());
  MessageAssembler written;  // OpenSSL may have written one in pieces
  for (const auto& datagram : wire_->outgoing) {
    RecordReader reader(datagram);
    while (const auto piece = reader.next()) {
      Bytes content = piece->content;
      while (const auto fragment = take_fragment(content)) {
        if (written.add(*fragment)) append_message_record(*written.whole(fragment->type), messages);
      }
    }
  }
  if (wire_->outgoing.empty()) return;
  said_.reserve(messages.size());
  RecordReader reader(messages);
  while (const auto message = reader.next()) {
    said_.insert(said_.end(), message->content.begin(), message->content.end());
  }
}

// OpenSSL takes what it does not expect for the end, so it gets nothing that is not signed.
void Session::take_flight(std::span<const Fragment> flight) {
  if (flight.empty() || has_flight_ || said_.empty()) return;
  if (!is_signed(role_, said_, flight)) return;
  has_flight_ = true;
  said_ = std::vector<uint8_t>();  // {} would keep the memory
  for (const Fragment& message : flight) {
    std::vector<uint8_t> record;
    append_message_record(message, record);
    feed_plain(record);
  }
}

// Plain records get sequence numbers of ours: OpenSSL would take the number of a forged one as seen
// and drop the genuine one of that number, or all of them behind a very high one. Repetitions are
// told by message_seq.
void Session::feed_plain(Bytes record) {
  std::vector<uint8_t> numbered(record.begin(), record.end());
  store_be32(std::span(numbered).subspan<kSequenceNumberAt + 2, 4>(), plain_records_++);
  store_be16(std::span(numbered).subspan<kSequenceNumberAt, 2>(), 0);
  feed(numbered);
}

void Session::feed(Bytes record) {
  if (status_ != Status::kUnderWay) return;
  wire_->incoming = record;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  wire_->incoming = {};
  if (result == 1) return finish();
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  status_ = Status::kBroken;
  wire_->outgoing.clear();  // a fatal alert: nobody is told what a forgery did
}

// From the peer's ChangeCipherSpec on.
bool Session::takes_encrypted() const {
  if (status_ != Status::kUnderWay) return false;
  const auto state = SSL_get_state(ssl_.get());
  return state == TLS_ST_SR_CHANGE || state == TLS_ST_CR_CHANGE;
}

void Session::finish() {
  early_.clear();
  // Whoever is not the one of the description does not get our Finished either.
  if (!peer_matches()) {
    status_ = Status::kWrongFingerprint;
    wire_->outgoing.clear();
    return;
  }
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl_.get());
  if (selected == nullptr) {
    status_ = Status::kNoSrtpProfile;
    wire_->outgoing.clear();
    return;
  }
  export_keys(profile_of(*selected));
  make_record_cipher();
  status_ = Status::kComplete;
  ssl_.reset();  // 40 KB, of which nothing is needed any more
}

void Session::export_keys(SrtpProfile profile) {
  std::array<uint8_t, keying_material_size(SrtpProfile::kAeadAes256Gcm)> buffer{};
  const auto material = std::span(buffer).first(keying_material_size(profile));
  const int exported =
      SSL_export_keying_material(ssl_.get(), material.data(), material.size(),
                                 kExporterLabel.data(), kExporterLabel.size(), nullptr, 0, 0);
  SIMPUL_CHECK(exported == 1);  // after a handshake only memory can be missing
  const SrtpMasterKeys keys = split_keying_material(profile, material);
  crypto::wipe(buffer);
  const bool serve = role_ == Role::kServer;
  keys_ = Connected{.profile = profile,
                    .local = serve ? keys.server_write : keys.client_write,
                    .remote = serve ? keys.client_write : keys.server_write};
}

void Session::make_record_cipher() {
  std::array<uint8_t, kMasterSecretSize> master{};
  std::array<uint8_t, kHelloRandomSize> client_random{};
  std::array<uint8_t, kHelloRandomSize> server_random{};
  SSL* ssl = ssl_.get();
  SIMPUL_CHECK(SSL_SESSION_get_master_key(SSL_get_session(ssl), master.data(), master.size()) ==
               master.size());
  SIMPUL_CHECK(SSL_get_client_random(ssl, client_random.data(), client_random.size()) ==
               client_random.size());
  SIMPUL_CHECK(SSL_get_server_random(ssl, server_random.data(), server_random.size()) ==
               server_random.size());
  // AES-128-GCM with SHA-256 or AES-256-GCM with SHA-384: there is no other suite in the context.
  const bool strong = SSL_CIPHER_get_bits(SSL_get_current_cipher(ssl), nullptr) == 256;
  const RecordKeys keys = derive_record_keys(
      {.master = master,
       .client_random = client_random,
       .server_random = server_random,
       .digest = strong ? crypto::DigestAlgorithm::kSha384 : crypto::DigestAlgorithm::kSha256,
       .key_size = strong ? size_t{32} : size_t{16}});
  crypto::wipe(master);
  SIMPUL_CHECK(wire_->last_protected.has_value());  // our Finished
  const bool serve = role_ == Role::kServer;
  record_cipher_.emplace(serve ? keys.server_write : keys.client_write,
                         serve ? keys.client_write : keys.server_write, *wire_->last_protected);
}

// Of every algorithm that the description gives, one fingerprint is the leaf certificate's. (RFC
// 8122 §5 would be content with the preferred algorithm.)
bool Session::peer_matches() const {
  const std::unique_ptr<X509, decltype(&X509_free)> leaf(SSL_get1_peer_certificate(ssl_.get()),
                                                         &X509_free);
  if (!leaf || peer_fingerprints_.empty()) return false;
  std::vector<uint8_t> der(static_cast<size_t>(std::max(i2d_X509(leaf.get(), nullptr), 0)));
  uint8_t* end = der.data();
  if (der.empty() || i2d_X509(leaf.get(), &end) <= 0) return false;
  return std::ranges::all_of(peer_fingerprints_, [&](const Fingerprint& given) {
    const auto actual = Fingerprint::of(given.algorithm, der);
    return std::ranges::find(peer_fingerprints_, actual) != peer_fingerprints_.end();
  });
}

std::optional<Connected> Session::take_keys() { return std::exchange(keys_, std::nullopt); }

std::optional<RecordCipher> Session::take_record_cipher() {
  return std::exchange(record_cipher_, std::nullopt);
}

std::vector<std::vector<uint8_t>> Session::take_written() {
  return std::exchange(wire_->outgoing, {});
}

}  // namespace simpul::dtls
