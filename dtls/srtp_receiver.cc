#include "dtls/srtp_receiver.h"

#include <optional>

#include "base/uninitialized.h"
#include "dtls/srtp_format.h"

namespace simpul::dtls {
namespace {

using Verdict = SrtpReplayWindow::Verdict;

// As many as the lanes of the widest CPU.
constexpr size_t kGroupMax = 16;

// The indices of a group are estimated before any of its packets counts. That gives what one by
// one would give as long as none is further than this from the highest index: then no two are
// further apart than the half round at which the estimate turns.
constexpr uint64_t kGroupReach = 1 << 13;

std::optional<SrtpError> refusal(Verdict verdict) {
  switch (verdict) {
    case Verdict::kNew:
      return std::nullopt;
    case Verdict::kReplayed:
      return SrtpError::kReplayed;
    case Verdict::kTooOld:
      return SrtpError::kTooOld;
  }
  return std::nullopt;
}

// What must be refused before any work is spent on it.
std::optional<SrtpError> refusal(const SrtpSources& sources, const SrtpReplayWindow* window,
                                 uint64_t index) {
  if (window != nullptr) return refusal(window->check(index));
  if (sources.is_full()) return SrtpError::kTooManySources;
  return std::nullopt;
}

// Counts an authentic packet. It may still be a replay: of another one in the same group.
std::optional<SrtpError> take_in(SrtpSources& sources, uint32_t ssrc, uint64_t index) {
  SrtpReplayWindow* window = sources.find(ssrc);
  if (window == nullptr) {
    sources.add(ssrc, index);
    return std::nullopt;
  }
  const auto refused = refusal(window->check(index));
  if (!refused) window->add(index);
  return refused;
}

bool is_near(uint64_t index, uint64_t highest) {
  return (index > highest ? index - highest : highest - index) <= kGroupReach;
}

}  // namespace

std::string_view to_string(SrtpError error) {
  switch (error) {
    case SrtpError::kTooShort:
      return "srtp_too_short";
    case SrtpError::kAuthentication:
      return "srtp_authentication";
    case SrtpError::kReplayed:
      return "srtp_replayed";
    case SrtpError::kTooOld:
      return "srtp_too_old";
    case SrtpError::kTooManySources:
      return "srtp_too_many_sources";
    case SrtpError::kNotEncrypted:
      return "srtp_not_encrypted";
  }
  return "";
}

// Packets that are decrypted together. The two lists run side by side.
struct SrtpReceiver::Group {
  struct Packet {
    RtpToOpen* packet;
    uint64_t index;
  };
  SrtpJobs<crypto::OpenJob, kGroupMax> jobs;
  SrtpJobs<Packet, kGroupMax> packets;
};

SrtpReceiver::SrtpReceiver(crypto::CipherEngine& engine, const SrtpSessionKeys& keys,
                           const Limits& limits)
    : suite_(cipher_suite(keys.profile)),
      rtp_(engine, keys.profile, keys.rtp),
      rtcp_(engine, keys.profile, keys.rtcp),
      rtp_sources_(limits.sources_max),
      rtcp_sources_(limits.sources_max) {}

void SrtpReceiver::open(std::span<RtpToOpen> batch) {
  SIMPUL_UNINITIALIZED Group group;
  for (RtpToOpen& packet : batch) {
    if (group.jobs.full()) finish(group);
    prepare(packet, group);
  }
  finish(group);
}

void SrtpReceiver::prepare(RtpToOpen& to_open, Group& group) {
  const MutableBytes packet = to_open.packet;
  const size_t tag_size = crypto::tag_size(suite_);
  const auto header_size = rtp_header_size(packet);
  if (!header_size || packet.size() < *header_size + tag_size) {
    to_open.opened = unexpected(SrtpError::kTooShort);
    return;
  }
  const uint32_t ssrc = rtp_ssrc(packet);
  const uint16_t sequence_number = rtp_sequence_number(packet);
  const auto estimate = [&](const SrtpReplayWindow* known) {
    return known == nullptr ? sequence_number : known->estimate(sequence_number);
  };
  const SrtpReplayWindow* window = rtp_sources_.find(ssrc);
  uint64_t index = estimate(window);
  const bool alone = window == nullptr || !is_near(index, window->highest());
  if (alone) {
    finish(group);
    window = rtp_sources_.find(ssrc);
    index = estimate(window);
  }
  if (const auto refused = refusal(rtp_sources_, window, index)) {
    to_open.opened = unexpected(*refused);
    return;
  }
  if (index > kSrtpIndexMax) {  // the key is used up
    to_open.opened = unexpected(SrtpError::kTooOld);
    return;
  }
  const size_t text_size = packet.size() - *header_size - tag_size;
  crypto::OpenJob& job = group.jobs.make();
  job.associated = packet.first(*header_size);
  job.text = packet.subspan(*header_size, text_size);
  job.trailer = static_cast<uint32_t>(index >> 16);  // the rollover counter
  rtp_.write_initial_value(ssrc, index, job.iv);
  job.tag = packet.data() + *header_size + text_size;
  group.jobs.push();
  group.packets.make() = {.packet = &to_open, .index = index};
  group.packets.push();
  if (alone) finish(group);
}

void SrtpReceiver::finish(Group& group) {
  if (group.jobs.empty()) return;
  const std::span<crypto::OpenJob> jobs = group.jobs.jobs();
  const std::span<Group::Packet> packets = group.packets.jobs();
  rtp_.cipher().open(jobs);
  for (size_t i = 0; i < jobs.size(); ++i) {
    RtpToOpen& to_open = *packets[i].packet;
    if (!jobs[i].authentic) {
      to_open.opened = unexpected(SrtpError::kAuthentication);
    } else if (const auto refused =
                   take_in(rtp_sources_, rtp_ssrc(to_open.packet), packets[i].index)) {
      to_open.opened = unexpected(*refused);
    } else {
      to_open.opened = jobs[i].associated.size() + jobs[i].text.size();
    }
  }
  group.jobs.clear();
  group.packets.clear();
}

Expected<size_t, SrtpError> SrtpReceiver::open_rtcp(MutableBytes packet) {
  const size_t size_min = srtcp_layout(suite_, 0).size;
  if (packet.size() < size_min) return unexpected(SrtpError::kTooShort);
  const size_t text_size = packet.size() - size_min;
  const SrtcpLayout layout = srtcp_layout(suite_, text_size);
  const uint32_t trailer = load_be32(packet.subspan(layout.trailer).first<4>());
  if ((trailer & kSrtcpEncryptedBit) == 0) return unexpected(SrtpError::kNotEncrypted);
  const uint32_t index = trailer & kSrtcpIndexMax;
  const uint32_t ssrc = rtcp_ssrc(packet);
  if (const auto refused = refusal(rtcp_sources_, rtcp_sources_.find(ssrc), index)) {
    return unexpected(*refused);
  }
  const SrtcpAssociated associated(packet, trailer);
  crypto::OpenJob job{.associated = associated.bytes(suite_),
                      .text = packet.subspan(kRtcpHeaderSize, text_size),
                      .trailer = trailer,
                      .iv = rtcp_.initial_value(ssrc, index),
                      .tag = packet.data() + layout.tag};
  rtcp_.cipher().open({&job, 1});
  if (!job.authentic) return unexpected(SrtpError::kAuthentication);
  if (const auto refused = take_in(rtcp_sources_, ssrc, index)) return unexpected(*refused);
  return kRtcpHeaderSize + text_size;
}

}  // namespace simpul::dtls
