// simpul-handshake: the CPU time, in milliseconds, that the server's side of one DTLS handshake
// takes in OpenSSL alone (mutual ECDSA certificates, keys exported, the object made and freed), and
// the memory, in KiB, that its object holds when it is connected and kept. The yardsticks of
// scripts/bench for a join and for a connection.
#include <malloc.h>
#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "dtls/certificate.h"
#include "dtls/context.h"

namespace {

constexpr int kHandshakes = 300;
constexpr int kWarmUp = 20;
constexpr int kKept = 100;
constexpr int kTurnsMax = 20;
constexpr int kMtu = 1'200;
constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Ssl = std::unique_ptr<SSL, FreeSsl>;

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

Ssl make(const simpul::dtls::Context& context, bool server) {
  Ssl ssl(SSL_new(context.ssl_context()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl.get()), -1);
  SSL_set_mtu(ssl.get(), kMtu);
  if (server) {
    SSL_set_accept_state(ssl.get());
  } else {
    SSL_set_connect_state(ssl.get());
  }
  return ssl;
}

void carry(SSL* from, SSL* to) {
  std::array<char, 8'192> bytes{};
  const int size = BIO_read(SSL_get_wbio(from), bytes.data(), bytes.size());
  if (size > 0) BIO_write(SSL_get_rbio(to), bytes.data(), size);
}

double heap_kib() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd) / 1024;
}

// What the server's side cost; negative when there was no handshake. Its object is freed, or kept.
double handshake(const simpul::dtls::Context& client_context,
                 const simpul::dtls::Context& server_context, std::vector<Ssl>* kept = nullptr) {
  const Ssl client = make(client_context, false);
  double began = cpu_seconds();
  Ssl server = make(server_context, true);
  double spent = cpu_seconds() - began;
  bool done = false;
  for (int turn = 0; turn < kTurnsMax && !done; ++turn) {
    const bool client_done = SSL_do_handshake(client.get()) == 1;
    carry(client.get(), server.get());
    began = cpu_seconds();
    const bool server_done = SSL_do_handshake(server.get()) == 1;
    spent += cpu_seconds() - began;
    carry(server.get(), client.get());
    done = client_done && server_done;
  }
  began = cpu_seconds();
  std::array<uint8_t, 56> keys{};
  const int exported =
      SSL_export_keying_material(server.get(), keys.data(), keys.size(), kExporterLabel.data(),
                                 kExporterLabel.size(), nullptr, 0, 0);
  if (kept != nullptr) kept->push_back(std::exchange(server, nullptr));
  server.reset();
  spent += cpu_seconds() - began;
  return done && exported == 1 ? spent : -1;
}

}  // namespace

int main() {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  const auto client_certificate = simpul::dtls::Certificate::make(now);
  const auto server_certificate = simpul::dtls::Certificate::make(now);
  const simpul::dtls::Context client(client_certificate);
  const simpul::dtls::Context server(server_certificate);
  double total = 0;
  for (int i = -kWarmUp; i < kHandshakes; ++i) {
    const double spent = handshake(client, server);
    if (spent < 0) {
      std::fputs("simpul-handshake: no handshake\n", stderr);
      return 1;
    }
    if (i >= 0) total += spent;
  }
  std::vector<Ssl> kept;
  kept.reserve(kKept);
  const double before = heap_kib();
  for (int i = 0; i < kKept; ++i) handshake(client, server, &kept);
  std::printf("{\"cpu_ms\": %.4f, \"kib\": %.2f}\n", total * 1'000 / kHandshakes,
              (heap_kib() - before) / kKept);
  return 0;
}
