#include "bench/demo/publisher.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <utility>

#include "bench/peer/http_client.h"

namespace simpul::demo {
namespace {

constexpr Duration kRetryInterval = std::chrono::milliseconds(500);
constexpr Duration kSilenceMax = std::chrono::seconds(8);
constexpr int kCreated = 201;

Moment read_clocks() { return {net::EventLoop::clock_now(), net::EventLoop::wall_clock_unix_us()}; }

int local_utc_offset_s() {
  const std::time_t now = net::EventLoop::wall_clock_unix_us() / 1'000'000;
  std::tm local{};
  localtime_r(&now, &local);
  return static_cast<int>(local.tm_gmtoff);
}

}  // namespace

Publisher::Publisher(net::EventLoop& loop, PublisherOptions options)
    : loop_(loop),
      options_(std::move(options)),
      identity_(std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)),
      timer_(loop, [this] { wake(); }) {}

Publisher::~Publisher() = default;

void Publisher::wake() {
  const Moment moment = read_clocks();
  if (socket_ && silent(moment.now)) {
    complain(socket_->peer().closed() ? "the relay ended the session" : "the relay fell silent");
    leave();
  }
  if (!socket_) join();
  TimePoint next = moment.now + kRetryInterval;
  if (media_) {
    Media::Datagrams datagrams;
    media_->send_due(moment, datagrams);
    for (const auto& datagram : datagrams) socket_->send(datagram);
    next = std::min(next, media_->next_deadline());
  }
  timer_.set(next);
}

bool Publisher::silent(TimePoint now) {
  if (std::exchange(datagrams_heard_, socket_->datagrams_received()) != datagrams_heard_) {
    heard_at_ = now;
  }
  return socket_->peer().closed() || now - heard_at_ > kSilenceMax;
}

void Publisher::join() {
  peer::PeerSocket::Handlers handlers{
      .on_rtp = {},
      .on_rtcp =
          [this](Bytes compound) {
            if (!media_) return;
            Media::Datagrams datagrams;
            media_->receive_rtcp(compound, datagrams);
            for (const auto& datagram : datagrams) socket_->send(datagram);
          },
      .on_connected =
          [this] {
            media_.emplace(socket_->peer(), read_clocks(), local_utc_offset_s());
            timer_.set(loop_.now());
            complaint_.clear();
            if (std::exchange(ready_told_, true)) return;
            std::printf("demo_publisher ready room=%s\n", options_.room.c_str());
            std::fflush(stdout);
          }};
  auto socket = std::make_unique<peer::PeerSocket>(loop_, peer::Options{.publishes = true},
                                                   identity_, std::move(handlers));
  const auto answer = peer::request(
      options_.server, "POST", "/whip/" + options_.room + "?participant=" + options_.participant,
      "application/sdp", socket->peer().offer());
  if (!answer) return complain(answer.error());
  if (answer->status != kCreated) return complain("status " + std::to_string(answer->status));
  socket_ = std::move(socket);
  location_ = answer->location;
  heard_at_ = net::EventLoop::clock_now();
  datagrams_heard_ = 0;
  if (socket_->start(answer->body)) return;
  complain("unusable answer");
  leave();
}

void Publisher::leave() {
  if (!socket_) return;
  media_.reset();
  socket_->close();
  peer::request(options_.server, "DELETE", std::exchange(location_, {}), "", "");
  socket_.reset();
}

void Publisher::stop() {
  timer_.cancel();
  leave();
}

void Publisher::complain(const std::string& reason) {
  if (std::exchange(complaint_, reason) == reason) return;
  std::fprintf(stderr, "demo_publisher: %s; trying again\n", reason.c_str());
}

}  // namespace simpul::demo
