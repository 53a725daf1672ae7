#pragma once

#include <string_view>

namespace simpul::net {

// Keeps the calling thread on one CPU. False when the machine has no such CPU or forbids it.
bool pin_this_thread(unsigned cpu);

// What the thread is called in `top -H` and in core dumps: the first 15 bytes are kept.
void name_this_thread(std::string_view name);

// Lowers the priority of the calling thread alone: so much is added to its nice value, at most up
// to 19. False when the machine forbids it (a seccomp filter).
bool lower_this_thread(int steps);

}  // namespace simpul::net
