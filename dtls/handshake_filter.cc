#include "dtls/handshake_filter.h"

#include <algorithm>
#include <array>
#include <span>

#include "dtls/endpoint.h"
#include "dtls/fragment.h"
#include "dtls/record.h"

namespace simpul::dtls {
namespace {

using namespace message_type;

// What a message may be: its largest body, the first and last number that it can have.
struct Allowed {
  uint8_t type = 0;
  uint32_t length_max = 0;
  uint16_t first = 0;
  uint16_t last = 0;
};

// Today's hellos, with post-quantum key shares, are below 2,000.
constexpr uint32_t kHelloMax = 3'072;
// Four certificates of 1,250 bytes; nearly all are one below 1,000.
constexpr uint32_t kCertificateMax = 5'120;
// A point of the largest curve and its size.
constexpr uint32_t kPointMax = 192;
// By 8,192 bits of RSA, with its algorithm and size.
constexpr uint32_t kSignatureMax = 1'088;

constexpr std::array kOfClients = {
    Allowed{kClientHello, kHelloMax, 0, 0},
    Allowed{kCertificate, kCertificateMax, 1, 1},
    Allowed{kClientKeyExchange, kPointMax, 2, 2},
    Allowed{kCertificateVerify, kSignatureMax, 3, 3},
};
// One later where the server asked for a cookie first.
constexpr std::array kOfServers = {
    Allowed{kHelloVerifyRequest, 256 + 3, 0, 0},
    Allowed{kServerHello, 1'024, 0, 1},
    Allowed{kCertificate, kCertificateMax, 1, 2},
    Allowed{kServerKeyExchange, kPointMax + kSignatureMax, 2, 3},
    Allowed{kCertificateRequest, 2'048, 3, 4},
    Allowed{kServerHelloDone, 0, 3, 5},
};

constexpr size_t sum_of(std::span<const Allowed> messages) {
  size_t sum = 0;
  for (const Allowed& message : messages) sum += message.length_max;
  return sum;
}
static_assert(sum_of(kOfClients) <= HandshakeFilter::kClientBytesMax);
static_assert(sum_of(kOfServers) <= HandshakeFilter::kServerBytesMax);

// A Finished takes 48. There is nothing else to be said in private before the end.
constexpr size_t kProtectedMax = 256;

}  // namespace

bool HandshakeFilter::passes(const Record& record) const {
  if (record.epoch == 1) {
    // The peer's Finished; OpenSSL finds out whether it is genuine.
    return record.type == ContentType::kHandshake && record.content.size() <= kProtectedMax;
  }
  if (record.epoch != 0) return false;
  switch (record.type) {
    case ContentType::kHandshake: {
      Bytes content = record.content;
      while (!content.empty()) {
        const auto fragment = take_fragment(content);
        if (!fragment || !passes(*fragment)) return false;
      }
      return true;
    }
    case ContentType::kChangeCipherSpec:
      return record.content.size() == 1 && record.content[0] == 1;
    case ContentType::kAlert:
    case ContentType::kApplicationData:
      return false;
  }
  return false;
}

bool HandshakeFilter::passes(const Fragment& fragment) const {
  const std::span<const Allowed> messages =
      own_role_ == Role::kServer ? std::span<const Allowed>(kOfClients) : kOfServers;
  return std::ranges::any_of(messages, [&](const Allowed& allowed) {
    return allowed.type == fragment.type && fragment.length <= allowed.length_max &&
           fragment.message_seq >= allowed.first && fragment.message_seq <= allowed.last;
  });
}

}  // namespace simpul::dtls
