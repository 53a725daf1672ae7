#include "net/egress.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace simpul::net {
namespace {

// What kernels say when the route or the device does not take runs. EINVAL: a segment larger than
// the route's MTU, EIO: no checksum offload.
bool may_be_refused_run(int error) {
  return error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP;
}

size_t datagrams_of(const OutgoingMessage& message) {
  if (message.segment_size == 0) return 1;
  return (message.bytes.size() + message.segment_size - 1) / message.segment_size;
}

}  // namespace

Egress::Egress(DatagramSender& sender, size_t capacity) : sender_(sender), arena_(capacity) {}

MutableBytes Egress::reserve(size_t size, size_t kept) {
  const bool for_others = blocked_ && room() < size + kept;
  const MutableBytes place = for_others ? MutableBytes() : arena_.reserve(size);
  if (place.empty()) ++statistics_.dropped_arena_full;
  return place;
}

void Egress::commit(size_t size, const Address& to, uint16_t from) {
  const bool plain = !plain_destinations_.empty() && plain_destinations_.contains(to);
  arena_.commit(size, to, plain, from);
}

void Egress::on_writable() {
  blocked_ = false;
  flush();
}

void Egress::flush() {
  if (blocked_) return;
  for (size_t count = fill_batch(); count > 0; count = fill_batch()) {
    ++statistics_.system_calls;
    const int taken = sender_.send_messages({batch_.data(), count});
    SIMPUL_CHECK(taken != 0);
    if (taken > 0) {
      on_taken(std::min(static_cast<size_t>(taken), count));
    } else if (!on_refused(-taken)) {
      break;
    }
  }
  arena_.drop_front(next_run_);
  next_run_ = 0;
}

size_t Egress::fill_batch() {
  const std::span<const SendRun> runs = arena_.runs();
  size_t count = 0;
  size_t segment = next_segment_;
  for (size_t i = next_run_; i < runs.size() && count < batch_.size(); ++i) {
    const SendRun& run = runs[i];
    const Bytes bytes = arena_.bytes(run);
    if (!run.plain) {
      batch_[count++] = {.bytes = bytes,
                         .segment_size = run.segments > 1 ? run.segment_size : uint16_t{0},
                         .to = run.to,
                         .from = run.from};
      continue;
    }
    for (; segment < run.segments && count < batch_.size(); ++segment) {
      const Bytes rest = bytes.subspan(segment * run.segment_size);
      batch_[count++] = {.bytes = rest.first(std::min<size_t>(rest.size(), run.segment_size)),
                         .segment_size = 0,
                         .to = run.to,
                         .from = run.from};
    }
    segment = 0;
  }
  return count;
}

void Egress::advance_one_message() {
  const SendRun& run = arena_.runs()[next_run_];
  if (run.plain && ++next_segment_ < run.segments) return;
  ++next_run_;
  next_segment_ = 0;
}

void Egress::on_taken(size_t messages) {
  for (const OutgoingMessage& message : std::span(batch_).first(messages)) {
    const size_t datagrams = datagrams_of(message);
    statistics_.datagrams += datagrams;
    statistics_.bytes += message.bytes.size();
    ++statistics_.messages_by_datagrams[datagrams];
    advance_one_message();
  }
  statistics_.messages += messages;
}

// False when nothing more can be sent now. The error is that of the first message of the batch.
bool Egress::on_refused(int error) {
  if (error == EINTR) return true;
  if (error == EAGAIN || error == EWOULDBLOCK) {
    ++statistics_.would_block;
    blocked_ = true;
    sender_.notify_when_writable();
    return false;
  }
  const OutgoingMessage& message = batch_.front();
  if (message.segment_size != 0 && may_be_refused_run(error)) {
    ++statistics_.refused_runs;
    arena_.runs()[next_run_].plain = true;
    remember_plain(message.to);
    return true;
  }
  (error == EMSGSIZE ? statistics_.dropped_too_large : statistics_.dropped_unreachable) +=
      datagrams_of(message);
  advance_one_message();
  return true;
}

void Egress::remember_plain(const Address& to) {
  if (!plain_destinations_.insert(to).second) return;
  if (plain_order_.size() < kPlainDestinationsMax) {
    plain_order_.push_back(to);
    return;
  }
  plain_destinations_.erase(std::exchange(plain_order_[plain_oldest_], to));
  plain_oldest_ = (plain_oldest_ + 1) % kPlainDestinationsMax;
}

}  // namespace simpul::net
