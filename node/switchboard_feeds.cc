// The switchboard's dealings with other workers: what it lends them, and what it borrows.
#include <algorithm>
#include <utility>
#include <variant>

#include "node/switchboard.h"

namespace simpul::node {

void Switchboard::change_feeds(const FeedChange& change, TimePoint) {
  auto& borrowers = borrowers_[change.room];
  const bool known = std::ranges::find(borrowers, change.borrower) != borrowers.end();
  if (known != change.lend) {
    if (change.lend) {
      borrowers.push_back(change.borrower);
    } else {
      std::erase(borrowers, change.borrower);
    }
    for (const auto& [id, entry] : by_publisher_) {
      if (entry->session.room != change.room) continue;
      if (change.lend) {
        open_feed(*entry, change.borrower);
      } else {
        std::erase_if(entry->borrowers,
                      [&](const Borrower& borrower) { return borrower.worker == change.borrower; });
        options_.feeds->close(change.borrower, entry->session.key);
      }
    }
  }
  if (borrowers.empty()) borrowers_.erase(change.room);
}

void Switchboard::open_feeds(Entry& entry) {
  const auto found = borrowers_.find(entry.session.room);
  if (found == borrowers_.end()) return;
  for (const uint32_t borrower : found->second) open_feed(entry, borrower);
}

void Switchboard::open_feed(Entry& entry, uint32_t borrower) {
  const Session& session = entry.session;
  options_.feeds->open(borrower, {.key = session.key,
                                  .home = 0,
                                  .room = session.room,
                                  .participant = session.participant,
                                  .tracks = session.tracks});
  Borrower& added = entry.borrowers.emplace_back();
  added.worker = borrower;
  added.interrupted.resize(session.tracks.size());
  for (const FeedReport& report : entry.reports) options_.feeds->report(borrower, report);
}

void Switchboard::close_feeds(Entry& entry) {
  for (const Borrower& borrower : entry.borrowers) {
    options_.feeds->close(borrower.worker, entry.session.key);
  }
  entry.borrowers.clear();
}

void Switchboard::lend(Entry& entry, const connection::ReceivedMedia& media) {
  if (media.id.layer >= relay::kLayersMax) return;
  const FeedLayer from{entry.session.tracks[media.id.line].id, media.id.layer};
  for (Borrower& borrower : entry.borrowers) {
    bool& interrupted = borrower.interrupted[media.id.line][media.id.layer];
    options_.feeds->lend(borrower.worker, from, media.packet, interrupted);
  }
}

void Switchboard::report_to_feeds(Entry& entry, const FeedReport& report) {
  const auto last = std::ranges::find_if(entry.reports, [&](const FeedReport& known) {
    return known.from.track == report.from.track && known.from.layer == report.from.layer;
  });
  if (last != entry.reports.end()) {
    *last = report;
  } else if (report.from.layer < relay::kLayersMax) {
    entry.reports.push_back(report);
  }
  for (const Borrower& borrower : entry.borrowers) {
    options_.feeds->report(borrower.worker, report);
  }
}

size_t Switchboard::take_feeds(TimePoint now, size_t events_max) {
  if (options_.feeds == nullptr) return 0;
  for (size_t taken = 0; taken < events_max; ++taken) {
    auto event = options_.feeds->take();
    if (!event) return taken;
    std::visit([&](auto& value) { take_feed(value, now); }, *event);
  }
  return events_max;
}

void Switchboard::publish_feeds() {
  if (options_.feeds != nullptr) options_.feeds->publish();
}

void Switchboard::take_feed(FeedOpened& opened, TimePoint now) {
  const FeedPublisher& from = *opened.publisher;
  Feed& feed = feeds_[from.key.value()];
  feed.home = from.home;
  feed.publisher = relay_.add_publisher(from.room, from.participant, now);
  feed_homes_[feed.publisher.value()] = from.home;
  for (const relay::TrackConfig& track : from.tracks) {
    relay_.add_track(feed.publisher, track, now);
  }
}

void Switchboard::take_feed(FeedClosed& closed, TimePoint now) {
  const auto found = feeds_.find(closed.key.value());
  if (found == feeds_.end()) return;
  feed_homes_.erase(found->second.publisher.value());
  relay_.remove_publisher(found->second.publisher, now);
  feeds_.erase(found);
}

void Switchboard::take_feed(FeedMedia& media, TimePoint now) {
  if (media.interrupted) relay_.interrupt(media.from.track, media.from.layer);
  relay_.receive(media.from.track, media.from.layer, std::move(media.media), now);
}

void Switchboard::take_feed(FeedReport& report, TimePoint) {
  relay_.receive_sender_report(report.from.track, report.from.layer, report.ntp_time,
                               report.rtp_timestamp, report.arrival);
}

void Switchboard::take_feed(FeedKeyFrameRequest& request, TimePoint now) {
  relay_.request_key_frame(request.of.track, request.of.layer, now);
}

// True when the request is for a publisher of another worker; it goes there.
bool Switchboard::request_of_feed(const relay::KeyFrameRequest& request) {
  const auto found = feed_homes_.find(request.publisher.value());
  if (found == feed_homes_.end()) return false;
  ++key_frames_asked_elsewhere_;
  options_.feeds->request_key_frame(found->second, {request.track, request.layer});
  return true;
}

void Switchboard::supersede(ConnectionKey key) {
  const auto found = entries_.find(key.value());
  if (found != entries_.end()) found->second->superseded = true;
}

}  // namespace simpul::node
