#include "net/tcp_media_streams.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <utility>

namespace simpul::net {
namespace {

constexpr std::array<uint8_t, 2> kDiscardPrefix = {0x01, 0x00};

std::optional<uint32_t> stream_named(const Address& address) {
  if (!std::ranges::equal(std::span(address.ip).first<2>(), kDiscardPrefix)) return std::nullopt;
  return load_be32(std::span(address.ip).last<4>());
}

}  // namespace

struct TcpMediaStreams::Stream {
  explicit Stream(TcpDescriptor from) : descriptor(std::move(from)) {}

  void watch() { watcher->watch({.readable = unread.empty(), .writable = !queue.empty()}); }

  TcpDescriptor descriptor;
  FrameReader reader;
  std::vector<uint8_t> unread;  // of at most kReadMax bytes, what waits for its turn
  FrameQueue queue;
  TimePoint progress_at{};  // while something waits: when the peer last took any
  bool is_broken = false;   // writing failed: reading will tell why, or the sweep ends it
  std::unique_ptr<FdWatcher> watcher;  // goes before the descriptor
};

// The frames of one system call, all of one stream.
struct TcpMediaStreams::Batch {
  void add(Bytes frame) {
    headers[count] = frame_header(frame.size());
    // The kernel only reads them.
    parts[2 * count] = {headers[count].data(), kFrameHeaderSize};
    parts[2 * count + 1] = {const_cast<uint8_t*>(frame.data()), frame.size()};
    frames[count++] = frame;
  }

  std::array<Bytes, kFramesMax> frames;
  std::array<std::array<uint8_t, kFrameHeaderSize>, kFramesMax> headers{};
  std::array<iovec, 2 * kFramesMax> parts{};
  size_t count = 0;
};

TcpMediaStreams::TcpMediaStreams(EventLoop& loop, PacketPool& pool, Handlers handlers)
    : loop_(loop),
      pool_(pool),
      handlers_(std::move(handlers)),
      batch_(std::make_unique<Batch>()),
      next_turn_(loop, [this] { go_on(); }) {}

TcpMediaStreams::~TcpMediaStreams() = default;

uint32_t TcpMediaStreams::add(TcpDescriptor descriptor) {
  // Four billion streams later some may still be there.
  while (next_ < kFirst || streams_.contains(next_)) ++next_;
  const uint32_t number = next_++;
  auto stream = std::make_unique<Stream>(std::move(descriptor));
  stream->watcher = std::make_unique<FdWatcher>(
      loop_, stream->descriptor.fd(),
      [this, number](FdWatcher::Ready ready) { on_ready(number, ready); });
  stream->watch();
  streams_.emplace(number, std::move(stream));
  return number;
}

void TcpMediaStreams::close(uint32_t stream) { streams_.erase(stream); }

void TcpMediaStreams::end(uint32_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  const Address remote = found->second->descriptor.remote();
  streams_.erase(found);
  handlers_.on_ended(number, remote);
}

void TcpMediaStreams::close_stalled(TimePoint now) {
  std::vector<uint32_t> over;
  for (const auto& [number, stream] : streams_) {
    const bool stalled = !stream->queue.empty() && now - stream->progress_at >= kStallMax;
    statistics_.stalled += stalled ? 1 : 0;
    if (stalled || stream->is_broken) over.push_back(number);
  }
  for (const uint32_t number : over) end(number);
}

void TcpMediaStreams::on_ready(uint32_t number, FdWatcher::Ready ready) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  if (ready.writable) write_waiting(number, *found->second);
  if (ready.readable && streams_.contains(number)) read(number, *found->second);
}

void TcpMediaStreams::read(uint32_t number, Stream& stream) {
  const auto size = stream.descriptor.receive(read_buffer_);
  if (!size) return end(number);
  take(number, stream, Bytes(read_buffer_).first(*size));
}

// The streams that had more than their turn, each once more.
void TcpMediaStreams::go_on() {
  for (const uint32_t number : std::exchange(unfinished_, {})) {
    const auto found = streams_.find(number);
    if (found == streams_.end()) continue;
    const auto input = std::exchange(found->second->unread, {});
    found->second->watch();
    take(number, *found->second, input);
  }
}

