#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/http_message.h"

namespace simpul::control {

// The value of If-Match (RFC 9110 §13.1.1): "*", or a list of entity-tags.
class IfMatch {
 public:
  // Nothing when it is neither.
  static std::optional<IfMatch> parse(std::string_view text);

  // Whether it asks for this strong entity-tag, written without its quotes. Weak ones never match
  // (§8.8.3.2).
  bool matches(std::string_view tag) const;
  bool is_any() const { return any_; }

 private:
  bool take_tag(std::string_view& rest);

  bool any_ = false;
  std::vector<std::string> tags_;  // the strong ones
};

// All of a request's If-Match fields as one (§5.3); nothing when there is none.
std::optional<std::string> if_match_of(const Request& request);

// "xyzzy" in its quotes.
std::string entity_tag(std::string_view name);

}  // namespace simpul::control
