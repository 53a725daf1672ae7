#include "base/packet.h"

#include <algorithm>

#include "base/check.h"

namespace simpul {

PacketPool::PacketPool(size_t packets_max) : packets_max_(packets_max) {}

PacketPool::~PacketPool() { SIMPUL_CHECK(in_use() == 0); }

bool PacketPool::grow() {
  const size_t count = std::min(kSlabPackets, packets_max_ - made_);
  if (count == 0) return false;
  // Default-initialised: the bytes are not touched before a datagram is read into them.
  auto slab = std::unique_ptr<PacketWithMemory[]>(new PacketWithMemory[count]);
  made_ += count;
  free_.reserve(made_);
  for (size_t i = 0; i < count; ++i) {
    slab[i].bytes = slab[i].memory;
    slab[i].home = &free_;
    free_.push_back(&slab[i]);
  }
  slabs_.push_back(std::move(slab));
  return true;
}

}  // namespace simpul
