#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "crypto/hash.h"

struct IMB_MGR;

namespace simpul::crypto {

// A key of HMAC-SHA1 as libipsec-mb takes it: SHA-1 after the block of each pad.
class HmacKey {
 public:
  HmacKey(IMB_MGR& manager, Bytes key);
  ~HmacKey();
  HmacKey(const HmacKey&) = delete;
  HmacKey& operator=(const HmacKey&) = delete;

  Sha1Digest digest(Bytes message) const { return hmac_.digest(message); }
  IMB_MGR& manager() const { return manager_; }
  const uint8_t* inner() const { return inner_.data(); }
  const uint8_t* outer() const { return outer_.data(); }

 private:
  IMB_MGR& manager_;
  HmacSha1 hmac_;
  alignas(16) std::array<uint8_t, kSha1Size> inner_;
  alignas(16) std::array<uint8_t, kSha1Size> outer_;
};

struct HmacJob {
  const HmacKey* key = nullptr;
  Bytes message;
  uint8_t* tag = nullptr;  // where the first bytes of the digest go
};

// Tags of packets in counter mode (HMAC-SHA1) that are yet to be made. CPUs make up to sixteen at
// once, under whatever keys, in the time of one; a frame for one receiver seldom has so many
// packets, so those of several receivers are collected here. A packet that was sealed with a batch
// is whole after finish() only; until then it stays where it is, and its cipher lives.
class TagBatch {
 public:
  // Two full rounds of the widest CPU, while what is hashed is still in its cache.
  static constexpr size_t kJobsMax = 32;

  TagBatch() = default;
  ~TagBatch() { finish(); }
  TagBatch(const TagBatch&) = delete;
  TagBatch& operator=(const TagBatch&) = delete;

  void add(const HmacJob& job) {
    if (size_ > 0 && &jobs_[0].key->manager() != &job.key->manager()) finish();
    jobs_[size_++] = job;
    if (size_ == kJobsMax) finish();
  }
  void finish();
  size_t waiting() const { return size_; }

 private:
  std::array<HmacJob, kJobsMax> jobs_;
  size_t size_ = 0;
};

// At most TagBatch::kJobsMax, of keys of one manager.
void make_digests(std::span<const HmacJob> jobs, std::span<Sha1Digest> digests);

}  // namespace simpul::crypto
