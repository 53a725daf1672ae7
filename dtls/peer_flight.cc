#include "dtls/peer_flight.h"

#include <array>

#include "dtls/endpoint.h"
#include "dtls/record.h"
#include "dtls/signature.h"

namespace simpul::dtls {
namespace {

using namespace message_type;

constexpr size_t kRandomSize = 32;
constexpr size_t kServerRandomAt = 2;  // behind the version

// All messages so far, as if none had been in pieces (RFC 6347 §4.2.6).
bool client_signed(Bytes said, std::span<const Fragment> flight) {
  if (flight.size() != 3 || flight[0].type != kCertificate ||
      flight[2].type != kCertificateVerify) {
    return false;
  }
  std::vector<uint8_t> records;
  append_message_record(flight[0], records);
  append_message_record(flight[1], records);
  std::vector<Bytes> parts = {said};
  RecordReader reader(records);
  while (const auto record = reader.next()) parts.push_back(record->content);
  return is_signed_by(flight[0].bytes, flight[2].bytes, parts);
}

// ServerKeyExchange of ECDHE: curve_type (named), curve, size of the point, point; signature.
bool server_signed(Bytes said, std::span<const Fragment> flight) {
  constexpr size_t kPointAt = 4;
  if (flight.size() < 4 || flight[0].type != kServerHello || flight[1].type != kCertificate ||
      flight[2].type != kServerKeyExchange) {
    return false;
  }
  const Bytes hello = flight[0].bytes;
  const Bytes exchange = flight[2].bytes;
  if (hello.size() < kServerRandomAt + kRandomSize || exchange.size() < kPointAt) return false;
  const size_t parameters = kPointAt + exchange[kPointAt - 1];
  if (exchange.size() < parameters) return false;
  const std::array<Bytes, 3> parts = {said, hello.subspan(kServerRandomAt, kRandomSize),
                                      exchange.first(parameters)};
  return is_signed_by(flight[1].bytes, exchange.subspan(parameters), parts);
}

}  // namespace

bool is_hello(uint8_t type) { return type == kClientHello || type == kHelloVerifyRequest; }

std::vector<Fragment> signed_flight(Role own_role, const MessageAssembler& messages) {
  std::vector<uint8_t> types = {kCertificate, kClientKeyExchange, kCertificateVerify};
  if (own_role == Role::kClient) {
    types = {kServerHello, kCertificate, kServerKeyExchange};
    // A server need not ask for a certificate; the number of its last message tells.
    const auto exchange = messages.whole(kServerKeyExchange);
    const auto done = messages.whole(kServerHelloDone);
    if (exchange && done && done->message_seq != exchange->message_seq + 1) {
      types.push_back(kCertificateRequest);
    }
    types.push_back(kServerHelloDone);
  }
  std::vector<Fragment> flight;
  for (const uint8_t type : types) {
    const auto message = messages.whole(type);
    if (!message) return {};
    if (!flight.empty() && message->message_seq != flight.back().message_seq + 1) return {};
    flight.push_back(*message);
  }
  return flight;
}

bool is_signed(Role own_role, Bytes said, std::span<const Fragment> flight) {
  return own_role == Role::kServer ? client_signed(said, flight) : server_signed(said, flight);
}

}  // namespace simpul::dtls
