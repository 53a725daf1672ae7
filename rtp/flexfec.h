#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "rtp/types.h"

namespace simpul::rtp {

// A packet as its receiver gets it, in the pieces of which it is made: the header with its
// extensions, what stands in front of the payload, the payload, and so many bytes of padding.
// Whatever is written on the way (a transport-wide sequence number) is zero here.
struct ProtectedPacket {
  SequenceNumber sequence_number;
  Bytes header;  // without the P bit, which the padding makes
  Bytes head;
  Bytes body;
  uint8_t padding = 0;

  size_t size() const { return header.size() + head.size() + body.size() + padding; }
};

// The payload of one parity packet.
struct FlexfecParity {
  static constexpr size_t kHeaderMax = 24;
  // Of a datagram that a path of 1,280 bytes carries whole by IPv6.
  static constexpr size_t kDatagramMax = 1'280 - 40 - 8;
  // What is around the payload: RTP header, one CSRC, a transport-wide sequence number, a tag.
  static constexpr size_t kAroundMax = 12 + 4 + 8 + 16;
  // Behind the RTP header of what is protected.
  static constexpr size_t kProtectedMax = kDatagramMax - kAroundMax - kHeaderMax;

  std::array<uint8_t, kHeaderMax + kProtectedMax> bytes;
  size_t size = 0;

  Bytes payload() const { return Bytes(bytes).first(size); }
};

// Makes parity packets over blocks of one stream's packets (FlexFEC, flexible mask and one source,
// draft-ietf-payload-flexible-fec-scheme-03 §4.2.2): packet i of a block is in row i modulo the
// rows, so that as many lost in a run as there are rows come back, and of each row any one. How
// many rows a block gets is said at its end. Says neither when that is nor when anything leaves.
class FlexfecEncoder {
 public:
  // Sequence numbers that a block spans: the bits of a mask of six bytes.
  static constexpr size_t kSpanMax = 46;
  // Rows are made by joining so many columns, evenly: their number divides this one.
  static constexpr size_t kRowsMax = 12;

  explicit FlexfecEncoder(Ssrc source) : source_(source) {}

  // Whether the packet fits into the block that is being made.
  bool takes(SequenceNumber sequence_number) const {
    return packets_ == 0 || offset_of(sequence_number) < kSpanMax;
  }
  // False when it is too large to be protected. Each packet comes once, and takes() it.
  bool add(const ProtectedPacket& packet);
  size_t packets() const { return packets_; }

  // Ends the block: appends one parity for each row that has packets, of no more rows than said.
  // Returns how many.
  size_t finish(size_t rows, std::vector<FlexfecParity>& out);

 private:
  // What the packets of a column have in common, added up without carry.
  struct Column {
    uint64_t mask = 0;  // bit i: packet number i of the block
    uint16_t first = 0;
    uint16_t length = 0;
    uint32_t timestamp = 0;
    size_t size = 0;
    std::array<uint8_t, FlexfecParity::kProtectedMax> rest;
  };

  size_t offset_of(SequenceNumber number) const {
    return static_cast<uint16_t>(number.value() - base_.value());
  }
  static void join(const Column& from, Column& into);
  void write(const Column& row, FlexfecParity& parity) const;

  Ssrc source_;
  SequenceNumber base_{0};
  size_t packets_ = 0;
  std::array<Column, kRowsMax> columns_;
};

}  // namespace simpul::rtp
