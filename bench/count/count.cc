// Loaded into simpuld by scripts/bench (LD_PRELOAD): counts on media threads what a packet must not
// cost. On SIGUSR2 the counts are written to the file that SIMPUL_COUNT_FILE names.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

// The C library's own, by which memory is taken without asking for the next definition.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

struct Counts {
  std::atomic<uint64_t> system_calls{0};
  std::atomic<uint64_t> allocations{0};
  std::atomic<uint64_t> lock_waits{0};
  std::atomic<uint64_t> clock_reads{0};
};
Counts counts;

constexpr char kMediaThread[] = "media-";

thread_local bool is_known_media = false;

// Threads get their names some time after they begin: who has another one is asked again.
bool is_media() {
  if (is_known_media) return true;
  std::array<char, 17> name{};
  prctl(PR_GET_NAME, name.data());
  is_known_media = std::strncmp(name.data(), kMediaThread, sizeof kMediaThread - 1) == 0;
  return is_known_media;
}

void count(std::atomic<uint64_t>& what) {
  if (is_media()) what.fetch_add(1, std::memory_order_relaxed);
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void write_counts(int) {
  const char* path = std::getenv("SIMPUL_COUNT_FILE");
  if (path == nullptr) return;
  std::array<char, 256> text{};
  const auto value = [](const std::atomic<uint64_t>& of) {
    return static_cast<unsigned long long>(of.load(std::memory_order_relaxed));
  };
  const int size =
      std::snprintf(text.data(), text.size(),
                    "system_calls %llu\nallocations %llu\nlock_waits %llu\nclock_reads %llu\n",
                    value(counts.system_calls), value(counts.allocations), value(counts.lock_waits),
                    value(counts.clock_reads));
  std::array<char, 512> draft{};
  std::snprintf(draft.data(), draft.size(), "%s.draft", path);
  const int fd = open(draft.data(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const bool written = write(fd, text.data(), static_cast<size_t>(size)) == size;
  close(fd);
  if (written) rename(draft.data(), path);  // whole, or not at all
}

__attribute__((constructor)) void begin() {
  struct sigaction action {};
  action.sa_handler = write_counts;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, nullptr);
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  count(counts.allocations);
  return __libc_malloc(size);
}
void* calloc(size_t count_of, size_t size) {
  count(counts.allocations);
  return __libc_calloc(count_of, size);
}
void* realloc(void* memory, size_t size) {
  count(counts.allocations);
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  count(counts.allocations);
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** memory, size_t alignment, size_t size) {
  count(counts.allocations);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? ENOMEM : 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) {
  static const auto try_lock = next<int (*)(pthread_mutex_t*)>("pthread_mutex_trylock");
  static const auto lock = next<int (*)(pthread_mutex_t*)>("pthread_mutex_lock");
  if (try_lock(mutex) == 0) return 0;
  count(counts.lock_waits);
  return lock(mutex);
}

int pthread_rwlock_rdlock(pthread_rwlock_t* both) {
  static const auto try_lock = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_tryrdlock");
  static const auto lock = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_rdlock");
  if (try_lock(both) == 0) return 0;
  count(counts.lock_waits);
  return lock(both);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* both) {
  static const auto try_lock = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_trywrlock");
  static const auto lock = next<int (*)(pthread_rwlock_t*)>("pthread_rwlock_wrlock");
  if (try_lock(both) == 0) return 0;
  count(counts.lock_waits);
  return lock(both);
}
int sem_wait(sem_t* semaphore) {
  static const auto try_wait = next<int (*)(sem_t*)>("sem_trywait");
  static const auto wait = next<int (*)(sem_t*)>("sem_wait");
  if (try_wait(semaphore) == 0) return 0;
  count(counts.lock_waits);
  return wait(semaphore);
}
// Whoever comes here has to wait.
int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  static const auto wait = next<int (*)(pthread_cond_t*, pthread_mutex_t*)>("pthread_cond_wait");
  count(counts.lock_waits);
  return wait(condition, mutex);
}
int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex,
                           const timespec* until) {
  static const auto wait =
      next<int (*)(pthread_cond_t*, pthread_mutex_t*, const timespec*)>("pthread_cond_timedwait");
  count(counts.lock_waits);
  return wait(condition, mutex, until);
}
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                           const timespec* until) {
  static const auto wait =
      next<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>(
          "pthread_cond_clockwait");
  count(counts.lock_waits);
  return wait(condition, mutex, clock, until);
}

