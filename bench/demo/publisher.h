#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "bench/demo/media.h"
#include "bench/peer/peer_socket.h"
#include "net/event_loop.h"

namespace simpul::demo {

struct PublisherOptions {
  Address server = Address::v4({127, 0, 0, 1}, 8080);
  std::string room = "demo";
  std::string participant = "demo";
};

// Publishes the test picture and its sound by WHIP (RFC 9725), and does so anew whenever the relay
// is not there yet, says no, or falls silent.
class Publisher {
 public:
  Publisher(net::EventLoop& loop, PublisherOptions options);
  ~Publisher();

  void start() { wake(); }
  // Ends the session at the relay.
  void stop();

 private:
  void wake();
  void join();
  void leave();
  void complain(const std::string& reason);
  bool silent(TimePoint now);

  net::EventLoop& loop_;
  PublisherOptions options_;
  peer::Identity identity_;
  net::Timer timer_;
  std::unique_ptr<peer::PeerSocket> socket_;
  std::optional<Media> media_;
  std::string location_;
  std::string complaint_;  // the last one, which is not repeated
  uint64_t datagrams_heard_ = 0;
  TimePoint heard_at_;
  bool ready_told_ = false;
};

}  // namespace simpul::demo
