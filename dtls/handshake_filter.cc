#include "dtls/handshake_filter.h"

#include "dtls/endpoint.h"
#include "dtls/record.h"

namespace simpul::dtls {
namespace {

constexpr size_t kFragmentHeaderSize = 12;
constexpr uint32_t kCertificateMax = 16'384;
constexpr uint32_t kHelloMax = 8'192;  // today's, with post-quantum key shares, are below 2,000
constexpr uint32_t kOtherMax = 2'048;  // signatures and key shares

// Handshake types (RFC 5246 §7.4, RFC 6347 §4.2.2).
constexpr uint8_t kClientHello = 1;
constexpr uint8_t kServerHello = 2;
constexpr uint8_t kHelloVerifyRequest = 3;
constexpr uint8_t kCertificate = 11;
constexpr uint8_t kServerKeyExchange = 12;
constexpr uint8_t kCertificateRequest = 13;
constexpr uint8_t kServerHelloDone = 14;
constexpr uint8_t kCertificateVerify = 15;
constexpr uint8_t kClientKeyExchange = 16;

}  // namespace

HandshakeFilter::Verdict HandshakeFilter::judge(const Record& record) {
  if (record.epoch == 1) {
    // The peer's Finished; OpenSSL finds out whether it is genuine.
    return record.type == ContentType::kHandshake ? Verdict::kPass : Verdict::kDrop;
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

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     type      |                    length                     |
// |          message_seq          |        fragment offset        :
// :               |                fragment length                |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
HandshakeFilter::Verdict HandshakeFilter::judge_fragments(Bytes content) {
  Messages announced = announced_;
  while (!content.empty()) {
    if (content.size() < kFragmentHeaderSize) return Verdict::kDrop;
    const uint8_t type = content[0];
    const uint32_t length = load_be24(content.subspan<1, 3>());
    const uint16_t message_seq = load_be16(content.subspan<4, 2>());
    const uint32_t offset = load_be24(content.subspan<6, 3>());
    const uint32_t size = load_be24(content.subspan<9, 3>());
    content = content.subspan(kFragmentHeaderSize);
    if (size > content.size() || offset + size > length) return Verdict::kDrop;
    if (size == 0 && length != 0) return Verdict::kDrop;
    if (!is_expected(type, length) || message_seq >= kMessagesMax) return Verdict::kDrop;
    Message& message = announced[message_seq];
    if (message.type == 0) message = {.type = type, .length = length};
    if (message.type != type || message.length != length) return Verdict::kConflict;
    content = content.subspan(size);
  }
  size_t sum = 0;
  for (const Message& message : announced) sum += message.length;
  if (sum > kAnnouncedBytesMax) return Verdict::kDrop;
  announced_ = announced;
  return Verdict::kPass;
}

bool HandshakeFilter::is_expected(uint8_t type, uint32_t length) const {
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
