// Attacks on the HTTP interface while a call goes on (rows H of docs/attacks.md). The clients
// block, on a thread of their own; the server runs on the loop that the call's guests use too.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.h"
#include "bench/peer/descriptors.h"
#include "bench/peer/http_client.h"
#include "config/config.h"
#include "control/server.h"
#include "crypto/random.h"
#include "node/layer_followers.h"
#include "tests/integration/attack_test.h"
#include "tests/integration/beside.h"
#include "tests/support/loopback_client.h"

namespace simpul::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;

constexpr int kClosed = 0;  // without an answer

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(answer.c_str() + 9) : kClosed;
}

class AttackOnHttp : public AttackTest {
 protected:
  explicit AttackOnHttp(Duration idle_timeout = 30s) : AttackTest(idle_timeout) {
    peer::raise_descriptor_limit();
  }

  void SetUp() override {
    AttackTest::SetUp();
    config::Config config;
    config.dev = true;
    config.http.listen = Address::v4({127, 0, 0, 1}, 0);
    auto server = control::Server::start(config, node_.node(), node_.loop());
    ASSERT_TRUE(server) << server.error();
    server_ = *std::move(server);
  }
  void TearDown() override { server_.reset(); }

  std::string kept_head(const std::string& line) const {
    return line + " HTTP/1.1\r\nHost: " + server_->address().to_string() + "\r\n";
  }
  std::string head(const std::string& line) const {
    return kept_head(line) + "Connection: close\r\n";
  }
  std::string post(const std::string& target, const std::string& body) const {
    return head("POST " + target) +
           "Content-Type: application/sdp\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  // Blocks: only inside beside().
  std::string ask(const std::string& request) const {
    LoopbackClient client(server_->address());
    client.send(request);
    return client.receive_all();
  }
  std::vector<std::string> ask_all(const std::vector<std::string>& requests) {
    std::vector<std::string> answers;
    beside([&] {
      for (const auto& request : requests) answers.push_back(ask(request));
    });
    return answers;
  }
  std::vector<int> statuses_of(const std::vector<std::string>& requests) {
    std::vector<int> statuses;
    for (const auto& answer : ask_all(requests)) statuses.push_back(status_of(answer));
    return statuses;
  }
  void beside(const std::function<void()>& task) { run_beside(node_, task); }
  std::string offer(bool publishes = false) {
    return peer::Peer({.publishes = publishes}, node_.identity()).offer();
  }
  // At last: while a worker has no processor for two seconds, the answer is that the node is
  // unwell.
  void expect_served() {
    const std::string request = head("GET /healthz") + "\r\n";
    EXPECT_TRUE(node_.ask_until([&] { return statuses_of({request}).front() == 200; }));
  }

  std::unique_ptr<control::Server> server_;
};

const auto kRefused = AnyOf(kClosed, AllOf(Ge(400), Lt(500)), 505);

TEST_F(AttackOnHttp, H8_RequestsThatLieAboutTheirSizeOrCouldBeTwoAreRefused) {
  const std::string length = head("POST /whip/a") + "Content-Type: application/sdp\r\n";
  const std::string chunked = length + "Transfer-Encoding: chunked\r\n\r\n";
  const std::string megabyte(1 << 20, 'x');
  std::string garbage(4096, '\0');
  crypto::random_bytes({reinterpret_cast<uint8_t*>(garbage.data()), garbage.size()});
  const std::vector<std::string> requests = {
      length + "Content-Length: 10737418240\r\n\r\nv=0",
      length + "Content-Length: " + std::to_string(megabyte.size()) + "\r\n\r\n" + megabyte,
      length + "Content-Length: -1\r\n\r\n",
      length + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      length + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      chunked + "ffffffff\r\n" + megabyte,
      chunked + "1;" + megabyte + "\r\nx\r\n0\r\n\r\n",
      head("GET /") + "Host: other\r\n\r\n",
      head("GET /") + "A: b\r\n c\r\n\r\n",
      "GET / HTTP/1.1\nHost: x\n\n",
      head("GET /") + "A: " + megabyte + "\r\n\r\n",
      "GET /" + megabyte,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\x16\x03\x01\x02\x01",
      garbage,
  };
  for (int round = 0; round < 20; ++round) {
    EXPECT_THAT(statuses_of(requests), Each(kRefused));
  }
  expect_served();
  expect_unharmed();
}

TEST_F(AttackOnHttp, H9_SlowHeadsAndBodiesAreClosedAndTheCallDoesNotNotice) {
  std::vector<std::unique_ptr<LoopbackClient>> heads;
  std::vector<std::unique_ptr<LoopbackClient>> bodies;
  std::string over;
  std::vector<int> ends;
  beside([&] {
    for (int i = 0; i < 250; ++i) {  // together all that one address may have
      heads.push_back(std::make_unique<LoopbackClient>(server_->address()));
      heads.back()->send("GET / HT");
      bodies.push_back(std::make_unique<LoopbackClient>(server_->address()));
      bodies.back()->send(head("POST /whip/a") + "Content-Length: 100\r\n\r\nv");
    }
    over = ask(head("GET /healthz") + "\r\n");
    for (const auto& client : heads) ends.push_back(status_of(client->receive_all()));
  });
  EXPECT_EQ(status_of(over), 429);
  EXPECT_THAT(ends, Each(408));
  heads.clear();
  // Others get in in their place, while the bodies still wait, once the server knows of their end.
  int status = 429;
  while (status == 429 || status == 503) {
    status = statuses_of({head("GET /healthz") + "\r\n"}).front();
  }
  EXPECT_EQ(status, 200);
  expect_unharmed();
}

TEST_F(AttackOnHttp, H9_TenThousandConnectionsThatStayAreBounded) {
  std::vector<std::unique_ptr<LoopbackClient>> kept;
  size_t refused = 0;
  const TimePoint begin = net::EventLoop::clock_now();
  beside([&] {
    for (int i = 0; i < 10'000; ++i) {
      auto client = std::make_unique<LoopbackClient>(server_->address());
      client->send(kept_head("GET /healthz") + "\r\n");
      const int status = status_of(client->receive_until("\r\n\r\n"));
      if (status == 200) {
        kept.push_back(std::move(client));
      } else {
        ++refused;
      }
    }
  });
  // Five hundred at once: those that said nothing for 30 seconds make room for as many more.
  const auto generations = 1 + (net::EventLoop::clock_now() - begin) / 30s;
  EXPECT_GE(kept.size(), 500u);
  EXPECT_LE(kept.size(), 500u * static_cast<size_t>(generations));
  EXPECT_EQ(kept.size() + refused, 10'000u);
  expect_unharmed();
}

TEST_F(AttackOnHttp, H9_WhoNeverReadsGetsOneAnswerAfterTheOther) {
  std::vector<std::unique_ptr<LoopbackClient>> deaf;
  beside([&] {
    for (int i = 0; i < 100; ++i) {
      deaf.push_back(
          std::make_unique<LoopbackClient>(server_->address(), LoopbackClient::Buffers::kLittle));
      std::string requests;
      for (int n = 0; n < 200; ++n) requests += kept_head("GET /metrics") + "\r\n";
      deaf.back()->send(requests);
    }
  });
  expect_served();
  expect_unharmed();
}

TEST_F(AttackOnHttp, H14_NamesOfOtherCharactersAreRefused) {
  std::vector<std::string> requests;
  for (const std::string name :
       {"..", "%2e%2e%2fetc", "a%00b", "a%0d%0ab", "%e2%80%ae", "a%1b[31m", "%n%s%s", "a%25n", "",
        "%f0%9f%92%a9", "a/b/c/d", "a%20b", "%ff"}) {
    requests.push_back(post("/whip/" + name, offer(true)));
    requests.push_back(post("/whip/stage?participant=" + name + "%00", offer(true)));
    requests.push_back(head("GET /v1/rooms/" + name + "%7f") + "\r\n");
  }
  requests.push_back(post("/whip/" + std::string(10'000, 'a'), offer(true)));
  requests.push_back(post("/whip/" + std::string(65, 'a'), offer(true)));
  EXPECT_THAT(statuses_of(requests), Each(kRefused));
  expect_unharmed();
}

TEST_F(AttackOnHttp, H15_NoSecretOfACallGetsIntoTheLog) {
  ::testing::internal::CaptureStderr();
  log::start(log::Level::kDebug, log::Format::kText);
  // A call from its beginning to its end, and what goes wrong with one.
  LiveGuest& carol = node_.publish("secrets", "carol");
  LiveGuest& dave = node_.watch("secrets", "dave");
  EXPECT_TRUE(node_.run_until([&] { return carol.connected() && dave.video > 0; }));
  const std::string good = offer(true);
  EXPECT_THAT(statuses_of({post("/whip/secrets", good.substr(0, 200)),
                           post("/whip/se%0acrets", good), post("/whip/secrets", "v=1\n\x1b[2J")}),
              Each(kRefused));
  ask_all({head("GET /v1/rooms") + "Authorization: Bearer token-of-somebody\r\n\r\n",
           head("GET /v1/rooms?token=token-of-somebody") + "\r\n"});
  repeat(200, [&](int) {
    auto check = carol.socket->peer().make_check(true);
    check[check.size() - 20] ^= 1;
    mallory_.send(check, target());
  });
  std::vector<std::string> secrets = {"token-of-somebody", "v=0", "a=", "PRIVATE", "\x1b"};
  for (const LiveGuest* guest : {&carol, &dave, &alice_, &bob_}) {
    secrets.push_back(guest->socket->peer().server().password);
    secrets.push_back(guest->socket->peer().local().password);
    secrets.push_back(guest->socket->local().to_string());
  }
  secrets.push_back(node_.identity().certificate.fingerprint().to_string().substr(8, 20));
  node_.node().leave("secrets", carol.session);
  node_.node().remove_participant("secrets", "dave");
  EXPECT_TRUE(node_.run_until([&] { return !node_.node().room("secrets"); }));
  log::stop();
  log::set_level(log::Level::kError);
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("join room=secrets participant=carol"));
  EXPECT_THAT(written, HasSubstr("state=connected"));
  for (const std::string& secret : secrets) EXPECT_THAT(written, Not(HasSubstr(secret)));
  expect_unharmed();
}

TEST_F(AttackOnHttp, H16_OffersThatAreTooMuchOrNonsenseAreRefused) {
  const std::string good = offer(true);
  const auto with = [&](size_t count, const std::string& line) {
    std::string text = good;
    for (size_t i = 0; i < count; ++i) text += line + "\r\n";
    return post("/whip/stage", text);
  };
  const auto without = [&](const std::string& line_start) {
    std::string text = good;
    const size_t at = text.find(line_start);
    text.erase(at, text.find('\n', at) + 1 - at);
    return text;
  };
  const auto ufrag = [&](size_t size) {
    std::string text = without("a=ice-ufrag:");
    text.insert(text.find("a=ice-pwd"), "a=ice-ufrag:" + std::string(size, 'u') + "\r\n");
    return post("/whip/stage", text);
  };
  const std::vector<std::string> requests = {
      with(1, "a=x:" + std::string(1 << 20, 'x')),
      with(10'000, "m=audio 9 UDP/TLS/RTP/SAVPF 0"),
      with(10'000, "a=x"),
      with(300, "a=extmap:1 urn:x"),
      with(64, "a=rid:r send"),
      with(1, std::string(5000, 'a')),
      post("/whip/stage", ""),
      post("/whip/stage", "%n%n%n%s"),
      post("/whip/stage", std::string(60'000, '\0')),
      post("/whip/stage", without("v=0")),
      post("/whip/stage", without("a=fingerprint")),
      post("/whip/stage", without("a=ice-pwd")),
      ufrag(3),
      ufrag(300),
      head("POST /whip/stage") + "Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx",
  };
  for (int round = 0; round < 10; ++round) {
    EXPECT_THAT(statuses_of(requests), Each(AllOf(Ge(400), Lt(500))));
  }
  expect_unharmed();
}

// Those who joined and never come are not forgotten while the test goes on.
class AttackByJoins : public AttackOnHttp {
 protected:
  AttackByJoins() : AttackOnHttp(10min) {}
};

TEST_F(AttackByJoins, H22_TenThousandCallsAndMoreJoinsThanMayBeUnderWayAreBounded) {
  const std::string join = offer();
  size_t joins = 0;
  int last = 0;
  beside([&] {
    for (int i = 0; i < 100; ++i) {
      std::string requests;
      for (int n = 0; n < 100; ++n) requests += kept_head("GET /v1/rooms/nowhere") + "\r\n";
      ask(requests + head("GET /healthz") + "\r\n");
    }
    for (; joins < 10'000; ++joins) {
      const auto answer =
          peer::request(server_->address(), "POST", "/whep/stage", "application/sdp", join);
      last = answer ? answer->status : kClosed;
      if (last != 201) break;
    }
  });
  EXPECT_EQ(joins, 4096u);
  EXPECT_EQ(last, 503);
  connections_before_ += joins;
  expect_unharmed();
}

TEST_F(AttackByJoins, H9_EventStreamsAreBoundedAndWhoDoesNotReadThemHurtsNobody) {
  std::vector<std::string> sessions;
  for (size_t i = 0; i <= node::LayerFollowers::kMax; ++i) {
    const auto joined = node_.join(
        {.role = node::Role::kPublisher, .room = "room" + std::to_string(i), .offer = offer(true)});
    ASSERT_TRUE(joined);
    sessions.push_back("/whip/room" + std::to_string(i) + "/" + joined->session + "/events");
    ++connections_before_;
  }
  const std::string last = sessions.back();
  sessions.pop_back();
  std::vector<std::unique_ptr<LoopbackClient>> streams;
  std::vector<std::string> answers;
  const auto follow = [&](const std::string& target) {
    streams.push_back(
        std::make_unique<LoopbackClient>(server_->address(), LoopbackClient::Buffers::kLittle));
    streams.back()->send(kept_head("GET " + target) + "\r\n");
  };
  beside([&] {
    for (const std::string& target : sessions) {
      follow(target);
      answers.push_back(streams.back()->receive_until("\r\n\r\n"));
    }
  });
  for (const std::string& answer : answers) EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(statuses_of({head("GET " + last) + "\r\n"}).front(), 503);
  expect_served();
  // A second one of a session ends the first, over and over.
  beside([&] {
    for (int i = 0; i < 200; ++i) follow(sessions.front());
    EXPECT_EQ(status_of(streams.back()->receive_until("\r\n\r\n")), 200);
    streams.front()->receive_all();
  });
  streams.clear();
  EXPECT_TRUE(node_.ask_until([&] {
    LoopbackClient client(server_->address());
    std::string answer;
    beside([&] {
      client.send(kept_head("GET " + last) + "\r\n");
      answer = client.receive_until("\r\n\r\n");
    });
    return status_of(answer) == 200;
  }));
  expect_served();
  expect_unharmed();
}

TEST_F(AttackOnHttp, H23_NothingIsServedThatIsNotInTheDocuments) {
  std::vector<std::string> requests;
  for (const std::string path :
       {"/debug/pprof", "/debug", "/admin", "/metrics/", "/pcap", "/server-status", "/.git/config",
        "/v1/config", "/v1/tokens", "/v1/log", "/actuator/env"}) {
    for (const std::string method : {"GET ", "HEAD ", "PATCH ", "TRACE "}) {
      requests.push_back(head(method + path) + "\r\n");
    }
  }
  EXPECT_THAT(statuses_of(requests), Each(AllOf(Ge(400), Lt(500))));
  expect_unharmed();
}

TEST_F(AttackOnHttp, H24_ASessionIsEndedByWhoKnowsItsNameAndNobodyElse) {
  ASSERT_EQ(alice_.session.size(), 2 + 32u) << "128 random bits";
  std::vector<std::string> requests;
  for (int i = 0; i < 500; ++i) {
    const std::string guess = "c_" + crypto::random_hex(32);
    requests.push_back(head("DELETE /whip/stage/" + guess) + "\r\n");
    requests.push_back(head("DELETE /whep/stage/" + guess) + "\r\n");
  }
  const std::string& id = alice_.session;
  for (const std::string& path :
       {"/whip/other/" + id, "/whip/stage/" + id.substr(0, 33), "/whip/stage/" + id + "0",
        "/whip/stage/C" + id.substr(1), std::string("/whip/stage/alice"),
        std::string("/whip/stage/c_%00"),
        "/whip/stage/" + bob_.session.substr(0, 2) + id.substr(2, 16) + bob_.session.substr(18)}) {
    requests.push_back(head("DELETE " + path) + "\r\n");
    requests.push_back(head("PATCH " + path) + "Content-Length: 0\r\n\r\n");
  }
  EXPECT_THAT(statuses_of(requests), Each(AllOf(Ge(400), Lt(500))));
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
