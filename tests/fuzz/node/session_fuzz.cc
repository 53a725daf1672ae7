// A whole session at virtual time: connections, relay and switchboard together, with real ICE, DTLS
// and SRTP. The harness has the guests' keys, so that what was mutated is sealed afterwards and
// gets past authentication. Some ten milliseconds per input: two handshakes come first.
#include <algorithm>
#include <array>
#include <set>

#include "ice/demultiplex.h"
#include "rtp/packet_view.h"
#include "tests/node/virtual_node.h"

namespace {

using namespace simpul;
using testing::Guest;
using testing::VirtualNode;

constexpr size_t kOperationsMax = 48;
constexpr Duration kTimeMax = std::chrono::seconds(1);
constexpr size_t kGuestsMax = 5;

class Run {
 public:
  Run() {
    guests_.push_back(&node_.publish("stage", "alice", {.rids = {"q", "h"}}));
    guests_.push_back(&node_.watch("stage", "bob"));
    if (!node_.run_until([&] { return guests_[1]->peer.connected(); })) __builtin_trap();
    node_.run(std::chrono::milliseconds(40));
    node_.strays.clear();
  }

  // `who` is a guest, or beyond them all a stranger.
  void operate(uint8_t kind, uint8_t who, uint8_t wait_ms, Bytes bytes) {
    Guest& guest = *guests_[who % guests_.size()];
    const bool is_stranger = (who & 0x80) != 0;
    const Address from = is_stranger ? stranger(who) : guest.address;
    switch (kind % 8) {
      case 0:
        deliver(from, bytes);
        break;
      case 1:
        seal_media(guest, from, bytes);
        break;
      case 2:
        seal_feedback(guest, from, bytes);
        break;
      case 3:
        known_.insert(from);  // the only way to get answers
        deliver(from, guest.peer.make_check((wait_ms & 1) != 0));
        break;
      case 4:
        join(who);
        break;
      case 5:
        node_.switchboard().end(guest.key, node_.now());
        break;
      case 6:
        if (who % 2 == 0) node_.vanish(guest);
        break;
      default:
        break;  // time alone
    }
    pass(std::chrono::milliseconds(wait_ms));
  }

  void check() {
    // Nobody gets a datagram who did not ask, and no more than he asked with.
    for (const auto& stray : node_.strays) {
      if (stray.bytes.size() > kPacketCapacity) __builtin_trap();
      if (stray.to.port >= kStrangerPort && !known_.contains(stray.to)) __builtin_trap();
    }
    node_.strays.clear();
    if (node_.switchboard().connections() > guests_.size()) __builtin_trap();
    // History, frames that wait, and nothing that adds up.
    if (node_.packets_in_use() > 8192) __builtin_trap();
  }

  // With the last session ends everything that was kept for one.
  void finish() {
    node_.switchboard().end_all(node_.now());
    node_.settle();
    if (node_.switchboard().connections() != 0 || node_.packets_in_use() != 0) __builtin_trap();
  }

 private:
  static constexpr uint16_t kStrangerPort = 60'000;

  static Address stranger(uint8_t who) {
    return Address::v4({203, 0, 113, 1}, static_cast<uint16_t>(kStrangerPort + who % 12));
  }

  void deliver(const Address& from, Bytes bytes) {
    if (bytes.empty() || from.port == 0) return;
    node_.deliver(from, bytes.first(std::min(bytes.size(), kPacketCapacity)));
  }

  void pass(Duration duration) {
    duration = std::min(duration, kTimeMax - passed_);
    passed_ += duration;
    node_.run(duration);
    node_.settle();
  }

  void join(uint8_t who) {
    if (guests_.size() >= kGuestsMax) return;
    const std::string name = "guest" + std::to_string(guests_.size());
    guests_.push_back((who & 1) != 0 ? &node_.publish("stage", name) : &node_.watch("stage", name));
  }

  // The bytes as an authentic packet of the guest's, routed by one of the sources that it has
  // announced or by what its extensions say.
  void seal_media(Guest& guest, const Address& from, Bytes bytes) {
    if (!guest.peer.connected() || bytes.size() < 12) return;
    std::vector<uint8_t> plain(bytes.begin(), bytes.end());
    plain[0] = static_cast<uint8_t>(0x80 | (plain[0] & 0x3f));
    if (ice::classify(plain) == ice::DatagramKind::kRtcp) plain[1] = 96;
    size_t header = 12 + 4 * size_t{plain[0] & 0x0fu};
    if ((plain[0] & 0x10) != 0 && plain.size() >= header + 4) {
      header += 4 + 4 * size_t{load_be16(Bytes(plain).subspan(header + 2).first<2>())};
    }
    if (header > plain.size() || plain.size() > kPacketCapacity - 32) return;
    if (plain[8] < 8 && !guest.sources.empty()) {
      const auto& source = guest.sources[plain[8] % guest.sources.size()];
      store_be32(std::span(plain).subspan<8, 4>(), source.ssrc().value());
    }
    const uint16_t number = load_be16(Bytes(plain).subspan<2, 2>());
    deliver(from,
            guest.peer.seal_raw(Bytes(plain).first(header), Bytes(plain).subspan(header), number));
  }

  void seal_feedback(Guest& guest, const Address& from, Bytes bytes) {
    if (!guest.peer.connected() || bytes.size() < 8 || bytes.size() > 1200) return;
    std::vector<uint8_t> plain(bytes.begin(), bytes.end());
    // About one of the guest's slots, or one of the sources of the one who publishes.
    const auto& slots = guest.peer.slots();
    if (plain.size() >= 12 && plain[8] < 4 && !slots.empty()) {
      store_be32(std::span(plain).subspan<8, 4>(), slots[plain[8] % slots.size()].value());
    }
    deliver(from, guest.peer.seal_rtcp(plain));
  }

  VirtualNode node_;
  std::vector<Guest*> guests_;
  std::set<Address> known_;
  Duration passed_{};
};

}  // namespace

// A list of operations: kind, who, milliseconds that pass after it, and a length in two bytes with
// so many bytes behind it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  Run run;
  for (size_t i = 0; input.size() >= 5 && i < kOperationsMax; ++i) {
    const uint8_t kind = input[0];
    const uint8_t who = input[1];
    const uint8_t wait_ms = input[2];
    const size_t length =
        std::min<size_t>({load_be16(input.subspan<3, 2>()), input.size() - 5, kPacketCapacity});
    run.operate(kind, who, wait_ms, input.subspan(5, length));
    run.check();
    input = input.subspan(5 + length);
  }
  run.finish();
  return 0;
}
