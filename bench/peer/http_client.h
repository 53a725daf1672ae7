#pragma once

#include <string>

#include "base/address.h"
#include "base/expected.h"

namespace simpul::peer {

struct HttpAnswer {
  int status = 0;
  std::string location;
  std::string body;
  std::string head;  // its first line and all headers

  // The first header of this name, or empty.
  std::string header(const std::string& name) const;
};

// One request over a connection of its own, blocking, at most ten seconds. The error says what
// did not work. `more` are whole header lines, each with its end.
Expected<HttpAnswer, std::string> request(const Address& server, const std::string& method,
                                          const std::string& target, const std::string& type,
                                          const std::string& body, const std::string& more = {});

}  // namespace simpul::peer
