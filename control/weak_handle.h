#pragma once

#include <cstddef>
#include <utility>

namespace simpul::control {

// A pointer for callbacks that may come after its target is gone: null from then on. One thread
// only, so the count is a plain number.
template <class T>
class WeakHandle {
 public:
  WeakHandle(const WeakHandle& other) : block_(other.block_) { ++block_->references; }
  WeakHandle& operator=(WeakHandle other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~WeakHandle() { release(); }

  T* target() const { return block_->target; }

  // What the target keeps as a member: it makes the handles and ends them.
  class Source {
   public:
    explicit Source(T& target) : handle_(new Block{.target = &target, .references = 1}) {}
    ~Source() { handle_.block_->target = nullptr; }
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    WeakHandle handle() const { return handle_; }

   private:
    WeakHandle handle_;
  };

 private:
  struct Block {
    T* target;
    size_t references;
  };
  explicit WeakHandle(Block* block) : block_(block) {}
  void release() {
    if (--block_->references == 0) delete block_;
  }

  Block* block_;
};

}  // namespace simpul::control
