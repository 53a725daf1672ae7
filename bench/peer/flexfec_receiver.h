#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace simpul::peer {

// A receiver of FlexFEC for one source, as draft-ietf-payload-flexible-fec-scheme-03 §6.3 has it:
// keeps everything, and recovers whatever can be.
class FlexfecReceiver {
 public:
  using Packet = std::vector<uint8_t>;
  struct Parity {
    std::vector<uint16_t> protects;  // sequence numbers
    uint32_t ssrc = 0;
    Packet header;  // up to the timestamp
    Packet rest;
  };

  static std::optional<Parity> parse(Bytes payload) {
    if (payload.size() < 20 || (payload[0] & 0xc0) != 0 || payload[8] != 1) return std::nullopt;
    Parity parity;
    parity.header.assign(payload.begin(), payload.begin() + 8);
    parity.ssrc = load_be32(payload.subspan<12, 4>());
    const uint16_t base = load_be16(payload.subspan<16, 2>());
    // Three parts of the mask, each with a first bit that says whether it is the last.
    size_t at = 18;
    uint16_t number = base;
    for (const size_t size : {2u, 4u, 8u}) {
      if (payload.size() < at + size) return std::nullopt;
      for (size_t bit = 1; bit < size * 8; ++bit, ++number) {
        if ((payload[at + bit / 8] >> (7 - bit % 8) & 1) != 0) parity.protects.push_back(number);
      }
      const bool is_last = (payload[at] & 0x80) != 0;
      at += size;
      if (is_last) {
        parity.rest.assign(payload.begin() + static_cast<ptrdiff_t>(at), payload.end());
        return parity;
      }
    }
    return std::nullopt;
  }

  void receive(Bytes packet) {
    const uint16_t number = load_be16(packet.subspan<2, 2>());
    packets_[number].assign(packet.begin(), packet.end());
    recover();
  }
  // False when it is no parity.
  bool receive_parity(Bytes payload) {
    auto parity = parse(payload);
    if (!parity) return false;
    parities_.push_back(std::move(*parity));
    recover();
    return true;
  }
  const Packet* find(uint16_t number) const {
    const auto found = packets_.find(number);
    return found == packets_.end() ? nullptr : &found->second;
  }
  size_t recovered() const { return recovered_; }

 private:
  void recover() {
    for (bool found = true; found;) {
      found = false;
      for (const Parity& parity : parities_) found = recover_by(parity) || found;
    }
  }

  bool recover_by(const Parity& parity) {
    std::optional<uint16_t> missing;
    for (const uint16_t number : parity.protects) {
      if (find(number) != nullptr) continue;
      if (missing) return false;
      missing = number;
    }
    if (!missing) return false;
    Packet header = parity.header;
    Packet rest = parity.rest;
    for (const uint16_t number : parity.protects) {
      if (number == *missing) continue;
      const Packet& other = *find(number);
      const size_t size = other.size() - 12;
      for (size_t i = 0; i < 2; ++i) header[i] ^= other[i];
      header[2] ^= static_cast<uint8_t>(size >> 8);
      header[3] ^= static_cast<uint8_t>(size);
      for (size_t i = 4; i < 8; ++i) header[i] ^= other[i];
      if (rest.size() < size) rest.resize(size);
      for (size_t i = 0; i < size; ++i) rest[i] ^= other[12 + i];
    }
    const size_t size = load_be16(Bytes(header).subspan<2, 2>());
    if (size > rest.size()) return false;
    Packet packet(12 + size);
    packet[0] = static_cast<uint8_t>((header[0] & 0x3f) | 0x80);
    packet[1] = header[1];
    store_be16(MutableBytes(packet).subspan<2, 2>(), *missing);
    std::copy(header.begin() + 4, header.begin() + 8, packet.begin() + 4);
    store_be32(MutableBytes(packet).subspan<8, 4>(), parity.ssrc);
    std::copy_n(rest.begin(), size, packet.begin() + 12);
    packets_[*missing] = std::move(packet);
    ++recovered_;
    return true;
  }

  std::map<uint16_t, Packet> packets_;
  std::vector<Parity> parities_;
  size_t recovered_ = 0;
};

}  // namespace simpul::peer
