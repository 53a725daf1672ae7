#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "crypto/hash.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"

namespace simpul::dtls {
namespace {

constexpr size_t kHeaderSize = 20;  // 12 bytes and one extension of 4
constexpr size_t kRoom = 1536;

SrtpMasterKey master_key(SrtpProfile profile) {
  std::array<uint8_t, 32> key{};
  key.fill(7);
  return {profile, Bytes(key).first(master_key_size(profile)),
          Bytes(key).first(master_salt_size(profile))};
}

// Packets of one session, and of many sessions where that is asked for, as a relay sends them.
struct Packets {
  Packets(size_t count, size_t packet_size, size_t head_size)
      : source(2048, 0x5A), memory(count * kRoom) {
    for (size_t i = 0; i < count; ++i) {
      const MutableBytes destination = MutableBytes(memory).subspan(i * kRoom, kRoom);
      destination[0] = 0x90;
      destination[15] = 1;  // one word of extension
      store_be16(destination.subspan<2, 2>(), static_cast<uint16_t>(i));
      batch.push_back({.destination = destination,
                       .header_size = kHeaderSize,
                       .head = Bytes(source).first(head_size),
                       .body = Bytes(source).subspan(100, packet_size - kHeaderSize - head_size),
                       .index = i});
    }
  }
  std::vector<uint8_t> source;
  std::vector<uint8_t> memory;
  std::vector<RtpToSeal> batch;
};

// Arguments: packets a batch, packet size, bytes of head.
template <SrtpProfile kProfile, crypto::CipherImplementation kImplementation>
void BM_Seal(benchmark::State& state) {
  crypto::CipherEngine engine(kImplementation);
  SrtpSender sender(engine, master_key(kProfile));
  Packets packets(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)),
                  static_cast<size_t>(state.range(2)));
  for (auto _ : state) sender.seal(packets.batch);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The same frame for 100 sessions in turn.
template <SrtpProfile kProfile>
void BM_SealFor100(benchmark::State& state) {
  crypto::CipherEngine engine;
  std::vector<SrtpSender> senders;
  for (int i = 0; i < 100; ++i) senders.emplace_back(engine, master_key(kProfile));
  Packets packets(8, 1200, 4);
  for (auto _ : state) {
    for (SrtpSender& sender : senders) sender.seal(packets.batch);
  }
  state.SetItemsProcessed(state.iterations() * 800);
}

// The same as a relay does it, for 32 receivers between two flushes: the tags that are cheaper
// together are made together. Argument: packets for each.
template <SrtpProfile kProfile>
void BM_SealTogether(benchmark::State& state) {
  constexpr size_t kReceivers = 32;
  crypto::CipherEngine engine;
  std::vector<SrtpSender> senders;
  for (size_t i = 0; i < kReceivers; ++i) senders.emplace_back(engine, master_key(kProfile));
  const auto count = static_cast<size_t>(state.range(0));
  std::vector<Packets> packets(kReceivers, Packets(0, 0, 0));
  for (Packets& frame : packets) frame = Packets(count, static_cast<size_t>(state.range(1)), 4);
  crypto::TagBatch tags;
  for (auto _ : state) {
    for (size_t i = 0; i < kReceivers; ++i) senders[i].begin_seal(packets[i].batch, tags);
    tags.finish();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kReceivers * count));
}

// Sealing what is to be opened is not measured.
template <SrtpProfile kProfile, crypto::CipherImplementation kImplementation>
void BM_Open(benchmark::State& state) {
  crypto::CipherEngine engine(kImplementation);
  SrtpSender sender(engine, master_key(kProfile));
  SrtpReceiver receiver(engine, master_key(kProfile));
  constexpr size_t kPackets = 256;
  Packets packets(kPackets, static_cast<size_t>(state.range(1)), 0);
  const auto batch_size = static_cast<size_t>(state.range(0));
  uint64_t index = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<RtpToOpen> to_open;
    for (RtpToSeal& packet : packets.batch) {
      packet.index = index;
      store_be16(packet.destination.subspan<2, 2>(), static_cast<uint16_t>(index++));
    }
    sender.seal(packets.batch);
    for (RtpToSeal& packet : packets.batch) {
      to_open.push_back({.packet = packet.destination.first(packet.sealed_size)});
    }
    state.ResumeTiming();
    for (size_t i = 0; i < kPackets; i += batch_size) {
      receiver.open(std::span(to_open).subspan(i, batch_size));
    }
    if (!to_open.back().opened) state.SkipWithError("not opened");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kPackets));
}

void seal_arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "size", "head"});
  for (const int64_t size : {1200, 120}) {
    for (const int64_t batch : {1, 8, 32}) {
      for (const int64_t head : {0, 4}) benchmark->Args({batch, size, head});
    }
  }
}

void open_arguments(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"batch", "size"});
  for (const int64_t size : {1200, 120}) {
    for (const int64_t batch : {1, 8, 32}) benchmark->Args({batch, size});
  }
}

using enum SrtpProfile;
using enum crypto::CipherImplementation;
BENCHMARK(BM_Seal<kAeadAes128Gcm, kIpsecMb>)->Apply(seal_arguments);
BENCHMARK(BM_Seal<kAeadAes128Gcm, kOpenSsl>)->Apply(seal_arguments);
BENCHMARK(BM_Seal<kAeadAes256Gcm, kIpsecMb>)->Apply(seal_arguments);
BENCHMARK(BM_Seal<kAes128CmHmacSha1_80, kIpsecMb>)->Apply(seal_arguments);
BENCHMARK(BM_Seal<kAes128CmHmacSha1_80, kOpenSsl>)->Apply(seal_arguments);
BENCHMARK(BM_SealFor100<kAeadAes128Gcm>);
BENCHMARK(BM_SealFor100<kAes128CmHmacSha1_80>);
BENCHMARK(BM_SealTogether<kAeadAes128Gcm>)->Args({9, 1200})->Args({1, 120});
BENCHMARK(BM_SealTogether<kAes128CmHmacSha1_80>)->Args({9, 1200})->Args({1, 120});
BENCHMARK(BM_Open<kAeadAes128Gcm, kIpsecMb>)->Apply(open_arguments);
BENCHMARK(BM_Open<kAeadAes128Gcm, kOpenSsl>)->Apply(open_arguments);
BENCHMARK(BM_Open<kAeadAes256Gcm, kIpsecMb>)->Apply(open_arguments);
BENCHMARK(BM_Open<kAes128CmHmacSha1_80, kIpsecMb>)->Apply(open_arguments);
BENCHMARK(BM_Open<kAes128CmHmacSha1_80, kOpenSsl>)->Apply(open_arguments);

void BM_StunHmac(benchmark::State& state) {
  const std::vector<uint8_t> message(100, 1);
  const std::vector<uint8_t> password(24, 2);
  const crypto::HmacSha1 hmac(password);
  for (auto _ : state) benchmark::DoNotOptimize(hmac.digest(message));
}
BENCHMARK(BM_StunHmac);

void BM_Crc32(benchmark::State& state) {
  const std::vector<uint8_t> message(100, 1);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::crc32(message));
}
BENCHMARK(BM_Crc32);

}  // namespace
}  // namespace simpul::dtls

BENCHMARK_MAIN();
