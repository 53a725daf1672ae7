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
        count_wanted_elsewhere(*entry);
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
  relay_.listen_to(entry.publisher);
  Borrower& added = entry.borrowers.emplace_back();
  added.worker = borrower;
  added.opening = ++openings_;
  added.lines.resize(session.tracks.size());
  std::vector<uint8_t> suspended;
  for (size_t line = 0; line < session.tracks.size(); ++line) {
    suspended.push_back(relay_.suspended_layers(session.tracks[line].id));
    for (size_t layer = 0; layer < relay::kLayersMax; ++layer) {
      if ((suspended[line] >> layer & 1) != 0) added.lines[line][layer].wanted = false;
    }
    if (suspended[line] != 0) relay_.repeat_news(session.tracks[line].id);
  }
  count_wanted_elsewhere(entry);
  options_.feeds->open(borrower, {.key = session.key,
                                  .home = 0,
                                  .opening = openings_,
                                  .room = session.room,
                                  .participant = session.participant,
                                  .tracks = session.tracks,
                                  .suspended = std::move(suspended),
                                  .round_trip = entry.connection->round_trip()});
  for (const FeedReport& report : entry.reports) options_.feeds->report(borrower, report);
}

void Switchboard::close_feeds(Entry& entry) {
  for (const Borrower& borrower : entry.borrowers) {
    options_.feeds->close(borrower.worker, entry.session.key);
  }
  entry.borrowers.clear();
}

// True when the layer goes on for somebody for whom it was interrupted.
bool Switchboard::lend(Entry& entry, const connection::ReceivedMedia& media) {
  if (media.id.layer >= relay::kLayersMax) return false;
  const FeedLayer from{entry.session.tracks[media.id.line].id, media.id.layer};
  bool goes_on = false;
  for (Borrower& borrower : entry.borrowers) {
    Borrower::Layer& layer = borrower.lines[media.id.line][media.id.layer];
    if (layer.wanted) {
      const bool was_interrupted = layer.interrupted;
      const bool lent =
          options_.feeds->lend(borrower.worker, from, media.packet, layer.interrupted);
      goes_on = goes_on || (lent && was_interrupted);
    } else {
      layer.interrupted = true;
    }
  }
  return goes_on;
}

