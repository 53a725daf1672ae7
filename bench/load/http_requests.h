#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "bench/peer/http_client.h"
#include "net/event_loop.h"
#include "net/tcp_descriptor.h"

namespace simpul::load {

struct HttpRequest {
  std::string method;
  std::string target;
  std::string type = {};  // of the body
  std::string body = {};
};

// The bytes of a request over a connection of its own.
std::string to_text(const HttpRequest& request, const Address& server);
// A whole answer, up to the end of its connection.
Expected<peer::HttpAnswer, std::string> parse_answer(std::string_view text);

// Many requests at once on an event loop, each over a connection of its own, none of which makes
// media wait. Beyond kInFlightMax they wait in line, in the order in which they came.
class HttpRequests {
 public:
  using Answer = Expected<peer::HttpAnswer, std::string>;
  using Handler = std::function<void(const Answer&)>;
  // A server may take the next before it has seen that the last ones ended, and allows one address
  // 500: twice as many are below that, and below the backlog of most.
  static constexpr size_t kInFlightMax = 200;
  static constexpr Duration kPatience = std::chrono::seconds(20);
  static constexpr size_t kAnswerMax = 256 * 1024;

  HttpRequests(net::EventLoop& loop, const Address& server);
  ~HttpRequests();
  HttpRequests(const HttpRequests&) = delete;
  HttpRequests& operator=(const HttpRequests&) = delete;

  // `handler` is called once, in a later turn of the loop.
  void send(HttpRequest request, Handler handler);
  size_t pending() const { return in_flight_.size() + waiting_.size(); }

 private:
  struct Exchange;
  struct Waiting {
    HttpRequest request;
    Handler handler;
  };

  void begin(Waiting waiting);
  void advance(Exchange& exchange, net::FdWatcher::Ready ready);
  void finish(Exchange& exchange, const Answer& answer);
  void clean_up();

  net::EventLoop& loop_;
  Address server_;
  net::TcpBudget budget_{kInFlightMax};
  std::deque<Waiting> waiting_;
  std::vector<std::unique_ptr<Exchange>> in_flight_;
  net::Timer timer_;
};

}  // namespace simpul::load
