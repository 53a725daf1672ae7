#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/address.h"
#include "base/expected.h"
#include "control/http_connection.h"
#include "control/weak_handle.h"
#include "net/event_loop.h"
#include "net/tcp_stream.h"

namespace simpul::control {

struct HttpServerLimits {
  size_t connections = 1000;
  size_t connections_per_address = 500;
  size_t refused_at_once = 64;  // connections over a limit that are being told so
  HttpLimits http{};
  HttpTimeouts timeouts{};
};

// The I/O around HttpConnection: takes connections, carries bytes and time between them and their
// sockets, and hands each request to the handler, which answers at once or later. Over a limit a
// connection gets 503 or 429 and is closed; when even these are too many it is only closed. Lives
// on the loop's thread.
class HttpServer {
 public:
  // May be called after the client, or the server, is gone; a second call does nothing, unless the
  // first began a stream: then it goes on with that.
  using Respond = std::function<void(Response)>;
  struct Handlers {
    std::function<void(Request, Respond)> on_request;
    // An answer that no handler gave: what came was no request, or too slow, or too much.
    std::function<void(uint16_t status)> on_refused;
  };

  static Expected<std::unique_ptr<HttpServer>, std::string> start(net::EventLoop& loop,
                                                                  const Address& address,
                                                                  const HttpServerLimits& limits,
                                                                  Handlers handlers);
  ~HttpServer();

  const Address& address() const { return listener_->local_address(); }
  // Those that are served.
  size_t connections() const { return sessions_.size() - refused_; }

 private:
  struct Session;

  HttpServer(net::EventLoop& loop, const HttpServerLimits& limits, Handlers handlers);
  void accept(net::TcpStream stream);
  void start_session(Session& session);
  std::optional<Problem> refusal(const Address& ip) const;
  using Event = std::function<void(HttpConnection&, TimePoint, HttpConnection::Output&)>;
  void on_event(uint64_t id, const Event& event);
  void respond(uint64_t id, uint64_t serial, Response response);
  void give(Session& session, uint64_t serial, Response response, HttpConnection::Output& out);
  // Does what the connection wants, until it wants nothing more now.
  void carry_out(Session& session, HttpConnection::Output out);
  // What the session's connection wants next, if its last wish can be followed up at once.
  std::optional<HttpConnection::Output> follow_up(Session& session, HttpConnection::Output& done);
  void remove(uint64_t id);

  net::EventLoop& loop_;
  HttpServerLimits limits_;
  Handlers handlers_;
  WeakHandle<HttpServer>::Source weak_{*this};
  std::unordered_map<uint64_t, std::unique_ptr<Session>> sessions_;
  // Whoever is only being refused takes no place of those who are served: else each refusal would
  // be the reason for the next.
  size_t refused_ = 0;
  std::unordered_map<Address, size_t> served_by_ip_;  // ports are 0 here
  uint64_t last_id_ = 0;
  std::optional<net::TcpListener> listener_;
};

}  // namespace simpul::control
