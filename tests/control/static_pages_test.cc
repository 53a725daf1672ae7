#include "control/static_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "control/http_target.h"

namespace simpul::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::array<EmbeddedFile, 3> kFiles{{
    {.path = "/index.html", .bytes = "<html>", .etag = "\"1\""},
    {.path = "/assets/main-Ab12.js", .bytes = "code", .etag = "\"2\""},
    {.path = "/favicon.svg", .bytes = "<svg>", .etag = "\"3\""},
}};

Response get(std::span<const EmbeddedFile> files, std::string_view target,
             std::vector<Header> headers = {}) {
  Router router;
  add_page_routes(router, files);
  Request request;
  request.path = parse_target(target)->path;
  request.headers = std::move(headers);
  Response result;
  router.handle(request, [&](Response response) { result = std::move(response); });
  return result;
}

TEST(StaticPages, ServeTheIndexAtTheRootWithStrictHeaders) {
  const auto response = get(kFiles, "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "<html>");
  EXPECT_EQ(*response.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(*response.header("Cache-Control"), "no-cache");
  EXPECT_EQ(*response.header("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(*response.header("Referrer-Policy"), "no-referrer");
  const auto policy = *response.header("Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'self'; connect-src 'self';"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST(StaticPages, LetFilesWithADigestBeKeptForever) {
  const auto response = get(kFiles, "/assets/main-Ab12.js");
  EXPECT_EQ(*response.header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(*response.header("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(*get(kFiles, "/favicon.svg").header("Content-Type"), "image/svg+xml");
}

TEST(StaticPages, SendNothingThatTheBrowserHas) {
  for (const auto* known : {"\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"}) {
    const auto response = get(kFiles, "/", {{"if-none-match", known}});
    EXPECT_EQ(response.status, 304) << known;
    EXPECT_THAT(response.body, IsEmpty()) << known;
    EXPECT_EQ(*response.header("ETag"), "\"1\"") << known;
  }
  EXPECT_EQ(get(kFiles, "/", {{"if-none-match", "\"2\""}}).status, 200);
}

TEST(StaticPages, ServeNothingThatIsNotInTheTable) {
  EXPECT_EQ(get(kFiles, "/assets/main.js").status, 404);
  EXPECT_EQ(get(kFiles, "/assets").status, 404);
  EXPECT_EQ(get(kFiles, "/etc/passwd").status, 404);
}

TEST(StaticPages, SayHowToBuildThePageWhenThereIsNone) {
  const auto response = get({}, "/");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("npm run build"));
  EXPECT_EQ(*response.header("Content-Type"), "text/html; charset=utf-8");
}

TEST(StaticPages, AreEmbeddedWithTheirIndexOrNotAtAll) {
  const auto files = embedded_files();
  if (files.empty()) return;  // built without the page
  EXPECT_EQ(get(files, "/").status, 200);
  for (const auto& file : files) {
    EXPECT_EQ(get(files, file.path).body, file.bytes) << file.path;
    EXPECT_TRUE(file.etag.starts_with('"') && file.etag.ends_with('"')) << file.etag;
  }
}

}  // namespace
}  // namespace simpul::control
