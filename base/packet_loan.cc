#include "base/packet_loan.h"

#include <utility>

#include "base/check.h"

namespace simpul {

std::optional<LentPacket> PacketLoans::lend(const PacketRef& packet) {
  uint32_t loan = 0;
  if (!free_.empty()) {
    loan = free_.back();
    free_.pop_back();
    packets_[loan] = packet;
  } else {
    if (packets_.size() == packets_max_) return std::nullopt;
    loan = static_cast<uint32_t>(packets_.size());
    packets_.push_back(packet);
  }
  return LentPacket{.bytes = packet->data(), .loan = loan};
}

void PacketLoans::take_back(uint32_t loan) {
  SIMPUL_CHECK(loan < packets_.size() && packets_[loan]);
  packets_[loan].reset();
  free_.push_back(loan);
}

BorrowedPackets::~BorrowedPackets() { SIMPUL_CHECK(held() == 0); }

PacketRef BorrowedPackets::borrow(const LentPacket& lent) {
  if (free_.empty()) grow();
  Packet* packet = free_.back();
  free_.pop_back();
  packet->bytes = lent.bytes;
  packet->size = static_cast<uint32_t>(lent.bytes.size());
  packet->loan = lent.loan;
  return PacketRef(packet);
}

std::optional<uint32_t> BorrowedPackets::give_back() {
  if (returned_.empty()) return std::nullopt;
  Packet* packet = returned_.back();
  returned_.pop_back();
  packet->bytes = {};
  free_.push_back(packet);
  return packet->loan;
}

void BorrowedPackets::grow() {
  auto slab = std::make_unique<Packet[]>(kSlabPackets);
  made_ += kSlabPackets;
  free_.reserve(made_);
  returned_.reserve(made_);
  for (size_t i = 0; i < kSlabPackets; ++i) {
    slab[i].home = &returned_;
    free_.push_back(&slab[i]);
  }
  slabs_.push_back(std::move(slab));
}

}  // namespace simpul
