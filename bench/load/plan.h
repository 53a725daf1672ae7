#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace simpul::load {

// How many people do what. A stage: in each room `publishers` are watched by `viewers`, who are
// shared out evenly among them. Tables: in each room `table` people publish, and each watches all
// the others; a table of two is a pair.
struct Shape {
  unsigned rooms = 1;
  unsigned publishers = 1;  // in each room
  unsigned viewers = 100;   // in each room
  unsigned table = 0;       // people at a table; 0: stages
};

// Who has to be there. Pure numbers and names; knows no relay.
struct Plan {
  struct Publisher {
    std::string room;
    std::string name;
  };
  struct Viewer {
    std::string room;
    size_t watched = 0;  // of the publishers
  };
  std::vector<Publisher> publishers;
  std::vector<Viewer> viewers;  // connections that watch

  size_t connections() const { return publishers.size() + viewers.size(); }
};

// A single room is called `name`, several `name-1`, `name-2` and so on.
Plan make_plan(const std::string& name, const Shape& shape);

}  // namespace simpul::load
