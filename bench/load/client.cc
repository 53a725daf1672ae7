#include "bench/load/client.h"

#include <algorithm>
#include <cmath>

#include "bench/peer/media_source.h"
#include "crypto/random.h"

namespace simpul::load {
namespace {

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// The camera of a publisher, or of the one whom a viewer watches.
const VideoSettings& camera_of(const Client::Shared& shared, const PlannedClient& client) {
  const PlannedClient& publisher =
      client.publishes() ? client : shared.plan.clients[client.watched];
  return shared.scenario.classes[publisher.people].video;
}

// Whether this one belongs to those who make up `share` of all, spread evenly.
bool is_among(size_t number, double share) {
  const auto count = [share](size_t of) { return std::floor(static_cast<double>(of) * share); };
  return count(number + 1) > count(number);
}

// Whether those whom it watches are all seen and heard, so that all that they send is expected.
bool gets_all(const PlannedClient& viewer, const ClientClass& people, bool has_video) {
  return (!people.has_audio || viewer.hears >= viewer.watched_count) &&
         (!has_video || viewer.sees >= viewer.watched_count);
}

// Whether the relay may leave some of what it sends to a viewer out.
bool is_layered(const VideoSettings& camera) {
  return camera.layers > 1 || camera.temporal_layers > 1;
}

uint64_t seed_of(const Client::Shared& shared, size_t number) {
  return shared.scenario.seed * kClientsMax + number + 1;
}

}  // namespace

Client::Client(size_t number, Shared& shared)
    : shared_(shared),
      planned_(shared.plan.clients[number]),
      people_(shared.scenario.classes[planned_.people]),
      has_video_(planned_.has_video && people_.has_video),
      decrypts_(planned_.publishes() || is_among(number, people_.decrypting_share)),
      by_relay_(!decrypts_ || is_layered(camera_of(shared, planned_)) ||
                !gets_all(planned_, people_, has_video_)),
      media_(rtp::Ssrc(crypto::random_u32() | 1)) {
  const VideoSettings& camera = camera_of(shared, planned_);
  peer::Options options{.publishes = planned_.publishes(),
                        .audio = people_.has_audio,
                        .video = has_video_,
                        .codecs = {codec_of(camera.codec)},
                        .all_extensions = !people_.plain,
                        .srtp_profile = shared.scenario.srtp_profile,
                        .decrypts = decrypts_,
                        .audio_slots = planned_.hears,
                        .video_slots = planned_.sees};
  if (camera.layers > 1) {
    for (const auto& layer : profile_of(camera).layers) options.rids.push_back(layer.rid);
  }
  socket_ = std::make_unique<peer::PeerSocket>(
      shared.sockets, std::move(options), shared.identity,
      peer::PeerSocket::Handlers{
          .on_rtp = [this](const peer::Peer::Received& received,
                           TimePoint now) { receive(received, now); },
          .on_rtcp = [this](Bytes compound) { media_.receive_rtcp(compound, shared_.loop.now()); },
          .on_connected = [this] { connected_at_ = shared_.loop.now(); }},
      shared.scenario.local);
  const NetworkSettings none;
  if (people_.up != none || people_.down != none) {
    socket_->impair(path_of(people_.up), path_of(people_.down), seed_of(shared, number));
  }
  if (planned_.publishes() && !shared.scenario.silent) add_sources(number);
}

void Client::add_sources(size_t number) {
  const peer::SourceSetup setup{.seed = seed_of(shared_, number), .clock = shared_.clock};
  if (people_.has_audio) {
    const peer::SoundClip* clip = shared_.sounds.of(planned_.people);
    socket_->add_source(clip == nullptr ? peer::MediaSource::audio("0")
                                        : peer::MediaSource::audio("0", *clip, setup));
  }
  if (!has_video_) return;
  const std::string mid = people_.has_audio ? "1" : "0";
  peer::VideoProfile profile = profile_of(people_.video);
  if (people_.plain) profile.size_variation = 0;
  for (size_t layer = 0; layer < profile.layers.size(); ++layer) {
    socket_->add_source(peer::MediaSource::video(mid, profile, layer, setup));
  }
}

void Client::roam() {
  Address local = socket_->local();
  local.port = 0;
  socket_->move(local);
}

void Client::tick(TimePoint now) {
  if (planned_.publishes() || !connected()) return;
  rtcp_.clear();
  media_.write_due(now, rtcp_);
  for (const auto& compound : rtcp_) {
    ++shared_.feedback;
    shared_.feedback_bytes += compound.size();
    socket_->send(socket_->peer().seal_rtcp(compound));
  }
}

std::vector<Client::Source> Client::sources() const {
  std::vector<Source> found;
  for (const peer::MediaSource& source : socket_->sources()) {
    found.push_back({.ssrc = source.ssrc().value(), .packets = source.packets()});
  }
  return found;
}

bool Client::is_settled() const {
  const bool only_connects = planned_.publishes() || shared_.scenario.silent;
  return only_connects ? connected() : first_frame_.has_value();
}

void Client::open(Watched watched, Histogram& delay, LastViewer& last_viewer) {
  opened_at_.clear();
  for (const Client* publisher : watched) {
    for (const Source& source : publisher->sources()) {
      opened_at_.push_back(source);
      if (!by_relay_) media_.measure(source.ssrc, static_cast<uint32_t>(source.packets));
    }
  }
  if (by_relay_) media_.measure_listening();
  media_.measure_pictures();
  delay_ = &delay;
  last_viewer_ = &last_viewer;
  is_open_ = true;
}

uint64_t Client::expected_until_now(Watched watched) const {
  if (by_relay_) return media_.counts().expected;
  uint64_t expected = 0;
  for (const Client* publisher : watched) {
    for (const Source& source : publisher->sources()) {
      const auto before = std::ranges::find(opened_at_, source.ssrc, &Source::ssrc);
      if (before != opened_at_.end()) expected += source.packets - before->packets;
    }
  }
  return expected;
}

void Client::close(Watched watched, TimePoint now) {
  if (!is_open_) return;
  expected_ = expected_until_now(watched);
  if (by_relay_) media_.end_listening();
  for (const Client* publisher : watched) {
    for (const Source& source : publisher->sources()) {
      if (!by_relay_) media_.measure_until(source.ssrc, static_cast<uint32_t>(source.packets));
    }
  }
  media_.end_pictures(now);
  if (const auto last = media_.last_new_at()) stood_still_ = now - *last - unread_for_;
  delay_ = nullptr;
  is_open_ = false;
}

// When all that it watches is there: pictures, and where there are none, or several to be heard,
// sound.
void Client::note_first_frame(TimePoint now) {
  const bool needs_sound = people_.has_audio && (!has_video_ || planned_.hears > 1);
  if (has_video_ && media_.pictures() < planned_.sees) return;
  if (needs_sound && media_.sounds() < planned_.hears) return;
  const bool is_one = has_video_ && !needs_sound && planned_.sees == 1;
  first_frame_ = is_one ? media_.first_frame_at() : now;
}

// The relay may begin with pictures from before, and catches up: that is no delay of what is live.
bool Client::is_live(const peer::MediaStamp& stamp, TimePoint came_at) {
  auto heard = std::ranges::find(heard_, stamp.source, &Heard::source);
  if (heard == heard_.end()) {
    heard = heard_.insert(heard_.end(), {.source = stamp.source, .begun = came_at});
  } else if (came_at - heard->last > kCaughtUpAfter) {
    heard->begun = came_at;
  }
  heard->last = came_at;
  return stamp.made_at >= heard->begun + kCaughtUpAfter;
}

void Client::receive(const peer::Peer::Received& received, TimePoint came_at) {
  ++shared_.datagrams;
  shared_.bytes += received.size;
  unread_for_ = std::max(shared_.loop.now() - came_at, Duration{0});
  const auto stamp = media_.receive(received, came_at);
  if (!first_frame_) note_first_frame(came_at);
  // All that can be told of what is encrypted is that it came.
  if (stamp || !decrypts_) ++shared_.packets;
  if (!stamp || !is_live(*stamp, came_at)) return;
  const double delay = milliseconds(came_at - stamp->made_at);
  shared_.second_delay.add(delay);
  if (delay_ == nullptr) return;
  delay_->add(delay);
  last_viewer_->add(*stamp, delay);
}

}  // namespace simpul::load
