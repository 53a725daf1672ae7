#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace simpul {

class PacketPool;

// The largest datagram that is taken from the network; more is cut and dropped.
inline constexpr size_t kPacketCapacity = 1600;

// One received datagram in its pool's memory. Counted, not copied: the history of its feed and
// whoever is sending it hold references. The count is not atomic, because a packet never leaves
// its worker (decision 2).
struct Packet {
  std::array<uint8_t, kPacketCapacity> bytes;
  uint32_t size = 0;
  uint32_t references = 0;
  PacketPool* pool = nullptr;

  MutableBytes data() { return {bytes.data(), size}; }
  Bytes data() const { return {bytes.data(), size}; }
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
  friend class PacketRef;
  static constexpr size_t kSlabPackets = 64;

  bool grow();
  void give_back(Packet* packet) { free_.push_back(packet); }

  size_t packets_max_;
  size_t made_ = 0;
  std::vector<std::unique_ptr<Packet[]>> slabs_;
  std::vector<Packet*> free_;
};

inline void PacketRef::reset() {
  if (packet_ == nullptr) return;
  if (--packet_->references == 0) packet_->pool->give_back(packet_);
  packet_ = nullptr;
}

}  // namespace simpul
