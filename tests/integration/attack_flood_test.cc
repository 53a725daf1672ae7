// Floods at full speed while a call goes on (rows S12 and S13 of docs/attacks.md). Each test prints
// what a packet of its flood cost the worker, and what it did to the call's delay.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "crypto/random.h"
#include "ice/stun_message.h"
#include "tests/integration/attack_test.h"
#include "tests/integration/beside.h"
#include "tests/integration/flood.h"

namespace simpul::testing {
namespace {

constexpr size_t kCount = 200'000;

class AttackByFlood : public AttackTest {
 protected:
  using Datagrams = std::vector<std::vector<uint8_t>>;

  void SetUp() override {
    AttackTest::SetUp();
    bob_.on_rtp = [this](const peer::Peer::Received& received, TimePoint now) {
      const auto made = peer::made_at(received.view.payload());
      if (made) delays_.push_back(std::chrono::duration<double, std::milli>(now - *made).count());
    };
  }

  // A thousand different checks, so that nothing is remembered of the last one.
  template <class Make>
  static Datagrams checks(Make make) {
    Datagrams datagrams;
    for (int i = 0; i < 1000; ++i) {
      ice::BindingRequest request = make();
      crypto::random_bytes(request.id);
      datagrams.push_back(ice::make_binding_request(request));
    }
    return datagrams;
  }

  double worker_cpu_seconds() {
    std::atomic<bool> done = false;
    rusage usage{};
    node_.node().run_on_worker(0, [&] {
      getrusage(RUSAGE_THREAD, &usage);
      done = true;
    });
    EXPECT_TRUE(node_.run_until([&] { return done.load(); }));
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
  }

  static double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const auto at =
        values.begin() + static_cast<int64_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }

  // The call alone for a while, then beside the flood.
  void flood(const char* name, Flood& source, const Datagrams& datagrams, size_t count) {
    using Seconds = std::chrono::duration<double>;
    delays_.clear();
    TimePoint begin = net::EventLoop::clock_now();
    double cpu = worker_cpu_seconds();
    ASSERT_TRUE(node_.run_until([&] { return delays_.size() > 500; }));
    const double quiet_cpu = worker_cpu_seconds() - cpu;
    const double quiet_time = Seconds(net::EventLoop::clock_now() - begin).count();
    const double quiet_delay = percentile(std::exchange(delays_, {}), 0.99);

    begin = net::EventLoop::clock_now();
    cpu = worker_cpu_seconds();
    run_beside(node_, [&] {
      source.send(datagrams, count);
      source.wait_until_read();
    });
    const double time = Seconds(net::EventLoop::clock_now() - begin).count();
    const double flood_cpu = worker_cpu_seconds() - cpu - quiet_cpu * time / quiet_time;
    std::printf("# figure %s: %.0f packets/s, %.2f us of the worker each; ", name,
                static_cast<double>(count) / time, flood_cpu * 1e6 / static_cast<double>(count));
    std::printf("delay p99 %.2f ms, without %.2f ms (ratio %.2f)\n", percentile(delays_, 0.99),
                quiet_delay, percentile(delays_, 0.99) / std::max(quiet_delay, 0.01));
  }

  // Checks for whom `next_name` says, none of which is right: each is dropped for `reason`.
  void expect_dropped(const char* name, const char* reason,
                      const std::function<std::string()>& next_name) {
    const auto datagrams = checks([&, username = std::string()]() mutable {
      username = next_name();
      return ice::BindingRequest{
          .username = username, .controlling = 1, .key = "no password of ours"};
    });
    const uint64_t before = node_.dropped(reason);
    Flood source(target());
    flood(name, source, datagrams, kCount);
    EXPECT_EQ(node_.dropped(reason), before + kCount);
    EXPECT_EQ(source.answers(), 0u);
    expect_unharmed();
  }

  std::vector<double> delays_;
};

TEST_F(AttackByFlood, S12_ChecksForNobodyAtFullSpeedCostTheCallNothing) {
  expect_dropped("S12 random fragments", "unknown_sender",
                 [] { return crypto::random_ice_text(8) + ":" + crypto::random_ice_text(4); });
}

TEST_F(AttackByFlood, S12_ForgedChecksForARealConnectionCostTheCallNothing) {
  std::string name = alice_.socket->peer().server().username_fragment + ":" +
                     alice_.socket->peer().local().username_fragment;
  expect_dropped("S12 wrong signatures", "stun", [&] { return name; });
}

TEST_F(AttackByFlood, S12_WhoComesFromTheFloodsAddressGetsInDuringIt) {
  // Behind one address there may be a thousand people and one attacker.
  const std::string name = alice_.socket->peer().server().username_fragment + ":" +
                           alice_.socket->peer().local().username_fragment;
  const auto datagrams =
      checks([&] { return ice::BindingRequest{.username = name, .key = "no password of ours"}; });
  peer::PeerSocket carol(node_.loop(), {}, node_.identity(), {}, Address::v4({127, 0, 0, 2}, 0));
  const auto join = node_.join({.role = node::Role::kWatcher,
                                .room = "stage",
                                .participant = "carol",
                                .offer = carol.peer().offer()});
  ASSERT_TRUE(join);
  ++connections_before_;
  Flood source(target());
  std::atomic<bool> is_in = false;
  std::jthread attacker([&] {
    for (size_t sent = 0; sent < kCount || !is_in; sent += 1000) source.send(datagrams, 1000);
  });
  EXPECT_TRUE(carol.start(join->answer));
  const bool connected = node_.run_until([&] { return carol.peer().connected(); });
  is_in = true;
  run_beside(node_, [&] { attacker.join(); });
  EXPECT_TRUE(connected);
  EXPECT_EQ(source.answers(), 0u);
  expect_unharmed();
}

TEST_F(AttackByFlood, S13_ReflectedChecksAreAnsweredWithLessThanTheyBring) {
  // From the address of a victim: by somebody who knows no password, then by one who does.
  const auto unknown = checks(
      [] { return ice::BindingRequest{.username = "nobody:here", .key = "no password of ours"}; });
  Flood source(target());
  flood("S13 unknown fragments", source, unknown, kCount);
  EXPECT_EQ(source.answers(), 0u);
  Datagrams authentic;
  for (int i = 0; i < 1000; ++i) authentic.push_back(bob_.socket->peer().make_check(true));
  flood("S13 authentic checks", source, authentic, 20'000);
  EXPECT_GT(source.answers(), 0u);
  EXPECT_LE(source.answers(), 20'000u);
  EXPECT_LT(source.largest_answer(), authentic.front().size());
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
