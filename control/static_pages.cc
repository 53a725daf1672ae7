#include "control/static_pages.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace simpul::control {
namespace {

constexpr std::string_view kIndexPath = "/index.html";
constexpr std::string_view kPlainPage =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simpul</title></head><body>\n"
    "<h1>Simpul</h1>\n"
    "<p>The relay is running, but this program was built without its page.</p>\n"
    "<p>In the source folder run <code>npm ci --prefix web</code> and "
    "<code>npm run build --prefix web</code>, then build simpuld again.</p>\n"
    "<p>The API answers all the same: <a href=\"/v1/rooms\">/v1/rooms</a>, "
    "<a href=\"/v1/node\">/v1/node</a>, <a href=\"/metrics\">/metrics</a>.</p>\n"
    "</body></html>\n";

// Only files of our own run, and nothing inline; no other site may frame the page.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'self'; connect-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
}};

std::string_view content_type(std::string_view path) {
  const auto found =
      std::ranges::find_if(kTypes, [&](const auto& type) { return path.ends_with(type.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

// The build puts a digest into the names of what it places there: such a file never changes.
std::string_view cache_control(std::string_view path) {
  return path.starts_with("/assets/") ? "public, max-age=31536000, immutable" : "no-cache";
}

bool has_current(const Request& request, std::string_view etag) {
  const auto* known = request.header("if-none-match");
  if (known == nullptr) return false;
  std::string_view rest = *known;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    auto tag = trim(rest.substr(0, end));
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);  // weak comparison (RFC 9110 §13.1.2)
    if (tag == etag) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

Response page_response(const Request& request, const EmbeddedFile& file) {
  Response response{.status = 200,
                    .headers = {{"ETag", std::string(file.etag)},
                                {"Cache-Control", std::string(cache_control(file.path))},
                                {"Content-Security-Policy", std::string(kContentSecurityPolicy)},
                                {"X-Content-Type-Options", "nosniff"},
                                {"Referrer-Policy", "no-referrer"},
                                {"Cross-Origin-Opener-Policy", "same-origin"}},
                    .body = {}};
  if (has_current(request, file.etag)) {
    response.status = 304;
    return response;
  }
  response.headers.push_back({"Content-Type", std::string(content_type(file.path))});
  response.body = file.bytes;
  return response;
}

void add_page(Router& router, std::string_view pattern, const EmbeddedFile& file) {
  router.add(Method::kGet, pattern, [file](const Call& call, const Respond& respond) {
    respond(page_response(call.request, file));
  });
}

}  // namespace

void add_page_routes(Router& router, std::span<const EmbeddedFile> files) {
  for (const auto& file : files) add_page(router, file.path, file);
  const auto index = std::ranges::find(files, kIndexPath, &EmbeddedFile::path);
  const EmbeddedFile plain{.path = kIndexPath, .bytes = kPlainPage, .etag = "\"plain\""};
  add_page(router, "/", index == files.end() ? plain : *index);
}

}  // namespace simpul::control
