#include <algorithm>
#include <utility>

#include "dtls/certificate.h"
#include "dtls/context.h"
#include "dtls/endpoint.h"

namespace {

using namespace simpul;
using dtls::Endpoint;

struct Identity {
  dtls::Certificate certificate = dtls::Certificate::make(std::chrono::seconds(1'800'000'000));
  dtls::Context context{certificate};
};

const Identity& identity() {
  static const Identity made;
  return made;
}

void check(const Endpoint::Output& out) {
  for (const auto& datagram : out.datagrams) {
    if (datagram.empty() || datagram.size() > 1200) __builtin_trap();
  }
}

// Runs what `out` asks for; gives the datagrams.
std::vector<std::vector<uint8_t>> settle(Endpoint& endpoint, Endpoint::Output out, TimePoint now) {
  std::vector<std::vector<uint8_t>> sent;
  for (;;) {
    check(out);
    std::ranges::move(out.datagrams, std::back_inserter(sent));
    if (!out.step) return sent;
    auto step = std::move(out.step);
    step->run();
    out = {};
    endpoint.resume(std::move(step), now, out);
  }
}

void connect(Endpoint& server) {
  Endpoint client(
      identity().context,
      {.role = dtls::Role::kClient, .peer_fingerprints = {identity().certificate.fingerprint()}});
  Endpoint::Output out;
  client.start({}, out);
  auto to_server = settle(client, std::move(out), {});
  while (!to_server.empty()) {
    std::vector<std::vector<uint8_t>> to_client;
    for (const auto& datagram : std::exchange(to_server, {})) {
      out = {};
      server.receive(datagram, {}, out);
      std::ranges::move(settle(server, std::move(out), {}), std::back_inserter(to_client));
    }
    for (const auto& datagram : to_client) {
      out = {};
      client.receive(datagram, {}, out);
      std::ranges::move(settle(client, std::move(out), {}), std::back_inserter(to_server));
    }
  }
  if (!server.connected() || !client.connected()) __builtin_trap();
}

}  // namespace

// The first byte: whether the server is connected before. Then datagrams, each behind its length
// in two bytes; a length from 0x8000 on is time that passes instead. Forgeries never connect, and
// never end what is connected.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  if (input.empty()) return 0;
  Endpoint server(identity().context,
                  {.peer_fingerprints = {identity().certificate.fingerprint()}});
  const bool connected = (input[0] & 1) != 0;
  if (connected) connect(server);
  TimePoint now{};
  input = input.subspan(1);
  for (int rounds = 0; input.size() >= 2 && rounds < 64; ++rounds) {
    const uint16_t length = load_be16(input.first<2>());
    input = input.subspan(2);
    Endpoint::Output out;
    if (length >= 0x8000) {
      now += std::chrono::milliseconds(length & 0x7fff);
      server.advance(now, out);
    } else {
      const Bytes datagram = input.first(std::min<size_t>(length, input.size()));
      input = input.subspan(datagram.size());
      server.receive(datagram, now, out);
    }
    settle(server, std::move(out), now);
    if (server.connected() != connected) __builtin_trap();
  }
  return 0;
}
