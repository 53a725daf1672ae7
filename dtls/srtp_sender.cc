#include "dtls/srtp_sender.h"

#include <algorithm>

#include "base/check.h"
#include "base/uninitialized.h"
#include "dtls/srtp_format.h"

namespace simpul::dtls {
namespace {

// As many as the lanes of the widest CPU.
constexpr size_t kGroupMax = 16;

}  // namespace

SrtpSender::SrtpSender(crypto::CipherEngine& engine, const SrtpSessionKeys& keys,
                       uint32_t rtcp_index)
    : suite_(cipher_suite(keys.profile)),
      rtp_(engine, keys.profile, keys.rtp),
      rtcp_(engine, keys.profile, keys.rtcp),
      rtcp_index_(rtcp_index) {
#ifndef NDEBUG
  guard_ = std::make_unique<SrtpNonceGuard>();
#endif
}

void SrtpSender::seal(std::span<RtpToSeal> batch) {
  crypto::TagBatch tags;
  begin_seal(batch, tags);
}

void SrtpSender::begin_seal(std::span<RtpToSeal> batch, crypto::TagBatch& tags) {
  SIMPUL_UNINITIALIZED SrtpJobs<crypto::SealJob, kGroupMax> group;
  for (RtpToSeal& packet : batch) {
    packet.sealed_size = prepare(packet, group.make());
    if (packet.sealed_size != 0) group.push();
    if (group.full()) {
      rtp_.cipher().begin_seal(group.jobs(), tags);
      group.clear();
    }
  }
  if (!group.empty()) rtp_.cipher().begin_seal(group.jobs(), tags);
  if (guard_ != nullptr) check_nonces(batch);
}

// By all but the tag, which may be yet to come, and says nothing that the text does not.
void SrtpSender::check_nonces(std::span<const RtpToSeal> batch) {
  for (const RtpToSeal& packet : batch) {
    if (packet.sealed_size == 0) continue;
    SIMPUL_CHECK(guard_->allows(rtp_ssrc(packet.destination), packet.index,
                                packet.destination.first(packet.sealed_size - overhead())));
  }
}

size_t SrtpSender::prepare(const RtpToSeal& packet, crypto::SealJob& job) const {
  const size_t text_size = packet.head.size() + packet.body.size() + packet.padding;
  const size_t plain_size = packet.header_size + text_size;
  const size_t sealed_size = plain_size + overhead();
  if (packet.header_size < kRtpHeaderSize || sealed_size > packet.destination.size()) return 0;
  if (packet.index > kSrtpIndexMax) return 0;
  job.associated = packet.destination.first(packet.header_size);
  job.destination = packet.destination.subspan(packet.header_size, text_size);
  job.head = packet.head;
  job.body = packet.body;
  job.padding = packet.padding;
  job.trailer = static_cast<uint32_t>(packet.index >> 16);  // the rollover counter
  rtp_.write_initial_value(rtp_ssrc(packet.destination), packet.index, job.iv);
  job.tag = packet.destination.data() + plain_size;
  return sealed_size;
}

size_t SrtpSender::seal_rtcp(Bytes plain, MutableBytes destination) {
  if (plain.size() < kRtcpHeaderSize || rtcp_index_ > kSrtcpIndexMax) return 0;
  const SrtcpLayout layout = srtcp_layout(suite_, plain.size() - kRtcpHeaderSize);
  if (layout.size > destination.size()) return 0;
  std::ranges::copy(plain.first(kRtcpHeaderSize), destination.begin());
  if (guard_ != nullptr) SIMPUL_CHECK(guard_->allows_rtcp(rtcp_index_));
  const uint32_t trailer = kSrtcpEncryptedBit | rtcp_index_;
  const SrtcpAssociated associated(destination, trailer);
  const crypto::SealJob job{
      .associated = associated.bytes(suite_),
      .destination = destination.subspan(kRtcpHeaderSize, plain.size() - kRtcpHeaderSize),
      .head = {},
      .body = plain.subspan(kRtcpHeaderSize),
      .trailer = trailer,
      .iv = rtcp_.initial_value(rtcp_ssrc(plain), rtcp_index_),
      .tag = destination.data() + layout.tag};
  rtcp_.cipher().seal({&job, 1});
  store_be32(destination.subspan(layout.trailer).first<4>(), trailer);
  ++rtcp_index_;
  return layout.size;
}

}  // namespace simpul::dtls
