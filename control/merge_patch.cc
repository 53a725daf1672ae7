#include "control/merge_patch.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "control/session_api.h"

namespace simpul::control {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::string_view kMergePatchType = "application/merge-patch+json";

}  // namespace

Header accept_patch() { return {"Accept-Patch", std::string(kMergePatchType)}; }

std::optional<Response> refuse_type(const Request& request) {
  if (has_media_type(request, kJsonType) || has_media_type(request, kMergePatchType)) {
    return std::nullopt;
  }
  auto response = problem_response({.type = ProblemType::kUnsupportedMedia,
                                    .status = 415,
                                    .detail = "The body must be of type application/json."});
  response.headers.push_back(accept_patch());
  return response;
}

Expected<nlohmann::json, Problem> read_merge_patch(std::string_view body) {
  if (body.size() > kMergePatchSizeMax) {
    return unexpected(Problem{
        .type = ProblemType::kTooLarge, .status = 413, .detail = "The document is too long."});
  }
  nlohmann::json document = nlohmann::json::parse(body, nullptr, false);
  if (!document.is_object()) {
    return unexpected(Problem{.type = ProblemType::kInvalidJson,
                              .status = 400,
                              .detail = "The body must be a JSON object."});
  }
  return document;
}

Problem unknown_field(std::string_view name) {
  return invalid_field(name.substr(0, 64), "There is no such field.");
}

}  // namespace simpul::control
