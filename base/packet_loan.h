#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/packet.h"

namespace simpul {

// The bytes of a packet on their way to another worker, and the number to give them back by.
// Nobody writes to them while they are lent.
struct LentPacket {
  MutableBytes bytes;
  uint32_t loan = 0;
};

// The lender's side towards one other worker: holds one reference for each packet that the other
// one has, so that its pool cannot use the bytes again. Lives on the lender's thread, outlives the
// borrower's packets, and ends before the pool.
class PacketLoans {
 public:
  explicit PacketLoans(size_t packets_max) : packets_max_(packets_max) {}

  // Nothing when the other worker has as many as it may.
  std::optional<LentPacket> lend(const PacketRef& packet);
  void take_back(uint32_t loan);

  size_t lent() const { return packets_.size() - free_.size(); }
  size_t room() const { return packets_max_ - std::min(lent(), packets_max_); }

 private:
  size_t packets_max_;
  std::vector<PacketRef> packets_;  // by loan
  std::vector<uint32_t> free_;
};

// The borrower's side: packets whose bytes belong to another worker. Counted like its own, on its
// own thread; those that nobody holds any more wait to be given back. Takes memory as it lends.
class BorrowedPackets {
 public:
  BorrowedPackets() = default;
  ~BorrowedPackets();
  BorrowedPackets(const BorrowedPackets&) = delete;
  BorrowedPackets& operator=(const BorrowedPackets&) = delete;

  PacketRef borrow(const LentPacket& lent);
  // The next loan that is over, or nothing.
  std::optional<uint32_t> give_back();
  bool has_returned() const { return !returned_.empty(); }

  size_t held() const { return made_ - free_.size() - returned_.size(); }

 private:
  static constexpr size_t kSlabPackets = 64;

  void grow();

  size_t made_ = 0;
  std::vector<std::unique_ptr<Packet[]>> slabs_;
  std::vector<Packet*> free_;
  std::vector<Packet*> returned_;  // both have room for all
};

}  // namespace simpul
