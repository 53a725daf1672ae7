#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "net/interfaces.h"
#include "net/thread.h"

namespace simpul::net {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;

TEST(LocalAddresses, HaveLoopbackAndNoPorts) {
  const auto addresses = local_addresses();
  EXPECT_THAT(addresses, Contains(LocalAddress{"lo", Address::v4({127, 0, 0, 1}, 0)}));
  EXPECT_THAT(addresses, Each(Field(&LocalAddress::address, Field(&Address::port, 0))));
}

TEST(LocalAddresses, LeaveOutLinkLocalOnes) {
  for (const LocalAddress& local : local_addresses()) {
    EXPECT_FALSE(local.address.ip[0] == 0xfe && (local.address.ip[1] & 0xc0) == 0x80)
        << local.address.to_string();
  }
}

TEST(Machine, HasSocketsOfIpv4) { EXPECT_TRUE(has_family_of(Address::v4({0, 0, 0, 0}, 0))); }

TEST(Thread, IsNamedWithTheFirstFifteenBytes) {
  std::array<char, 16> name{};
  std::jthread([&] {
    name_this_thread("worker-number-0123");
    pthread_getname_np(pthread_self(), name.data(), name.size());
  }).join();
  EXPECT_STREQ(name.data(), "worker-number-0");
}

TEST(Thread, LowersItsOwnPriorityAlone) {
  const auto niceness = [] {
    return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));  // of this thread
  };
  const int before = niceness();
  bool lowered = false;
  int after = 0;
  int lowest = 0;
  std::jthread([&] {
    lowered = lower_this_thread(3);
    after = niceness();
    lower_this_thread(100);
    lowest = niceness();
  }).join();
  EXPECT_TRUE(lowered);
  EXPECT_EQ(after, std::min(before + 3, 19));
  EXPECT_EQ(lowest, 19);
  EXPECT_EQ(niceness(), before);
}

TEST(Thread, IsPinnedToACpuThatItMayUse) {
  cpu_set_t allowed;
  ASSERT_EQ(pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed), 0);
  unsigned cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  bool pinned = false;
  int count = 0;
  bool refused = false;
  std::jthread([&] {
    pinned = pin_this_thread(cpu);
    cpu_set_t now;
    pthread_getaffinity_np(pthread_self(), sizeof now, &now);
    count = CPU_COUNT(&now);
    refused = !pin_this_thread(CPU_SETSIZE);
  }).join();
  EXPECT_TRUE(pinned);
  EXPECT_EQ(count, 1);
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace simpul::net
