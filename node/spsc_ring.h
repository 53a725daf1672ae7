#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace simpul::node {

// A bounded queue from one thread to one other. What the producer pushes is seen when it is
// published, a batch at once; nobody waits for anybody. Takes its memory with the first push.
template <class T, size_t kCapacity>
class SpscRing {
  static_assert((kCapacity & (kCapacity - 1)) == 0);

 public:
  static constexpr size_t capacity() { return kCapacity; }

  // The producer's. False when it is full; the value is left as it was.
  bool push(T&& value) {
    if (pushed_ - head_seen_ == kCapacity) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (pushed_ - head_seen_ == kCapacity) return false;
    }
    if (slots_ == nullptr) slots_ = std::make_unique<T[]>(kCapacity);
    slots_[pushed_++ % kCapacity] = std::move(value);
    return true;
  }
  // How many it takes now, at least.
  size_t room() {
    head_seen_ = head_.load(std::memory_order_acquire);
    return kCapacity - (pushed_ - head_seen_);
  }
  // False when there is nothing that was not published before.
  bool publish() {
    if (pushed_ == tail_.load(std::memory_order_relaxed)) return false;
    tail_.store(pushed_, std::memory_order_release);
    return true;
  }

  // The consumer's. False when it is empty.
  bool pop(T& value) {
    if (popped_ == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (popped_ == tail_seen_) return false;
    }
    // The slot is left empty: what it held must not live on until the ring comes round.
    value = std::exchange(slots_[popped_ % kCapacity], T{});
    head_.store(++popped_, std::memory_order_release);
    return true;
  }

 private:
  static constexpr size_t kCacheLine = 64;

  // Written by the producer alone, before it publishes for the first time.
  std::unique_ptr<T[]> slots_;
  size_t pushed_ = 0;
  size_t head_seen_ = 0;
  alignas(kCacheLine) std::atomic<size_t> tail_{0};
  alignas(kCacheLine) std::atomic<size_t> head_{0};
  size_t popped_ = 0;
  size_t tail_seen_ = 0;
};

}  // namespace simpul::node
