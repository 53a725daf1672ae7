#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/packet.h"
#include "bench/impairment/path.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"
#include "tests/impairment/wait_histogram.h"

namespace simpul::impairment {

struct RelayOptions {
  Address listen = Address::v4({127, 0, 0, 1}, 0);
  Address to{};
  PathOptions up{};    // from the clients
  PathOptions down{};  // to the clients
  uint64_t seed = 1;
};

struct RelayCounts {
  PathCounts up{};
  PathCounts down{};
  uint64_t clients = 0;
  uint64_t refused = 0;      // datagrams of clients beyond kClientsMax
  uint64_t unsent = 0;       // that the kernel did not take
  WaitHistogram up_waits{};  // since counts_afresh() was called last
  WaitHistogram down_waits{};
};

// A bad network between any number of clients and one server: the clients send to it instead of to
// the server. Each client has its own two paths and its own socket towards the server, which so
// sees a different address for each. Datagrams leave on whole milliseconds, as the loop's timers.
class Relay {
 public:
  static constexpr size_t kClientsMax = 256;

  static Expected<std::unique_ptr<Relay>, std::string> start(net::EventLoop& loop,
                                                             const RelayOptions& options);

  // Shows each client to the server at another address from now on, as a NAT that has lost its
  // table. What is on its way to the old ones is lost.
  void rebind();

  // Paths of these options from now on, for the clients that there are and those to come. Where
  // they lead, and the seed, stay.
  void change(const RelayOptions& options);

  const RelayOptions& options() const { return options_; }
  const Address& local_address() const { return socket_->local_address(); }
  RelayCounts counts() const;
  // The same, and from now on the waits are counted anew.
  RelayCounts counts_afresh();

 private:
  struct Client {
    Address address;
    std::unique_ptr<net::UdpSocket> upstream;
    Path up;
    Path down;
  };

  Relay(net::EventLoop& loop, const RelayOptions& options, std::unique_ptr<net::UdpSocket> socket);
  void on_clients_readable();
  void on_server_readable(Client& client);
  Client* client_of(const Address& address);
  bool open_upstream(Client& client);
  void advance();
  void send(net::UdpSocket& from, const Path::Output& datagrams, const Address& to);

  net::EventLoop& loop_;
  RelayOptions options_;
  PacketPool pool_;
  std::vector<net::ReceivedDatagram> received_;
  Path::Output leaving_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::map<Address, std::unique_ptr<Client>> clients_;
  uint64_t refused_ = 0;
  uint64_t unsent_ = 0;
  WaitHistogram up_waits_;
  WaitHistogram down_waits_;
  net::Timer timer_;
};

}  // namespace simpul::impairment
