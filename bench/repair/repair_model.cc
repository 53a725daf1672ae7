#include "bench/repair/repair_model.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "bench/peer/flexfec_receiver.h"
#include "bench/peer/random.h"
#include "connection/stream_protection.h"

namespace simpul::repair {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFrame = 33'333us;
constexpr Duration kBetweenPackets = 300us;
constexpr int kKeyFrameEach = 90;
constexpr int kKeyFrameSize = 5;  // ordinary frames
constexpr size_t kPacket = 1'150;
constexpr Duration kJitterBuffer = 50ms;
constexpr double kRoundTripsWaited = 0.9;
constexpr Duration kLongestWait = 200ms;
constexpr int kAskedMax = 10;
constexpr Duration kAsksEach = 20ms;  // how often a receiver looks what to ask for again

struct Packet {
  Duration sent{};
  Duration there = Duration::max();
  size_t frame = 0;
};

// One loses as the other would, whether or not there is parity: each has its own chain.
class Losses {
 public:
  Losses(const Options& options, uint64_t seed) : options_(options), random_(seed) {}

  bool loses() {
    if (options_.burst <= 1) return random_.share() < options_.loss;
    const double to_good = 1 / options_.burst;
    const double to_bad = to_good * options_.loss / (1 - options_.loss);
    is_bad_ = random_.share() < (is_bad_ ? 1 - to_good : to_bad);
    return is_bad_;
  }

 private:
  const Options& options_;
  peer::Random random_;
  bool is_bad_ = false;
};

class Model {
 public:
  explicit Model(const Options& options)
      : options_(options),
        down_(options, options.seed),
        repairs_(options, options.seed ^ 0x5555),
        random_(options.seed ^ 0xaaaa) {
    protection_.set_share(options.share);
  }

  Result run();

 private:
  void send_frame(size_t frame, Duration at);
  void send(size_t frame, Duration at);
  void ask(Packet& packet, Duration noticed);
  void receive_parities(Duration at);
  void recover();
  Result judge() const;

  const Options options_;
  Losses down_;
  Losses repairs_;
  peer::Random random_;
  connection::StreamProtection protection_{rtp::Ssrc(1)};
  std::vector<Packet> packets_;
  std::vector<size_t> missed_;  // not yet noticed
  size_t frames_ = 0;
  uint64_t parities_sent_ = 0;
  uint64_t retransmitted_ = 0;
  std::vector<rtp::FlexfecParity> made_;
  struct Parity {
    Duration there;
    std::vector<size_t> protects;
  };
  std::vector<Parity> parities_;
};

// Each try leaves after the one before can have been answered, and any of the three may be lost.
void Model::ask(Packet& packet, Duration noticed) {
  for (int i = 0; i < kAskedMax; ++i) {
    if (!repairs_.loses()) {
      ++retransmitted_;
      if (!repairs_.loses()) {
        packet.there = std::min(packet.there, noticed + options_.round_trip);
        return;
      }
    }
    const auto late = Duration(static_cast<int64_t>(random_.share() * kAsksEach.count()));
    noticed += options_.round_trip + late;
  }
}

void Model::send(size_t frame, Duration at) {
  const size_t number = packets_.size();
  Packet& packet = packets_.emplace_back(Packet{.sent = at, .frame = frame});
  std::array<uint8_t, 12> header{0x80, 96};
  store_be16(std::span(header).subspan<2, 2>(), static_cast<uint16_t>(number));
  if (options_.share > 0) {
    protection_.add({.sequence_number = rtp::SequenceNumber(static_cast<uint16_t>(number)),
                     .header = header,
                     .head = {},
                     .body = {}},
                    static_cast<uint32_t>(frame * 3'000), made_);
    receive_parities(at);
  }
  if (down_.loses()) return missed_.push_back(number);
  packet.there = at + options_.round_trip / 2;
  for (const size_t missed : missed_) ask(packets_[missed], packet.there);
  missed_.clear();
}

void Model::receive_parities(Duration at) {
  for (const rtp::FlexfecParity& parity : made_) {
    ++parities_sent_;
    at += kBetweenPackets;
    if (down_.loses()) continue;
    Parity arrived{.there = at + options_.round_trip / 2, .protects = {}};
    const auto parsed = peer::FlexfecReceiver::parse(parity.payload());
    for (const uint16_t number : parsed->protects) {
      const int64_t newest = static_cast<int64_t>(packets_.size()) - 1;
      arrived.protects.push_back(
          static_cast<size_t>(rtp::unwrap_near(newest, rtp::SequenceNumber(number))));
    }
    parities_.push_back(std::move(arrived));
  }
  made_.clear();
}

void Model::send_frame(size_t frame, Duration at) {
  const double usual = options_.bps / 8 * std::chrono::duration<double>(kFrame).count() / kPacket;
  const bool is_key = frame % kKeyFrameEach == 0;
  const double wanted = usual * (is_key ? kKeyFrameSize : 1) * random_.between(0.7, 1.3);
  const auto count = std::max<size_t>(1, static_cast<size_t>(wanted + random_.share()));
  for (size_t i = 0; i < count; ++i, at += kBetweenPackets) send(frame, at);
  if (options_.share == 0) return;
  protection_.end_burst(made_);
  receive_parities(at);
}

// A parity gives the last packet that its row lacks, once all others are there.
void Model::recover() {
  for (const Parity& parity : parities_) {
    size_t last = parity.protects.front();
    Duration others = parity.there;
    for (const size_t number : parity.protects) {
      if (packets_[number].there > packets_[last].there) last = number;
    }
    for (const size_t number : parity.protects) {
      if (number != last) others = std::max(others, packets_[number].there);
    }
    packets_[last].there = std::min(packets_[last].there, others);
  }
}

Result Model::judge() const {
  const auto one_repair = Duration(
      static_cast<int64_t>(kRoundTripsWaited * static_cast<double>(options_.round_trip.count())));
  const Duration wait =
      kJitterBuffer + std::min(one_repair, kLongestWait) + options_.round_trip / 2;
  Result result;
  Duration complete{};
  size_t late = 0;
  size_t missing = 0;
  for (size_t i = 0; i < packets_.size(); ++i) {
    const Packet& packet = packets_[i];
    const Duration due = kFrame * static_cast<int64_t>(packet.frame) + wait;
    if (packet.there > due) ++missing;
    // What never comes is made good by a key frame, which takes as long as to ask for it.
    complete = std::max(complete, std::min(packet.there, due + 2 * options_.round_trip + 100ms));
    const bool is_last = i + 1 == packets_.size() || packets_[i + 1].frame != packet.frame;
    if (is_last && complete > due) ++late;
  }
  const auto count = static_cast<double>(packets_.size());
  result.missing = static_cast<double>(missing) / count;
  result.late = static_cast<double>(late) / static_cast<double>(frames_);
  result.overhead = static_cast<double>(parities_sent_) / count;
  result.retransmitted = static_cast<double>(retransmitted_) / count;
  return result;
}

Result Model::run() {
  for (Duration at{}; at < options_.length; at += kFrame) send_frame(frames_++, at);
  recover();
  return judge();
}

}  // namespace

Result run(const Options& options) { return Model(options).run(); }

}  // namespace simpul::repair
