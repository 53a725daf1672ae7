#include "control/problem.h"

namespace simpul::control {
namespace {

struct Kind {
  std::string_view uri;
  std::string_view title;
};

Kind kind_of(ProblemType type) {
  switch (type) {
    case ProblemType::kPlain:
      return {"about:blank", ""};
    case ProblemType::kInvalidField:
      return {"/problems/invalid-field", "A field has a value that is not allowed"};
    case ProblemType::kInvalidJson:
      return {"/problems/invalid-json", "The body is no JSON document of the kind"};
    case ProblemType::kInvalidSdp:
      return {"/problems/invalid-sdp", "The offer cannot be read"};
    case ProblemType::kUnsupportedMedia:
      return {"/problems/unsupported-media", "The media is of a type that is not taken"};
    case ProblemType::kForbidden:
      return {"/problems/forbidden", "This is not allowed"};
    case ProblemType::kNotFound:
      return {"/problems/not-found", "There is no such thing"};
    case ProblemType::kConflict:
      return {"/problems/conflict", "The present state does not allow it"};
    case ProblemType::kPrecondition:
      return {"/problems/precondition", "The request is for another state than the present one"};
    case ProblemType::kTooLarge:
      return {"/problems/too-large", "The request is too large"};
    case ProblemType::kTooMany:
      return {"/problems/too-many", "There are too many requests"};
    case ProblemType::kLengthRequired:
      return {"/problems/length-required", "The length of the body must be told"};
    case ProblemType::kDraining:
      return {"/problems/draining", "The node takes nobody any more"};
    case ProblemType::kFull:
      return {"/problems/full", "A limit of the node is reached"};
    case ProblemType::kInternal:
      return {"/problems/internal", "The node failed"};
  }
  return {"about:blank", ""};
}

}  // namespace

std::string_view type_uri(ProblemType type) { return kind_of(type).uri; }

std::string_view title_of(ProblemType type) { return kind_of(type).title; }

Response problem_response(const Problem& problem) {
  Response response{.status = problem.status,
                    .headers = {{"Content-Type", "application/problem+json"},
                                {"Cache-Control", "no-store"},
                                {"X-Content-Type-Options", "nosniff"}},
                    .body = problem_document(problem)};
  if (problem.status == 503 || problem.status == 429) {
    response.headers.push_back({"Retry-After", "5"});
  }
  return response;
}

Problem invalid_field(std::string_view field, std::string_view detail) {
  return {.type = ProblemType::kInvalidField,
          .status = 400,
          .detail = std::string(detail),
          .field = std::string(field)};
}

Problem not_found(std::string_view detail) {
  return {.type = ProblemType::kNotFound, .status = 404, .detail = std::string(detail)};
}

}  // namespace simpul::control
