// Forged parts of a handshake, from the very path, after it was answered: they delay it by a
// repetition of the genuine flight at most.
#include <random>

#include "tests/support/dtls_flight.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::DtlsPair;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::StoppedHandshake;
using enum StoppedHandshake::Part;

constexpr std::array kMessages = {kCertificate, kKeyExchange, kVerify};

Fragment message_of(const std::vector<uint8_t>& record) {
  Bytes content = Bytes(record).subspan(kRecordHeaderSize);
  return *take_fragment(content);
}

// A part of the message in `record`; with `delta` it claims to be longer or shorter.
std::vector<uint8_t> piece_of(const std::vector<uint8_t>& record, size_t offset, size_t size,
                              int delta = 0) {
  const Fragment whole = message_of(record);
  const Bytes bytes = whole.bytes.subspan(offset, size);
  return make_record(
      22, make_fragment({.type = whole.type,
                         .length = static_cast<uint32_t>(static_cast<int>(whole.length) + delta),
                         .message_seq = whole.message_seq,
                         .offset = static_cast<uint32_t>(offset),
                         .bytes = {bytes.begin(), bytes.end()}}));
}

std::vector<uint8_t> with_a_bit_flipped(std::vector<uint8_t> record, size_t from_the_end) {
  record[record.size() - from_the_end] ^= 1;
  return record;
}

std::vector<uint8_t> zeros_like(const std::vector<uint8_t>& record, size_t size) {
  const Fragment whole = message_of(record);
  return make_record(22, make_fragment({.type = whole.type,
                                        .length = static_cast<uint32_t>(size),
                                        .message_seq = whole.message_seq,
                                        .bytes = std::vector<uint8_t>(size)}));
}

void expect_connects(StoppedHandshake& handshake) {
  for (const auto& record : handshake.flight()) handshake.send(record);
  EXPECT_TRUE(handshake.connected());
  EXPECT_EQ(handshake.keys(), 1u);
  EXPECT_EQ(handshake.server().counters().restarts, 0u);
}

TEST(ForgedFlight, IsReplacedByTheGenuineOneThoughItsPiecesContradictIt) {
  for (const auto part : kMessages) {
    for (const int delta : {-1, 0, 7}) {
      SCOPED_TRACE(::testing::Message() << part << " by " << delta);
      StoppedHandshake handshake;
      auto forged = piece_of(handshake.part(part), 3, 5, delta);
      forged.back() ^= 0xFF;
      handshake.send(forged);
      expect_connects(handshake);
    }
  }
}

TEST(ForgedFlight, IsReplacedByTheGenuineOneThoughItsMessagesAreWhole) {
  for (const auto part : kMessages) {
    SCOPED_TRACE(part);
    StoppedHandshake handshake;
    const auto& genuine = handshake.part(part);
    handshake.send(zeros_like(genuine, message_of(genuine).length));
    handshake.send(zeros_like(genuine, 11));
    for (size_t at = 1; at <= message_of(genuine).length; at += 5) {
      handshake.send(with_a_bit_flipped(genuine, at));
    }
    expect_connects(handshake);
  }
}

TEST(ForgedFlight, IsHealedByARepetitionWhenItsMessageCameLast) {
  for (const auto part : kMessages) {
    SCOPED_TRACE(part);
    StoppedHandshake handshake;
    for (const auto other : kMessages) {
      if (other != part) handshake.send(handshake.part(other));
    }
    handshake.send(with_a_bit_flipped(handshake.part(part), 2));
    handshake.send(handshake.part(kChange));
    handshake.send(handshake.part(kFinished));
    EXPECT_FALSE(handshake.connected());
    expect_connects(handshake);
  }
}

