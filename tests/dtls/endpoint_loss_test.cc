// Handshakes over a bad network, at virtual time.
#include <random>

#include "tests/support/dtls_pair.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::DtlsPair;

bool same(const SrtpMasterKey& a, const SrtpMasterKey& b) {
  return a.profile == b.profile && a.key == b.key && a.salt == b.salt;
}

void expect_connected(const DtlsPair& pair) {
  ASSERT_TRUE(pair.connected());
  EXPECT_EQ(pair.client.events.size(), 1u);
  EXPECT_EQ(pair.server.events.size(), 1u);
  const auto* client = pair.client.last<Connected>();
  const auto* server = pair.server.last<Connected>();
  ASSERT_TRUE(client != nullptr && server != nullptr);
  EXPECT_TRUE(same(client->local, server->remote));
  EXPECT_TRUE(same(client->remote, server->local));
  EXPECT_FALSE(same(client->local, client->remote));
}

TEST(DtlsOverANetwork, CompletesInTwoRoundTripsWithTheSameKeys) {
  DtlsPair pair;
  pair.start();
  pair.run(40ms);
  expect_connected(pair);
  const auto* connected = pair.server.last<Connected>();
  EXPECT_EQ(connected->profile, SrtpProfile::kAeadAes128Gcm);
  EXPECT_NE(connected->local.key, decltype(connected->local.key){});
  EXPECT_EQ(pair.client.endpoint.next_deadline(), kNever);
  EXPECT_EQ(pair.server.endpoint.next_deadline(), kNever);
}

TEST(DtlsOverANetwork, SendsNoDatagramAboveTwelveHundredBytes) {
  DtlsPair pair;
  pair.start();
  pair.run(1s);
  expect_connected(pair);
  EXPECT_GT(pair.largest, 0u);
  EXPECT_LE(pair.largest, 1200u);
}

TEST(DtlsOverANetwork, SurvivesTheLossOfEverySingleDatagram) {
  DtlsPair whole;
  whole.start();
  whole.run(1s);
  ASSERT_GE(whole.datagrams, 4u);
  for (size_t lost = 0; lost < whole.datagrams; ++lost) {
    SCOPED_TRACE(lost);
    DtlsPair pair;
    pair.fate = [lost](const DtlsPair::Sent& sent) {
      return sent.index == lost ? std::vector<Duration>{} : std::vector{DtlsPair::kDelay};
    };
    pair.start();
    pair.run(500ms);
    expect_connected(pair);
  }
}

TEST(DtlsOverANetwork, SurvivesTheLossOfEveryPairOfDatagrams) {
  for (size_t first = 0; first < 6; ++first) {
    for (size_t second = first + 1; second < 6; ++second) {
      DtlsPair pair;
      pair.fate = [=](const DtlsPair::Sent& sent) {
        const bool lost = sent.index == first || sent.index == second;
        return lost ? std::vector<Duration>{} : std::vector{DtlsPair::kDelay};
      };
      pair.start();
      pair.run(1s);
      EXPECT_TRUE(pair.connected()) << first << " and " << second;
    }
  }
}

