#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "bench/load/media.h"
#include "bench/load/plan.h"
#include "bench/load/report.h"
#include "bench/load/scenario.h"
#include "bench/load/viewer_media.h"
#include "bench/peer/peer_socket.h"
#include "net/event_loop.h"

namespace simpul::load {

// One connection of the run: what it sends, and what it gets of whom it watches. It is measured
// from open() to close(), between packets that its publisher has numbered, so that what is missing
// then is lost and nothing else.
class Client {
 public:
  // What all clients of a run share.
  struct Shared {
    net::EventLoop& loop;
    peer::SocketSet& sockets;
    peer::Identity& identity;
    const Scenario& scenario;
    const Plan& plan;
    const Sounds& sounds;
    rtp::NtpClock clock;
    Histogram second_delay = {};  // of this second
    uint64_t datagrams = 0;       // to viewers, over all
    uint64_t packets = 0;         // of them, those that were new
    uint64_t bytes = 0;
    uint64_t feedback = 0;        // messages of all viewers to the relay
    uint64_t feedback_bytes = 0;  // of them, before they are sealed
  };

  // `number` is its place in the plan.
  Client(size_t number, Shared& shared);

  std::string offer() const { return socket_->peer().offer(); }
  // Takes the relay's answer and begins.
  bool start(std::string_view answer) { return socket_->start(answer); }
  // Goes on from another port.
  void roam();
  // Sends what is due besides media.
  void tick(TimePoint now);

  bool connected() const { return connected_at_.has_value(); }
  // A viewer has a picture in each slot, or sound where there is none to see; a publisher is
  // connected, and so are all when nothing is sent.
  bool is_settled() const;
  std::optional<TimePoint> first_frame_at() const { return first_frame_; }

  // Of a publisher: stops sending for good.
  void fall_silent() { socket_->sources().clear(); }
  // Of a viewer: what its publishers send from now on counts, until close().
  using Watched = std::span<const Client* const>;
  void open(Watched watched, Histogram& delay, LastViewer& last_viewer);
  void close(Watched watched, TimePoint now);
  bool is_open() const { return is_open_; }
  // All that was sent to it while it was open is here.
  bool has_all() const { return media_.counts().packets >= expected(); }
  uint64_t expected() const { return by_relay_ ? media_.counts().expected : expected_; }
  // Of all that it was sent since open(), so far.
  uint64_t expected_until_now(Watched watched) const;
  const MediaCounts& counts() const { return media_.counts(); }
  // Since open().
  PictureCounts picture() const { return media_.picture(); }
  const std::vector<Duration>& switches() const { return media_.switches(); }
  // It has seen pictures whose freezes are known.
  bool saw_pictures() const { return media_.pictures() > 0; }
  // At close(): so long nothing new had come of what it watches; nothing before the first.
  std::optional<Duration> stood_still() const { return stood_still_; }
  uint64_t socket_overflows() const { return socket_->overflows(); }
  impairment::PathCounts network_counts() const { return socket_->network_counts(); }

 private:
  struct Source {
    uint32_t ssrc = 0;
    uint64_t packets = 0;
  };

  void add_sources(size_t number);
  std::vector<Source> sources() const;
  void receive(const peer::Peer::Received& received, TimePoint came_at);
  void note_first_frame(TimePoint now);

  Shared& shared_;
  const PlannedClient& planned_;
  const ClientClass& people_;
  bool has_video_;
  bool decrypts_;
  // Counted by the numbers that the relay gave: of who only listens, of layers, whose publisher
  // does not know which of them the relay sends, and where the relay chooses whom it shows.
  bool by_relay_;
  std::vector<Source> opened_at_;
  // Who is seen or heard, and since when without a pause.
  struct Heard {
    uint32_t source = 0;
    TimePoint begun{};
    TimePoint last{};
  };
  static constexpr Duration kCaughtUpAfter = std::chrono::seconds(1);
  bool is_live(const peer::MediaStamp& stamp, TimePoint came_at);
  std::vector<Heard> heard_;
  ViewerMedia media_;
  std::optional<TimePoint> connected_at_;
  std::optional<TimePoint> first_frame_;  // once all slots have one
  std::optional<Duration> stood_still_;
  Duration unread_for_{0};      // the last packet, in the socket: what is behind it may be new
  Histogram* delay_ = nullptr;  // of its phase, while it is open
  LastViewer* last_viewer_ = nullptr;
  bool is_open_ = false;
  uint64_t expected_ = 0;
  std::vector<std::vector<uint8_t>> rtcp_;  // scratch
  std::unique_ptr<peer::PeerSocket> socket_;
};

}  // namespace simpul::load
