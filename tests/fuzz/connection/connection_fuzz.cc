#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>

#include "rtp/rtcp_reader.h"
#include "tests/support/connection_pair.h"

namespace {

using namespace simpul;
using testing::ConnectionPair;

constexpr size_t kOperationsMax = 64;
constexpr uint64_t kLateMax = 1'000;
constexpr std::array kExtensions = {
    rtp::ExtensionKind::kMid,         rtp::ExtensionKind::kRid,
    rtp::ExtensionKind::kRepairedRid, rtp::ExtensionKind::kTransportSequence,
    rtp::ExtensionKind::kAudioLevel,  rtp::ExtensionKind::kVideoOrientation};

connection::MediaConfig media() {
  connection::MediaConfig config{
      .receiving = {{.mid = "a",
                     .kind = rtp::MediaKind::kAudio,
                     .codecs = {{.payload_type = rtp::PayloadType(111), .rtx_payload_type = {}}},
                     .rids = {},
                     .sources = {}},
                    {.mid = "v",
                     .kind = rtp::MediaKind::kVideo,
                     .codecs = {{.format = {rtp::Codec::kVp8},
                                 .payload_type = rtp::PayloadType(96),
                                 .rtx_payload_type = rtp::PayloadType(97),
                                 .clock_rate = 90'000,
                                 .nack = true,
                                 .pli = true}},
                     .rids = {"q", "h"},
                     .sources = {{rtp::Ssrc(0x01010101), rtp::Ssrc(0x02020202)}},
                     .transport_feedback = true}},
      .sending = {{.mid = "s",
                   .ssrc = rtp::Ssrc(0x03030303),
                   .rtx_ssrc = rtp::Ssrc(0x04040404),
                   .transport_feedback = true,
                   .congestion_feedback = true}},
      .extensions = {},
      .cname = "us"};
  uint8_t id = 1;
  for (const auto kind : kExtensions) config.extensions.set(kind, id++);
  return config;
}

class Run {
 public:
  void operate(uint8_t kind, uint8_t argument, Bytes bytes) {
    const ice::Path from = ConnectionPair::path(static_cast<uint16_t>(4000 + argument % 12));
    switch (kind % 8) {
      case 0:
        return pair_.check((argument & 16) != 0, from);
      case 1:
        connected_ = connected_ || pair_.connect();
        return;
      case 2:
        return pair_.receive(bytes, from);
      case 3:
        return receive_media(bytes, from);
      case 4:
        return receive_feedback(bytes, from);
      case 5:
        return advance(std::chrono::milliseconds(argument * 10));
      case 6:
        return pair_.connection.request_key_frame({1, static_cast<uint8_t>(argument & 1)});
      default:
        return send(bytes);
    }
  }

  void check_output() {
    for (const auto& path : pair_.out.validated) validated_.push_back(path);
    for (const auto& datagram : pair_.log) {
      if (datagram.bytes.empty() || datagram.bytes.size() > 1280) __builtin_trap();
      if (std::ranges::find(validated_, datagram.path) == validated_.end() &&
          ice::classify(datagram.bytes) != ice::DatagramKind::kStun) {
        __builtin_trap();
      }
    }
    if (pair_.log.size() > 64 || pair_.out.media.size() > 1) __builtin_trap();
    for (const auto& media : pair_.out.media) {
      if (media.id.line > 1 || media.id.layer > 1) __builtin_trap();
      if (media.packet.payload_offset + media.packet.payload_size > media.packet.packet->size) {
        __builtin_trap();
      }
      for (size_t i = 0; i < media.packet.extensions.count; ++i) {
        const auto& passed = media.packet.extensions.items[i];
        if (passed.offset + passed.size > media.packet.payload_offset) __builtin_trap();
      }
    }
    pair_.log.clear();
    pair_.rtcp.clear();
    pair_.out.clear();
    if (pair_.pool.in_use() != 0) __builtin_trap();
  }

