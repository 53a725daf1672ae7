#pragma once

#include <string_view>

namespace simpul::net {

// Keeps the calling thread on one CPU. False when the machine has no such CPU or forbids it.
bool pin_this_thread(unsigned cpu);

// What the thread is called in `top -H` and in core dumps: the first 15 bytes are kept.
void name_this_thread(std::string_view name);

}  // namespace simpul::net
