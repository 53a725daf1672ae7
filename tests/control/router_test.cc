#include "control/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/http_target.h"

namespace simpul::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    add(Method::kGet, "/");
    add(Method::kGet, "/rooms/{room}");
    add(Method::kDelete, "/rooms/{room}");
    add(Method::kPost, "/whip/{room}");
    add(Method::kDelete, "/whip/{room}/{session}");
    add(Method::kGet, "/rooms/special");
    router_.tell("/whip/{room}", {.header = {"Accept-Post", "application/sdp"}});
    router_.tell("/whip/{room}", {.header = {"Link", "<stun:a>"}, .in_preflight = false});
  }

  void add(Method method, const std::string& pattern) {
    router_.add(method, pattern, [this, pattern](const Call& call, const Respond& respond) {
      pattern_ = pattern;
      names_ = call.names;
      respond({.status = 200});
    });
  }
  Response ask(Method method, std::string_view target) {
    const auto request = make_request(method, target);
    Response result;
    int answers = 0;
    router_.handle(request, [&](Response response) {
      result = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return result;
  }
  static Request make_request(Method method, std::string_view target) {
    Request request;
    request.method = method;
    request.path = parse_target(target)->path;
    return request;
  }

  Router router_;
  std::string pattern_;
  std::vector<std::string> names_;
};

TEST_F(RouterTest, GivesTheNamesInThePathInTheirOrder) {
  EXPECT_EQ(ask(Method::kDelete, "/whip/stage/c_1").status, 200);
  EXPECT_THAT(names_, ElementsAre("stage", "c_1"));
}

TEST_F(RouterTest, TellsMethodsOfOneResourceApart) {
  ask(Method::kGet, "/rooms/a");
  EXPECT_EQ(pattern_, "/rooms/{room}");
  EXPECT_EQ(ask(Method::kPut, "/rooms/a").status, 405);
}

TEST_F(RouterTest, AnswersOtherMethodsWithThoseThatAreAllowed) {
  const auto response = ask(Method::kPatch, "/rooms/a");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(*response.header("Allow"), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(ask(Method::kOther, "/whip/a").status, 405);
}

TEST_F(RouterTest, PrefersThePatternWithoutPlaceholders) {
  ask(Method::kGet, "/rooms/special");
  EXPECT_EQ(pattern_, "/rooms/special");
}

TEST_F(RouterTest, KnowsNothingBesideItsPatterns) {
  for (const auto* target : {"/rooms", "/rooms/a/b", "/rooms/a/", "//", "/whip", "/ROOMS/a"}) {
    const auto response = ask(Method::kGet, target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_THAT(response.body, HasSubstr("/problems/not-found")) << target;
  }
}

TEST_F(RouterTest, RefusesANameThatIsNoId) {
  const auto response = ask(Method::kGet, "/rooms/a%20b");
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("/problems/invalid-field"));
  EXPECT_THAT(response.body, HasSubstr(R"("field":"room")"));
  EXPECT_EQ(ask(Method::kGet, "/rooms/" + std::string(65, 'a')).status, 400);
}

TEST_F(RouterTest, AnswersHeadAsGet) {
  EXPECT_EQ(ask(Method::kHead, "/rooms/a").status, 200);
  EXPECT_EQ(ask(Method::kHead, "/whip/a").status, 405);
}

TEST_F(RouterTest, AnswersOptionsWithWhatIsAllowedAndWhatPostTakes) {
  const auto response = ask(Method::kOptions, "/whip/stage");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.header("Allow"), "POST, OPTIONS");
  EXPECT_EQ(*response.header("Accept-Post"), "application/sdp");
  EXPECT_EQ(ask(Method::kOptions, "/rooms/a").header("Accept-Post"), nullptr);
  EXPECT_EQ(ask(Method::kOptions, "/nowhere").status, 404);
}

TEST_F(RouterTest, LabelsRequestsByTheirPatternAndNeverByWhatTheySay) {
  EXPECT_EQ(router_.label(make_request(Method::kGet, "/rooms/abc")), "/rooms/{room}");
  EXPECT_EQ(router_.label(make_request(Method::kGet, "/")), "/");
  EXPECT_EQ(router_.label(make_request(Method::kGet, "/rooms/%3cx%3e/y")), "other");
}

}  // namespace
}  // namespace simpul::control
