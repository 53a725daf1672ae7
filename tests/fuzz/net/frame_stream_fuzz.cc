#include <algorithm>
#include <vector>

#include "net/frame_queue.h"
#include "net/frame_reader.h"

namespace {

using namespace simpul;

// What the stream holds, found in one go.
std::vector<std::vector<uint8_t>> packets_of(Bytes stream) {
  std::vector<std::vector<uint8_t>> packets;
  while (stream.size() >= net::kFrameHeaderSize) {
    const size_t size = load_be16(stream.first<2>());
    stream = stream.subspan(net::kFrameHeaderSize);
    if (stream.size() < size) break;
    if (size >= net::kFrameSizeMin && size <= kPacketCapacity) {
      packets.emplace_back(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
    }
    stream = stream.subspan(size);
  }
  return packets;
}

void expect(bool right) {
  if (!right) __builtin_trap();
}

// The reader finds the same packets in pieces of any size, and a queue that takes them and gives
// them away in pieces is a stream of the same packets again.
void run(Bytes input) {
  const size_t step = input.empty() ? 1 : input[0] + size_t{1};
  const Bytes stream = input.subspan(std::min<size_t>(input.size(), 1));
  PacketPool pool(16'384);
  net::FrameReader reader;
  net::FrameStatistics statistics;
  std::vector<PacketRef> packets;
  for (Bytes rest = stream; !rest.empty(); rest = rest.subspan(std::min(step, rest.size()))) {
    for (Bytes part = rest.first(std::min(step, rest.size())); !part.empty();) {
      part = reader.read(part, pool, packets, statistics, step);
    }
  }
  const auto wanted = packets_of(stream);
  expect(packets.size() == wanted.size() && statistics.frames == wanted.size());
  net::FrameQueue queue;
  std::vector<uint8_t> sent;
  std::vector<std::vector<uint8_t>> queued;
  for (size_t i = 0; i < packets.size(); ++i) {
    expect(std::ranges::equal(packets[i]->data(), wanted[i]));
    const size_t before = queue.waiting().size();
    if (queue.push(packets[i]->data(), i % 2 == 0)) {
      queued.push_back(wanted[i]);
      expect(queue.waiting().size() <= net::FrameQueue::kBytesMax);
    } else {
      expect(queue.waiting().size() == before);
    }
    const Bytes part = queue.waiting().first(std::min(step, queue.waiting().size()));
    sent.insert(sent.end(), part.begin(), part.end());
    queue.pop(part.size());
  }
  sent.insert(sent.end(), queue.waiting().begin(), queue.waiting().end());
  expect(packets_of(sent) == queued);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run({data, size});
  return 0;
}
