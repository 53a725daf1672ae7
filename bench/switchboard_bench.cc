// What a forwarded packet costs one worker beside the kernel: a switchboard at virtual time, with
// real connections, whose datagrams were made before and whose sends go nowhere.
//   switchboard_bench pairs|stage [people] [milliseconds] [microseconds of a turn]
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "ice/demultiplex.h"
#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "rtp/rtcp_writer.h"
#include "tests/node/virtual_node.h"

namespace simpul::bench {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

struct Datagram {
  TimePoint at;
  Guest* from;
  std::vector<uint8_t> bytes;
};

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

class Run {
 public:
  Run(bool pairs, size_t people) : node_(nullptr, 0, VirtualNode::test_config()), pairs_(pairs) {
    const size_t rooms = pairs ? people : 1;
    for (size_t i = 0; i < rooms; ++i) join_room("room" + std::to_string(i), pairs ? 2 : people);
  }

  void join_room(const std::string& room, size_t people) {
    std::vector<Guest*> joining;
    if (!pairs_) {
      publishers_.push_back(&node_.publish(room, "p"));
      joining.push_back(publishers_.back());
    }
    for (size_t i = 0; i < people; ++i) {
      const std::string name = "n" + std::to_string(i);
      if (pairs_) {
        publishers_.push_back(&node_.publish(room, name));
        joining.push_back(publishers_.back());
        watchers_.push_back(&node_.watch(room, "w" + name, "n" + std::to_string(1 - i)));
      } else {
        watchers_.push_back(&node_.watch(room, "w" + name));
      }
      joining.push_back(watchers_.back());
    }
    for (Guest* guest : joining) guest->sources.clear();
    node_.run_until([&] {
      return std::ranges::all_of(joining, [](Guest* guest) { return guest->peer.connected(); });
    });
    // Nothing more is asked of them, so that it is fast.
    for (Guest* guest : joining) {
      by_port_.resize(0x10000);
      by_port_[guest->address.port] = guest;
    }
  }

