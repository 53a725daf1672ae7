#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace simpul::node {

// Values on their way to another thread, which takes all of them at once. Off the media path.
template <class T>
class Inbox {
 public:
  // More wait nowhere: the receiver has stopped taking.
  static constexpr size_t kMax = 65'536;

  // False when it is full: the value is dropped.
  bool put(T value) {
    const std::lock_guard lock(mutex_);
    if (values_.size() >= kMax) return false;
    values_.push_back(std::move(value));
    return true;
  }

  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(values_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<T> values_;
};

}  // namespace simpul::node
