#include "ice/tcp_greeting.h"

#include <algorithm>

#include "ice/stun_message.h"

namespace simpul::ice {
namespace {

using State = TcpGreeting::State;

std::vector<uint8_t> framed(Bytes packet) {
  std::vector<uint8_t> bytes = {static_cast<uint8_t>(packet.size() >> 8),
                                static_cast<uint8_t>(packet.size())};
  bytes.insert(bytes.end(), packet.begin(), packet.end());
  return bytes;
}

std::vector<uint8_t> check() {
  return make_binding_request({.username = "ours:theirs", .controlling = 1, .key = "password"});
}

// Gives it as much as it takes, `step` bytes at most each time; what it left is in `rest`.
State feed(TcpGreeting& greeting, Bytes& rest, size_t step = SIZE_MAX) {
  State state = State::kIncomplete;
  while (state == State::kIncomplete && !rest.empty()) {
    const MutableBytes room = greeting.room();
    const size_t size = std::min({room.size(), rest.size(), step});
    std::copy_n(rest.begin(), size, room.begin());
    rest = rest.subspan(size);
    state = greeting.take(size);
  }
  return state;
}

State said(std::vector<uint8_t> bytes) {
  TcpGreeting greeting;
  Bytes rest = bytes;
  return feed(greeting, rest);
}

std::vector<uint8_t> text(std::string_view text) { return {text.begin(), text.end()}; }

TEST(TcpGreetingTest, IsACheckThatNamesAConnection) {
  const auto frame = framed(check());
  for (const size_t step : std::initializer_list<size_t>{1, 2, 7, 1000}) {
    TcpGreeting greeting;
    Bytes rest = frame;
    ASSERT_EQ(feed(greeting, rest, step), State::kComplete) << step;
    EXPECT_EQ(greeting.username_fragment(), "ours");
    EXPECT_TRUE(std::ranges::equal(greeting.frame(), check()));
  }
}

TEST(TcpGreetingTest, LeavesWhatFollowsToOthers) {
  auto bytes = framed(check());
  const size_t size = bytes.size();
  bytes.insert(bytes.end(), {0, 5, 22, 254, 253});
  TcpGreeting greeting;
  Bytes rest = bytes;
  EXPECT_EQ(feed(greeting, rest), State::kComplete);
  EXPECT_EQ(bytes.size() - rest.size(), size);
}

TEST(TcpGreetingTest, RefusesHttpTlsAndProxyHeadersAtOnce) {
  EXPECT_EQ(said(text("GE")), State::kRefused);
  EXPECT_EQ(said(text("GET / HTTP/1.1\r\n")), State::kRefused);
  EXPECT_EQ(said(text("PROXY TCP4 1.2.3.4")), State::kRefused);
  EXPECT_EQ(said({0x16, 0x03}), State::kRefused);
  EXPECT_EQ(said(text("SSH-2.0-")), State::kRefused);
}

TEST(TcpGreetingTest, RefusesLengthsThatLie) {
  EXPECT_EQ(said({0, 0}), State::kRefused);
  EXPECT_EQ(said({0, 19}), State::kRefused);
  EXPECT_EQ(said({0xff, 0xff}), State::kRefused);
  EXPECT_EQ(said({0x04, 0x01}), State::kRefused);  // 1,025
  for (const int off : {-4, -1, 1, 4}) {
    auto frame = framed(check());
    frame[1] = static_cast<uint8_t>(frame[1] + off);
    EXPECT_EQ(said(frame), State::kRefused) << off;
  }
}

TEST(TcpGreetingTest, RefusesStunThatIsNoBindingRequestOrNamesNobody) {
  auto indication = framed(check());
  indication[3] = 0x11;
  EXPECT_EQ(said(indication), State::kRefused);
  auto legacy = framed(check());
  legacy[6] = 0;  // of the magic cookie
  EXPECT_EQ(said(legacy), State::kRefused);
  EXPECT_EQ(said(framed(make_binding_request({.username = "", .key = "password"}))),
            State::kRefused);
  EXPECT_EQ(said(framed(make_binding_request({.username = ":theirs", .key = "password"}))),
            State::kRefused);
}

TEST(TcpGreetingTest, RefusesEveryOtherPacketOfACall) {
  for (const uint8_t first : std::initializer_list<uint8_t>{20, 22, 63, 64, 128, 144, 191, 255}) {
    std::vector<uint8_t> packet(100, first);
    EXPECT_EQ(said(framed(packet)), State::kRefused);
  }
}

TEST(TcpGreetingTest, WaitsForTheRestOfATruncatedCheck) {
  const auto frame = framed(check());
  for (size_t size = 1; size < frame.size(); ++size) {
    EXPECT_EQ(said({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}),
              State::kIncomplete);
  }
}

}  // namespace
}  // namespace simpul::ice
