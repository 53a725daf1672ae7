#include "control/application.h"

#include <optional>

#include "tests/control/api_test.h"

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = node::JoinError::Kind;

class ApplicationTest : public simpul::testing::ApiTest {
 protected:
  static Request make_offer(std::string_view target, const std::string& type = "application/sdp") {
    auto request = make_request(Method::kPost, target);
    request.headers = {{"content-type", type}, {"content-length", "5"}};
    request.body = "offer";
    return request;
  }
  Response get(std::string_view target) { return ask(make_request(Method::kGet, target)); }
  Response fail_with(Kind kind, std::string_view target = "/whip/stage") {
    engine_.error = node::JoinError{.kind = kind, .detail = "because"};
    return ask(make_offer(target));
  }
};

TEST_F(ApplicationTest, AnswersAnOfferToPublishWithTheSession) {
  const auto response = ask(make_offer("/whip/stage?participant=alice"));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(*response.header("Location"), "/whip/stage/" + engine_.session);
  EXPECT_EQ(*response.header("Content-Type"), "application/sdp");
  EXPECT_EQ(*response.header("ETag"), "\"1ce\"");
  EXPECT_EQ(response.body, "v=0\r\n");
  ASSERT_THAT(engine_.joins, SizeIs(1));
  EXPECT_EQ(engine_.joins[0].role, node::Role::kPublisher);
  EXPECT_EQ(engine_.joins[0].room, "stage");
  EXPECT_EQ(engine_.joins[0].participant, "alice");
  EXPECT_EQ(engine_.joins[0].offer, "offer");
}

TEST_F(ApplicationTest, TakesTheParticipantOfAWatcherAsWhomToWatch) {
  const auto response = ask(make_offer("/whep/stage?participant=alice&layer=mid"));
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(*response.header("Location"), "/whep/stage/" + engine_.session);
  ASSERT_THAT(engine_.joins, SizeIs(1));
  EXPECT_EQ(engine_.joins[0].role, node::Role::kWatcher);
  EXPECT_EQ(engine_.joins[0].participant, "");
  EXPECT_EQ(engine_.joins[0].watched, "alice");
  EXPECT_EQ(engine_.joins[0].layer, relay::LayerChoice::kMid);
}

TEST_F(ApplicationTest, WatchesTheHighestLayerOfAnybodyWhenNothingIsSaid) {
  ask(make_offer("/whep/stage"));
  ASSERT_THAT(engine_.joins, SizeIs(1));
  EXPECT_EQ(engine_.joins[0].watched, "");
  EXPECT_EQ(engine_.joins[0].layer, relay::LayerChoice::kHighest);
}

TEST_F(ApplicationTest, KnowsTheLayersByName) {
  ask(make_offer("/whep/stage?layer=low"));
  ask(make_offer("/whep/stage?layer=high"));
  ASSERT_THAT(engine_.joins, SizeIs(2));
  EXPECT_EQ(engine_.joins[0].layer, relay::LayerChoice::kLow);
  EXPECT_EQ(engine_.joins[1].layer, relay::LayerChoice::kHigh);
}

TEST_F(ApplicationTest, RefusesBadFieldsBeforeTheEngineSeesThem) {
  for (const auto& [target, field] : std::vector<std::pair<std::string, std::string>>{
           {"/whep/stage?layer=best", "layer"},
           {"/whep/stage?participant=a%2Fb", "participant"},
           {"/whip/stage?participant=", "participant"},
           {"/whip/stage?participant=" + std::string(65, 'a'), "participant"},
           {"/whip/%3Cstage%3E", "room"},
           {"/whep/" + std::string(65, 'a'), "room"}}) {
    const auto response = ask(make_offer(target));
    expect_problem(response, 400, "invalid-field");
    EXPECT_THAT(response.body, HasSubstr("\"field\":\"" + field + "\"")) << target;
  }
  EXPECT_THAT(engine_.joins, IsEmpty());
}

TEST_F(ApplicationTest, TakesOffersOnlyAsSdp) {
  expect_problem(ask(make_offer("/whip/stage", "application/json")), 415, "unsupported-media");
  expect_problem(ask(make_offer("/whip/stage", "application/sdpx")), 415, "unsupported-media");
  auto without = make_offer("/whip/stage");
  without.headers.clear();
  expect_problem(ask(without), 415, "unsupported-media");
  EXPECT_EQ(ask(make_offer("/whip/stage", "Application/SDP ; charset=utf-8")).status, 201);
}

TEST_F(ApplicationTest, AsksAWatcherToRetryWhenNobodyPublishes) {
  const auto response = fail_with(Kind::kNoPublisher, "/whep/stage");
  expect_problem(response, 409, "conflict");
  EXPECT_EQ(*response.header("Retry-After"), "1");
  EXPECT_THAT(response.body, HasSubstr(R"("detail":"because")"));
}

