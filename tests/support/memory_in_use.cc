#include "tests/support/memory_in_use.h"

#include <malloc.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> in_use{0};

void* take(size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) std::abort();
  in_use.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed);
  return memory;
}

void give_back(void* memory) {
  in_use.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  std::free(memory);
}

void* openssl_malloc(size_t size, const char*, int) { return size == 0 ? nullptr : take(size); }
void openssl_free(void* memory, const char*, int) { give_back(memory); }
void* openssl_realloc(void* memory, size_t size, const char*, int) {
  if (memory == nullptr) return openssl_malloc(size, nullptr, 0);
  in_use.fetch_sub(malloc_usable_size(memory), std::memory_order_relaxed);
  void* moved = std::realloc(memory, size);
  if (moved == nullptr) std::abort();
  in_use.fetch_add(malloc_usable_size(moved), std::memory_order_relaxed);
  return moved;
}

// OpenSSL takes them only before it has allocated anything.
const bool counted = CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1;

}  // namespace

size_t simpul::testing::memory_in_use() {
  if (!counted) std::abort();
  return in_use.load(std::memory_order_relaxed);
}

void* operator new(size_t size) { return take(size == 0 ? 1 : size); }
void* operator new(size_t size, std::align_val_t alignment) {
  const auto align = static_cast<size_t>(alignment);
  void* memory = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (memory == nullptr) std::abort();
  in_use.fetch_add(malloc_usable_size(memory), std::memory_order_relaxed);
  return memory;
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { give_back(memory); }
