// Handshakes that stop after their hello (row D6 of docs/attacks.md).
#include <gtest/gtest.h>

#include "dtls/record.h"
#include "ice/demultiplex.h"
#include "node/directory.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

// DTLS of such guests, but for the hello: plain handshake records of type 1.
bool is_beyond_hello(Bytes datagram) {
  if (ice::classify(datagram) != ice::DatagramKind::kDtls) return false;
  const auto record = dtls::RecordReader(datagram).next();
  return !record || record->epoch > 0 || record->type != dtls::ContentType::kHandshake ||
         record->content[0] != 1;
}

TEST(HalfOpenHandshakes, D6_EndWhenTheirTimeIsOverAndLeaveNothingBehind) {
  constexpr size_t kStopped = 150;
  VirtualNode node;
  node.lose_upwards = [](const Guest& guest, Bytes datagram) {
    return guest.name.starts_with("stopped") && is_beyond_hello(datagram);
  };
  Guest& alice = node.publish("stage", "alice");
  Guest& bob = node.watch("stage", "bob");
  ASSERT_TRUE(node.run_until([&] { return alice.peer.connected() && bob.peer.connected(); }));
  for (size_t i = 0; i < kStopped; ++i) node.watch("stage", "stopped" + std::to_string(i));
  node.run(1s);
  EXPECT_EQ(node.switchboard().connections(), kStopped + 2);
  EXPECT_EQ(node.snapshot().worker.handshakes["handshake"], 0u);
  node.run(15s);
  EXPECT_EQ(node.switchboard().connections(), 2u);
  EXPECT_EQ(node.snapshot().worker.handshakes["handshake"], kStopped);
  EXPECT_EQ(node.snapshot().worker.handshakes["ok"], 2u);
  size_t told = 0;
  for (const SessionChange& change : node.changes()) {
    told += change.state == connection::State::kClosed &&
            change.reason == connection::CloseReason::kHandshake;
  }
  EXPECT_EQ(told, kStopped);  // by which the directory lets others in
  Guest& carol = node.watch("stage", "carol");
  EXPECT_TRUE(node.run_until([&] { return carol.peer.connected(); }));
  EXPECT_TRUE(alice.peer.connected() && bob.peer.connected());
}

}  // namespace
}  // namespace simpul::node