TEST_F(ApplicationTest, TellsTheErrorsOfJoinsApart) {
  expect_problem(fail_with(Kind::kInvalidSdp), 400, "invalid-sdp");
  expect_problem(fail_with(Kind::kUnsupportedMedia), 406, "unsupported-media");
  const auto conflict = fail_with(Kind::kConflict);
  expect_problem(conflict, 409, "conflict");
  EXPECT_EQ(conflict.header("Retry-After"), nullptr);
  const auto full = fail_with(Kind::kFull);
  expect_problem(full, 503, "full");
  EXPECT_EQ(*full.header("Retry-After"), "5");
  const auto stopping = fail_with(Kind::kStopping);
  expect_problem(stopping, 503, "draining");
  EXPECT_NE(stopping.header("Retry-After"), nullptr);
}

TEST_F(ApplicationTest, AnswersAJoinWhenTheEngineDoes) {
  engine_.holds_joins = true;
  std::optional<Response> result;
  application_.handle(make_offer("/whip/stage"), [&](Response r) { result = std::move(r); });
  EXPECT_FALSE(result.has_value());
  engine_.held.at(0)(node::Join{.session = "c_1", .participant = "p", .answer = "v=0"});
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(*result->header("Location"), "/whip/stage/c_1");
}

TEST_F(ApplicationTest, SurvivesAJoinThatIsAnsweredAfterItsEnd) {
  engine_.holds_joins = true;
  int answers = 0;
  {
    Application short_lived(engine_,
                            {.access = {.any_origin = true, .allowed_origins = {}, .bound = {}},
                             .pages = {},
                             .now_unix_ms = [] { return int64_t{0}; }});
    short_lived.handle(make_offer("/whip/stage"), [&](const Response&) { ++answers; });
  }
  engine_.held.at(0)(node::Join{.session = "c_1", .participant = "p", .answer = "v=0"});
  EXPECT_EQ(answers, 0);
}

TEST_F(ApplicationTest, EndsASessionOnce) {
  const auto request = make_request(Method::kDelete, "/whep/stage/" + engine_.session);
  EXPECT_EQ(ask(request).status, 200);
  expect_problem(ask(request), 404, "not-found");
  EXPECT_THAT(engine_.left, ElementsAre("stage/" + engine_.session, "stage/" + engine_.session));
  expect_problem(ask(make_request(Method::kDelete, "/whip/stage/c_guess")), 404, "not-found");
}

TEST_F(ApplicationTest, RefusesOtherMethodsWithWhatIsAllowed) {
  const auto put = ask(make_request(Method::kPut, "/whip/stage/" + engine_.session));
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(*put.header("Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
  EXPECT_THAT(put.body, HasSubstr(R"("type":"about:blank","title":"Method Not Allowed")"));
  const auto patch = ask(make_request(Method::kPatch, "/whep/stage"));
  EXPECT_EQ(patch.status, 405);
  EXPECT_EQ(*patch.header("Allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(ApplicationTest, TellsInOptionsThatPostTakesSdp) {
  auto request = make_request(Method::kOptions, "/whip/stage");
  request.headers = {{"origin", "https://x.example"}, {"access-control-request-method", "POST"}};
  const auto response = ask(request);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.header("Accept-Post"), "application/sdp");
  EXPECT_EQ(*response.header("Access-Control-Allow-Methods"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(ApplicationTest, LetsPagesReadEveryAnswerErrorsToo) {
  auto request = make_offer("/whip/stage", "text/plain");
  request.headers.push_back({"origin", "https://x.example"});
  EXPECT_EQ(*ask(request).header("Access-Control-Allow-Origin"), "*");
}

TEST_F(ApplicationTest, RefusesWhoeverNamesAnotherHost) {
  auto request = make_offer("/whip/stage");
  request.host = "rebound.example:8080";
  expect_problem(ask(request), 403, "forbidden");
  EXPECT_THAT(engine_.joins, IsEmpty());
}

TEST_F(ApplicationTest, SaysWhetherItIsHealthyAndReady) {
  EXPECT_EQ(get("/healthz").status, 200);
  EXPECT_EQ(get("/readyz").body, R"({"status":"ok"})");
  engine_.is_healthy = false;
  EXPECT_EQ(get("/healthz").status, 503);
  EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(ApplicationTest, CountsAnswersByRouteAndStatus) {
  get("/v1/rooms/a");
  get("/v1/rooms/b");
  get("/nowhere/at/all");
  ask(make_offer("/whip/stage"));
  application_.count_refused(408);
  const auto response = get("/metrics");
  EXPECT_EQ(*response.header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  for (const auto* line : {R"(simpul_http_requests_total{route="/v1/rooms/{room}",code="404"} 2)",
                           R"(simpul_http_requests_total{route="other",code="404"} 1)",
                           R"(simpul_http_requests_total{route="/whip/{room}",code="201"} 1)",
                           R"(simpul_http_requests_total{route="none",code="408"} 1)"}) {
    EXPECT_THAT(response.body, HasSubstr(line));
  }
}

TEST_F(ApplicationTest, CountsRoomsAndParticipantsInItsMetrics) {
  engine_.add_room("a", {"x", "y"});
  engine_.add_room("b", {"z"});
  const auto body = get("/metrics").body;
  EXPECT_THAT(body, HasSubstr("\nsimpul_rooms 2\n"));
  EXPECT_THAT(body, HasSubstr("\nsimpul_participants 3\n"));
}

}  // namespace
}  // namespace simpul::control
