#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/merge_patch.h"
#include "tests/control/api_test.h"

namespace simpul::control {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class SlotsApi : public testing::ApiTest {
 protected:
  Response patch(const std::string& target, const std::string& body,
                 const std::string& type = "application/json") {
    auto request = make_request(Method::kPatch, target);
    request.headers = {{"content-type", type}};
    request.body = body;
    return ask(request);
  }

  const std::string slot_ = "/v1/rooms/stage/participants/bob/slots/1";
  const std::string own_slot_ = "/whep/stage/c_0123456789abcdef0123456789abcdef/slots/1";
};

TEST_F(SlotsApi, TellsWhyASlotCarriesWhatItCarries) {
  engine_.why = {.mid = "1", .participant = "alice"};
  engine_.why.grant.cause = relay::GrantCause::kLargest;
  const auto response = ask(make_request(Method::kGet, slot_ + "/why"));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.header("Content-Type"), "application/json");
  EXPECT_THAT(response.body, HasSubstr(R"("cause":"largest")"));
  ASSERT_THAT(engine_.slots_asked, SizeIs(1));
  EXPECT_EQ(engine_.slots_asked[0].room, "stage");
  EXPECT_EQ(engine_.slots_asked[0].participant, "bob");
  EXPECT_EQ(engine_.slots_asked[0].mid, "1");
  EXPECT_THAT(engine_.viewing_changes, SizeIs(0));
}

TEST_F(SlotsApi, TellsAViewerByTheSession) {
  EXPECT_EQ(ask(make_request(Method::kGet, own_slot_ + "/why")).status, 200);
  EXPECT_EQ(engine_.slots_asked.at(0).session, "c_0123456789abcdef0123456789abcdef");
  EXPECT_EQ(engine_.slots_asked.at(0).participant, "");
}

TEST_F(SlotsApi, ChangesWhatIsWantedOfASlot) {
  for (const std::string& slot : {slot_, own_slot_}) {
    const auto response =
        patch(slot, R"({"width": 640, "height": 360, "priority": 9, "paused": true})");
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(
        engine_.viewing_changes.back(),
        (node::ViewingChange{
            .wanted_pixels = std::optional<uint32_t>(640 * 360), .priority = 9, .paused = true}));
  }
  EXPECT_EQ(patch(slot_, R"({"paused":false})", "application/merge-patch+json").status, 204);
  EXPECT_EQ(engine_.viewing_changes.back(), node::ViewingChange{.paused = false});
  EXPECT_EQ(patch(slot_, R"({"width":null,"height":null})").status, 204);
  EXPECT_EQ(engine_.viewing_changes.back(),
            node::ViewingChange{.wanted_pixels = std::optional<uint32_t>()});
  EXPECT_EQ(patch(slot_, R"({"participant":"bob"})").status, 204);
  EXPECT_EQ(engine_.viewing_changes.back(), node::ViewingChange{.participant = "bob"});
  EXPECT_EQ(patch(slot_, R"({"participant":null})").status, 204);
  EXPECT_EQ(engine_.viewing_changes.back(), node::ViewingChange{.participant = ""});
  EXPECT_EQ(patch(slot_, "{}").status, 204);
}

TEST_F(SlotsApi, RefusesWhatItCannotReadAndNamesTheField) {
  for (const auto* body : {"", "[]", "7", "{", "null", R"({"paused":true)"}) {
    expect_problem(patch(slot_, body), 400, "invalid-json");
  }
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"width":640})", "height"},
      {R"({"height":640})", "width"},
      {R"({"width":0,"height":1})", "width"},
      {R"({"width":1,"height":16385})", "height"},
      {R"({"width":1.5,"height":1})", "width"},
      {R"({"width":-1,"height":1})", "width"},
      {R"({"width":null,"height":1})", "width"},
      {R"({"width":1,"height":null})", "height"},
      {R"({"width":18446744073709551616,"height":1})", "width"},
      {R"({"priority":0})", "priority"},
      {R"({"priority":256})", "priority"},
      {R"({"priority":"1"})", "priority"},
      {R"({"paused":1})", "paused"},
      {R"({"participant":""})", "participant"},
      {R"({"participant":"a b"})", "participant"},
      {R"({"participant":7})", "participant"},
      {R"({"pause":true})", "pause"},
  };
  for (const auto& [body, field] : cases) {
    const auto response = patch(slot_, body);
    expect_problem(response, 400, "invalid-field");
    EXPECT_THAT(response.body, HasSubstr("\"field\":\"" + field + "\"")) << body;
  }
  EXPECT_THAT(engine_.slots_asked, SizeIs(0));
}

