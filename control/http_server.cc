#include "control/http_server.h"

#include <utility>

#include "control/problem.h"

namespace simpul::control {
namespace {

Address without_port(Address address) {
  address.port = 0;
  return address;
}

}  // namespace

struct HttpServer::Session {
  uint64_t id;
  Address ip;
  net::TcpStream stream;
  HttpConnection connection;
  net::Timer timer;
  bool refused = false;             // over a limit: is only told so
  bool busy = false;                // carry_out() is running
  bool drained = false;             // while busy: everything written has left
  std::optional<Response> early{};  // while busy: the handler answered before it returned
  std::function<void()> gone{};     // of the stream that it sends
};

Expected<std::unique_ptr<HttpServer>, std::string> HttpServer::start(net::EventLoop& loop,
                                                                     const Address& address,
                                                                     const HttpServerLimits& limits,
                                                                     Handlers handlers) {
  std::unique_ptr<HttpServer> server(new HttpServer(loop, limits, std::move(handlers)));
  auto listener = net::TcpListener::listen(
      loop, address,
      [raw = server.get()](net::TcpStream stream) { raw->accept(std::move(stream)); });
  if (!listener) return unexpected(std::move(listener.error()));
  server->listener_.emplace(*std::move(listener));
  return server;
}

HttpServer::HttpServer(net::EventLoop& loop, const HttpServerLimits& limits, Handlers handlers)
    : loop_(loop), limits_(limits), handlers_(std::move(handlers)) {}

HttpServer::~HttpServer() = default;

void HttpServer::accept(net::TcpStream stream) {
  const auto ip = without_port(stream.remote_address());
  const auto problem = refusal(ip);
  if (problem && refused_ >= limits_.refused_at_once) return;
  const auto id = ++last_id_;
  auto session = std::make_unique<Session>(Session{
      .id = id,
      .ip = ip,
      .stream = std::move(stream),
      .connection = HttpConnection(limits_.http, limits_.timeouts, loop_.now()),
      .timer = net::Timer(loop_, [this, id] {
        on_event(id, [](auto& connection, auto now, auto& out) { connection.advance(now, out); });
      })});
  Session& kept = *sessions_.emplace(id, std::move(session)).first->second;
  start_session(kept);
  if (!problem) {
    ++served_by_ip_[ip];
    return kept.timer.set(kept.connection.next_deadline());
  }
  kept.refused = true;
  ++refused_;
  HttpConnection::Output out;
  kept.connection.refuse(*problem, loop_.now(), out);
  carry_out(kept, std::move(out));
}

std::optional<Problem> HttpServer::refusal(const Address& ip) const {
  const auto of_ip = served_by_ip_.find(ip);
  if (of_ip != served_by_ip_.end() && of_ip->second >= limits_.connections_per_address) {
    return Problem{.type = ProblemType::kTooMany,
                   .status = 429,
                   .detail = "Too many connections from this address."};
  }
  if (connections() < limits_.connections) return std::nullopt;
  return Problem{.type = ProblemType::kFull, .status = 503, .detail = "Too many connections."};
}

void HttpServer::start_session(Session& session) {
  const auto id = session.id;
  session.stream.start({.on_data =
                            [this, id](Bytes bytes) {
                              on_event(id, [bytes](auto& connection, auto now, auto& out) {
                                connection.receive(bytes, now, out);
                              });
                            },
                        .on_end =
                            [this, id] {
                              on_event(id, [](auto& connection, auto now, auto& out) {
                                connection.receive_end(now, out);
                              });
                            },
                        .on_drained =
                            [this, id] {
                              on_event(id, [](auto& connection, auto now, auto& out) {
                                connection.on_sent(now, out);
                              });
                            },
                        .on_close = [this, id] { remove(id); }});
}

void HttpServer::on_event(uint64_t id, const Event& event) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  Session& session = *found->second;
  if (session.busy) {  // only a write can end up here: it left at once
    session.drained = true;
    return;
  }
  HttpConnection::Output out;
  event(session.connection, loop_.now(), out);
  carry_out(session, std::move(out));
}

void HttpServer::respond(uint64_t id, uint64_t serial, Response response) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) {
    if (response.stream && response.stream->gone) response.stream->gone();
    return;
  }
  Session& session = *found->second;
  if (session.busy) {
    if (!session.early) session.early = std::move(response);
    return;
  }
  HttpConnection::Output out;
  give(session, serial, std::move(response), out);
  carry_out(session, std::move(out));
}

void HttpServer::give(Session& session, uint64_t serial, Response response,
                      HttpConnection::Output& out) {
  session.connection.respond(serial, response, loop_.now(), out);
  if (!response.stream || !response.stream->gone) return;
  if (session.connection.is_streaming() && !session.gone) {
    session.gone = std::move(response.stream->gone);
  } else {
    response.stream->gone();  // it came in vain
  }
}

// A loop and not a recursion: thousands of pipelined requests may be answered in one turn.
void HttpServer::carry_out(Session& session, HttpConnection::Output out) {
  session.busy = true;
  for (;;) {
    session.drained = false;
    if (out.refused) handlers_.on_refused(*out.refused);
    if (!out.bytes.empty()) session.stream.write(std::move(out.bytes));
    if (out.close) return remove(session.id);
    if (out.end) session.stream.close_after_write();
    auto next = follow_up(session, out);
    if (!next) break;
    out = *std::move(next);
  }
  session.busy = false;
  session.timer.set(session.connection.next_deadline());
}

std::optional<HttpConnection::Output> HttpServer::follow_up(Session& session,
                                                            HttpConnection::Output& done) {
  HttpConnection::Output next;
  if (done.request) {
    auto respond = [weak = weak_.handle(), id = session.id, serial = done.serial](Response answer) {
      if (auto* server = weak.target()) server->respond(id, serial, std::move(answer));
    };
    handlers_.on_request(*std::move(done.request), std::move(respond));
    if (!session.early) return std::nullopt;
    give(session, done.serial, *std::exchange(session.early, std::nullopt), next);
    return next;
  }
  if (!session.drained) return std::nullopt;
  session.connection.on_sent(loop_.now(), next);
  return next;
}

void HttpServer::remove(uint64_t id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  if (found->second->refused) {
    --refused_;
  } else {
    const auto of_ip = served_by_ip_.find(found->second->ip);
    if (--of_ip->second == 0) served_by_ip_.erase(of_ip);
  }
  // Its stream is destroyed when the table is whole again.
  const auto session = std::move(found->second);
  sessions_.erase(found);
  if (session->gone) session->gone();
}

}  // namespace simpul::control
