// WHIP and WHEP by the letter, at the Location of a session and around it: RFC 9725 §4.
#include "control/session_api.h"

#include "tests/control/api_test.h"

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = node::IcePatchError::Kind;

constexpr const char* kFragment = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n";

class SessionApi : public simpul::testing::ApiTest {
 protected:
  SessionApi()
      : ApiTest({{.urls = {"stun:stun.example.net"}},
                 {.urls = {"turn:turn.example.net?transport=udp", "turns:turn.example.net"},
                  .username = "user",
                  .credential = "my \"Pass\\word\""}}) {}

  Request make_patch(std::optional<std::string> condition,
                     const std::string& type = "application/trickle-ice-sdpfrag") const {
    auto request = make_request(Method::kPatch, location_);
    request.headers = {{"content-type", type}};
    if (condition) request.headers.push_back({"if-match", *condition});
    request.body = kFragment;
    return request;
  }
  Response patch(std::optional<std::string> condition) {
    return ask(make_patch(std::move(condition)));
  }
  // To ICE servers.
  static std::vector<std::string> links_of(const Response& response) {
    std::vector<std::string> links;
    for (const Header& header : response.headers) {
      const bool is_ice_server = header.value.find("rel=\"ice-server\"") != std::string::npos;
      if (header.name == "Link" && is_ice_server) links.push_back(header.value);
    }
    return links;
  }

  std::string location_ = "/whip/stage/" + engine_.session;
};

TEST_F(SessionApi, AnswersTrickledCandidatesWithoutABodyAndWithoutAnEntityTag) {
  const auto response = patch("\"1ce\"");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.header("ETag"), nullptr);
  ASSERT_THAT(engine_.patches, SizeIs(1));
  EXPECT_EQ(engine_.patches[0].room, "stage");
  EXPECT_EQ(engine_.patches[0].session, engine_.session);
  EXPECT_EQ(engine_.patches[0].fragment, kFragment);
}

TEST_F(SessionApi, AnswersARestartWithItsFragmentAndTheNewEntityTag) {
  engine_.patched.restarted = {.ice_session = "n3w", .fragment = "a=ice-lite\r\n"};
  const auto response = patch("*");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.header("Content-Type"), "application/trickle-ice-sdpfrag");
  EXPECT_EQ(*response.header("ETag"), "\"n3w\"");
  EXPECT_EQ(response.body, "a=ice-lite\r\n");
}

TEST_F(SessionApi, AnswersARepeatedRestartAsItAnsweredTheFirst) {
  engine_.patched.restarted = {.ice_session = "n3w", .fragment = "a=ice-lite\r\n"};
  const auto first = patch("*");
  engine_.ice = "n3w";
  const auto again = patch("*");
  EXPECT_EQ(again.status, first.status);
  EXPECT_EQ(*again.header("ETag"), *first.header("ETag"));
  EXPECT_EQ(again.body, first.body);
  expect_problem(patch("\"1ce\""), 412, "precondition");
}

TEST_F(SessionApi, WantsAConditionThatNamesThePresentIceSession) {
  expect_problem(patch(std::nullopt), 428, "precondition");
  expect_problem(patch("\"0ld\""), 412, "precondition");
  expect_problem(patch("W/\"1ce\""), 412, "precondition");
  expect_problem(patch("1ce"), 400, "invalid-field");
  EXPECT_THAT(engine_.patches, IsEmpty());
  EXPECT_EQ(patch("\"0ld\", \"1ce\"").status, 204);
  EXPECT_EQ(patch("*").status, 204);
  EXPECT_EQ(patch("\"*\"").status, 204);
}

TEST_F(SessionApi, TakesFragmentsOnlyAsFragments) {
  for (const auto* type : {"application/sdp", "application/trickle-ice-sdpfragment", ""}) {
    const auto response = ask(make_patch("\"1ce\"", type));
    expect_problem(response, 415, "unsupported-media");
    EXPECT_EQ(*response.header("Accept-Patch"), "application/trickle-ice-sdpfrag");
  }
  auto without = make_patch("\"1ce\"");
  without.headers.erase(without.headers.begin());
  expect_problem(ask(without), 415, "unsupported-media");
  EXPECT_THAT(engine_.patches, IsEmpty());
  EXPECT_EQ(ask(make_patch("\"1ce\"", "Application/Trickle-ICE-SDPfrag;charset=utf-8")).status,
            204);
}

