#include "relay/feed_numbering.h"

#include <algorithm>

namespace simpul::relay {
namespace {

size_t seen_at(int64_t sequence) { return static_cast<size_t>(sequence % FeedNumbering::kLateMax); }

}  // namespace

bool FeedNumbering::is_newest(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number) const {
  return !started_ || ssrc != ssrc_ || static_cast<int16_t>(sequence_number.value() - newest_) > 0;
}

bool FeedNumbering::is_unrelated(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number) const {
  return !started_ || ssrc != ssrc_ ||
         static_cast<int16_t>(sequence_number.value() - newest_) > kGapMax;
}

FeedNumbering::Result FeedNumbering::take(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number,
                                          bool empty) {
  const auto distance = static_cast<int16_t>(sequence_number.value() - newest_);
  const bool new_generation = is_unrelated(ssrc, sequence_number);
  if (new_generation) {
    begin_generation(ssrc, sequence_number);
  } else if (distance <= 0) {
    return take_late(newest_ + distance);
  } else {
    advance_to(newest_ + distance);
  }

  if (empty) {
    leave_out(newest_);
    return {.new_generation = new_generation};
  }
  number_max_ = newest_ + offset_ - left_out_;
  return {.number = number_max_, .new_generation = new_generation};
}

void FeedNumbering::begin_generation(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number) {
  started_ = true;
  ssrc_ = ssrc;
  // Far enough above zero and above the numbers given so far that late packets find room.
  newest_ = int64_t{sequence_number.value()} + 0x1'0000;
  forgotten_ = newest_ - kLateMax;
  offset_ = number_max_ + kLateMax + 1 - newest_;
  left_out_ = 0;
  runs_.clear();
  seen_.reset();
  seen_.set(seen_at(newest_));
}

void FeedNumbering::advance_to(int64_t sequence) {
  for (int64_t lost = newest_ + 1; lost < sequence; ++lost) seen_.reset(seen_at(lost));
  newest_ = sequence;
  seen_.set(seen_at(sequence));
  forgotten_ = std::max(forgotten_, sequence - kLateMax);
}

FeedNumbering::Result FeedNumbering::take_late(int64_t sequence) {
  if (sequence <= forgotten_ || seen_.test(seen_at(sequence))) return {.too_old = true};
  seen_.set(seen_at(sequence));
  return {.number = sequence + offset_ - left_out_before(sequence)};
}

void FeedNumbering::leave_out(int64_t sequence) {
  if (!runs_.empty() && runs_.back().last + 1 == sequence) {
    runs_.back().last = sequence;
  } else {
    if (runs_.size() == kRunsMax) {
      forgotten_ = std::max(forgotten_, runs_.front().last);
      runs_.pop_front();
    }
    runs_.push_back({.first = sequence, .last = sequence, .before = left_out_});
  }
  ++left_out_;
}

int64_t FeedNumbering::left_out_before(int64_t sequence) const {
  // The first run behind it knows how many there were ahead of that run.
  for (const Run& run : runs_) {
    if (sequence < run.first) return run.before;
  }
  return left_out_;
}

}  // namespace simpul::relay
