// Steps of a handshake that run elsewhere.
#include <memory>
#include <thread>

#include "dtls/endpoint.h"
#include "tests/support/dtls_records.h"
#include "tests/support/dtls_server.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::read_test_data;
using ::simpul::testing::server_config;
using ::simpul::testing::server_identity;

class DtlsStep : public ::testing::Test {
 protected:
  static std::unique_ptr<Endpoint> make_server() {
    return std::make_unique<Endpoint>(server_identity().context, server_config());
  }
  const std::vector<uint8_t> hello_ = read_test_data("dtls/chromium-nopqc-hello-0.bin");
};

TEST_F(DtlsStep, IsTheOnlyOneOutWhileDatagramsComeAndTheyWait) {
  const auto server = make_server();
  Endpoint::Output out;
  server->receive(hello_, {}, out);
  ASSERT_NE(out.step, nullptr);
  auto step = std::move(out.step);
  server->receive(hello_, {}, out);
  EXPECT_EQ(out.step, nullptr);
  step->run();
  server->resume(std::move(step), {}, out);
  EXPECT_FALSE(out.datagrams.empty());
  ASSERT_NE(out.step, nullptr);
  out.step->run();
  Endpoint::Output last;
  server->resume(std::move(out.step), {}, last);
  EXPECT_TRUE(last.datagrams.empty());
  EXPECT_EQ(last.step, nullptr);
}

TEST_F(DtlsStep, KeepsABoundedNumberOfDatagramsWaiting) {
  const auto server = make_server();
  Endpoint::Output out;
  server->receive(hello_, {}, out);
  for (int i = 0; i < 1'000; ++i) server->receive(hello_, {}, out);
  EXPECT_EQ(server->counters().datagrams_dropped, 1'000u - 16u);
}

TEST_F(DtlsStep, KeepsABoundedNumberOfBytesWaiting) {
  const auto server = make_server();
  const auto large =
      make_record(22, make_fragment({.length = 1'400, .bytes = std::vector<uint8_t>(1'400)}));
  Endpoint::Output out;
  server->receive(large, {}, out);
  for (int i = 0; i < 1'000; ++i) server->receive(large, {}, out);
  EXPECT_EQ(server->counters().datagrams_dropped, 1'000u - 20'000u / 1'425u);
}

TEST_F(DtlsStep, MayOutliveItsEndpointAndBeRunOrNot) {
  for (const bool runs : {false, true}) {
    auto server = make_server();
    Endpoint::Output out;
    server->receive(hello_, {}, out);
    ASSERT_NE(out.step, nullptr);
    server.reset();
    if (runs) out.step->run();
  }
}

TEST_F(DtlsStep, MayRunAfterTheContextIsGone) {
  std::unique_ptr<HandshakeStep> step;
  {
    const ::simpul::testing::DtlsIdentity gone;
    Endpoint server(gone.context, server_config());
    Endpoint::Output out;
    server.receive(hello_, {}, out);
    step = std::move(out.step);
  }
  step->run();
}

TEST_F(DtlsStep, ChangesNothingWhenItComesBackAfterTheEnd) {
  const auto server = make_server();
  Endpoint::Output out;
  server->receive(hello_, {}, out);
  auto step = std::move(out.step);
  step->run();
  server->advance(TimePoint{} + 15s, out);
  ASSERT_EQ(out.events.size(), 1u);
  Endpoint::Output late;
  server->resume(std::move(step), TimePoint{} + 15s, late);
  EXPECT_TRUE(late.datagrams.empty());
  EXPECT_TRUE(late.events.empty());
  EXPECT_EQ(late.step, nullptr);
}

TEST_F(DtlsStep, IsHandedOutAgainWhenItComesBackWithoutHavingRun) {
  const auto server = make_server();
  Endpoint::Output out;
  server->receive(hello_, {}, out);
  Endpoint::Output next;
  server->resume(std::move(out.step), {}, next);
  ASSERT_NE(next.step, nullptr);
  next.step->run();
  Endpoint::Output last;
  server->resume(std::move(next.step), {}, last);
  EXPECT_FALSE(last.datagrams.empty());
}

TEST_F(DtlsStep, RunsOnAnotherThread) {
  const auto server = make_server();
  Endpoint::Output out;
  server->receive(hello_, {}, out);
  std::thread([&] { out.step->run(); }).join();
  Endpoint::Output next;
  server->resume(std::move(out.step), {}, next);
  EXPECT_FALSE(next.datagrams.empty());
}

TEST_F(DtlsStep, IsFollowedByWhatItLeftWhenItBroke) {
  const auto server = make_server();
  Endpoint::Output out;
  // Two forgeries come, as long as the hello behind them.
  const uint32_t length = load_be24(Bytes(hello_).subspan<14, 3>());
  const std::vector<uint8_t> zeros(length);
  const auto forged = make_record(22, make_fragment({.length = length, .bytes = zeros}));
  server->receive(forged, {}, out);
  auto step = std::move(out.step);
  server->receive(forged, {}, out);
  server->receive(hello_, {}, out);
  Endpoint::Output last;
  while (step) {
    step->run();
    last = {};
    server->resume(std::move(step), {}, last);
    step = std::move(last.step);
  }
  EXPECT_EQ(server->counters().restarts, 2u);
  EXPECT_FALSE(last.datagrams.empty());
}

}  // namespace
}  // namespace simpul::dtls
