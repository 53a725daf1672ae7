#include <algorithm>

#include "ice/agent.h"

namespace {

using namespace simpul;

constexpr std::string_view kPassword = "abcdefghijklmnopqrstuvwx";

// Reads the input as a list of operations on one agent, three bytes each.
void run(Bytes input) {
  ice::Agent agent({.local = {"local", std::string(kPassword)}, .remote_username_fragment = "them"},
                   TimePoint{});
  TimePoint now{};
  std::string ours = "local";
  for (; input.size() >= 3; input = input.subspan(3)) {
    const ice::Path path = {.socket = input[1] & 3u,
                            .remote = Address::v4({10, 0, 0, input[1]}, input[2])};
    ice::Agent::Output out;
    size_t request_size = 0;
    switch (input[0] & 7) {
      case 0:
      case 1:
      case 2: {
        // Checks of before and after a restart.
        const std::string username = ((input[2] & 128) != 0 ? "local" : ours) + ":them";
        ice::BindingRequest request = {.username = username, .key = kPassword};
        request.use_candidate = (input[0] & 8) != 0;
        if (input[0] & 16) request.controlled = 1;
        if (input[0] & 32) request.unknown_attributes = {0x7000};
        if (input[0] & 64) request.controlling = 2;
        const auto bytes = ice::make_binding_request(request);
        request_size = bytes.size();
        agent.receive(bytes, path, now, out);
        break;
      }
      case 3:
        agent.receive(input, path, now, out);
        break;
      case 4:
        agent.on_authenticated_media(path, now, out);
        break;
      case 5:
        agent.forget(path);
        break;
      case 6:
        ours = "local" + std::to_string(input[2] & 3);
        agent.restart({ours, std::string(kPassword)}, "them");
        break;
      default:
        now += std::chrono::milliseconds(input[1] * 40);
        agent.advance(now, out);
        break;
    }
    if (agent.path_count() > 8 || out.datagrams.size() > 1) __builtin_trap();
    if (!out.datagrams.empty() && out.datagrams[0].bytes.size() > request_size) __builtin_trap();
    if (agent.selected() && !agent.is_validated(*agent.selected())) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  run({data, size});
  return 0;
}
