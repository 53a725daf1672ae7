// The stream of events of a WHIP session.
#include "control/layers_api.h"

#include "tests/control/api_test.h"

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Step = ResponseStream::Step;

class LayersApi : public simpul::testing::ApiTest {
 protected:
  void follow(Method method = Method::kGet) {
    application_.handle(make_request(method, target_),
                        [this](Response response) { responses_.push_back(std::move(response)); });
  }
  static node::WantedLayers wanted() {
    return {.lines = {{.mid = "1", .layers = {{"q", true}, {"f", false}}}}};
  }

  std::string target_ = "/whip/stage/" + engine_.session + "/events";
  std::vector<Response> responses_;
};

TEST_F(LayersApi, BeginsAStreamThatNobodyKeeps) {
  follow();
  ASSERT_THAT(responses_, SizeIs(1));
  const Response& first = responses_[0];
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(*first.header("Content-Type"), "text/event-stream");
  EXPECT_EQ(*first.header("Cache-Control"), "no-store");
  ASSERT_TRUE(first.stream);
  EXPECT_EQ(first.stream->step, Step::kBegin);
}

TEST_F(LayersApi, TellsAllLayersOfALineInOneEvent) {
  follow();
  const auto all = wanted();
  engine_.followers.at(0)(&all);
  ASSERT_THAT(responses_, SizeIs(2));
  EXPECT_EQ(responses_[1].stream->step, Step::kGoOn);
  EXPECT_EQ(responses_[1].body,
            "event: layers\n"
            R"(data: {"mid":"1","rids":[{"rid":"q","active":true},{"rid":"f","active":false}]})"
            "\n\n");
  EXPECT_THAT(responses_[1].headers, IsEmpty());
}

TEST_F(LayersApi, HasAnEventForEachLineAndNoneWithoutSimulcast) {
  const auto line = wanted().lines[0];
  EXPECT_THAT(layers_events({.lines = {line, line}}), HasSubstr("\n\nevent: layers\n"));
  EXPECT_EQ(layers_events({}), "");
}

TEST_F(LayersApi, WritesNoLineEndsOfClientsIntoTheStream) {
  const std::string events = layers_events({.lines = {{.mid = "a\r\n\n", .layers = {{"\xff\n"}}}}});
  EXPECT_EQ(std::ranges::count(events, '\n'), 3);
  EXPECT_EQ(std::ranges::count(events, '\r'), 0);
}

TEST_F(LayersApi, EndsWithItsSession) {
  follow();
  engine_.followers.at(0)(nullptr);
  ASSERT_THAT(responses_, SizeIs(2));
  EXPECT_EQ(responses_[1].stream->step, Step::kEnd);
}

TEST_F(LayersApi, IsFollowedNoLongerWhenTheClientHasGone) {
  follow();
  follow();
  responses_.at(1).stream->gone();
  EXPECT_THAT(engine_.unfollowed, ElementsAre(2));
}

TEST_F(LayersApi, IsOnlyOfSessionsThatAreThere) {
  target_ = "/whip/stage/c_guess/events";
  follow();
  expect_problem(responses_.at(0), 404, "not-found");
  EXPECT_FALSE(responses_[0].stream);
  target_ = "/whep/stage/" + engine_.session + "/events";
  follow();
  EXPECT_EQ(responses_.at(1).status, 404);
}

TEST_F(LayersApi, IsRefusedWhenTooManyAreOpen) {
  engine_.follow_error = node::FollowError::kFull;
  follow();
  expect_problem(responses_.at(0), 503, "full");
  EXPECT_NE(responses_[0].header("Retry-After"), nullptr);
}

TEST_F(LayersApi, TellsHeadWhatItWouldBe) {
  follow(Method::kHead);
  EXPECT_EQ(*responses_.at(0).header("Content-Type"), "text/event-stream");
  EXPECT_FALSE(responses_[0].stream);
  EXPECT_THAT(engine_.followers, IsEmpty());
}

TEST_F(LayersApi, IsNotThereForTheHeadOfAViewersSessionEither) {
  engine_.publishes_by_session = false;
  follow(Method::kHead);
  expect_problem(responses_.at(0), 404, "not-found");
}

TEST_F(LayersApi, CountsAStreamAsOneAnswer) {
  follow();
  const auto all = wanted();
  for (int i = 0; i < 3; ++i) engine_.followers.at(0)(&all);
  const auto metrics = ask(make_request(Method::kGet, "/metrics")).body;
  EXPECT_THAT(metrics, HasSubstr(R"(simpul_http_requests_total{route="/whip/{room}/{session}/)"
                                 R"(events",code="200"} 1)"));
}

TEST_F(LayersApi, IsLinkedInTheAnswerToAPublisherAlone) {
  const auto links = [&](const std::string& target) {
    auto request = make_request(Method::kPost, target);
    request.headers = {{"content-type", "application/sdp"}};
    const auto response = ask(request);
    const auto* link = response.header("Link");
    return link == nullptr ? std::string() : *link;
  };
  EXPECT_EQ(links("/whip/stage"), "<" + target_ +
                                      ">; "
                                      "rel=\"urn:ietf:params:whip:ext:simpul:layers\"");
  EXPECT_EQ(links("/whep/stage"), "");
}

}  // namespace
}  // namespace simpul::control
