#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/time.h"
#include "ice/tcp_greeting.h"
#include "net/event_loop.h"
#include "net/tcp_acceptor.h"
#include "net/tcp_descriptor.h"

namespace simpul::node {

// An accepted TCP connection on its way to the worker that its first frame names.
struct TcpArrival {
  net::TcpDescriptor descriptor;
  TimePoint accepted;
  std::string username_fragment;
  std::vector<uint8_t> frame;
};

// The one TCP port of a node (RFC 6544 passive candidates). Accepts, reads the first frame of each
// connection and nothing more, and hands the descriptor to the worker that the frame names. Who
// says anything else, or nothing for too long, is closed. Who waits longest makes room for who
// comes, so that silent connections keep nobody out.
class TcpDoor {
 public:
  // Connections whose first frame has not come whole: in all, and from one host (of IPv6, one /64).
  static constexpr size_t kWaitingMax = 512;
  static constexpr size_t kWaitingPerHostMax = 32;
  // From the accepting to the end of the first frame.
  static constexpr Duration kGreetingMax = std::chrono::seconds(10);

  // Gives the connection away; false when there is no such worker.
  using HandOver = std::function<bool(TcpArrival arrival)>;

  // Listens on each address, all with one port; port 0 takes a free one. The budget outlives it.
  static Expected<std::unique_ptr<TcpDoor>, std::string> open(net::EventLoop& loop,
                                                              const std::vector<Address>& addresses,
                                                              uint16_t port, net::TcpBudget& budget,
                                                              HandOver hand_over);
  ~TcpDoor();
  TcpDoor(const TcpDoor&) = delete;
  TcpDoor& operator=(const TcpDoor&) = delete;

  uint16_t port() const { return acceptors_.front()->local_address().port; }
  size_t waiting() const { return waiting_.size(); }
  // How many were closed here, by the reason.
  const std::map<std::string, uint64_t>& refused() const { return refused_; }

 private:
  struct Waiting {
    net::TcpDescriptor descriptor;
    TimePoint accepted;
    ice::TcpGreeting greeting;
    std::unique_ptr<net::FdWatcher> watcher;  // goes before the descriptor
  };
  using Place = std::list<Waiting>::iterator;

  TcpDoor(net::EventLoop& loop, net::TcpBudget& budget, HandOver hand_over);
  Expected<void, std::string> listen(const std::vector<Address>& addresses, uint16_t port);
  void accept(net::TcpDescriptor descriptor);
  void make_room_for(const Address& remote);
  void read(Place place);
  void refuse(Place place, const char* reason);
  void leave(Place place);
  void expire();

  net::EventLoop& loop_;
  net::TcpBudget& budget_;
  HandOver hand_over_;
  std::vector<std::unique_ptr<net::TcpAcceptor>> acceptors_;
  std::list<Waiting> waiting_;  // who came first is in front
  net::Timer timer_;
  std::map<std::string, uint64_t> refused_ = {
      {"ended", 0}, {"full", 0}, {"greeting", 0}, {"silent", 0}, {"worker", 0}};
};

}  // namespace simpul::node
