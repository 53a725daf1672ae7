#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <vector>

#include "connection/media_sender.h"

// What it costs to give packets their bytes for one receiver after the other: header and
// extensions rewritten, a frame made one message of the kernel, encryption into the send memory.
namespace simpul::connection {
namespace {

constexpr size_t kReceivers = 32;  // between two flushes
constexpr size_t kRoom = 1'500;
constexpr rtp::Ssrc kSlot(77);

dtls::SrtpMasterKey master_key(dtls::SrtpProfile profile, uint8_t seed) {
  std::array<uint8_t, 32> key{};
  key.fill(seed);
  return {profile, Bytes(key).first(master_key_size(profile)),
          Bytes(key).first(master_salt_size(profile))};
}

struct Receiver {
  Receiver(crypto::CipherEngine& engine, dtls::SrtpProfile profile, uint8_t seed)
      : srtp(engine, master_key(profile, seed)) {
    config.sending = {{.mid = "0", .ssrc = kSlot, .rtx_ssrc = rtp::Ssrc(78)}};
    config.extensions.set(rtp::ExtensionKind::kMid, 4);
    config.extensions.set(rtp::ExtensionKind::kVideoOrientation, 5);
    sender.emplace(config);
    sender->source_is_known(kSlot);
  }
  MediaConfig config;
  dtls::SrtpSender srtp;
  std::optional<MediaSender> sender;
};

// A frame as libwebrtc splits it: sizes differ by a byte, the larger last. The last packet has an
// extension.
struct Frame {
  Frame(size_t packets, size_t size) : payload(size, 0x5A) {
    passed.items[0] = {rtp::ExtensionKind::kVideoOrientation, 0, 1};
    passed.count = 1;
    for (size_t i = 0; i < packets; ++i) {
      outgoing.push_back({.index = i,
                          .timestamp = 3'000,
                          .ssrc = kSlot,
                          .payload_type = rtp::PayloadType(96),
                          .marker = i + 1 == packets,
                          .csrc = 1,
                          .head = {0x90, 0x80, 0x81, 0x82},
                          .head_size = 4,
                          .body = Bytes(payload).first(size - (i < packets / 2 ? 1 : 0)),
                          .source = payload});
    }
    outgoing.back().extensions = &passed;
  }
  std::vector<uint8_t> payload;
  rtp::PassedExtensions passed;
  std::vector<rtp::OutgoingPacket> outgoing;
};

// Arguments: packets, and bytes of payload of each.
template <dtls::SrtpProfile kProfile>
void BM_RewriteAndSeal(benchmark::State& state) {
  crypto::CipherEngine engine;
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (size_t i = 0; i < kReceivers; ++i) {
    receivers.push_back(std::make_unique<Receiver>(engine, kProfile, static_cast<uint8_t>(i)));
  }
  const Frame frame(static_cast<size_t>(state.range(0)), static_cast<size_t>(state.range(1)));
  std::vector<uint8_t> memory(kReceivers * frame.outgoing.size() * kRoom);
  MutableBytes rest;
  const MediaSender::Place place = [&rest](size_t size) {
    const MutableBytes room = rest.first(size);
    rest = rest.subspan(size);
    return room;
  };
  MediaSender::Scratch scratch;
  for (auto _ : state) {
    rest = memory;
    for (const auto& receiver : receivers) {
      receiver->sender->seal(frame.outgoing, receiver->srtp, place, scratch);
    }
    scratch.finish();
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<int64_t>(kReceivers * frame.outgoing.size()));
}

using enum dtls::SrtpProfile;
BENCHMARK(BM_RewriteAndSeal<kAeadAes128Gcm>)
    ->ArgNames({"packets", "size"})
    ->Args({9, 1'157})
    ->Args({1, 80});
BENCHMARK(BM_RewriteAndSeal<kAes128CmHmacSha1_80>)
    ->ArgNames({"packets", "size"})
    ->Args({9, 1'157})
    ->Args({1, 80});

}  // namespace
}  // namespace simpul::connection

BENCHMARK_MAIN();
