#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace simpul::node {

// Workers that a tag can name.
inline constexpr uint32_t kTaggedWorkersMax = 4096;

// A connection's username fragment ends with two characters that say on which worker it lives, so
// that whoever accepts a TCP connection knows where its first check belongs without asking.
std::string tag_with_worker(std::string fragment, uint32_t worker);
// Nothing when the text ends with no tag. Anybody can write one: the worker knows whether it has
// such a connection.
std::optional<uint32_t> worker_of(std::string_view fragment);

}  // namespace simpul::node
