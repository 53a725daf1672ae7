#include "node/tcp_paths.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ice/demultiplex.h"

namespace simpul::node {
namespace {

bool is_media(Bytes packet) { return ice::classify(packet) == ice::DatagramKind::kRtp; }

}  // namespace

TcpPaths::TcpPaths(net::EventLoop& loop, PacketPool& pool)
    : loop_(loop),
      pool_(pool),
      streams_(loop, pool,
               {.on_packet =
                    [this](uint32_t stream, const Address& remote, PacketRef packet) {
                      switchboard_->receive(std::move(packet), {stream, remote}, loop_.now());
                    },
                .on_ended =
                    [this](uint32_t stream, const Address& remote) {
                      kept_.erase(stream);
                      switchboard_->forget_path({stream, remote});
                    },
                .is_media = is_media}) {}

void TcpPaths::adopt(TcpArrival arrival, TimePoint now) {
  if (!switchboard_->knows(arrival.username_fragment)) {
    ++unknown_session_;
    return;
  }
  make_room_in(arrival.username_fragment);
  PacketRef packet = pool_.allocate();
  if (streams_.size() >= kStreamsMax || !packet) {
    ++refused_full_;
    return;
  }
  packet->size = static_cast<uint32_t>(arrival.frame.size());
  std::ranges::copy(arrival.frame, packet->bytes.begin());
  const Address remote = arrival.descriptor.remote();
  const uint32_t stream = streams_.add(std::move(arrival.descriptor));
  const ice::Path path = {stream, remote};
  Kept& kept = kept_[stream];
  kept.path = path;
  kept.accepted = arrival.accepted;
  kept.username_fragment = std::move(arrival.username_fragment);
  switchboard_->receive(std::move(packet), path, now);
  kept.is_proved = switchboard_->leads(path);
}

// The oldest of those that have proved nothing yet goes.
void TcpPaths::make_room_in(const std::string& username_fragment) {
  std::optional<uint32_t> oldest;
  size_t count = 0;
  for (const auto& [stream, kept] : kept_) {
    if (kept.username_fragment != username_fragment || switchboard_->leads(kept.path)) continue;
    if (!oldest) oldest = stream;
    ++count;
  }
  if (count >= kUnprovedPerSessionMax) close(*oldest);
}

void TcpPaths::sweep(TimePoint now) {
  egress_.flush();  // a good-bye goes before its stream does
  streams_.close_stalled(now);
  std::vector<uint32_t> over;
  for (auto& [stream, kept] : kept_) {
    if (switchboard_->leads(kept.path)) {
      kept.is_proved = true;
    } else if (kept.is_proved || now - kept.accepted >= TcpDoor::kGreetingMax) {
      over.push_back(stream);
    }
  }
  for (const uint32_t stream : over) close(stream);
}

void TcpPaths::close(uint32_t stream) {
  streams_.close(stream);
  kept_.erase(stream);
}

void TcpPaths::count(WorkerReport& report) const {
  const net::TcpMediaStatistics& statistics = streams_.statistics();
  const net::EgressStatistics& out = egress_.statistics();
  report.tcp_streams = streams_.size();
  report.packets_received += statistics.in.frames;
  report.bytes_received += statistics.in.bytes;
  report.packets_sent += out.datagrams - statistics.dropped_slow - statistics.dropped_gone;
  report.bytes_sent += out.bytes - statistics.dropped_bytes;
  report.drops["no_memory"] += statistics.in.dropped_no_packet;
  report.drops["too_large"] += statistics.in.dropped_too_large;
  report.drops["send_full"] += out.dropped_arena_full;
  report.drops["unreachable"] += statistics.dropped_gone;
  report.drops["tcp_slow"] += statistics.dropped_slow;
  report.drops["tcp_full"] += refused_full_;
  report.drops["unknown_sender"] += unknown_session_;
}

}  // namespace simpul::node
