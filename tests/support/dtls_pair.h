#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "dtls/certificate.h"
#include "dtls/context.h"
#include "dtls/endpoint.h"
#include "dtls/record.h"

namespace simpul::testing {

inline constexpr std::chrono::seconds kCertificateTime{1'800'000'000};

// A certificate and its context: one side of a DTLS association.
struct DtlsIdentity {
  explicit DtlsIdentity(std::span<const dtls::SrtpProfile> profiles = dtls::Context::kSrtpProfiles)
      : context(certificate, profiles) {}

  dtls::Certificate certificate = dtls::Certificate::make(kCertificateTime);
  dtls::Context context;
};

using Datagrams = std::vector<std::vector<uint8_t>>;

// The records of a flight, one by one.
inline Datagrams records_of(const Datagrams& datagrams) {
  Datagrams records;
  for (const auto& datagram : datagrams) {
    dtls::RecordReader reader(datagram);
    while (const auto record = reader.next()) {
      records.emplace_back(record->whole.begin(), record->whole.end());
    }
  }
  return records;
}

// Made once: making keys is slow under sanitizers.
inline const DtlsIdentity& server_identity() {
  static const DtlsIdentity identity;
  return identity;
}
inline const DtlsIdentity& client_identity() {
  static const DtlsIdentity identity;
  return identity;
}

// An endpoint and what it said.
struct DtlsSide {
  DtlsSide(const DtlsIdentity& identity, dtls::EndpointConfig config)
      : endpoint(identity.context, std::move(config)) {}

  template <class Event>
  int count() const {
    return static_cast<int>(std::ranges::count_if(
        events, [](const auto& event) { return std::holds_alternative<Event>(event); }));
  }
  template <class Event>
  const Event* last() const {
    const Event* found = nullptr;
    for (const auto& event : events) {
      if (const auto* match = std::get_if<Event>(&event)) found = match;
    }
    return found;
  }

  dtls::Endpoint endpoint;
  std::vector<dtls::EndpointEvent> events;
};

// A client and a server endpoint and 10 ms of network between them, at virtual time. What happens
// to each datagram is up to `fate`.
class DtlsPair {
 public:
  struct Sent {
    bool to_server = false;
    size_t index = 0;  // counts all datagrams of both directions
    Bytes bytes;
  };
  // When the copies of a datagram arrive, after it left; none: lost.
  using Fate = std::function<std::vector<Duration>(const Sent&)>;

  static constexpr Duration kDelay = std::chrono::milliseconds(10);

  using Fingerprints = std::vector<dtls::Fingerprint>;

  DtlsPair()
      : DtlsPair({server_identity().certificate.fingerprint()},
                 {client_identity().certificate.fingerprint()}) {}
  DtlsPair(Fingerprints expected_by_client, Fingerprints expected_by_server,
           const DtlsIdentity& client_is = client_identity())
      : client(client_is,
               {.role = dtls::Role::kClient, .peer_fingerprints = std::move(expected_by_client)}),
        server(server_identity(),
               {.role = dtls::Role::kServer, .peer_fingerprints = std::move(expected_by_server)}) {}

  void start() {
    act(server, [&](auto& out) { server.endpoint.start(now, out); });
    act(client, [&](auto& out) { client.endpoint.start(now, out); });
  }
  // Until nothing is left to do or `duration` is over.
  void run(Duration duration) {
    const TimePoint end = now + duration;
    for (;;) {
      const auto next = std::ranges::min_element(flying_, {}, &Flying::at);
      const TimePoint arrival = next == flying_.end() ? kNever : next->at;
      const TimePoint deadline =
          std::min(client.endpoint.next_deadline(), server.endpoint.next_deadline());
      if (std::min(arrival, deadline) > end) break;
      now = std::max(now, std::min(arrival, deadline));
      if (arrival <= deadline) {
        const Flying datagram = std::move(*next);
        flying_.erase(next);
        deliver(datagram.to_server, datagram.bytes);
      } else {
        act(client, [&](auto& out) { client.endpoint.advance(now, out); });
        act(server, [&](auto& out) { server.endpoint.advance(now, out); });
      }
    }
    now = end;
  }
  void deliver(bool to_server, Bytes bytes) {
    DtlsSide& side = to_server ? server : client;
    act(side, [&](auto& out) { side.endpoint.receive(bytes, now, out); });
  }
  // Runs `action` with an output and then does what the output says, steps included.
  template <class Action>
  void act(DtlsSide& side, Action action) {
    dtls::Endpoint::Output out;
    action(out);
    take(side, out);
    while (out.step) {
      auto step = std::move(out.step);
      step->run();
      out = {};
      side.endpoint.resume(std::move(step), now, out);
      take(side, out);
    }
  }
  bool connected() const { return client.endpoint.connected() && server.endpoint.connected(); }

  TimePoint now{};
  Fate fate = [](const Sent&) { return std::vector<Duration>{kDelay}; };
  DtlsSide client;
  DtlsSide server;
  bool splits_flights = false;  // into a datagram for each record
  size_t datagrams = 0;
  size_t largest = 0;
  std::vector<std::pair<bool, std::vector<uint8_t>>> log;  // to the server?, bytes

 private:
  struct Flying {
    TimePoint at;
    bool to_server = false;
    std::vector<uint8_t> bytes;
  };

  void take(DtlsSide& side, dtls::Endpoint::Output& out) {
    const bool to_server = &side == &client;
    if (splits_flights) out.datagrams = records_of(out.datagrams);
    for (auto& bytes : out.datagrams) {
      largest = std::max(largest, bytes.size());
      for (const Duration delay : fate({to_server, datagrams, bytes})) {
        flying_.push_back({now + delay, to_server, bytes});
      }
      ++datagrams;
      log.emplace_back(to_server, std::move(bytes));
    }
    out.datagrams.clear();
    std::ranges::copy(out.events, std::back_inserter(side.events));
    out.events.clear();
  }

  std::vector<Flying> flying_;
};

}  // namespace simpul::testing
