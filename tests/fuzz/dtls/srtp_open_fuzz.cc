#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "dtls/srtp_format.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"

namespace simpul::dtls {
namespace {

// The input: a byte that chooses profile and library, then datagrams of a byte of kind, a byte of
// size and their bytes. What no sender of ours has sealed must not open. What it has sealed must
// open to the same bytes, if it opens. A batch must open what one by one opens.
enum Kind : uint8_t { kSealed = 1, kRtcp = 2, kDuplicate = 4 };
constexpr int kRoundShift = 3;  // the other bits are the rollover counter of a sealed packet

struct Datagram {
  std::vector<uint8_t> bytes;
  std::vector<uint8_t> plain;  // empty when it was not sealed
};

void check(bool holds) {
  if (!holds) __builtin_trap();
}

// By a sender of its own each, because an input may repeat a sequence number.
Datagram make_rtp(SrtpSender sender, Bytes bytes, uint8_t kind) {
  const auto header_size = rtp_header_size(bytes);
  if ((kind & kSealed) == 0 || !header_size) return {{bytes.begin(), bytes.end()}, {}};
  Datagram datagram{{bytes.begin(), bytes.end()}, {bytes.begin(), bytes.end()}};
  datagram.bytes.resize(bytes.size() + kSrtpOverheadMax);
  const Bytes payload = bytes.subspan(*header_size);
  const size_t head_size = std::min<size_t>(payload.size(), kind % 9);
  RtpToSeal packet{.destination = datagram.bytes,
                   .header_size = *header_size,
                   .head = payload.first(head_size),
                   .body = payload.subspan(head_size),
                   .index = uint64_t{kind} >> kRoundShift << 16 | rtp_sequence_number(bytes)};
  sender.seal({&packet, 1});
  datagram.bytes.resize(packet.sealed_size);
  return datagram;
}

void open_rtcp(SrtpSender& sender, SrtpReceiver& receiver, Bytes bytes, uint8_t kind) {
  std::vector<uint8_t> packet(bytes.size() + kSrtcpOverheadMax);
  const size_t sealed_size = (kind & kSealed) != 0 ? sender.seal_rtcp(bytes, packet) : 0;
  if (sealed_size == 0) packet.assign(bytes.begin(), bytes.end());
  if (sealed_size != 0) packet.resize(sealed_size);
  const auto opened = receiver.open_rtcp(packet);
  if (sealed_size == 0) check(!opened);
  if (opened) check(std::ranges::equal(bytes, Bytes(packet).first(*opened)));
}

class Session {
 public:
  Session(crypto::CipherEngine& engine, const SrtpMasterKey& master)
      : engine_(engine),
        master_(master),
        sender_(engine, master),
        batched_(engine, master),
        one_by_one_(engine, master) {}

  void run(Bytes rest) {
    while (rest.size() >= 2) {
      const uint8_t kind = rest[0];
      const size_t size = std::min<size_t>(rest[1], rest.size() - 2);
      const Bytes bytes = rest.subspan(2, size);
      rest = rest.subspan(2 + size);
      if ((kind & kRtcp) != 0) {
        open_rtcp(sender_, one_by_one_, bytes, kind);
      } else {
        datagrams_.push_back(make_rtp(SrtpSender(engine_, master_), bytes, kind));
        if ((kind & kDuplicate) != 0) datagrams_.push_back(datagrams_.back());
      }
    }
    open_all();
  }

 private:
  void open_all() {
    std::vector<Datagram> copies(datagrams_.begin(), datagrams_.end());
    std::vector<RtpToOpen> batch;
    for (Datagram& datagram : copies) batch.push_back({.packet = datagram.bytes});
    batched_.open(batch);
    for (size_t i = 0; i < copies.size(); ++i) {
      Datagram& datagram = datagrams_[i];
      RtpToOpen alone{.packet = datagram.bytes};
      one_by_one_.open({&alone, 1});
      check(alone.opened.has_value() == batch[i].opened.has_value());
      if (!alone.opened) continue;
      check(std::ranges::equal(datagram.plain, Bytes(datagram.bytes).first(*alone.opened)));
      check(std::ranges::equal(datagram.plain, Bytes(copies[i].bytes).first(*batch[i].opened)));
    }
    check(batched_.source_count() == one_by_one_.source_count());
  }

  crypto::CipherEngine& engine_;
  SrtpMasterKey master_;
  SrtpSender sender_;
  SrtpReceiver batched_;
  SrtpReceiver one_by_one_;
  std::deque<Datagram> datagrams_;
};

}  // namespace
}  // namespace simpul::dtls

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul;
  using enum dtls::SrtpProfile;
  constexpr std::array kProfiles = {kAeadAes128Gcm, kAes128CmHmacSha1_80, kAeadAes256Gcm};
  static crypto::CipherEngine multi_buffer(crypto::CipherImplementation::kIpsecMb);
  static crypto::CipherEngine openssl(crypto::CipherImplementation::kOpenSsl);
  if (size == 0) return 0;
  const auto profile = kProfiles[data[0] / 2 % kProfiles.size()];
  const std::array<uint8_t, 32> key = {1, 2, 3};
  const dtls::SrtpMasterKey master(profile, Bytes(key).first(dtls::master_key_size(profile)),
                                   Bytes(key).first(dtls::master_salt_size(profile)));
  dtls::Session session(data[0] % 2 == 0 ? multi_buffer : openssl, master);
  session.run({data + 1, size - 1});
  return 0;
}