// What has no function of its own: atomics of C++ wait by the futex that is called here.
long syscall(long number, ...) {
  static const auto call = next<long (*)(long, ...)>("syscall");
  std::array<long, 6> of{};
  va_list arguments;
  va_start(arguments, number);
  for (long& argument : of) argument = va_arg(arguments, long);
  va_end(arguments);
  count(counts.system_calls);
  const long operation = of[1] & FUTEX_CMD_MASK;
  const bool waits = operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
  if (number == SYS_futex && waits) count(counts.lock_waits);
  return call(number, of[0], of[1], of[2], of[3], of[4], of[5]);
}

int clock_gettime(clockid_t clock, timespec* time) {
  static const auto read = next<int (*)(clockid_t, timespec*)>("clock_gettime");
  count(counts.clock_reads);
  return read(clock, time);
}

int sendmmsg(int fd, mmsghdr* messages, unsigned size, int flags) {
  static const auto call = next<int (*)(int, mmsghdr*, unsigned, int)>("sendmmsg");
  count(counts.system_calls);
  return call(fd, messages, size, flags);
}
int recvmmsg(int fd, mmsghdr* messages, unsigned size, int flags, timespec* timeout) {
  static const auto call = next<int (*)(int, mmsghdr*, unsigned, int, timespec*)>("recvmmsg");
  count(counts.system_calls);
  return call(fd, messages, size, flags, timeout);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto call = next<ssize_t (*)(int, const msghdr*, int)>("sendmsg");
  count(counts.system_calls);
  return call(fd, message, flags);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static const auto call = next<ssize_t (*)(int, msghdr*, int)>("recvmsg");
  count(counts.system_calls);
  return call(fd, message, flags);
}
ssize_t recv(int fd, void* bytes, size_t size, int flags) {
  static const auto call = next<ssize_t (*)(int, void*, size_t, int)>("recv");
  count(counts.system_calls);
  return call(fd, bytes, size, flags);
}
ssize_t recvfrom(int fd, void* bytes, size_t size, int flags, sockaddr* from,
                 socklen_t* from_size) {
  static const auto call =
      next<ssize_t (*)(int, void*, size_t, int, sockaddr*, socklen_t*)>("recvfrom");
  count(counts.system_calls);
  return call(fd, bytes, size, flags, from, from_size);
}
ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  static const auto call =
      next<ssize_t (*)(int, const void*, size_t, int, const sockaddr*, socklen_t)>("sendto");
  count(counts.system_calls);
  return call(fd, bytes, size, flags, to, to_size);
}
ssize_t read(int fd, void* bytes, size_t size) {
  static const auto call = next<ssize_t (*)(int, void*, size_t)>("read");
  count(counts.system_calls);
  return call(fd, bytes, size);
}
ssize_t write(int fd, const void* bytes, size_t size) {
  static const auto call = next<ssize_t (*)(int, const void*, size_t)>("write");
  count(counts.system_calls);
  return call(fd, bytes, size);
}
int epoll_ctl(int fd, int operation, int of, epoll_event* event) {
  static const auto call = next<int (*)(int, int, int, epoll_event*)>("epoll_ctl");
  count(counts.system_calls);
  return call(fd, operation, of, event);
}
int epoll_wait(int fd, epoll_event* events, int size, int timeout) {
  static const auto call = next<int (*)(int, epoll_event*, int, int)>("epoll_wait");
  count(counts.system_calls);
  return call(fd, events, size, timeout);
}
int epoll_pwait(int fd, epoll_event* events, int size, int timeout, const sigset_t* mask) {
  static const auto call =
      next<int (*)(int, epoll_event*, int, int, const sigset_t*)>("epoll_pwait");
  count(counts.system_calls);
  return call(fd, events, size, timeout, mask);
}

}  // extern "C"
