#include "crypto/tag_batch.h"

#include <intel-ipsec-mb.h>

#include <algorithm>

#include "base/check.h"
#include "base/uninitialized.h"
#include "crypto/srtp_cipher.h"

namespace simpul::crypto {
namespace {

constexpr size_t kTagSize = tag_size(CipherSuite::kAes128CounterHmacSha1);

// Below this, one message after the other with the CPU's SHA instructions is faster than lanes that
// run empty: 690 ns a packet of 1,200 bytes against 710 in a burst of 4 and 510 in one of 6.
constexpr size_t kBurstMin = 6;

void hash_pad(IMB_MGR& manager, Bytes key, uint8_t pad, std::array<uint8_t, kSha1Size>& out) {
  std::array<uint8_t, IMB_SHA1_BLOCK_SIZE> block;
  block.fill(pad);
  for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
  manager.sha1_one_block(block.data(), out.data());
  wipe(block);
}

}  // namespace

HmacKey::HmacKey(IMB_MGR& manager, Bytes key) : manager_(manager), hmac_(key) {
  hash_pad(manager, key, 0x36, inner_);
  hash_pad(manager, key, 0x5C, outer_);
}

HmacKey::~HmacKey() {
  wipe(inner_);
  wipe(outer_);
}

void make_digests(std::span<const HmacJob> jobs, std::span<Sha1Digest> digests) {
  SIMPUL_CHECK(jobs.size() <= TagBatch::kJobsMax && digests.size() >= jobs.size());
  if (jobs.size() < kBurstMin) {
    for (size_t i = 0; i < jobs.size(); ++i) digests[i] = jobs[i].key->digest(jobs[i].message);
    return;
  }
  SIMPUL_UNINITIALIZED std::array<IMB_JOB, TagBatch::kJobsMax> burst;
  for (size_t i = 0; i < jobs.size(); ++i) {
    IMB_JOB& job = burst[i];
    job.src = jobs[i].message.data();
    job.hash_start_src_offset_in_bytes = 0;
    job.msg_len_to_hash_in_bytes = jobs[i].message.size();
    job.u.HMAC._hashed_auth_key_xor_ipad = jobs[i].key->inner();
    job.u.HMAC._hashed_auth_key_xor_opad = jobs[i].key->outer();
    job.auth_tag_output = digests[i].data();
    job.auth_tag_output_len_in_bytes = kSha1Size;
  }
  // The synchronous burst: nothing is left in the manager when it returns.
  IMB_MGR& manager = jobs.front().key->manager();
  const auto count = static_cast<uint32_t>(jobs.size());
  SIMPUL_CHECK(manager.submit_hash_burst_nocheck(&manager, burst.data(), count,
                                                 IMB_AUTH_HMAC_SHA_1) == count);
}

void TagBatch::finish() {
  if (size_ == 0) return;
  SIMPUL_UNINITIALIZED std::array<Sha1Digest, kJobsMax> digests;
  const std::span<const HmacJob> jobs = std::span(jobs_).first(size_);
  make_digests(jobs, digests);
  for (size_t i = 0; i < jobs.size(); ++i) std::copy_n(digests[i].begin(), kTagSize, jobs[i].tag);
  size_ = 0;
}

}  // namespace simpul::crypto
