#include "crypto/ipsec_mb_cipher.h"

#include <intel-ipsec-mb.h>

#include "base/check.h"
#include "base/uninitialized.h"
#include "crypto/hash.h"
#include "crypto/tag_batch.h"

namespace simpul::crypto {
namespace {

template <class T>
MutableBytes memory_of(T& value) {
  return {reinterpret_cast<uint8_t*>(&value), sizeof(value)};
}

// The library's functions for one size of key, as chosen for this CPU.
struct GcmFunctions {
  aes_gcm_enc_dec_t encrypt;
  aes_gcm_enc_dec_t decrypt;
  aes_gcm_init_t start;
  aes_gcm_enc_dec_update_t update;
  aes_gcm_enc_dec_finalize_t finish;
};

class MbGcmCipher final : public SrtpCipher {
 public:
  MbGcmCipher(IMB_MGR& manager, CipherSuite suite, Bytes key)
      : gcm_(suite == CipherSuite::kAes256Gcm
                 ? GcmFunctions{manager.gcm256_enc, manager.gcm256_dec, manager.gcm256_init,
                                manager.gcm256_enc_update, manager.gcm256_enc_finalize}
                 : GcmFunctions{manager.gcm128_enc, manager.gcm128_dec, manager.gcm128_init,
                                manager.gcm128_enc_update, manager.gcm128_enc_finalize}) {
    const auto expand = key.size() == 32 ? manager.gcm256_pre : manager.gcm128_pre;
    expand(key.data(), &key_);
  }
  ~MbGcmCipher() override { wipe(memory_of(key_)); }

  void seal(std::span<const SealJob> jobs) override {
    SIMPUL_UNINITIALIZED gcm_context_data state;
    for (const SealJob& job : jobs) {
      if (job.head.empty() && job.padding == 0) {
        gcm_.encrypt(&key_, &state, job.destination.data(), job.body.data(), job.body.size(),
                     job.iv.data(), job.associated.data(), job.associated.size(), job.tag,
                     kTagSizeMax);
      } else {
        seal_pieces(job, state);
      }
    }
  }

  void open(std::span<OpenJob> jobs) override {
    SIMPUL_UNINITIALIZED gcm_context_data state;
    std::array<uint8_t, kTagSizeMax> tag;
    for (OpenJob& job : jobs) {
      gcm_.decrypt(&key_, &state, job.text.data(), job.text.data(), job.text.size(), job.iv.data(),
                   job.associated.data(), job.associated.size(), tag.data(), tag.size());
      job.authentic = constant_time_equal(tag, {job.tag, tag.size()});
    }
  }

 private:
  void seal_pieces(const SealJob& job, gcm_context_data& state) {
    uint8_t* out = job.destination.data();
    const auto update = [&](Bytes in) {
      if (in.empty()) return;
      gcm_.update(&key_, &state, out, in.data(), in.size());
      out += in.size();
    };
    gcm_.start(&key_, &state, job.iv.data(), job.associated.data(), job.associated.size());
    update(job.head);
    update(job.body);
    if (job.padding != 0) {
      SIMPUL_UNINITIALIZED const PaddingBytes padding(job.padding);
      update(padding.bytes());
    }
    gcm_.finish(&key_, &state, job.tag, kTagSizeMax);
  }

  GcmFunctions gcm_;
  gcm_key_data key_;  // aligned by its own type
};

// Encrypts in counter mode and authenticates by the synchronous bursts, so that nothing is left in
// the manager between two calls.
class MbCounterCipher final : public SrtpCipher {
 public:
  MbCounterCipher(IMB_MGR& manager, Bytes key, Bytes authentication_key)
      : manager_(manager), hmac_(manager, authentication_key) {
    alignas(16) std::array<uint8_t, kRoundKeysSize> decryption;  // counter mode has no use for it
    manager_.keyexp_128(key.data(), round_keys_.data(), decryption.data());
    wipe(decryption);
  }
  ~MbCounterCipher() override { wipe(round_keys_); }

  void seal(std::span<const SealJob> jobs) override {
    TagBatch tags;
    begin_seal(jobs, tags);
  }

  void begin_seal(std::span<const SealJob> jobs, TagBatch& tags) override {
    for (; jobs.size() > kBurstMax; jobs = jobs.subspan(kBurstMax)) {
      encrypt_burst(jobs.first(kBurstMax));
      for (const SealJob& job : jobs.first(kBurstMax)) tags.add(tag_of(job));
    }
    encrypt_burst(jobs);
    for (const SealJob& job : jobs) tags.add(tag_of(job));
  }

  void open(std::span<OpenJob> jobs) override {
    for (; jobs.size() > kBurstMax; jobs = jobs.subspan(kBurstMax)) {
      open_burst(jobs.first(kBurstMax));
    }
    open_burst(jobs);
  }

