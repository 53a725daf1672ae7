#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace simpul {

// The largest datagram that is taken from the network; more is cut and dropped.
inline constexpr size_t kPacketCapacity = 1600;

// One datagram and who holds it. Counted, not copied: the history of its feed and whoever is
// sending it hold references. The count is not atomic, because a packet never leaves its worker;
// what another worker gets are its bytes, on loan (packet_loan.h).
struct Packet {
  // Of the pool that received it, or lent by another worker's and then never written to.
  MutableBytes bytes;
  uint32_t size = 0;
  uint32_t references = 0;
  uint32_t loan = 0;                     // when the bytes are on loan
  std::vector<Packet*>* home = nullptr;  // where it goes after its last reference

  MutableBytes data() { return bytes.first(size); }
  Bytes data() const { return bytes.first(size); }
};

// A counted reference to a packet; null when default made or moved from.
class PacketRef {
 public:
  PacketRef() = default;
  PacketRef(const PacketRef& other) : packet_(other.packet_) {
    if (packet_ != nullptr) ++packet_->references;
  }
  PacketRef(PacketRef&& other) noexcept : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketRef& operator=(PacketRef other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~PacketRef() { reset(); }

  inline void reset();
  Packet* operator->() const { return packet_; }
  Packet& operator*() const { return *packet_; }
  explicit operator bool() const { return packet_ != nullptr; }

 private:
  friend class PacketPool;
  friend class BorrowedPackets;
  explicit PacketRef(Packet* packet) : packet_(packet) { packet_->references = 1; }

  Packet* packet_ = nullptr;
};

// A worker's packet memory: slabs that grow up to a fixed number of packets and are never given
// back. allocate() gives null at the limit, and the datagram is dropped and counted. The pool
// outlives its packets.
class PacketPool {
 public:
  explicit PacketPool(size_t packets_max);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  PacketRef allocate() {
    if (free_.empty() && !grow()) return {};
    Packet* packet = free_.back();
    free_.pop_back();
    packet->size = 0;
    return PacketRef(packet);
  }

  size_t in_use() const { return made_ - free_.size(); }
  size_t packets_max() const { return packets_max_; }

 private:
  static constexpr size_t kSlabPackets = 64;
  struct PacketWithMemory : Packet {
    std::array<uint8_t, kPacketCapacity> memory;
  };

  bool grow();

  size_t packets_max_;
  size_t made_ = 0;
  std::vector<std::unique_ptr<PacketWithMemory[]>> slabs_;
  std::vector<Packet*> free_;  // has room for all, so that giving back takes no memory
};

inline void PacketRef::reset() {
  if (packet_ == nullptr) return;
  if (--packet_->references == 0) packet_->home->push_back(packet_);
  packet_ = nullptr;
}

}  // namespace simpul