TEST_F(SessionApi, KnowsNoOtherSession) {
  location_ = "/whip/stage/c_guess";
  expect_problem(patch("*"), 404, "not-found");
  expect_problem(patch(std::nullopt), 404, "not-found");
  EXPECT_THAT(engine_.patches, IsEmpty());
}

TEST_F(SessionApi, TellsTheErrorsOfPatchesApart) {
  const auto fail = [&](Kind kind) {
    engine_.patch_error = node::IcePatchError{.kind = kind, .detail = "because"};
    return patch("*");
  };
  expect_problem(fail(Kind::kInvalid), 400, "invalid-sdp");
  expect_problem(fail(Kind::kTooLarge), 413, "too-large");
  expect_problem(fail(Kind::kNoSession), 404, "not-found");
  const auto often = fail(Kind::kTooOften);
  expect_problem(often, 429, "too-many");
  EXPECT_NE(often.header("Retry-After"), nullptr);
  const auto full = fail(Kind::kFull);
  expect_problem(full, 503, "full");
  EXPECT_NE(full.header("Retry-After"), nullptr);
  EXPECT_THAT(engine_.left, IsEmpty()) << "the session goes on";
}

TEST_F(SessionApi, EndsASessionWhateverTheConditionSays) {
  auto request = make_request(Method::kDelete, location_);
  request.headers = {{"if-match", "\"0ld\""}};
  EXPECT_EQ(ask(request).status, 200);
  expect_problem(patch("*"), 404, "not-found");
}

TEST_F(SessionApi, HasNothingToBeGotAndSaysSoWithoutAnError) {
  EXPECT_EQ(ask(make_request(Method::kGet, location_)).status, 204);
  EXPECT_EQ(ask(make_request(Method::kHead, location_)).status, 204);
  EXPECT_EQ(ask(make_request(Method::kGet, "/whep/stage")).status, 204);
  EXPECT_EQ(ask(make_request(Method::kGet, "/whip/stage/c_guess")).status, 404);
  EXPECT_EQ(ask(make_request(Method::kPut, "/whip/stage")).status, 405);
  EXPECT_EQ(ask(make_request(Method::kOther, location_)).status, 405);
}

TEST_F(SessionApi, TellsInOptionsWhatPatchTakes) {
  const auto response = ask(make_request(Method::kOptions, location_));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.header("Accept-Patch"), "application/trickle-ice-sdpfrag");
  EXPECT_EQ(*response.header("Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
}

TEST_F(SessionApi, LetsPagesOfOtherOriginsPatch) {
  auto request = make_request(Method::kOptions, location_);
  request.headers = {{"origin", "https://x.example"},
                     {"access-control-request-method", "PATCH"},
                     {"access-control-request-headers", "content-type,if-match"}};
  const auto response = ask(request);
  EXPECT_THAT(*response.header("Access-Control-Allow-Methods"), HasSubstr("PATCH"));
  EXPECT_THAT(*response.header("Access-Control-Allow-Headers"), HasSubstr("If-Match"));
  EXPECT_THAT(*response.header("Access-Control-Expose-Headers"), HasSubstr("ETag, Link"));
}

TEST_F(SessionApi, LinksEachIceServerInTheAnswerToAnOffer) {
  for (const auto* endpoint : {"/whip/stage", "/whep/stage"}) {
    auto offer = make_request(Method::kPost, endpoint);
    offer.headers = {{"content-type", "application/sdp"}};
    const auto response = ask(offer);
    EXPECT_EQ(response.status, 201);
    const std::string secret = R"(username="user"; credential="my \"Pass\\word\"")";
    EXPECT_THAT(links_of(response),
                ElementsAre(R"(<stun:stun.example.net>; rel="ice-server")",
                            R"(<turn:turn.example.net?transport=udp>; rel="ice-server"; )" +
                                secret + R"(; credential-type="password")",
                            R"(<turns:turn.example.net>; rel="ice-server"; )" + secret +
                                R"(; credential-type="password")"));
  }
}

TEST_F(SessionApi, LinksIceServersInOptionsButNotInPreflights) {
  auto request = make_request(Method::kOptions, "/whip/stage");
  EXPECT_THAT(links_of(ask(request)), SizeIs(3));
  request.headers = {{"origin", "https://x.example"}, {"access-control-request-method", "POST"}};
  EXPECT_THAT(links_of(ask(request)), IsEmpty());
}

}  // namespace
}  // namespace simpul::control
