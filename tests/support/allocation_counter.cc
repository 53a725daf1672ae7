#include "tests/support/allocation_counter.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> count{0};

}  // namespace

size_t simpul::testing::allocations() { return count.load(std::memory_order_relaxed); }

// Clang links ThreadSanitizer's own operator new in front of ours, and offers to tell of what it
// gives.
#ifdef __clang__
#if __has_feature(thread_sanitizer)
#define SIMPUL_COUNTS_BY_HOOK
#endif
#endif

#ifdef SIMPUL_COUNTS_BY_HOOK

extern "C" int __sanitizer_install_malloc_and_free_hooks(  // NOLINT: the sanitizer's name
    void (*on_malloc)(const volatile void*, size_t), void (*on_free)(const volatile void*));

namespace {

const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t) { count.fetch_add(1, std::memory_order_relaxed); },
    [](const volatile void*) {});

}  // namespace

#else

void* operator new(size_t size) {
  count.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}

// Of std::stable_sort, for one.
void* operator new(size_t size, const std::nothrow_t&) noexcept { return operator new(size); }

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

#endif
