#pragma once

#include <cstddef>
#include <optional>
#include <string>

// What this process may use of its machine, and does.
namespace simpul::load {

// Nothing when the process may have so many sockets.
std::optional<std::string> allow_sockets(size_t count);

// "model, 2 cores, Linux 6.1".
std::string machine_text();

// The options that this process's UDP sockets have, asked of the kernel: "1001 UDP sockets,
// SO_RCVBUF 8388608, SO_SNDBUF 8388608, UDP_GRO on 0 of them, UDP_SEGMENT on 0". Never UDP_GRO:
// over loopback it would have the relay's packets handed over as they were sent, several in one,
// and make the relay look better than it is.
std::string socket_text();

}  // namespace simpul::load