 private:
  static constexpr size_t kTagSize = tag_size(CipherSuite::kAes128CounterHmacSha1);
  static constexpr size_t kRoundKeysSize = 176;  // 11 of 16 bytes
  static constexpr size_t kBurstMax = TagBatch::kJobsMax;
  using Digests = std::array<Sha1Digest, kBurstMax>;
  struct Burst {
    std::array<IMB_JOB, kBurstMax> jobs;
    size_t size = 0;
  };

  void add_to_encrypt(Burst& burst, const uint8_t* from, MutableBytes to, const CipherIv& iv) {
    if (to.empty()) return;
    IMB_JOB& job = burst.jobs[burst.size++];
    job.src = from;
    job.dst = to.data();
    job.cipher_start_src_offset_in_bytes = 0;
    job.msg_len_to_cipher_in_bytes = to.size();
    job.iv = iv.data();
    job.iv_len_in_bytes = iv.size();
    job.enc_keys = round_keys_.data();
    job.dec_keys = nullptr;
    job.key_len_in_bytes = IMB_KEY_128_BYTES;
  }

  void encrypt(Burst& burst) {
    if (burst.size == 0) return;
    const auto count = static_cast<uint32_t>(burst.size);
    SIMPUL_CHECK(manager_.submit_cipher_burst_nocheck(&manager_, burst.jobs.data(), count,
                                                      IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                                      IMB_KEY_128_BYTES) == count);
  }

  // Of its associated bytes, text and trailer, which lie in one run.
  HmacJob tag_of(const SealJob& job) const {
    const size_t size = job.associated.size() + job.destination.size() + kTrailerSize;
    return {.key = &hmac_, .message = {job.associated.data(), size}, .tag = job.tag};
  }
  static Bytes covered(const OpenJob& job) {
    return {job.associated.data(), job.associated.size() + job.text.size() + kTrailerSize};
  }

  // Encrypts, and writes what is authenticated beside the text.
  void encrypt_burst(std::span<const SealJob> jobs) {
    SIMPUL_UNINITIALIZED Burst burst;
    for (const SealJob& job : jobs) {
      add_to_encrypt(burst, gather(job), job.destination, job.iv);
      store_trailer(job.destination.data() + job.destination.size(), job.trailer);
    }
    encrypt(burst);
  }

  // Where the text is in one piece: the body as it lies, or a copy at the destination, because a
  // burst has no scattered messages.
  static const uint8_t* gather(const SealJob& job) {
    if (job.head.empty() && job.padding == 0) return job.body.data();
    auto out = std::ranges::copy(job.head, job.destination.begin()).out;
    out = std::ranges::copy(job.body, out).out;
    if (job.padding != 0) {
      out = std::fill_n(out, job.padding - 1, uint8_t{0});
      *out = job.padding;
    }
    return job.destination.data();
  }

  void open_burst(std::span<OpenJob> jobs) {
    SIMPUL_UNINITIALIZED std::array<std::array<uint8_t, kTagSize>, kBurstMax> received;
    for (size_t i = 0; i < jobs.size(); ++i) {
      std::copy_n(jobs[i].tag, kTagSize, received[i].begin());
      store_trailer(jobs[i].text.data() + jobs[i].text.size(), jobs[i].trailer);
    }
    SIMPUL_UNINITIALIZED std::array<HmacJob, kBurstMax> covering;
    for (size_t i = 0; i < jobs.size(); ++i)
      covering[i] = {.key = &hmac_, .message = covered(jobs[i])};
    SIMPUL_UNINITIALIZED Digests digests;
    make_digests(std::span(covering).first(jobs.size()), digests);
    SIMPUL_UNINITIALIZED Burst burst;
    for (size_t i = 0; i < jobs.size(); ++i) {
      OpenJob& job = jobs[i];
      job.authentic = constant_time_equal(Bytes(digests[i]).first(kTagSize), received[i]);
      if (job.authentic) add_to_encrypt(burst, job.text.data(), job.text, job.iv);
    }
    encrypt(burst);
  }

  IMB_MGR& manager_;
  HmacKey hmac_;
  alignas(16) std::array<uint8_t, kRoundKeysSize> round_keys_;
};

}  // namespace

std::unique_ptr<SrtpCipher> make_ipsec_mb_cipher(IMB_MGR& manager, const CipherKeys& keys) {
  switch (keys.suite) {
    case CipherSuite::kAes128Gcm:
    case CipherSuite::kAes256Gcm:
      return std::make_unique<MbGcmCipher>(manager, keys.suite, keys.key);
    case CipherSuite::kAes128CounterHmacSha1:
      return std::make_unique<MbCounterCipher>(manager, keys.key, keys.authentication_key);
  }
  return nullptr;
}

}  // namespace simpul::crypto
