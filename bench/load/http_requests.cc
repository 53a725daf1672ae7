#include "bench/load/http_requests.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/bytes.h"

namespace simpul::load {
namespace {

constexpr Duration kCheckInterval = std::chrono::milliseconds(500);

}  // namespace

// One connection: writes the request, reads to the end.
struct HttpRequests::Exchange {
  net::TcpDescriptor descriptor;
  Handler handler;
  std::string unsent;
  std::string answer = {};
  TimePoint begun;
  bool over = false;
  std::optional<net::FdWatcher> watcher = {};  // gone before its descriptor
};

std::string to_text(const HttpRequest& request, const Address& server) {
  std::string text = request.method + ' ' + request.target +
                     " HTTP/1.1\r\nHost: " + server.to_string() + "\r\nConnection: close\r\n";
  if (!request.type.empty()) text += "Content-Type: " + request.type + "\r\n";
  if (!request.body.empty()) {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

Expected<peer::HttpAnswer, std::string> parse_answer(std::string_view text) {
  const size_t head_end = text.find("\r\n\r\n");
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  if (head_end == std::string_view::npos || !text.starts_with(kVersion)) {
    return unexpected(std::string("no whole answer"));
  }
  peer::HttpAnswer answer;
  const char* status = text.data() + kVersion.size();
  if (std::from_chars(status, text.data() + head_end, answer.status).ec != std::errc()) {
    return unexpected(std::string("an answer without a status"));
  }
  answer.head = text.substr(0, head_end);
  answer.body = text.substr(head_end + 4);
  answer.location = answer.header("location");
  const std::string length = answer.header("content-length");
  if (!length.empty() && length != std::to_string(answer.body.size())) {
    return unexpected(std::string("no whole answer"));
  }
  return answer;
}

HttpRequests::HttpRequests(net::EventLoop& loop, const Address& server)
    : loop_(loop), server_(server), timer_(loop, [this] { clean_up(); }) {}

HttpRequests::~HttpRequests() = default;

void HttpRequests::send(HttpRequest request, Handler handler) {
  waiting_.push_back({std::move(request), std::move(handler)});
  timer_.set(loop_.now());
}

void HttpRequests::begin(Waiting waiting) {
  auto descriptor = net::TcpDescriptor::connect(server_, budget_);
  if (!descriptor) return waiting.handler(unexpected(descriptor.error()));
  in_flight_.push_back(
      std::unique_ptr<Exchange>(new Exchange{.descriptor = std::move(*descriptor),
                                             .handler = std::move(waiting.handler),
                                             .unsent = to_text(waiting.request, server_),
                                             .begun = loop_.now()}));
  Exchange& exchange = *in_flight_.back();
  exchange.watcher.emplace(
      loop_, exchange.descriptor.fd(),
      [this, &exchange](net::FdWatcher::Ready ready) { advance(exchange, ready); });
  exchange.watcher->watch({.readable = true, .writable = true});
}

void HttpRequests::advance(Exchange& exchange, net::FdWatcher::Ready ready) {
  if (exchange.over) return;
  const auto fail = [&](const char* what) {
    finish(exchange, unexpected(std::string(what) + server_.to_string()));
  };
  if (ready.writable && !exchange.unsent.empty()) {
    const auto sent = exchange.descriptor.send(as_bytes(exchange.unsent));
    if (!sent) return fail("cannot connect to ");
    exchange.unsent.erase(0, *sent);
    exchange.watcher->watch({.readable = true, .writable = !exchange.unsent.empty()});
  }
  if (!ready.readable) return;
  std::array<uint8_t, 8192> part;
  while (exchange.answer.size() <= kAnswerMax) {
    const auto received = exchange.descriptor.receive(part);
    if (received && *received == 0) return;  // for now
    if (!received) break;                    // it has ended
    exchange.answer += as_text(Bytes(part).first(*received));
  }
  if (exchange.answer.size() > kAnswerMax) return fail("too long an answer from ");
  if (exchange.answer.empty()) {
    return fail(exchange.unsent.empty() ? "no answer from " : "cannot connect to ");
  }
  finish(exchange, parse_answer(exchange.answer));
}

// The watcher that may be calling goes in clean_up().
void HttpRequests::finish(Exchange& exchange, const Answer& answer) {
  exchange.over = true;
  exchange.watcher->watch({});
  timer_.set(loop_.now());
  exchange.handler(answer);
}

void HttpRequests::clean_up() {
  const TimePoint now = loop_.now();
  for (size_t i = 0; i < in_flight_.size(); ++i) {  // handlers may add to the line only
    Exchange& exchange = *in_flight_[i];
    if (exchange.over || now - exchange.begun < kPatience) continue;
    finish(exchange, unexpected("no answer within 20 s from " + server_.to_string()));
  }
  std::erase_if(in_flight_, [](const auto& exchange) { return exchange->over; });
  while (!waiting_.empty() && in_flight_.size() < kInFlightMax) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(next));
  }
  timer_.set(in_flight_.empty() ? kNever : now + kCheckInterval);
}

}  // namespace simpul::load