// Each record travels alone, as those of flights that are larger than a datagram; two of them meet
// something each.
TEST(DtlsOverANetwork, SurvivesEachPairOfRecordsBeingLostRepeatedOrLate) {
  DtlsPair whole;
  whole.splits_flights = true;
  whole.start();
  whole.run(1s);
  ASSERT_TRUE(whole.connected());
  const size_t records = whole.datagrams;
  ASSERT_EQ(records, 13u);  // a hello; five of the server; five of the client; two to end it
  enum Fate { kLost, kTwice, kLate };
  std::mt19937 random(16);
  const auto arrivals = [&random](Fate fate) -> std::vector<Duration> {
    if (fate == kLost) return {};
    const Duration later = DtlsPair::kDelay + Duration(random() % 30'000);
    return fate == kTwice ? std::vector{DtlsPair::kDelay, later} : std::vector{later};
  };
  size_t most = 0;
  for (size_t first = 0; first < records; ++first) {
    for (size_t second = first + 1; second < records; ++second) {
      for (int combination = 0; combination < 9; ++combination) {
        SCOPED_TRACE(::testing::Message() << first << ", " << second << ": " << combination);
        const auto of_first = static_cast<Fate>(combination / 3);
        const auto of_second = static_cast<Fate>(combination % 3);
        DtlsPair pair;
        pair.splits_flights = true;
        pair.fate = [&](const DtlsPair::Sent& sent) {
          if (sent.index == first) return arrivals(of_first);
          if (sent.index == second) return arrivals(of_second);
          return std::vector{DtlsPair::kDelay};
        };
        pair.start();
        pair.run(1s);
        expect_connected(pair);
        EXPECT_EQ(pair.server.endpoint.counters().restarts, 0u);
        EXPECT_EQ(pair.client.endpoint.counters().restarts, 0u);
        most = std::max(most, pair.datagrams);
      }
    }
  }
  EXPECT_LE(most, 4 * records);
}

TEST(DtlsOverANetwork, SurvivesDuplicationOfEverything) {
  DtlsPair pair;
  pair.fate = [](const DtlsPair::Sent&) {
    return std::vector<Duration>{DtlsPair::kDelay, DtlsPair::kDelay, DtlsPair::kDelay + 7ms};
  };
  pair.start();
  pair.run(1s);
  expect_connected(pair);
}

TEST(DtlsOverANetwork, SurvivesHeavyRandomLossAndReordering) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    DtlsPair pair;
    pair.fate = [&random](const DtlsPair::Sent&) {
      std::vector<Duration> arrivals;
      if (random() % 100 >= 30) arrivals.emplace_back(1ms + Duration(random() % 60'000));
      if (random() % 100 < 10) arrivals.emplace_back(1ms + Duration(random() % 200'000));
      return arrivals;
    };
    pair.start();
    pair.run(15s);
    expect_connected(pair);
  }
}

TEST(DtlsOverANetwork, SurvivesGarbageAndForgedAlertsBetweenEveryTwoDatagrams) {
  std::mt19937 random(7);
  DtlsPair pair;
  pair.fate = [&](const DtlsPair::Sent&) {
    for (::simpul::testing::DtlsSide* side : {&pair.client, &pair.server}) {
      std::vector<uint8_t> alert = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
      Endpoint::Output ignored;
      if (side->endpoint.handshake_over()) continue;
      side->endpoint.receive(alert, pair.now, ignored);
      EXPECT_EQ(ignored.step, nullptr);
      std::vector<uint8_t> noise(50, static_cast<uint8_t>(random()));
      side->endpoint.receive(noise, pair.now, ignored);
      EXPECT_TRUE(ignored.events.empty());
    }
    return std::vector{DtlsPair::kDelay};
  };
  pair.start();
  pair.run(1s);
  expect_connected(pair);
  EXPECT_GT(pair.server.endpoint.counters().datagrams_dropped, 0u);
}

TEST(DtlsOverANetwork, ConnectsThoughForgedFinishedRecordsComeTooEarly) {
  DtlsPair pair;
  std::vector<uint8_t> early = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 40};
  early.insert(early.end(), 40, 0x77);
  pair.start();
  for (int i = 0; i < 1'000; ++i) pair.deliver(true, early);
  pair.run(1s);
  expect_connected(pair);
}

TEST(DtlsOverANetwork, RepeatsItsLastFlightToAClientThatDidNotGetIt) {
  DtlsPair pair;
  int lost = 0;
  pair.fate = [&](const DtlsPair::Sent& sent) {
    // The server's end of the handshake is a ChangeCipherSpec first.
    if (!sent.to_server && sent.bytes[0] == 20 && lost < 3) {
      ++lost;
      return std::vector<Duration>{};
    }
    return std::vector{DtlsPair::kDelay};
  };
  pair.start();
  pair.run(60ms);
  EXPECT_TRUE(pair.server.endpoint.connected());
  EXPECT_FALSE(pair.client.endpoint.connected());
  pair.run(2s);
  EXPECT_EQ(lost, 3);
  expect_connected(pair);
  EXPECT_EQ(pair.server.endpoint.counters().flights_resent, 3u);
}

TEST(DtlsOverANetwork, RepeatsItsLastFlightAtABoundedRate) {
  DtlsPair pair;
  pair.start();
  pair.run(1s);
  ASSERT_TRUE(pair.connected());
  std::vector<uint8_t> forged = {22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 1, 0};
  const uint64_t before = pair.server.endpoint.counters().flights_resent;
  for (int i = 0; i < 1'000; ++i) {
    pair.now += 1ms;
    pair.deliver(true, forged);
  }
  EXPECT_LE(pair.server.endpoint.counters().flights_resent - before, 20u);
  expect_connected(pair);
}

TEST(DtlsOverANetwork, SaysGoodbyeOnce) {
  DtlsPair pair;
  pair.start();
  pair.run(1s);
  pair.act(pair.client, [&](auto& out) { pair.client.endpoint.close(out); });
  EXPECT_TRUE(pair.server.endpoint.connected());
  const auto goodbye = pair.log.back();
  EXPECT_TRUE(goodbye.first);
  pair.run(1s);
  EXPECT_EQ(pair.server.count<Closed>(), 1);
  EXPECT_FALSE(pair.server.endpoint.connected());
  pair.deliver(true, goodbye.second);
  EXPECT_EQ(pair.server.count<Closed>(), 1);
  EXPECT_EQ(pair.client.count<Closed>(), 0);
  EXPECT_EQ(pair.server.endpoint.next_deadline(), kNever);
}

TEST(DtlsOverANetwork, IsNotClosedByAlertsThatAreNotEncryptedForIt) {
  DtlsPair pair;
  pair.start();
  pair.run(1s);
  pair.deliver(true, std::vector<uint8_t>{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0});
  pair.deliver(true, std::vector<uint8_t>{21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2, 40});
  std::vector<uint8_t> encrypted = {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 26};
  encrypted.insert(encrypted.end(), 26, 0x33);
  pair.deliver(true, encrypted);
  EXPECT_TRUE(pair.server.endpoint.connected());
  EXPECT_EQ(pair.server.events.size(), 1u);
  pair.act(pair.client, [&](auto& out) { pair.client.endpoint.close(out); });
  pair.run(1s);  // and the genuine one is still understood
  EXPECT_EQ(pair.server.count<Closed>(), 1);
}

}  // namespace
}  // namespace simpul::dtls
