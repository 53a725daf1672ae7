#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "control/application.h"
#include "control/http_connection.h"
#include "control/http_target.h"
#include "tests/support/fake_engine.h"

namespace simpul::control {
namespace {

void require(bool condition) {
  if (!condition) __builtin_trap();
}

// What is read from the bytes when they come in pieces of these sizes.
std::vector<Request> requests_of(Bytes bytes, Bytes sizes) {
  HttpParser parser({});
  std::vector<Request> requests;
  for (size_t turn = 0; !bytes.empty(); ++turn) {
    const size_t wanted = sizes.empty() ? bytes.size() : size_t{sizes[turn % sizes.size()]} + 1;
    const auto piece = bytes.first(std::min(wanted, bytes.size()));
    const auto taken = parser.feed(piece);
    bytes = bytes.subspan(taken);
    if (parser.state() == HttpParser::State::kComplete) requests.push_back(parser.take_request());
    if (parser.state() == HttpParser::State::kFailed) break;
  }
  return requests;
}

bool are_equal(const Request& a, const Request& b) {
  return a.method == b.method && a.path == b.path && a.query == b.query && a.headers == b.headers &&
         a.body == b.body && a.host == b.host;
}

void check_request(const Request& request) {
  require(request.body.size() <= HttpLimits{}.body_bytes);
  require(request.headers.size() <= HttpLimits{}.headers);
  require(request.query.size() <= kParametersMax);
  for (const auto& segment : request.path) {
    require(segment != "." && segment != "..");
    require(segment.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos);
  }
}

// A whole connection with the API behind it, at a time that runs.
class Peer {
 public:
  void receive(Bytes bytes) {
    HttpConnection::Output out;
    connection_.receive(bytes, now_, out);
    carry_out(std::move(out));
  }
  void wait(Duration elapsed) {
    now_ += elapsed;
    size_t turns = 0;
    do {  // requests that were sent ahead have a turn each
      HttpConnection::Output out;
      connection_.advance(now_, out);
      carry_out(std::move(out));
      require(++turns <= kPipelinedMax);
    } while (!ended_ && connection_.next_deadline() <= now_);
  }
  void check_joins() const {
    for (const auto& join : engine_.joins) {
      require(is_valid_id(join.room));
      require(join.participant.empty() || is_valid_id(join.participant));
      require(join.watched.empty() || is_valid_id(join.watched));
    }
  }

 private:
  void carry_out(HttpConnection::Output out) {
    for (;;) {
      if (!out.bytes.empty()) {
        require(!ended_ && out.bytes.starts_with("HTTP/1.1 "));
      }
      if (out.end || out.close) ended_ = true;
      HttpConnection::Output next;
      if (out.request) {
        check_request(*out.request);
        application_.handle(*out.request, [&](const Response& response) {
          connection_.respond(out.serial, response, now_, next);
        });
      } else if (!out.bytes.empty() && !ended_) {
        connection_.on_sent(now_, next);
      } else {
        return;
      }
      out = std::move(next);
    }
  }

  testing::FakeEngine engine_;
  Application application_{engine_,
                           {.access = {.any_origin = true, .allowed_origins = {}, .bound = {}},
                            .pages = {},
                            .now_unix_ms = [] { return int64_t{0}; }}};
  TimePoint now_{};
  HttpConnection connection_{{}, {}, now_};
  bool ended_ = false;
};

}  // namespace
}  // namespace simpul::control

// The first byte says how many more are the sizes of the pieces that the rest comes in. However it
// is cut, the same requests are read, and a connection answers or ends.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul;
  using namespace simpul::control;
  if (size == 0) return 0;
  const Bytes input(data, size);
  const auto size_count = std::min<size_t>(input[0] % 16, size - 1);
  const auto sizes = input.subspan(1, size_count);
  auto bytes = input.subspan(1 + size_count);

  const auto whole = requests_of(bytes, {});
  const auto cut = requests_of(bytes, sizes);
  require(std::ranges::equal(whole, cut, are_equal));

  Peer peer;
  for (size_t turn = 0; !bytes.empty(); ++turn) {
    const size_t wanted = sizes.empty() ? bytes.size() : size_t{sizes[turn % sizes.size()]} + 1;
    const auto piece = bytes.first(std::min(wanted, bytes.size()));
    peer.receive(piece);
    peer.wait(std::chrono::milliseconds(piece.size()));
    bytes = bytes.subspan(piece.size());
  }
  for (int i = 0; i < 4; ++i) peer.wait(std::chrono::seconds(31));
  peer.check_joins();
  return 0;
}