 private:
  // The bytes as an authentic packet: what is behind the keys gets them too.
  void receive_media(Bytes bytes, const ice::Path& from) {
    if (!pair_.client_out || bytes.size() < 12) return pair_.receive(bytes, from);
    std::vector<uint8_t> plain(bytes.begin(), bytes.end());
    plain[0] = static_cast<uint8_t>(0x80 | (plain[0] & 0x3f));
    if (rtp::is_rtcp(plain)) plain[1] = 96;
    // SRTP refuses lengths of its own; the parser behind it is to see the others.
    size_t header = 12 + 4 * size_t{plain[0] & 0x0fu};
    if ((plain[0] & 0x10) != 0 && plain.size() >= header + 4) {
      header += 4 + 4 * size_t{load_be16(Bytes(plain).subspan(header + 2).first<2>())};
    }
    if (header > plain.size()) return pair_.receive(plain, from);
    const uint32_t ssrc = load_be32(Bytes(plain).subspan<8, 4>());
    const uint64_t index = index_of(ssrc, load_be16(Bytes(plain).subspan<2, 2>()));
    // No two packets under one index: that would be the client's fault, and abort its sender.
    if (!sealed_.emplace(ssrc, index).second) return;
    pair_.receive(pair_.seal(plain, header, index), from);
  }
  // What a client that sends this number counts: never further back than its sender remembers.
  uint64_t index_of(uint32_t ssrc, uint16_t number) {
    uint64_t& highest = highest_[ssrc];
    const uint64_t least = highest - std::min<uint64_t>(highest, kLateMax);
    const uint64_t index = least + static_cast<uint16_t>(number - least);
    highest = std::max(highest, index);
    return index;
  }
  void receive_feedback(Bytes bytes, const ice::Path& from) {
    if (!pair_.client_out || bytes.size() < 8) return pair_.receive(bytes, from);
    const auto sealed = pair_.seal_rtcp(bytes);
    if (!sealed.empty()) pair_.receive(sealed, from);
  }
  // A frame of several packets.
  void send(Bytes bytes) {
    rtp::MediaPacket media;
    media.packet = sent_packets_.allocate();
    media.packet->size = static_cast<uint32_t>(std::min<size_t>(bytes.size(), 1200));
    std::copy_n(bytes.begin(), media.packet->size, media.packet->bytes.begin());
    media.payload_size = static_cast<uint16_t>(media.packet->size);
    std::vector<rtp::OutgoingPacket> packets(1 + bytes.size() % 24);
    for (rtp::OutgoingPacket& packet : packets) {
      packet.index = ++sent_;
      packet.ssrc = rtp::Ssrc(0x03030303);
      packet.payload_type = rtp::PayloadType(96);
      packet.body = packet.source = media.payload();
      packet.extensions = &media.extensions;
      packet.packet = &media.packet;
    }
    std::deque<std::vector<uint8_t>> places;
    connection::MediaSender::Scratch scratch;
    const auto place = [&](size_t size) -> MutableBytes { return places.emplace_back(size); };
    const size_t urgent = std::min<size_t>(bytes.size() % 3, packets.size());
    pair_.connection.send({packets, urgent, urgent}, place, scratch, pair_.now);
    scratch.finish();
  }

  // What reports make of probes and pace stays within bounds, whatever they say.
  void advance(Duration duration) {
    pair_.advance(duration);
    connection::Connection& connection = pair_.connection;
    const auto bps = connection.estimate_bps();
    if (bps && !(*bps >= 30'000 && *bps <= 50'000'000)) __builtin_trap();
    if (connection.take_padding_due(pair_.now) > 30'000) __builtin_trap();
    std::deque<std::vector<uint8_t>> places;
    connection::MediaSender::Scratch scratch;
    const auto place = [&](size_t size) -> MutableBytes { return places.emplace_back(size); };
    connection.send_paced(place, scratch, pair_.now);
    scratch.finish();
    if (sent_packets_.in_use() > connection::PacedPackets::kMax) __builtin_trap();
  }

  PacketPool sent_packets_{4'096};
  ConnectionPair pair_{media()};
  std::vector<ice::Path> validated_;
  bool connected_ = false;
  std::set<std::pair<uint32_t, uint64_t>> sealed_;
  std::map<uint32_t, uint64_t> highest_;
  uint64_t sent_ = 0;
};

}  // namespace

// A list of operations: kind, argument, and a length in two bytes with so many bytes behind it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  Run run;
  for (size_t i = 0; input.size() >= 4 && i < kOperationsMax; ++i) {
    const uint8_t kind = input[0];
    const uint8_t argument = input[1];
    const size_t length = std::min<size_t>(
        {load_be16(input.subspan<2, 2>()), input.size() - 4, kPacketCapacity - 32});
    run.operate(kind, argument, input.subspan(4, length));
    run.check_output();
    input = input.subspan(4 + length);
  }
  return 0;
}
