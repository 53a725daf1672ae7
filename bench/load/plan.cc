#include "bench/load/plan.h"

namespace simpul::load {
namespace {

void add_stage(const std::string& room, const Shape& shape, Plan& plan) {
  const size_t first = plan.publishers.size();
  for (unsigned i = 0; i < shape.publishers; ++i) {
    plan.publishers.push_back({.room = room, .name = "speaker-" + std::to_string(i + 1)});
  }
  for (unsigned i = 0; i < shape.viewers; ++i) {
    plan.viewers.push_back({.room = room, .watched = first + i % shape.publishers});
  }
}

void add_table(const std::string& room, unsigned people, Plan& plan) {
  const size_t first = plan.publishers.size();
  for (unsigned i = 0; i < people; ++i) {
    plan.publishers.push_back({.room = room, .name = "guest-" + std::to_string(i + 1)});
  }
  for (unsigned watcher = 0; watcher < people; ++watcher) {
    for (unsigned watched = 0; watched < people; ++watched) {
      if (watched != watcher) plan.viewers.push_back({.room = room, .watched = first + watched});
    }
  }
}

}  // namespace

Plan make_plan(const std::string& name, const Shape& shape) {
  Plan plan;
  for (unsigned i = 0; i < shape.rooms; ++i) {
    const std::string room = shape.rooms == 1 ? name : name + "-" + std::to_string(i + 1);
    if (shape.table > 0) {
      add_table(room, shape.table, plan);
    } else {
      add_stage(room, shape, plan);
    }
  }
  return plan;
}

}  // namespace simpul::load
