#include "dtls/handshake_filter.h"

#include "dtls/endpoint.h"
#include "dtls/fragment.h"
#include "dtls/record.h"

namespace simpul::dtls {
namespace {

constexpr uint32_t kCertificateMax = 5'120;  // four of 1,250 bytes; nearly all are below 1,000
constexpr uint32_t kHelloMax = 3'072;  // today's, with post-quantum key shares, are below 2,000
constexpr uint32_t kOtherMax = 2'048;  // signatures and key shares

// A Finished takes 48. There is nothing else to be said in private before the end.
constexpr size_t kProtectedMax = 256;

}  // namespace

HandshakeFilter::Verdict HandshakeFilter::judge(const Record& record) {
  if (record.epoch == 1) {
    // The peer's Finished; OpenSSL finds out whether it is genuine.
    const bool plausible =
        record.type == ContentType::kHandshake && record.content.size() <= kProtectedMax;
    return plausible ? Verdict::kPass : Verdict::kDrop;
  }
  if (record.epoch != 0) return Verdict::kDrop;
  switch (record.type) {
    case ContentType::kHandshake:
      return judge_fragments(record.content);
    case ContentType::kChangeCipherSpec:
      return record.content.size() == 1 && record.content[0] == 1 ? Verdict::kPass : Verdict::kDrop;
    case ContentType::kAlert:
    case ContentType::kApplicationData:
      return Verdict::kDrop;
  }
  return Verdict::kDrop;
}

HandshakeFilter::Verdict HandshakeFilter::judge_fragments(Bytes content) {
  Messages announced = announced_;
  while (!content.empty()) {
    const auto fragment = take_fragment(content);
    if (!fragment) return Verdict::kDrop;
    const uint8_t type = fragment->type;
    const uint32_t length = fragment->length;
    if (!is_expected(type, length) || fragment->message_seq >= kMessagesMax) return Verdict::kDrop;
    Message& message = announced[fragment->message_seq];
    if (message.type == 0) message = {.type = type, .length = length};
    if (message.type != type || message.length != length) return Verdict::kConflict;
  }
  size_t sum = 0;
  for (const Message& message : announced) sum += message.length;
  if (sum > kAnnouncedBytesMax) return Verdict::kDrop;
  announced_ = announced;
  return Verdict::kPass;
}

bool HandshakeFilter::is_expected(uint8_t type, uint32_t length) const {
  using namespace message_type;
  const bool we_serve = own_role_ == Role::kServer;
  switch (type) {
    case kClientHello:
      return we_serve && length <= kHelloMax;
    case kCertificate:
      return length <= kCertificateMax;
    case kClientKeyExchange:
    case kCertificateVerify:
      return we_serve && length <= kOtherMax;
    case kServerHello:
    case kHelloVerifyRequest:
    case kServerKeyExchange:
    case kCertificateRequest:
    case kServerHelloDone:
      return !we_serve && length <= kOtherMax;
    default:
      return false;
  }
}

}  // namespace simpul::dtls
