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
      streams_(
          loop, pool,
          {.on_packet = [this](uint32_t stream, const Address& remote,
                               PacketRef packet) { receive(stream, remote, std::move(packet)); },
           .on_unusable =
               [this](uint32_t stream) {
                 if (!is_proved(stream)) close_unproved(stream);
               },
           .on_ended =
               [this](uint32_t stream, const Address& remote) {
                 forget(stream);
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
  by_session_.add(arrival.username_fragment, stream);
  const ice::Path path = {stream, remote};
  kept_[stream] = {.path = path,
                   .accepted = arrival.accepted,
                   .username_fragment = std::move(arrival.username_fragment)};
  switchboard_->receive(std::move(packet), path, now);
  kept_.at(stream).is_proved = switchboard_->leads(path);
}

// The oldest of those that have proved nothing yet goes.
void TcpPaths::make_room_in(const std::string& username_fragment) {
  const auto leads = [this](uint32_t stream) { return switchboard_->leads(kept_.at(stream).path); };
  const auto oldest = by_session_.in_the_way(username_fragment, kUnprovedPerSessionMax, leads);
  if (oldest) close(*oldest);
}

// A guest sends checks alone until one was answered. From others anything else would cost more to
// look into than it costs them to send.
void TcpPaths::receive(uint32_t stream, const Address& remote, PacketRef packet) {
  if (ice::classify(packet->data()) != ice::DatagramKind::kStun && !is_proved(stream)) {
    return close_unproved(stream);
  }
  switchboard_->receive(std::move(packet), {stream, remote}, loop_.now());
}

bool TcpPaths::is_proved(uint32_t stream) {
  const auto found = kept_.find(stream);
  if (found == kept_.end()) return false;
  Kept& kept = found->second;
  kept.is_proved = kept.is_proved || switchboard_->leads(kept.path);
  return kept.is_proved;
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

void TcpPaths::close_unproved(uint32_t stream) {
  ++closed_unproved_;
  close(stream);
}

void TcpPaths::close(uint32_t stream) {
  streams_.close(stream);
  forget(stream);
}

void TcpPaths::forget(uint32_t stream) {
  const auto found = kept_.find(stream);
  if (found == kept_.end()) return;
  by_session_.remove(found->second.username_fragment, stream);
  kept_.erase(found);
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
  report.drops["runt"] += statistics.in.dropped_runt;
  report.drops["tcp_unproved"] += closed_unproved_;
  report.drops["tcp_slow"] += statistics.dropped_slow;
  report.drops["tcp_full"] += refused_full_;
  report.drops["unknown_sender"] += unknown_session_;
}

}  // namespace simpul::node