TEST(ForgedFlight, InPiecesBetweenTheGenuineOnesIsHealedByARepetition) {
  for (const auto part : kMessages) {
    SCOPED_TRACE(part);
    StoppedHandshake handshake;
    const auto& genuine = handshake.part(part);
    const size_t length = message_of(genuine).length;
    for (const int delta : {0, 1}) {
      for (const auto other : kMessages) {
        if (other != part) handshake.send(handshake.part(other));
      }
      handshake.send(piece_of(genuine, 0, 20));
      handshake.send(piece_of(zeros_like(genuine, length), 0, 20, delta));
      handshake.send(piece_of(genuine, 20, length - 20));
      EXPECT_FALSE(handshake.connected());
    }
    // In pieces again, as a peer sends what does not fit a datagram.
    for (const auto other : kMessages) {
      if (other != part) handshake.send(handshake.part(other));
    }
    handshake.send(piece_of(genuine, 0, 20));
    handshake.send(piece_of(genuine, 20, length - 20));
    handshake.send(handshake.part(kChange));
    handshake.send(handshake.part(kFinished));
    EXPECT_TRUE(handshake.connected());
    EXPECT_EQ(handshake.server().counters().restarts, 0u);
  }
}

TEST(ForgedFlight, LosesNoMessageForGoodByFillingTheQueueBehindAStep) {
  StoppedHandshake handshake;
  Endpoint& server = handshake.server();
  const auto& certificate = handshake.part(kCertificate);
  const size_t length = message_of(certificate).length;
  const auto first = piece_of(certificate, 0, 100);
  const auto second = piece_of(certificate, 100, length - 100);
  Endpoint::Output out;
  server.receive(handshake.part(kChange), {}, out);
  auto step = std::move(out.step);
  ASSERT_NE(step, nullptr);
  for (int i = 0; i < 16; ++i) server.receive(handshake.part(kChange), {}, out);
  server.receive(first, {}, out);
  server.receive(second, {}, out);
  server.receive(handshake.part(kKeyExchange), {}, out);
  EXPECT_EQ(server.counters().datagrams_dropped, 0u);
  server.receive(handshake.part(kVerify), {}, out);
  EXPECT_EQ(server.counters().datagrams_dropped, 1u) << "the oldest makes room for the flight";
  while (step) {
    step->run();
    Endpoint::Output next;
    server.resume(std::move(step), {}, next);
    step = std::move(next.step);
  }
  // In pieces again, in case it had been lost.
  handshake.send(first);
  handshake.send(second);
  handshake.send(handshake.part(kChange));
  handshake.send(handshake.part(kFinished));
  EXPECT_TRUE(handshake.connected());
}

TEST(ForgedFlight, IsLookedAtOnceForADatagramAndSoOftenAtMost) {
  StoppedHandshake handshake;
  handshake.send(handshake.part(kCertificate));
  handshake.send(handshake.part(kKeyExchange));
  const auto forged = with_a_bit_flipped(handshake.part(kVerify), 2);
  std::vector<uint8_t> datagram;
  for (int i = 0; i < 20; ++i) {
    datagram.insert(datagram.end(), forged.begin(), forged.end());
    const auto& change = handshake.part(kChange);
    datagram.insert(datagram.end(), change.begin(), change.end());
  }
  handshake.send(datagram);
  const auto& counters = handshake.server().counters();
  EXPECT_EQ(counters.flights_taken, 1u);
  const EndpointLimits limits;
  for (int i = 0; i < 2 * limits.signatures_max; ++i) handshake.send(forged);
  EXPECT_EQ(counters.flights_taken, static_cast<uint64_t>(limits.signatures_max));
  for (const auto& record : handshake.flight()) handshake.send(record);
  EXPECT_FALSE(handshake.connected());
  handshake.listener().now_ += limits.signature_pause;
  expect_connects(handshake);
}

TEST(ForgedFlight, OfAServerIsReplacedByTheGenuineOne) {
  struct Kind {
    uint8_t type;
    uint16_t message_seq;
  };
  for (const Kind kind : {Kind{2, 0}, Kind{11, 1}, Kind{12, 2}, Kind{13, 3}, Kind{14, 4}}) {
    for (const uint32_t length : {0u, 40u, 300u}) {
      SCOPED_TRACE(::testing::Message() << int{kind.type} << " of " << length);
      DtlsPair pair;
      pair.start();
      pair.run(15ms);  // the server's flight is on its way
      pair.deliver(false, make_record(22, make_fragment({.type = kind.type,
                                                         .length = length,
                                                         .message_seq = kind.message_seq,
                                                         .bytes = std::vector<uint8_t>(length)})));
      pair.run(25ms);
      EXPECT_TRUE(pair.connected());
      EXPECT_EQ(pair.client.endpoint.counters().restarts, 0u);
    }
  }
}