void TcpMediaStreams::take(uint32_t number, Stream& stream, Bytes input) {
  const Address remote = stream.descriptor.remote();
  packets_.clear();
  const uint64_t unusable = statistics_.in.unusable();
  const Bytes rest = stream.reader.read(input, pool_, packets_, statistics_.in, kPacketsPerTurn);
  if (!rest.empty()) {
    stream.unread.assign(rest.begin(), rest.end());
    stream.watch();
    unfinished_.push_back(number);
    next_turn_.set(loop_.now());
  }
  for (PacketRef& packet : packets_) {
    // What an earlier packet led to may have closed the stream.
    if (streams_.contains(number)) handlers_.on_packet(number, remote, std::move(packet));
  }
  packets_.clear();
  if (statistics_.in.unusable() == unusable || !handlers_.on_unusable) return;
  if (streams_.contains(number)) handlers_.on_unusable(number);
}

void TcpMediaStreams::write_waiting(uint32_t number, Stream& stream) {
  if (stream.queue.empty()) return;
  const auto sent = stream.descriptor.send(stream.queue.waiting());
  if (!sent) return end(number);
  if (*sent == 0) return;
  stream.progress_at = loop_.now();
  stream.queue.pop(*sent);
  if (stream.queue.empty()) stream.watch();
}

Address TcpMediaStreams::address_of(uint32_t stream) {
  Address address;
  std::ranges::copy(kDiscardPrefix, address.ip.begin());
  store_be32(std::span(address.ip).last<4>(), stream);
  return address;
}

int TcpMediaStreams::send_messages(std::span<const OutgoingMessage> messages) {
  Address to;
  for (const OutgoingMessage& message : messages) {
    if (message.to != to) send_batch(to);
    to = message.to;
    const size_t step = message.segment_size == 0 ? message.bytes.size() : message.segment_size;
    for (Bytes rest = message.bytes; !rest.empty();
         rest = rest.subspan(std::min(step, rest.size()))) {
      if (batch_->count == kFramesMax) send_batch(to);
      batch_->add(rest.first(std::min(step, rest.size())));
    }
  }
  send_batch(to);
  return static_cast<int>(messages.size());
}

void TcpMediaStreams::send_batch(const Address& to) {
  if (batch_->count == 0) return;
  const auto number = stream_named(to);
  const auto found = number ? streams_.find(*number) : streams_.end();
  if (found == streams_.end() || found->second->is_broken) {
    drop_batch();
    return;
  }
  Stream& stream = *found->second;
  size_t sent = 0;
  const bool had_waiting = !stream.queue.empty();
  if (!had_waiting) {
    const auto taken = stream.descriptor.send(std::span(batch_->parts).first(2 * batch_->count));
    stream.is_broken = !taken;
    sent = taken.value_or(0);
  }
  if (stream.is_broken) {
    drop_batch();
    return;
  }
  queue_rest(stream, sent);
  if (!had_waiting && !stream.queue.empty()) {
    stream.progress_at = loop_.now();
    stream.watch();
  }
  batch_->count = 0;
}

void TcpMediaStreams::drop_batch() {
  for (const Bytes frame : std::span(batch_->frames).first(batch_->count)) {
    ++statistics_.dropped_gone;
    statistics_.dropped_bytes += frame.size();
  }
  batch_->count = 0;
}

// Of the frames of the batch the kernel has taken the first `sent` bytes.
void TcpMediaStreams::queue_rest(Stream& stream, size_t sent) {
  for (const Bytes frame : std::span(batch_->frames).first(batch_->count)) {
    const size_t size = kFrameHeaderSize + frame.size();
    if (sent >= size) {
      sent -= size;
    } else if (sent > 0) {
      stream.queue.push_rest(frame, std::exchange(sent, 0));
    } else if (!stream.queue.push(frame, handlers_.is_media(frame))) {
      ++statistics_.dropped_slow;
      statistics_.dropped_bytes += frame.size();
    }
  }
}

std::optional<Address> TcpMediaStreams::local_address(uint32_t stream) const {
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return std::nullopt;
  return found->second->descriptor.local();
}

size_t TcpMediaStreams::bytes_waiting(uint32_t stream) const {
  const auto found = streams_.find(stream);
  return found == streams_.end() ? 0 : found->second->queue.waiting().size();
}

}  // namespace simpul::net
