#include "base/packet_loan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace simpul {
namespace {

PacketRef packet_of(PacketPool& pool, uint8_t content) {
  PacketRef packet = pool.allocate();
  packet->size = 100;
  std::ranges::fill(packet->data(), content);
  return packet;
}

TEST(PacketLoan, ShowsTheBorrowerTheLendersBytes) {
  PacketPool pool(4);
  PacketLoans loans(4);
  BorrowedPackets borrowed;
  const PacketRef own = packet_of(pool, 7);
  const PacketRef foreign = borrowed.borrow(*loans.lend(own));
  EXPECT_EQ(foreign->data().data(), own->data().data());
  EXPECT_EQ(foreign->data().size(), 100u);
}

TEST(PacketLoan, KeepsThePacketUntilTheBorrowersLastReferenceIsGivenBack) {
  PacketPool pool(4);
  PacketLoans loans(4);
  BorrowedPackets borrowed;
  PacketRef foreign = borrowed.borrow(*loans.lend(packet_of(pool, 7)));
  EXPECT_EQ(pool.in_use(), 1u);
  PacketRef second = foreign;
  foreign.reset();
  EXPECT_FALSE(borrowed.give_back());
  second.reset();
  EXPECT_EQ(borrowed.held(), 0u);
  EXPECT_EQ(pool.in_use(), 1u);  // on its way home
  loans.take_back(*borrowed.give_back());
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_EQ(loans.lent(), 0u);
}

TEST(PacketLoan, LendsNoMoreThanItMay) {
  PacketPool pool(10);
  PacketLoans loans(3);
  std::vector<LentPacket> lent;
  for (uint8_t i = 0; i < 3; ++i) lent.push_back(*loans.lend(packet_of(pool, i)));
  const PacketRef refused = packet_of(pool, 9);
  EXPECT_FALSE(loans.lend(refused));
  loans.take_back(lent[1].loan);
  EXPECT_TRUE(loans.lend(refused));
  EXPECT_EQ(loans.lent(), 3u);
}

TEST(PacketLoan, LendsOnePacketToSeveralWorkers) {
  PacketPool pool(1);
  PacketLoans to_second(1);
  PacketLoans to_third(1);
  PacketRef own = packet_of(pool, 1);
  const auto second = to_second.lend(own);
  const auto third = to_third.lend(own);
  own.reset();
  to_second.take_back(second->loan);
  EXPECT_FALSE(pool.allocate());
  to_third.take_back(third->loan);
  EXPECT_TRUE(pool.allocate());
}

TEST(PacketLoan, UsesItsOwnMemoryAgain) {
  PacketPool pool(1);
  PacketLoans loans(1);
  BorrowedPackets borrowed;
  const Packet* first = nullptr;
  for (int i = 0; i < 1'000; ++i) {
    PacketRef foreign = borrowed.borrow(*loans.lend(packet_of(pool, 1)));
    if (first == nullptr) first = &*foreign;
    EXPECT_EQ(&*foreign, first);
    foreign.reset();
    loans.take_back(*borrowed.give_back());
  }
}

TEST(PacketLoanDeath, TakesNothingBackTwice) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  PacketPool pool(1);
  PacketLoans loans(1);
  loans.take_back(loans.lend(packet_of(pool, 1))->loan);
  EXPECT_DEATH(loans.take_back(0), "check failed");
}

TEST(PacketLoanDeath, OutlivesWhatItBorrowed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        PacketPool pool(1);
        PacketLoans loans(1);
        PacketRef foreign;
        BorrowedPackets borrowed;
        foreign = borrowed.borrow(*loans.lend(packet_of(pool, 1)));
      },
      "check failed");
}

}  // namespace
}  // namespace simpul
