#include "control/router.h"

#include <algorithm>
#include <optional>

#include "control/http_target.h"

namespace simpul::control {
namespace {

bool is_placeholder(std::string_view segment) { return segment.starts_with('{'); }

std::vector<std::string> split_pattern(std::string_view pattern) {
  std::vector<std::string> segments;
  auto rest = pattern.substr(1);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('/'), rest.size());
    segments.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return segments;
}

bool matches(const std::vector<std::string>& segments, const std::vector<std::string>& path) {
  return std::ranges::equal(segments, path, [](const auto& segment, const auto& part) {
    return is_placeholder(segment) || segment == part;
  });
}

bool has_placeholder(const std::vector<std::string>& segments) {
  return std::ranges::any_of(segments, is_placeholder);
}

// The names in the path, or the problem with one of them.
Expected<std::vector<std::string>, Problem> names_of(const std::vector<std::string>& segments,
                                                     const std::vector<std::string>& path) {
  std::vector<std::string> names;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (!is_placeholder(segments[i])) continue;
    if (!is_valid_id(path[i])) {
      const auto field = std::string_view(segments[i]).substr(1, segments[i].size() - 2);
      return unexpected(invalid_field(field, "Must be 1 to 64 of A-Z a-z 0-9 _ . -"));
    }
    names.push_back(path[i]);
  }
  return names;
}

}  // namespace

void Router::add(Method method, std::string_view pattern, Handler handler) {
  resource(pattern).handlers.emplace_back(method, std::move(handler));
}

void Router::tell(std::string_view pattern, Told told) {
  resource(pattern).told.push_back(std::move(told));
}

Router::Resource& Router::resource(std::string_view pattern) {
  const auto found = std::ranges::find(resources_, pattern, &Resource::pattern);
  if (found != resources_.end()) return *found;
  resources_.push_back({.pattern = std::string(pattern),
                        .segments = split_pattern(pattern),
                        .handlers = {},
                        .told = {}});
  return resources_.back();
}

const Router::Resource* Router::find(const Request& request) const {
  const Resource* best = nullptr;
  for (const auto& candidate : resources_) {
    if (!matches(candidate.segments, request.path)) continue;
    if (!has_placeholder(candidate.segments)) return &candidate;  // the exact one goes first
    if (best == nullptr) best = &candidate;
  }
  return best;
}

std::string_view Router::label(const Request& request) const {
  const auto* found = find(request);
  return found == nullptr ? std::string_view("other") : found->pattern;
}

std::string Router::allowed(const Request& request) const {
  const auto* found = find(request);
  if (found == nullptr) return {};
  std::string allowed;
  for (const auto& [method, handler] : found->handlers) {
    allowed += to_string(method);
    allowed += method == Method::kGet ? ", HEAD, " : ", ";
  }
  return allowed + "OPTIONS";
}

void Router::handle(const Request& request, const Respond& respond) const {
  const auto* found = find(request);
  if (found == nullptr) return respond(problem_response(not_found("There is nothing here.")));
  if (request.method == Method::kOptions) {
    const bool preflight = request.header("access-control-request-method") != nullptr;
    Response response{.status = 200, .headers = {{"Allow", allowed(request)}}};
    for (const Told& told : found->told) {
      if (told.in_preflight || !preflight) response.headers.push_back(told.header);
    }
    return respond(std::move(response));
  }
  const auto wanted = request.method == Method::kHead ? Method::kGet : request.method;
  const auto handler =
      std::ranges::find(found->handlers, wanted, &std::pair<Method, Handler>::first);
  if (handler == found->handlers.end()) {
    auto response = problem_response(
        {.type = ProblemType::kPlain, .status = 405, .detail = "That method does nothing here."});
    response.headers.push_back({"Allow", allowed(request)});
    return respond(std::move(response));
  }
  auto names = names_of(found->segments, request.path);
  if (!names) return respond(problem_response(names.error()));
  handler->second({.request = request, .names = *std::move(names)}, respond);
}

}  // namespace simpul::control