  void make_media(Duration duration) {
    const TimePoint begin = node_.now() + 1ms;
    size_t place = 0;
    for (Guest* guest : publishers_) {
      auto audio = peer::MediaSource::audio("0");
      auto video =
          pairs_
              ? peer::MediaSource::video(
                    "1", {.bitrate_bps = 277'680, .frames_per_second = 15, .payload_max = 1'157})
              : peer::MediaSource::video(
                    "1", {.bitrate_bps = 2'499'120, .frames_per_second = 30, .payload_max = 1'157});
      const Duration phase(static_cast<int64_t>(place++ * 7'919 % 66'000));
      for (TimePoint now = begin + phase; now < begin + duration; now += 1ms) {
        for (auto* source : {&audio, &video}) {
          peer::MediaSource::Datagrams made;
          source->send_due(now, guest->peer, made);
          for (auto& bytes : made) media_.push_back({now, guest, std::move(bytes)});
        }
      }
    }
    std::ranges::stable_sort(media_, {}, &Datagram::at);
    for (size_t i = 0; i < watchers_.size(); ++i) {
      reports_.push_back(
          {begin + Duration(static_cast<int64_t>(i * 7'919 % 100'000)), watchers_[i], {}});
    }
    std::ranges::stable_sort(reports_, {}, &Datagram::at);
    begin_ = begin;
  }

  [[gnu::noinline]] void receive(std::vector<std::pair<PacketRef, ice::Path>>& packets) {
    auto& board = node_.switchboard();
    const size_t count = packets.size();
    constexpr size_t kAhead = node::Switchboard::kExpectAhead;
    for (size_t i = 0; i < std::min(count, kAhead); ++i) board.expect(packets[i].second);
    for (size_t i = 0; i < count; ++i) {
      if (i + kAhead < count) board.expect(packets[i + kAhead].second);
      board.receive(std::move(packets[i].first), packets[i].second, now_);
    }
  }
  [[gnu::noinline]] void advance() { node_.switchboard().advance(now_); }
  [[gnu::noinline]] size_t send() {
    return node_.switchboard().send_due(now_, Duration::zero(), 32);
  }

  void report_due(std::vector<std::pair<PacketRef, ice::Path>>& packets) {
    while (!reports_.empty() && reports_.front().at <= now_) {
      Datagram due = std::move(reports_.front());
      reports_.pop_front();
      std::array<uint8_t, rtp::kRtcpSizeMax> room;
      rtp::RtcpWriter writer(room);
      if (due.from->arrivals.write_due(now_, rtp::Ssrc(9), due.from->peer.slots().front(),
                                       writer)) {
        put(due.from, due.from->peer.seal_rtcp(writer.written()), packets);
        ++feedback_;
      }
      due.at += 100ms;
      reports_.push_back(std::move(due));
    }
  }

  void put(Guest* from, Bytes bytes, std::vector<std::pair<PacketRef, ice::Path>>& packets) {
    PacketRef packet = pool_.allocate();
    packet->size = static_cast<uint32_t>(bytes.size());
    std::ranges::copy(bytes, packet->bytes.begin());
    packets.emplace_back(std::move(packet), ice::Path{0, from->address});
  }

  void take_sent() {
    for (auto& sent : node_.sender().take()) {
      Guest* guest = by_port_[sent.to.port];
      if (guest == nullptr || ice::classify(sent.bytes) != ice::DatagramKind::kRtp) continue;
      const auto view = rtp::PacketView::parse(sent.bytes);
      if (!view) continue;
      rtp::ExtensionReader reader(view->extension_profile(), view->extension());
      while (const auto element = reader.next()) {
        if (element->id != peer::kTransportSequenceExtension) continue;
        const auto number = rtp::read_transport_sequence(element->data);
        if (number) guest->arrivals.on_packet(rtp::SequenceNumber(*number), now_ + 20ms);
      }
    }
  }

  void run(Duration duration, Duration turn, bool counts) {
    const TimePoint end = begin_ + ran_ + duration;
    for (now_ = begin_ + ran_; now_ < end; now_ += turn) {
      std::vector<std::pair<PacketRef, ice::Path>> packets;
      for (; next_ < media_.size() && media_[next_].at <= now_; ++next_) {
        put(media_[next_].from, media_[next_].bytes, packets);
      }
      report_due(packets);
      const size_t received = packets.size();
      const double a = thread_seconds();
      receive(packets);
      const double b = thread_seconds();
      advance();
      const double c = thread_seconds();
      double sending = 0;
      while (true) {
        const double d = thread_seconds();
        const size_t served = send();
        sending += thread_seconds() - d;
        node_.egress().flush();
        if (served == 0) break;
      }
      node_.egress().flush();
      if (counts) {
        turns_ += 1;
        received_ += static_cast<double>(received);
        receive_ += b - a;
        advance_ += c - b;
        send_ += sending;
      }
      take_sent();
    }
    ran_ += duration;
  }

  void measure(Duration duration, Duration turn) {
    run(500ms, turn, false);
    const uint64_t before = node_.sender().datagrams();
    const uint64_t feedback = feedback_;
    run(duration - 500ms, turn, true);
    const auto sent = static_cast<double>(node_.sender().datagrams() - before);
    std::printf(
        "%.0f sent, %.0f received (%.0f feedback), %.1f a turn; ns a sent packet: receive "
        "%.0f advance %.0f send %.0f all %.0f\n",
        sent, received_, static_cast<double>(feedback_ - feedback), received_ / turns_,
        receive_ / sent * 1e9, advance_ / sent * 1e9, send_ / sent * 1e9,
        (receive_ + advance_ + send_) / sent * 1e9);
  }

 private:
  PacketPool pool_{65'536};
  VirtualNode node_;
  bool pairs_;
  std::vector<Guest*> publishers_;
  std::vector<Guest*> watchers_;
  std::vector<Guest*> by_port_ = std::vector<Guest*>(0x10000);
  std::vector<Datagram> media_;
  std::deque<Datagram> reports_;
  size_t next_ = 0;
  uint64_t feedback_ = 0;
  TimePoint begin_{};
  TimePoint now_{};
  Duration ran_{};
  double turns_ = 0;
  double received_ = 0;
  double receive_ = 0;
  double advance_ = 0;
  double send_ = 0;
};

}  // namespace
}  // namespace simpul::bench

int main(int argc, char** argv) {
  const std::string shape = argc > 1 ? argv[1] : "pairs";
  const size_t people = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200;
  const auto ms = std::chrono::milliseconds(argc > 3 ? std::strtol(argv[3], nullptr, 10) : 2500);
  const auto turn = simpul::Duration(argc > 4 ? std::strtol(argv[4], nullptr, 10) : 200);
  simpul::bench::Run run(shape == "pairs", people);
  run.make_media(ms);
  run.measure(ms, turn);
}
