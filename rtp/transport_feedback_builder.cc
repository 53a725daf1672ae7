#include "rtp/transport_feedback_builder.h"

#include <algorithm>

namespace simpul::rtp {

void TransportFeedbackBuilder::on_packet(SequenceNumber transport_sequence, TimePoint arrival) {
  if (!started_) restart(transport_sequence);
  int64_t number = unwrap_near(newest_, transport_sequence);
  if (number <= newest_ - kHistory) {
    // One is a straggler, two in sequence are a sender that began anew.
    if (expected_after_old_ != transport_sequence) {
      expected_after_old_ = SequenceNumber(static_cast<uint16_t>(transport_sequence.value() + 1));
      return;
    }
    restart(transport_sequence);
  } else if (number >= newest_ + kHistory) {
    restart(transport_sequence);
  }
  expected_after_old_.reset();
  number = unwrap_near(newest_, transport_sequence);
  if (number > newest_) {
    advance_to(number);
  } else if (arrival_of(number) != kNever) {
    return;  // a duplicate: the first arrival counts
  }
  arrival_of(number) = arrival;
  next_ = std::min(next_, number);
  // Half of the memory in use is a reason to report before its time.
  const bool is_crowded = newest_ - next_ >= kHistory / 2;
  deadline_ = std::min(deadline_, is_crowded ? arrival : arrival + kInterval);
}

void TransportFeedbackBuilder::restart(SequenceNumber transport_sequence) {
  arrivals_.assign(static_cast<size_t>(kHistory), kNever);
  started_ = true;
  newest_ = transport_sequence.value();
  next_ = newest_;
  deadline_ = kNever;
}

void TransportFeedbackBuilder::advance_to(int64_t number) {
  for (int64_t lost = newest_ + 1; lost < number; ++lost) arrival_of(lost) = kNever;
  newest_ = number;
  next_ = std::max(next_, newest_ - kHistory + 1);
}

bool TransportFeedbackBuilder::write_due(TimePoint now, Ssrc sender, Ssrc media,
                                         RtcpWriter& writer) {
  if (deadline_ > now) return false;
  pending_.clear();
  for (int64_t number = next_; number <= newest_; ++number) pending_.push_back(arrival_of(number));
  const FeedbackHead head{.sender = sender,
                          .media = media,
                          .base = SequenceNumber(static_cast<uint16_t>(next_)),
                          .feedback_count = feedback_count_};
  const size_t written = writer.transport_feedback(head, pending_);
  if (written == 0) return false;
  next_ += static_cast<int64_t>(written);
  ++feedback_count_;
  if (next_ > newest_) deadline_ = kNever;
  return true;
}

}  // namespace simpul::rtp
