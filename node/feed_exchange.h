#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/packet_loan.h"
#include "base/time.h"
#include "node/session.h"
#include "node/spsc_ring.h"
#include "relay/relay.h"
#include "rtp/media_packet.h"

namespace simpul::node {

// A publisher whose tracks another worker gets as feeds.
struct FeedPublisher {
  ConnectionKey key;
  uint32_t home = 0;     // the worker that it is on
  uint64_t opening = 0;  // tells this feed from one of the same connection before it
  std::string room;
  std::string participant;
  std::vector<relay::TrackConfig> tracks;
  // Of each track the layers that are suspended, a bit each: they are not lent before they are
  // wished for.
  std::vector<uint8_t> suspended = {};
  std::optional<Duration> round_trip = {};  // to it
};

// A layer of a track that is lent to one other worker.
struct FeedLayer {
  relay::TrackId track;
  uint8_t layer = 0;
};

// What comes from another worker. First what the home of a track sends to a borrower.
struct FeedOpened {
  std::unique_ptr<FeedPublisher> publisher;
};
struct FeedClosed {
  ConnectionKey key;
};
struct FeedMedia {
  // What its home kept of the layer when the borrower began to want it.
  struct Past {
    TimePoint arrival{};
    bool is_last = false;
  };
  FeedLayer from;
  bool interrupted = false;  // packets of the layer before this one were dropped
  std::optional<Past> past = {};
  rtp::MediaPacket media;
};
struct FeedReport {
  FeedLayer from;
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;
  TimePoint arrival{};
};
// What is being sent of a layer that is not lent; its publisher is not told.
struct FeedNews {
  relay::LayerNews news;
};
// And what a borrower sends home: subscribers there want a key frame. Repeated until one comes.
struct FeedKeyFrameRequest {
  FeedLayer of;
  relay::KeyFrameRequests::Cause cause = relay::KeyFrameRequests::Cause::kAssignment;
};
// Whether anybody there watches a layer. Every layer counts as watched until its first packet.
struct FeedWish {
  ConnectionKey key;
  uint64_t opening = 0;
  FeedLayer of;
  bool wanted = true;
  bool by_key_frame = false;  // what home keeps is of no use to somebody there
  uint32_t borrower = 0;
};
using FeedEvent = std::variant<FeedOpened, FeedClosed, FeedMedia, FeedReport, FeedNews,
                               FeedKeyFrameRequest, FeedWish>;

// From one worker to one other: what it lends there, and what comes back. The only thing that two
// workers share.
struct FeedLane {
  static constexpr size_t kItemsMax = 4'096;
  // As many as can be on loan, so that packets always find their way back.
  static constexpr size_t kPacketsLentMax = 16'384;

  struct LentMedia {
    FeedMedia event;
    LentPacket packet;
  };
  using Item = std::variant<std::monostate, FeedOpened, FeedClosed, LentMedia, FeedReport, FeedNews,
                            FeedKeyFrameRequest, FeedWish>;

  SpscRing<Item, kItemsMax> items;
  // The other worker has been woken for what is in the ring, and has not looked yet.
  std::atomic<bool> woken{false};
  // The way back: loans that are over.
  SpscRing<uint32_t, kPacketsLentMax> returns;
};

// All lanes of a node: one for each ordered pair of workers. Outlives the exchanges.
class FeedLanes {
 public:
  explicit FeedLanes(uint32_t workers);

  uint32_t workers() const { return workers_; }
  FeedLane& lane(uint32_t from, uint32_t to) { return lanes_[from * workers_ + to]; }

 private:
  uint32_t workers_;
  std::vector<FeedLane> lanes_;
};

// One worker's end of the lanes: lends packets of its publishers to other workers and borrows
// those of theirs. Belongs to its worker's thread; no call waits. What does not fit, because the
// other worker has stopped taking, is dropped and told to that one later as an interruption.
// Outlives what was borrowed through it, and ends when no other worker runs any more.
class FeedExchange {
 public:
  static constexpr size_t kTakenInARow = 64;

  struct Options {
    uint32_t worker = 0;
    // Packets that each other worker may hold.
    size_t packets_lent_max = FeedLane::kPacketsLentMax;
    // Makes another worker call take() soon; false when it cannot be told now.
    std::function<bool(uint32_t)> wake;
  };
  FeedExchange(Options options, FeedLanes& lanes);

  // At home. What is sent to one worker arrives in the order of the calls; what is opened and
  // closed arrives in any case.
  void open(uint32_t to, FeedPublisher publisher);
  void close(uint32_t to, ConnectionKey key);
  // False when it was dropped. `interrupted` then remembers that until the next one that is not.
  bool lend(uint32_t to, FeedLayer layer, const rtp::MediaPacket& media, bool& interrupted,
            const std::optional<FeedMedia::Past>& past = {});
  // Whether so many packets could be lent one after the other, and others behind them.
  bool has_room(uint32_t to, size_t packets);
  void report(uint32_t to, const FeedReport& report);
  // False when it could not be told; it is to be told again then.
  bool tell(uint32_t to, const FeedNews& news);

  // At the borrower. The next of what came; nothing when that is all. Takes kTakenInARow of one
  // worker at most before it looks at the next one, so that none waits for the others' media.
  std::optional<FeedEvent> take();
  void request_key_frame(uint32_t home, const FeedKeyFrameRequest& request);
  // As tell().
  bool wish(uint32_t home, FeedWish wish);

  // Shows the others what the calls since the last one have collected, wakes them for it, gives
  // back what nobody here holds any more, and takes back what is over there. Once a turn.
  void publish();

  // Something has to be told that could not be yet: publish() is to be called again soon.
  bool has_unsent() const;

  uint64_t dropped() const { return dropped_; }
  uint64_t packets_lent() const { return packets_lent_; }  // so far
  size_t lent(uint32_t to) const { return peers_[to]->loans.lent(); }
  size_t borrowed(uint32_t from) const { return peers_[from]->borrowed.held(); }

 private:
  // Another worker, seen from here.
  struct Peer {
    Peer(FeedLane& to, FeedLane& from, size_t packets_lent_max)
        : out(to), in(from), loans(packets_lent_max) {}

    FeedLane& out;
    FeedLane& in;
    PacketLoans loans;
    BorrowedPackets borrowed;
    std::deque<FeedLane::Item> unsent;  // opened and closed while the ring was full
    bool to_wake = false;
  };

  void send(Peer& peer, FeedLane::Item item);
  void send_unsent(Peer& peer);
  void take_back(Peer& peer);
  void give_back(Peer& peer);
  std::optional<FeedEvent> take_from(Peer& peer);
  std::optional<FeedEvent> take_popped(Peer& peer);

  Options options_;
  std::vector<std::unique_ptr<Peer>> peers_;  // by worker; null for this one
  size_t taking_from_ = 0;
  size_t taken_in_a_row_ = 0;
  uint64_t dropped_ = 0;
  uint64_t packets_lent_ = 0;
};

}  // namespace simpul::node