// To a borrower what goes on is another stream, of which no clock is known. The next report may be
// seconds away, and until then nothing would keep sound and picture together.
void Switchboard::repeat_report(const Entry& entry, FeedLayer of) {
  if (!relay_.knows_clock(of.track, of.layer)) return;
  for (const FeedReport& report : entry.reports) {
    if (report.from.track != of.track || report.from.layer != of.layer) continue;
    for (const Borrower& borrower : entry.borrowers) {
      options_.feeds->report(borrower.worker, report);
    }
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

void Switchboard::publish_feeds(TimePoint now) {
  if (options_.feeds == nullptr) return;
  exchange_news(now);
  options_.feeds->publish();
}

// Tells borrowers what there is of what they do not get, and homes what is watched here.
void Switchboard::exchange_news(TimePoint now) {
  for (const relay::TrackId track : untold_) relay_.repeat_news(track);
  untold_.clear();
  news_.clear();
  relay_.take_news(news_);
  for (const relay::LayerNews& news : news_) {
    bool told = true;
    if (const auto own = by_publisher_.find(news.publisher.value()); own != by_publisher_.end()) {
      told = tell_borrowers(*own->second, news);
    } else if (const auto of = feed_of_.find(news.publisher.value()); of != feed_of_.end()) {
      told = tell_home(feeds_.at(of->second), news, now);
    }
    if (!told && (untold_.empty() || untold_.back() != news.track)) untold_.push_back(news.track);
  }
}

bool Switchboard::tell_borrowers(const Entry& entry, const relay::LayerNews& news) {
  if (entry.borrowers.empty()) return true;
  const auto& tracks = entry.session.tracks;
  const auto track = std::ranges::find(tracks, news.track, &relay::TrackConfig::id);
  if (track == tracks.end()) return true;
  bool told = true;
  for (const Borrower& borrower : entry.borrowers) {
    const auto line = static_cast<size_t>(track - tracks.begin());
    // Its packets tell; of what is wanted and does not come only this.
    if (borrower.lines[line][news.layer].wanted && news.active) continue;
    told = options_.feeds->tell(borrower.worker, {news}) && told;
  }
  return told;
}

bool Switchboard::tell_home(Feed& feed, const relay::LayerNews& news, TimePoint now) {
  const auto track = std::ranges::find(feed.tracks, news.track, &Feed::Track::id);
  if (track == feed.tracks.end()) return true;
  // What has never been sent is waited for, so that nobody misses its beginning.
  const bool wanted = news.watched || !news.seen;
  bool& unwanted = track->unwanted[news.layer];
  if (wanted != unwanted) return true;
  const FeedWish wish{.key = feed.key,
                      .opening = feed.opening,
                      .of = {news.track, news.layer},
                      .wanted = wanted,
                      .by_key_frame = news.by_key_frame};
  if (!options_.feeds->wish(feed.home, wish)) return false;
  unwanted = !wanted;
  if (wanted) track->wished[news.layer] = now;
  relay_.set_lent(news.track, news.layer, wanted, now);
  return true;
}

void Switchboard::take_feed(FeedOpened& opened, TimePoint now) {
  const FeedPublisher& from = *opened.publisher;
  Feed& feed = feeds_[from.key.value()];
  feed.home = from.home;
  feed.key = from.key;
  feed.opening = from.opening;
  feed.publisher = relay_.add_publisher(from.room, from.participant, now);
  relay_.set_round_trip(feed.publisher, from.round_trip);
  feed_of_[feed.publisher.value()] = from.key.value();
  for (size_t i = 0; i < from.tracks.size(); ++i) {
    const relay::TrackConfig& track = from.tracks[i];
    Feed::Track& added = feed.tracks.emplace_back();
    added.id = track.id;
    relay_.add_track(feed.publisher, track, now);
    for (uint8_t layer = 0; layer < relay::kLayersMax; ++layer) {
      if ((from.suspended[i] >> layer & 1) == 0) continue;
      added.unwanted[layer] = true;
      relay_.set_lent(track.id, layer, false, now);
    }
  }
  if (pinned_.contains(from.key.value())) relay_.set_pinned(feed.publisher, true, now);
}

void Switchboard::pin(ConnectionKey key, bool pinned, TimePoint now) {
  if (pinned) {
    pinned_.insert(key.value());
  } else {
    pinned_.erase(key.value());
  }
  const auto own = entries_.find(key.value());
  if (own != entries_.end() && own->second->in_relay) {
    relay_.set_pinned(own->second->publisher, pinned, now);
  }
  const auto borrowed = feeds_.find(key.value());
  if (borrowed != feeds_.end()) relay_.set_pinned(borrowed->second.publisher, pinned, now);
}

void Switchboard::take_feed(FeedClosed& closed, TimePoint now) {
  const auto found = feeds_.find(closed.key.value());
  if (found == feeds_.end()) return;
  feed_of_.erase(found->second.publisher.value());
  relay_.remove_publisher(found->second.publisher, now);
  feeds_.erase(found);
}

void Switchboard::take_feed(FeedMedia& media, TimePoint now) {
  if (media.interrupted) relay_.interrupt(media.from.track, media.from.layer);
  if (media.past) {
    relay::PastPacket past{std::move(media.media), media.past->arrival};
    return relay_.receive_past(media.from.track, media.from.layer, std::move(past),
                               media.past->is_last, now);
  }
  relay_.receive(media.from.track, media.from.layer, std::move(media.media), now);
}

void Switchboard::take_feed(FeedReport& report, TimePoint) {
  relay_.receive_sender_report(report.from.track, report.from.layer, report.ntp_time,
                               report.rtp_timestamp, report.arrival);
}

void Switchboard::take_feed(FeedNews& told, TimePoint now) { relay_.receive_news(told.news, now); }

void Switchboard::take_feed(FeedWish& wish, TimePoint now) {
  const auto found = entries_.find(wish.key.value());
  if (found == entries_.end()) return;  // it left meanwhile
  Entry& entry = *found->second;
  const auto& tracks = entry.session.tracks;
  const auto track = std::ranges::find(tracks, wish.of.track, &relay::TrackConfig::id);
  const auto borrower = std::ranges::find(entry.borrowers, wish.borrower, &Borrower::worker);
  if (track == tracks.end() || borrower == entry.borrowers.end()) return;
  if (borrower->opening != wish.opening) return;  // of a feed that was closed meanwhile
  const auto line = static_cast<size_t>(track - tracks.begin());
  Borrower::Layer& layer = borrower->lines[line][wish.of.layer];
  const bool was_wanted = std::exchange(layer.wanted, wish.wanted);
  if (was_wanted && !wish.wanted) layer.lent_until = now;
  count_wanted_elsewhere(entry);
  if (!wish.wanted) {
    relay_.repeat_news(wish.of.track);  // it may have changed while packets told of it
  } else if (track->kind == rtp::MediaKind::kAudio && !was_wanted) {
    // Somebody there is to hear who has just begun to speak, but nothing of it twice.
    const bool was_interrupted = layer.interrupted;
    for (const rtp::MediaPacket& packet : relay_.onset_of(wish.of.track, layer.lent_until)) {
      options_.feeds->lend(borrower->worker, wish.of, packet, layer.interrupted);
    }
    if (was_interrupted && !layer.interrupted) repeat_report(entry, wish.of);
  } else if (track->kind == rtp::MediaKind::kVideo &&
             (was_wanted || wish.by_key_frame ||
              !lend_past(entry, *borrower, line, wish.of.layer))) {
    relay_.request_key_frame(wish.of.track, wish.of.layer,
                             relay::KeyFrameRequests::Cause::kAssignment, now);
  }
}

// The key frame that is kept of a layer, and all that came since: what follows live goes on from
// there. False when there is none, or no room for all of it.
bool Switchboard::lend_past(const Entry& entry, Borrower& borrower, size_t line, uint8_t layer) {
  const FeedLayer of{entry.session.tracks[line].id, layer};
  const auto past = relay_.past_of(of.track, of.layer);
  if (past.empty() || !options_.feeds->has_room(borrower.worker, past.size())) return false;
  bool& interrupted = borrower.lines[line][layer].interrupted;
  interrupted = true;
  for (const relay::PastPacket& packet : past) {
    const FeedMedia::Past told{packet.arrival, &packet == &past.back()};
    options_.feeds->lend(borrower.worker, of, packet.media, interrupted, told);
    // Behind the first, which makes the borrower forget the clock, and before anybody begins.
    if (&packet == &past.front()) repeat_report(entry, of);
  }
  return true;
}

void Switchboard::take_feed(FeedKeyFrameRequest& request, TimePoint now) {
  relay_.request_key_frame(request.of.track, request.of.layer, request.cause, now);
}

// True when the request is for a publisher of another worker; it goes there.
bool Switchboard::request_of_feed(const relay::KeyFrameRequest& request, TimePoint now) {
  const auto found = feed_of_.find(request.publisher.value());
  if (found == feed_of_.end()) return false;
  const Feed& feed = feeds_.at(found->second);
  const auto track = std::ranges::find(feed.tracks, request.track, &Feed::Track::id);
  if (track == feed.tracks.end()) return true;
  // What is wished for at the end of this turn, or has just been, comes with a key frame anyway;
  // who still waits then asks again.
  if (track->unwanted[request.layer]) return true;
  if (now - track->wished[request.layer] < relay::KeyFrameRequests::kRepeatMin) return true;
  ++key_frames_asked_elsewhere_;
  options_.feeds->request_key_frame(feed.home,
                                    {.of = {request.track, request.layer}, .cause = request.cause});
  return true;
}

void Switchboard::supersede(ConnectionKey key, bool superseded) {
  const auto found = entries_.find(key.value());
  if (found != entries_.end()) found->second->superseded = superseded;
}

}  // namespace simpul::node
