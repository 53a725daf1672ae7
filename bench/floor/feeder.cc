#include "bench/floor/feeder.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <queue>
#include <thread>
#include <vector>

#include "dtls/srtp_sender.h"

namespace simpul::floor_bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr auto kBurstInterval = std::chrono::milliseconds(5);
constexpr auto kAudioInterval = std::chrono::milliseconds(20);
constexpr auto kLateMax = std::chrono::milliseconds(100);

// What is due at some time, again and again.
struct Event {
  Clock::time_point at;
  Clock::duration interval;
  uint32_t publisher;
  size_t packets;
  bool video;

  friend bool operator>(const Event& a, const Event& b) { return a.at > b.at; }
};

class Feeder {
 public:
  Feeder(const Shape& shape, const LoopbackSocket& to)
      : shape_(shape), to_(to), sender_(engine_, master_key(shape.profile, 0)) {}

  void send(const Event& event) {
    for (size_t i = 0; i < event.packets; ++i) {
      send_packet(event.publisher, event.video ? shape_.packet_bytes : kAudioBytes,
                  i + 1 == event.packets);
    }
  }

 private:
  void send_packet(uint32_t publisher, size_t bytes, bool last) {
    const MutableBytes packet = MutableBytes(packet_).first(bytes);
    packet[0] = 0x90;
    packet[1] = static_cast<uint8_t>((last ? kLastOfBatch : 0) | 96);
    store_be16(packet.subspan<2, 2>(), static_cast<uint16_t>(index_));
    packet[15] = 1;  // one word of extension
    store_be32(MutableBytes(payload_).first<4>(), publisher);
    dtls::RtpToSeal job{.destination = packet,
                        .header_size = kHeaderBytes,
                        .head = {},
                        .body = Bytes(payload_).first(bytes - kHeaderBytes - sender_.overhead()),
                        .index = index_++};
    sender_.seal(std::span(&job, 1));
    sendto(from_.fd(), packet.data(), job.sealed_size, 0,
           reinterpret_cast<const sockaddr*>(&to_.address()), sizeof(sockaddr_in));
  }

  const Shape& shape_;
  const LoopbackSocket& to_;
  LoopbackSocket from_;
  crypto::CipherEngine engine_;
  dtls::SrtpSender sender_;
  std::array<uint8_t, 2'048> packet_{};
  std::array<uint8_t, 2'048> payload_{};
  uint64_t index_ = 0;
};

using Events = std::priority_queue<Event, std::vector<Event>, std::greater<>>;

// The publishers begin one after the other, as people do.
Events events_of(const Shape& shape) {
  const auto now = Clock::now();
  const auto frame = microseconds(1'000'000 / shape.frames_per_second);
  const size_t burst = shape.burst_packets == 0 ? shape.frame_packets : shape.burst_packets;
  Events events;
  for (uint32_t i = 0; i < shape.publishers; ++i) {
    if (shape.has_audio) {
      events.push({now + kAudioInterval * i / shape.publishers, kAudioInterval, i, 1, false});
    }
    auto at = now + microseconds(1'700) + frame * i / shape.publishers;
    for (size_t sent = 0; sent < shape.frame_packets; sent += burst, at += kBurstInterval) {
      events.push({at, frame, i, std::min(burst, shape.frame_packets - sent), true});
    }
  }
  return events;
}

}  // namespace

dtls::SrtpMasterKey master_key(dtls::SrtpProfile profile, uint8_t number) {
  static std::array<uint8_t, 32> key;
  key.fill(number);
  return {profile, Bytes(key).first(dtls::master_key_size(profile)),
          Bytes(key).first(dtls::master_salt_size(profile))};
}

dtls::SrtpMasterKey viewer_key(dtls::SrtpProfile profile, size_t viewer) {
  return master_key(profile, static_cast<uint8_t>(1 + viewer % 250));
}

void feed_for_ever(const Shape& shape, const LoopbackSocket& to) {
  Feeder feeder(shape, to);
  Events events = events_of(shape);
  while (true) {
    Event next = events.top();
    events.pop();
    std::this_thread::sleep_until(next.at);
    feeder.send(next);
    // Who was kept from sending goes on from now, as an encoder would.
    next.at = std::max(next.at + next.interval, Clock::now() - kLateMax);
    events.push(next);
  }
}

}  // namespace simpul::floor_bench
