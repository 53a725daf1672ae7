#pragma once

#include <string>

#include "base/address.h"
#include "base/expected.h"

namespace simpul::peer {

struct HttpAnswer {
  int status = 0;
  std::string location;
  std::string body;
};

// One request over a connection of its own, blocking, at most ten seconds. The error says what
// did not work.
Expected<HttpAnswer, std::string> request(const Address& server, const std::string& method,
                                          const std::string& target, const std::string& type,
                                          const std::string& body);

}  // namespace simpul::peer
