#pragma once

#include <memory>

#include "control/engine.h"

namespace simpul::control {

// The engine that is this process's node, which must outlive it.
std::unique_ptr<Engine> make_node_engine(node::Node& node);

}  // namespace simpul::control
