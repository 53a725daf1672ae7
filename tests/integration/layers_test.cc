// A publisher who is told over HTTP which of his layers are watched, and does what he is told.
#include <gmock/gmock.h>

#include "node/slot_why.h"
#include "tests/integration/beside.h"
#include "tests/integration/live_http.h"
#include "tests/support/loopback_client.h"

namespace simpul::testing {
namespace {

using ::testing::HasSubstr;

// How many workers there are; of two the publisher is on one and who watches on the other.
class LayersOverHttp : public ::testing::TestWithParam<uint16_t> {
 protected:
  static constexpr ptrdiff_t kHighSource = 3;  // behind the sound and two smaller ones

  void follow() {
    stream_.send("GET /whip/stage/" + alice_.session +
                 "/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
  }
  // What has been said until that is; the call goes on meanwhile.
  std::string told(const std::string& what) {
    std::string text;
    run_beside(node_, [&] { text = stream_.receive_until(what); });
    EXPECT_THAT(text, HasSubstr(what));
    return text;
  }
  bool shows(const LiveGuest& viewer, const std::string& layer) {
    return node_.run_until([&] {
      ask(viewer);
      return shown_ == layer;
    });
  }
  // One question after the other, so that the answer is never old.
  void ask(const LiveGuest& viewer) {
    if (std::exchange(is_asking_, true)) return;
    node_.node().ask_slot({.room = "stage", .participant = viewer.name, .mid = "1"}, std::nullopt,
                          [this](auto why) {
                            is_asking_ = false;
                            if (why) shown_ = why->layer.value_or("");
                          });
  }

  bool is_asking_ = false;
  std::string shown_;
  LiveNode node_{GetParam(), 30s, 1};
  LiveHttp http_{node_};
  LiveGuest& alice_ = node_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  LoopbackClient stream_{http_.address()};
};

TEST_P(LayersOverHttp, AreSuspendedWhileNobodyWatchesThemAndComeBackForWhoDoes) {
  follow();
  EXPECT_THAT(told(R"({"rid":"f","active":true}]})"),
              HasSubstr("event: layers\ndata: {\"mid\":\"1\",\"rids\":[{\"rid\":\"q\","));
  ASSERT_TRUE(node_.run_until([&] { return alice_.connected(); }));
  told(R"({"rid":"f","active":false})");
  auto& sources = alice_.socket->sources();
  sources.erase(sources.begin() + kHighSource);
  LiveGuest& bob = node_.watch("stage", "bob", {}, relay::LayerChoice::kHigh);
  const TimePoint joined = net::EventLoop::clock_now();
  told(R"({"rid":"f","active":true})");
  ASSERT_TRUE(node_.run_until([&] { return bob.video > 0; })) << "a smaller layer meanwhile";
  alice_.socket->add_source(peer::MediaSource::video("1", {.rid = "f"}));
  ASSERT_TRUE(shows(bob, "f"));
  std::printf("# result: joined and saw the layer that was suspended in %.2f s\n",
              std::chrono::duration<double>(net::EventLoop::clock_now() - joined).count());
}

TEST_P(LayersOverHttp, AreToldUntilTheSessionEnds) {
  follow();
  told("event: layers");
  node_.node().leave("stage", alice_.session);
  // It ends; until then there may have been other words.
  run_beside(node_, [&] { stream_.receive_all(); });
}

INSTANTIATE_TEST_SUITE_P(Workers, LayersOverHttp, ::testing::Values(1, 2));

}  // namespace
}  // namespace simpul::testing
