#include "control/rooms_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/http_target.h"
#include "tests/support/fake_engine.h"

namespace simpul::control {
namespace {

using ::testing::HasSubstr;

class RoomsApiTest : public ::testing::Test {
 protected:
  RoomsApiTest() {
    add_rooms_routes(router_, engine_, [] { return int64_t{1'795'284'042'500}; });
    engine_.add_room("c", {"zoe", "adam", "mia"});
    engine_.add_room("a", {});
    engine_.add_room("b", {"ben"});
  }
  Response ask(Method method, std::string_view target) {
    const auto parsed = parse_target(target);
    Request request;
    request.method = method;
    request.path = parsed->path;
    request.query = parsed->query;
    Response result;
    router_.handle(request, [&](Response response) { result = std::move(response); });
    return result;
  }
  Response patch(std::string_view target, const std::string& body,
                 const std::string& type = "application/json") {
    Request request;
    request.method = Method::kPatch;
    request.path = parse_target(target)->path;
    request.headers = {{"content-type", type}};
    request.body = body;
    Response result;
    router_.handle(request, [&](Response response) { result = std::move(response); });
    return result;
  }
  std::string get(std::string_view target) { return ask(Method::kGet, target).body; }

  testing::FakeEngine engine_;
  Router router_;
};

TEST_F(RoomsApiTest, ListsRoomsInTheOrderOfTheirIds) {
  EXPECT_EQ(
      get("/v1/rooms"),
      R"({"rooms":[{"id":"a","created_at":"2026-11-21T18:00:00Z","participants":0,)"
      R"("publishers":0,"speakers":[]},{"id":"b","created_at":"2026-11-21T18:00:00Z","participants":1,)"
      R"("publishers":0,"speakers":[]},{"id":"c","created_at":"2026-11-21T18:00:00Z","participants":3,)"
      R"("publishers":0,"speakers":[]}],"next":null})");
}

TEST_F(RoomsApiTest, GivesAPageAndWhereTheNextBegins) {
  const auto first = get("/v1/rooms?limit=2");
  EXPECT_THAT(first, HasSubstr(R"("id":"b")"));
  EXPECT_THAT(first, HasSubstr(R"("next":"b")"));
  const auto second = get("/v1/rooms?limit=2&after=b");
  EXPECT_THAT(second, HasSubstr(R"({"rooms":[{"id":"c")"));
  EXPECT_THAT(second, HasSubstr(R"("next":null)"));
  EXPECT_EQ(get("/v1/rooms?after=c"), R"({"rooms":[],"next":null})");
  EXPECT_THAT(get("/v1/rooms?limit=3"), HasSubstr(R"("next":null)"));
}

TEST_F(RoomsApiTest, GivesNoMoreThanTheDefaultAtOnce) {
  for (size_t i = 0; i < kListDefault; ++i) engine_.add_room("r" + std::to_string(1000 + i), {});
  EXPECT_THAT(get("/v1/rooms"), HasSubstr(R"("next":"r1096")"));
  EXPECT_THAT(get("/v1/rooms?limit=1000"), HasSubstr(R"("next":null)"));
}

TEST_F(RoomsApiTest, RefusesABadPage) {
  for (const auto* query : {"limit=0", "limit=1001", "limit=-1", "limit=x", "limit=", "limit=1x",
                            "limit=99999999999999999999"}) {
    const auto response = ask(Method::kGet, std::string("/v1/rooms?") + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, HasSubstr(R"("field":"limit")")) << query;
  }
  EXPECT_THAT(get("/v1/rooms?after=%20"), HasSubstr(R"("field":"after")"));
  EXPECT_THAT(get("/v1/rooms/c/participants?limit=0"), HasSubstr(R"("field":"limit")"));
}

TEST_F(RoomsApiTest, ShowsOneRoom) {
  engine_.rooms["b"].participants[0].connections.emplace_back();
  EXPECT_EQ(
      get("/v1/rooms/b"),
      R"({"id":"b","created_at":"2026-11-21T18:00:00Z","participants":1,"publishers":1,"speakers":[]})");
  EXPECT_EQ(ask(Method::kGet, "/v1/rooms/none").status, 404);
}

TEST_F(RoomsApiTest, ClosesARoomOnce) {
  EXPECT_EQ(ask(Method::kDelete, "/v1/rooms/b").status, 204);
  EXPECT_EQ(ask(Method::kDelete, "/v1/rooms/b").status, 404);
}

TEST_F(RoomsApiTest, DoesNotCreateRoomsYet) {
  const auto response = ask(Method::kPut, "/v1/rooms/b");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(*response.header("Allow"), "GET, HEAD, DELETE, OPTIONS");
}

TEST_F(RoomsApiTest, ListsParticipantsInPages) {
  const auto body = get("/v1/rooms/c/participants?limit=2");
  EXPECT_THAT(body,
              HasSubstr(R"({"participants":[{"id":"adam","room":"c","name":"adam",)"
                        R"("joined_at":"2026-11-21T18:00:00Z","pinned":false,"connections":[]},)"
                        R"({"id":"mia")"));
  EXPECT_THAT(body, HasSubstr(R"("next":"mia")"));
  EXPECT_EQ(ask(Method::kGet, "/v1/rooms/none/participants").status, 404);
}

TEST_F(RoomsApiTest, ShowsAndEndsOneParticipant) {
  EXPECT_THAT(get("/v1/rooms/c/participants/zoe"), HasSubstr(R"({"id":"zoe","room":"c")"));
  EXPECT_EQ(ask(Method::kGet, "/v1/rooms/c/participants/ben").status, 404);
  EXPECT_EQ(ask(Method::kDelete, "/v1/rooms/c/participants/zoe").status, 204);
  EXPECT_EQ(ask(Method::kDelete, "/v1/rooms/c/participants/ben").status, 404);
}

TEST_F(RoomsApiTest, PinsASpeaker) {
  const std::string zoe = "/v1/rooms/c/participants/zoe";
  EXPECT_EQ(patch(zoe, R"({"pinned":true})").status, 204);
  EXPECT_THAT(get(zoe), HasSubstr(R"("pinned":true)"));
  EXPECT_EQ(patch(zoe, "{}").status, 204);
  EXPECT_THAT(get(zoe), HasSubstr(R"("pinned":true)"));
  EXPECT_EQ(patch(zoe, R"({"pinned":null})").status, 204);
  EXPECT_THAT(get(zoe), HasSubstr(R"("pinned":false)"));
}

TEST_F(RoomsApiTest, SaysWhyASpeakerIsNotPinned) {
  const std::string zoe = "/v1/rooms/c/participants/zoe";
  EXPECT_EQ(patch(zoe, "[]").status, 400);
  EXPECT_EQ(patch(zoe, R"({"pinned":true)" + std::string(1'024, ' ') + "}").status, 413);
  EXPECT_THAT(patch(zoe, R"({"pinned":1})").body, HasSubstr(R"("field":"pinned")"));
  EXPECT_THAT(patch(zoe, R"({"muted":true})").body, HasSubstr(R"("field":"muted")"));
  EXPECT_EQ(patch(zoe, "{}", "text/plain").status, 415);
  EXPECT_EQ(patch("/v1/rooms/c/participants/ben", "{}").status, 404);
  engine_.pin_error = node::PinError::kNoParticipant;
  EXPECT_EQ(patch(zoe, R"({"pinned":true})").status, 404);
  engine_.pin_error = node::PinError::kFull;
  const auto response = patch(zoe, R"({"pinned":true})");
  EXPECT_EQ(response.status, 409);
  EXPECT_THAT(response.body, HasSubstr(R"("type":"/problems/conflict")"));
  EXPECT_THAT(response.body, HasSubstr(R"("field":"pinned")"));
  EXPECT_EQ(*ask(Method::kOptions, zoe).header("Accept-Patch"), "application/merge-patch+json");
}

TEST_F(RoomsApiTest, ShowsTheNode) {
  engine_.node.started_at_unix_ms = 1'795'284'000'000;
  engine_.node.workers.emplace_back().packets_received = 5;
  const auto body = get("/v1/node");
  EXPECT_THAT(body, HasSubstr(R"("started_at":"2026-11-21T18:00:00Z","uptime_s":42,)"
                              R"("healthy":true,"draining":false,"workers":[{"worker":0,)"));
  EXPECT_THAT(body, HasSubstr(R"("packets_received":5)"));
}

}  // namespace
}  // namespace simpul::control
