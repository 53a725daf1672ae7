#pragma once

#include <string>
#include <vector>

#include "base/deadlines.h"

namespace simpul::relay {

struct Publisher;
struct Subscriber;

// Who is in a room, as they came. It is there as long as anybody is.
struct Room {
  std::string name;
  std::vector<Publisher*> publishers;
  std::vector<Subscriber*> subscribers;
  DeadlinePlace look;  // Schedule's
};

}  // namespace simpul::relay
