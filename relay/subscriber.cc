#include "relay/subscriber.h"

#include <algorithm>
#include <utility>

namespace simpul::relay {

void Subscriber::add_slots(std::span<const SlotConfig> configs,
                           const std::function<Slot::FirstNumbers()>& first_numbers) {
  slots.reserve(configs.size());
  for (const auto kind : {rtp::MediaKind::kAudio, rtp::MediaKind::kVideo}) {
    size_t place = 0;
    for (const SlotConfig& config : configs) {
      if (config.kind != kind) continue;
      slots.emplace_back(*this, config, wish.layer, first_numbers());
      if (place == seats.size()) seats.emplace_back();
      Seat& seat = seats[place++];
      (kind == rtp::MediaKind::kAudio ? seat.audio : seat.video) = &slots.back();
    }
  }
  for (const SlotConfig& config : configs) order.push_back(config.ssrc);
}

Slot* Subscriber::slot(rtp::Ssrc ssrc) {
  const auto found = std::ranges::find(slots, ssrc, &Slot::ssrc);
  return found == slots.end() ? nullptr : &*found;
}

size_t Subscriber::admit_nacks(size_t count, TimePoint now) {
  if (now - nacks_since >= kNackInterval) {
    nacks_since = now;
    nacks = 0;
  }
  const size_t admitted = std::min(count, kNacksMax - nacks);
  nacks += admitted;
  return admitted;
}

void Subscriber::receive_loss(Slot& slot, double loss, TimePoint now) {
  const uint32_t packets = slot.take_packets_to_report();
  if (packets == 0) return;
  RedundancyChoice::Rates rates{.path_bps = path_bps};
  for (const Slot& one : slots) {
    if (one.kind() != rtp::MediaKind::kAudio || one.bitrate_bps() == 0) continue;
    rates.sound_bps += one.plain_bps();
    rates.headers_bps += Allotment::kAudioHeaders;
  }
  bool changed = redundancy.set_rates(rates);
  changed |= redundancy.on_report({.loss = loss, .packets = packets}, now);
  if (!changed) return;
  for (Slot& one : slots) {
    if (one.kind() == rtp::MediaKind::kAudio) one.set_redundancy(redundancy.frames());
  }
}

rtp::OutgoingBatch Subscriber::forward(std::vector<rtp::OutgoingPacket>& out, Counters& counters) {
  auto slot = slots.begin();
  for (; slot != slots.end() && slot->kind() == rtp::MediaKind::kAudio; ++slot) slot->forward(out);
  const size_t urgent = out.size();
  for (; slot != slots.end(); ++slot) slot->forward(out);
  leaving.clear();
  leaving.swap(retransmissions);
  if (!leaving.empty()) repair(urgent, out, counters);
  counters.packets_out += out.size();
  return {.packets = out, .repairs_begin = urgent, .media_begin = urgent + leaving.size()};
}

// What has just become of no use, because a slot begins with a key frame, is known only now.
void Subscriber::repair(size_t place, std::vector<rtp::OutgoingPacket>& out, Counters& counters) {
  counters.retransmissions_refused += std::erase_if(
      leaving, [](const Retransmission& again) { return again.slot->is_of_no_use(again.index); });
  counters.retransmissions += leaving.size();
  const size_t media_end = out.size();
  for (const Retransmission& again : leaving) again.slot->write(again, out);
  const auto at = [&out](size_t count) { return out.begin() + static_cast<ptrdiff_t>(count); };
  std::rotate(at(place), at(media_end), out.end());
}

void Subscriber::pad(const PaddingWish& padding, std::vector<rtp::OutgoingPacket>& out) {
  // Who is paused for want of room waits for a probe to tell of more.
  const auto sends = [&](const Slot& slot) {
    if (slot.is_paused() && !slot.viewing().is_paused && slot.track() != nullptr) return true;
    const auto last = slot.last_sent();
    return last && padding.now - *last < Relay::kPaddedFor;
  };
  if (std::ranges::none_of(slots, sends)) return;
  Slot* latest = nullptr;
  for (Slot& slot : slots) {
    if (!slot.can_pad()) continue;
    if (latest == nullptr || *slot.last_sent() > *latest->last_sent()) latest = &slot;
  }
  if (latest == nullptr) return;
  leaving.clear();
  const size_t missing = latest->repeat(padding, leaving);
  for (const Retransmission& again : leaving) latest->write(again, out);
  latest->write_padding(missing, out);
}

}  // namespace simpul::relay