TEST_F(SlotsApi, ReadsNoDocumentThatIsTooLong) {
  const std::string most = R"({"paused":true)" + std::string(kMergePatchSizeMax - 15, ' ') + "}";
  ASSERT_EQ(most.size(), kMergePatchSizeMax);
  EXPECT_EQ(patch(slot_, most).status, 204);
  expect_problem(patch(slot_, most + " "), 413, "too-large");
}

TEST_F(SlotsApi, RefusesOtherTypesAndSaysWhichItTakes) {
  const auto response = patch(slot_, "{}", "text/plain");
  expect_problem(response, 415, "unsupported-media");
  EXPECT_EQ(*response.header("Accept-Patch"), "application/merge-patch+json");
  const auto options = ask(make_request(Method::kOptions, slot_));
  EXPECT_EQ(*options.header("Accept-Patch"), "application/merge-patch+json");
}

TEST_F(SlotsApi, SaysThatThereIsNoSuchSlotAndThatTooManyAsk) {
  engine_.slot_error = node::SlotError::kNoSlot;
  expect_problem(ask(make_request(Method::kGet, slot_ + "/why")), 404, "not-found");
  expect_problem(patch(own_slot_, "{}"), 404, "not-found");
  engine_.slot_error = node::SlotError::kFull;
  const auto response = patch(slot_, "{}");
  expect_problem(response, 503, "full");
  EXPECT_NE(response.header("Retry-After"), nullptr);
}

TEST_F(SlotsApi, SaysThatWhoIsToBeSeenDoesNotPublishAndToAskAgain) {
  engine_.slot_error = node::SlotError::kNoPublisher;
  const auto response = patch(slot_, R"({"participant":"bob"})");
  expect_problem(response, 409, "conflict");
  EXPECT_THAT(response.body, HasSubstr(R"("field":"participant")"));
  EXPECT_EQ(*response.header("Retry-After"), "1");
}

TEST_F(SlotsApi, TakesWhatIsWantedInTheQueryOfAJoinByTheSameRules) {
  const auto join = [&](const std::string& query) {
    auto request = make_request(Method::kPost, "/whep/stage" + query);
    request.headers = {{"content-type", "application/sdp"}};
    return ask(request);
  };
  EXPECT_EQ(join("?width=640&height=360").status, 201);
  EXPECT_EQ(engine_.joins.back().viewing.wanted_pixels, 640u * 360u);
  EXPECT_EQ(join("").status, 201);
  EXPECT_EQ(engine_.joins.back().viewing.wanted_pixels, std::nullopt);
  EXPECT_EQ(engine_.joins.back().viewing, relay::Viewing());
  EXPECT_EQ(join("?priority=255&paused=true").status, 201);
  EXPECT_EQ(engine_.joins.back().viewing, (relay::Viewing{.priority = 255, .is_paused = true}));
  EXPECT_EQ(join("?priority=1&paused=false&width=16384&height=1").status, 201);
  EXPECT_EQ(engine_.joins.back().viewing, relay::Viewing{.wanted_pixels = 16'384});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"?width=640", "height"},
      {"?height=360", "width"},
      {"?width=0&height=1", "width"},
      {"?width=x&height=1", "width"},
      {"?width=1&height=99999", "height"},
      {"?width=1&height=1x", "height"},
      {"?priority=0", "priority"},
      {"?priority=256", "priority"},
      {"?priority=", "priority"},
      {"?priority=-1", "priority"},
      {"?priority=1.5", "priority"},
      {"?priority=99999999999999999999", "priority"},
      {"?paused=1", "paused"},
      {"?paused=", "paused"},
      {"?paused=True", "paused"},
      {"?layer=largest", "layer"},
  };
  for (const auto& [query, field] : cases) {
    const auto response = join(query);
    expect_problem(response, 400, "invalid-field");
    EXPECT_THAT(response.body, HasSubstr("\"field\":\"" + field + "\"")) << query;
  }
}

}  // namespace
}  // namespace simpul::control
