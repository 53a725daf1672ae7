#include "node/handshake_threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <thread>

#include "node/inbox.h"
#include "tests/support/dtls_pair.h"

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Step = std::unique_ptr<dtls::HandshakeStep>;

// A client that is about to say hello, and the step that makes the hello.
struct Client {
  Client() { endpoint.start({}, out); }

  // Whether the step that came back made a hello.
  bool says_hello(Step step) {
    endpoint.resume(std::move(step), {}, out);
    return !out.datagrams.empty();
  }

  dtls::Endpoint endpoint{testing::client_identity().context, {.role = dtls::Role::kClient}};
  dtls::Endpoint::Output out;
};

TEST(HandshakeThreads, RunAStepOnAnotherThread) {
  Client client;
  std::promise<std::pair<std::thread::id, Step>> done;
  HandshakeThreads threads(1);
  threads.run(std::move(client.out.step), [&](Step step) {
    done.set_value({std::this_thread::get_id(), std::move(step)});
  });
  auto [thread, step] = done.get_future().get();
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_TRUE(client.says_hello(std::move(step)));
}

TEST(HandshakeThreads, HaveALowerPriorityThanTheThreadThatMadeThem) {
  const auto niceness = [] {
    return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));  // of this thread alone
  };
  const int before = niceness();
  Client client;
  std::promise<int> theirs;
  HandshakeThreads threads(1);
  threads.run(std::move(client.out.step), [&](Step) { theirs.set_value(niceness()); });
  EXPECT_EQ(theirs.get_future().get(), std::min(before + HandshakeThreads::kLowerBy, 19));
  EXPECT_EQ(niceness(), before);
}

TEST(HandshakeThreads, RunEveryStepThatIsWaiting) {
  constexpr size_t kClients = 20;
  std::vector<Client> clients(kClients);
  std::vector<std::promise<Step>> done(kClients);
  HandshakeThreads threads(3);
  for (size_t i = 0; i < kClients; ++i) {
    threads.run(std::move(clients[i].out.step),
                [&done, i](Step step) { done[i].set_value(std::move(step)); });
  }
  for (size_t i = 0; i < kClients; ++i) {
    EXPECT_TRUE(clients[i].says_hello(done[i].get_future().get()));
  }
}

TEST(HandshakeThreads, GiveAStepBackUnrunWhenTooManyWait) {
  HandshakeThreads threads(0);
  size_t called = 0;
  for (size_t i = 0; i < HandshakeThreads::kQueueMax; ++i) {
    threads.run(nullptr, [&](Step) { ++called; });
  }
  EXPECT_EQ(called, 0u);
  Client client;
  Step back;
  threads.run(std::move(client.out.step), [&](Step step) { back = std::move(step); });
  ASSERT_TRUE(back);
  EXPECT_FALSE(client.says_hello(std::move(back)));
  EXPECT_TRUE(client.out.step);  // to be tried again
}

TEST(HandshakeThreads, DropWhatStillWaitsWhenTheyEnd) {
  Client client;
  bool called = false;
  {
    HandshakeThreads threads(0);
    threads.run(std::move(client.out.step), [&](Step) { called = true; });
  }
  EXPECT_FALSE(called);
}

TEST(HandshakeThreads, EndOnlyAfterTheStepThatIsRunning) {
  Client client;
  std::promise<void> entered;
  std::promise<void> leave;
  bool finished = false;
  {
    HandshakeThreads threads(1);
    threads.run(std::move(client.out.step), [&](Step) {
      entered.set_value();
      leave.get_future().wait();
      finished = true;
    });
    entered.get_future().wait();
    leave.set_value();
  }
  EXPECT_TRUE(finished);
}

TEST(Inbox, GivesEverythingInOrderAndOnce) {
  Inbox<int> inbox;
  EXPECT_TRUE(inbox.put(1));
  EXPECT_TRUE(inbox.put(2));
  EXPECT_THAT(inbox.take(), ElementsAre(1, 2));
  EXPECT_THAT(inbox.take(), IsEmpty());
}

TEST(Inbox, RefusesMoreThanItMayHold) {
  Inbox<int> inbox;
  for (size_t i = 0; i < Inbox<int>::kMax; ++i) ASSERT_TRUE(inbox.put(1));
  EXPECT_FALSE(inbox.put(2));
  EXPECT_EQ(inbox.take().size(), Inbox<int>::kMax);
  EXPECT_TRUE(inbox.put(3));
}

TEST(Inbox, TakesFromManyThreads) {
  constexpr int kEach = 1000;
  Inbox<int> inbox;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int value = 0; value < kEach; ++value) inbox.put(value);
      });
    }
  }
  EXPECT_EQ(inbox.take().size(), 4u * kEach);
}

}  // namespace
}  // namespace simpul::node
