#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/http_message.h"

namespace simpul::control {

// The kinds of errors that clients may tell apart. kPlain says no more than its status
// ("about:blank", RFC 9457 §4.2.1).
enum class ProblemType : uint8_t {
  kPlain,
  kInvalidField,
  kInvalidJson,
  kInvalidSdp,
  kUnsupportedMedia,
  kForbidden,
  kNotFound,
  kConflict,
  kPrecondition,
  kTooLarge,
  kTooMany,
  kLengthRequired,
  kDraining,
  kFull,
  kInternal,
};

struct Problem {
  ProblemType type = ProblemType::kPlain;
  uint16_t status = 400;
  std::string detail{};
  std::string field{};  // empty: no field is to blame
};

// "/problems/invalid-field".
std::string_view type_uri(ProblemType type);
std::string_view title_of(ProblemType type);

// The problem document (RFC 9457). `detail` may hold any bytes of a request.
std::string problem_document(const Problem& problem);
Response problem_response(const Problem& problem);

Problem invalid_field(std::string_view field, std::string_view detail);
Problem not_found(std::string_view detail);

}  // namespace simpul::control