// What a forger sends early would make the path look short, and timers with it.
TEST(RoundTripOfAHandshake, IsToldByTheAuthenticAnswerAlone) {
  StoppedHandshake handshake;
  handshake.listener().now_ += 1ms;
  handshake.send(with_a_bit_flipped(handshake.part(kVerify), 2));
  handshake.send(handshake.part(kChange));
  handshake.send(with_a_bit_flipped(handshake.part(kFinished), 1));
  handshake.listener().now_ += 39ms;
  for (const auto& record : handshake.flight()) handshake.send(record);
  ASSERT_TRUE(handshake.connected());
  EXPECT_EQ(std::get<Connected>(handshake.listener().events_[0]).round_trip, 40ms);
}

TEST(RoundTripOfAHandshake, IsKnownToBothSides) {
  DtlsPair pair;
  pair.start();
  pair.run(1s);
  ASSERT_TRUE(pair.connected());
  EXPECT_EQ(pair.server.last<Connected>()->round_trip, 2 * DtlsPair::kDelay);
  EXPECT_EQ(pair.client.last<Connected>()->round_trip, 2 * DtlsPair::kDelay);
}

TEST(RoundTripOfAHandshake, IsNotTakenFromAFlightThatWasRepeated) {
  StoppedHandshake handshake;
  handshake.listener().advance(50ms);
  for (const auto& record : handshake.flight()) handshake.send(record);
  ASSERT_TRUE(handshake.connected());
  EXPECT_EQ(std::get<Connected>(handshake.listener().events_[0]).round_trip, std::nullopt);
}

TEST(RoundTripOfAHandshake, DoesNotCountTheTimeOfTheStep) {
  StoppedHandshake handshake;
  Endpoint& server = handshake.server();
  std::vector<uint8_t> flight;
  for (const auto& record : handshake.flight()) {
    flight.insert(flight.end(), record.begin(), record.end());
  }
  Endpoint::Output out;
  server.receive(flight, TimePoint{} + 30ms, out);
  ASSERT_NE(out.step, nullptr);
  out.step->run();
  Endpoint::Output last;
  server.resume(std::move(out.step), TimePoint{} + 45ms, last);
  ASSERT_EQ(last.events.size(), 1u);
  EXPECT_EQ(std::get<Connected>(last.events[0]).round_trip, 30ms);
}

// Any part of any message, to both sides, all the time.
TEST(ForgedFlight, OfAnyKindDelaysAHandshakeByARepetitionOrTwo) {
  constexpr std::array<uint8_t, 4> kOfClient = {1, 11, 16, 15};
  constexpr std::array<uint8_t, 5> kOfServer = {2, 11, 12, 13, 14};
  for (unsigned seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    DtlsPair pair;
    pair.start();
    pair.run(12ms);
    for (int i = 0; i < 200; ++i) {
      const bool to_server = random() % 2 == 0;
      const size_t number = random() % (to_server ? kOfClient.size() : kOfServer.size());
      const auto length = static_cast<uint32_t>(random() % 200);
      const auto offset = static_cast<uint32_t>(random() % (length + 1));
      const size_t size = random() % 2 == 0 ? length : random() % (length - offset + 1);
      std::vector<uint8_t> body(size, static_cast<uint8_t>(random()));
      pair.deliver(
          to_server,
          make_record(22, make_fragment({.type = to_server ? kOfClient[number] : kOfServer[number],
                                         .length = length,
                                         .message_seq = static_cast<uint16_t>(number),
                                         .offset = size == length ? 0 : offset,
                                         .bytes = std::move(body)})));
      pair.run(1ms);
    }
    pair.run(1s);
    EXPECT_TRUE(pair.connected());
    EXPECT_EQ(pair.server.endpoint.counters().restarts, 0u);
    EXPECT_EQ(pair.client.endpoint.counters().restarts, 0u);
  }
}

}  // namespace
}  // namespace simpul::dtls
