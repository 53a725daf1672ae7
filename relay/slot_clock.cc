// What time a slot's packets tell: with which timestamp another source goes on, and what the sender
// reports say of it.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "relay/publisher.h"
#include "relay/schedule.h"
#include "relay/slot.h"
#include "relay/subscriber.h"

namespace simpul::relay {
namespace {

constexpr uint32_t kPacketsOfASecond = 50;  // of sound, mostly
// How long a receiver may have to wait with the first frame of a source whose frames take less time
// to come than those of the one before: until then nothing is shown.
constexpr Duration kWaitMax = std::chrono::milliseconds(100);

}  // namespace

// As far as packets of sound are, so that none overlaps; for video just enough to grow.
int64_t Slot::ticks_min() const {
  const uint32_t rate = track_->clock_rate();
  return kind_ == rtp::MediaKind::kAudio ? rate / kPacketsOfASecond : std::max(rate / 1'000, 1u);
}

// The clocks tell exactly how far apart two frames were; where they do not, and when they
// contradict the times of arrival, those have to do.
Slot::Step Slot::step_to(const Feed& source, const FeedPacket& first, Duration late) const {
  if (!stream_.has_begun()) return {};
  const uint32_t rate = track_->clock_rate();
  const int64_t arrived = ticks_of(first.arrival - stream_.last().arrival, rate) - behind_;
  const auto told = ticks_told(source, first.media.timestamp);
  const bool is_likely = told && std::abs(*told - arrived) < int64_t{rate};
  int64_t line = is_likely ? *told : arrived;
  if (stream_.segment().track != track_->id())
    line = std::min(line, arrived + ticks_of(kWaitMax, rate));
  if (!catches_up(first)) return {.ticks = static_cast<uint32_t>(std::max(line, ticks_min()))};
  const int64_t ticks = std::max(line + ticks_of(late, rate), ticks_min());
  return {.ticks = static_cast<uint32_t>(ticks), .behind = ticks - line};
}

// The layers of one track show the same moments. Another source goes on along the line that the
// reports have told the receiver so far: it draws one through the last twenty or so, and as long as
// some are beside it, sound and picture are apart by a part of that.
std::optional<int64_t> Slot::ticks_told(const Feed& source, uint32_t timestamp) const {
  if (!source.clock()) return std::nullopt;
  const uint32_t rate = track_->clock_rate();
  const uint32_t last = stream_.last().timestamp;
  const uint64_t captured = source.clock()->ntp_of(timestamp, rate);
  const Segment& segment = stream_.segment();
  if (segment.track == track_->id()) {
    const Feed& before = feed(segment.layer);
    if (before.clock() && before.generation() == segment.generation) {
      const uint64_t was = before.clock()->ntp_of(last - segment.timestamp_offset, rate);
      return ticks_of(static_cast<int64_t>(captured - was), rate) - behind_;
    }
  }
  const auto ahead = track_->publisher().clock.ahead();
  if (!told_ || !ahead) return std::nullopt;
  const uint64_t ours = captured - static_cast<uint64_t>(*ahead);
  return static_cast<int32_t>(told_->timestamp_at(ours, rate) - last);
}

void Slot::advance(TimePoint now, const WallClock& clock, std::vector<SlotReport>& reports) {
  if (const Duration elapsed = now - metered_at_; elapsed >= kMeterInterval) {
    const uint64_t octets = stream_.octets() - octets_metered_;
    const auto rate = [elapsed](uint64_t count) {
      return count * 8 * 1'000'000 / static_cast<uint64_t>(elapsed.count());
    };
    bitrate_bps_ = rate(octets);
    plain_bps_ = rate(octets - std::exchange(octets_repeated_, 0));
    octets_metered_ = stream_.octets();
    metered_at_ = now;
  }
  if (stream_.packets() == packets_reported_ || !current_) return;
  if (now < report_due_) return;
  // Looked at again each second: what is waited for may have left the slot by then.
  if (track_->publisher().clock.ahead() && now < feed(*current_).clock_awaited_until()) {
    report_due_ = std::min(feed(*current_).clock_awaited_until(), now + kReportInterval);
    return;
  }
  packets_reported_ = stream_.packets();
  report_due_ = now + kReportInterval + Duration(ssrc().value() % kReportSpread);
  told_ = ClockMapping{.ntp_time = clock.ntp_time(now), .rtp_timestamp = timestamp_at(now, clock)};
  reports.push_back({.subscriber = subscriber_->id,
                     .ssrc = ssrc(),
                     .ntp_time = told_->ntp_time,
                     .rtp_timestamp = told_->rtp_timestamp,
                     .packets = stream_.packets(),
                     .octets = static_cast<uint32_t>(stream_.octets())});
}

void Slot::learn_clock(uint8_t layer, TimePoint now) {
  if (current_ == layer) report_due_ = now;
  if (look.is_set()) track_->schedule().slots.set(*this, next_look());
}

TimePoint Slot::next_look() const {
  const bool has_news = stream_.packets() != packets_reported_ && current_;
  const bool has_rate = bitrate_bps_ != 0 || stream_.octets() != octets_metered_;
  return std::min(has_news ? report_due_ : kNever,
                  has_rate ? metered_at_ + kMeterInterval : kNever);
}

// The timestamp that a packet captured now would leave with, if none were behind. The publisher's
// report gives it by the participant's clock, which is the same for audio and video; without one,
// and when it is far from it, the last packet's arrival does.
uint32_t Slot::timestamp_at(TimePoint now, const WallClock& clock) const {
  const uint32_t rate = track_->clock_rate();
  const LayerStream::Last& last = stream_.last();
  const auto by_arrival =
      static_cast<uint32_t>(last.timestamp + ticks_of(now - last.arrival, rate) - behind_);
  const auto& theirs = feed(*current_).clock();
  const auto time = track_->publisher().clock.theirs(clock.ntp_time(now));
  if (!theirs || !time) return by_arrival;
  const uint32_t told = theirs->timestamp_at(*time, rate) + stream_.segment().timestamp_offset -
                        static_cast<uint32_t>(behind_);
  const int64_t difference = static_cast<int32_t>(told - by_arrival);
  return std::abs(difference) < int64_t{rate} * 2 ? told : by_arrival;
}

}  // namespace simpul::relay
