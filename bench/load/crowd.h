#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "bench/load/client.h"
#include "bench/load/http_requests.h"
#include "bench/load/plan.h"
#include "bench/load/report.h"
#include "bench/load/scenario.h"
#include "net/event_loop.h"

namespace simpul::load {

// Lets clients come, go and move as it is told, over WHIP and WHEP, and writes down what each of
// them saw in the report of its phase when it goes. Nobody waits for anybody: all requests are
// under way at once, and media flows meanwhile.
class Crowd {
 public:
  // Who is told to come later, or to go later, tries again so long.
  static constexpr Duration kJoinPatience = std::chrono::seconds(30);
  // For what is on its way, or asked for again, when somebody is about to go.
  static constexpr Duration kDrainLimit = std::chrono::seconds(3);
  // Nothing new for so long before it went: what a viewer watched had ended.
  static constexpr Duration kStoodStill = std::chrono::seconds(2);
  static constexpr size_t kFailuresMax = 5;  // whose reasons are kept, of each phase

  Crowd(net::EventLoop& loop, peer::Identity& identity, const Scenario& scenario, const Plan& plan,
        const Sounds& sounds, std::vector<PhaseReport>& reports);

  void join(size_t client);
  void leave(size_t client);
  void roam(size_t client);
  void tick(TimePoint now);

  // Everybody of the phase who was told to come is there with a picture, has failed, or has gone.
  bool is_settled(size_t phase) const;
  // Those who have a picture are measured from now on, the others as soon as they have one.
  void measure(size_t phase);
  // Early: before all was measured, by a wish from outside.
  void leave_all(size_t phase, bool early);
  bool is_empty(size_t phase) const { return phases_[phase].present == 0; }
  // Somebody watches, or may do so yet.
  bool has_viewers(size_t phase) const;

  size_t present() const { return active_.size(); }
  // Who watches, of all phases.
  size_t watching() const;
  size_t joining() const;
  // Who has no connection yet.
  size_t connecting() const;
  size_t requests_pending() const { return requests_.pending(); }
  // Packets that those who are measured should have got, and did get, over all of their time.
  struct Progress {
    uint64_t expected = 0;
    uint64_t received = 0;
  };
  Progress progress() const;
  uint64_t socket_overflows() const;
  const Client::Shared& shared() const { return shared_; }
  Histogram take_second_delay();

 private:
  enum class State { kPlanned, kWaiting, kPosting, kIn, kDraining, kLeaving, kGone };
  struct Entry {
    State state = State::kPlanned;
    std::unique_ptr<Client> client = {};
    std::string location = {};
    TimePoint wished_at = {};
    TimePoint try_at = {};
    TimePoint leaving_at = {};
    size_t watchers = 0;  // of a publisher: who are not gone
    bool wants_to_leave = false;
    bool leaves_early = false;  // by plan or by a wish: nobody promised it a picture
  };
  struct PhaseState {
    size_t present = 0;
    bool measured = false;
    // Before it was measured somebody was told to come later for all of the patience: whoever else
    // is told so does not try again.
    bool has_no_room = false;
  };

  PhaseReport& report_of(size_t client) { return reports_[plan_.clients[client].phase]; }
  // Those whom a viewer watches; of a publisher nobody.
  std::span<Entry> watched_by(size_t client);
  std::span<const Entry> watched_by(size_t client) const;
  // Of these, who are there; until the next call.
  Client::Watched clients_watched_by(size_t client) const;
  void post(size_t client);
  void on_answer(size_t client, const HttpRequests::Answer& answer);
  void fail(size_t client, const std::string& reason);
  void retry(size_t client, const peer::HttpAnswer& answer, const std::string& reason);
  void tick_client(size_t client, TimePoint now);
  void depart(size_t client);
  void note_early(size_t client);
  void begin_to_leave(size_t client, TimePoint now);
  void drain(size_t client, TimePoint now);
  void ask_to_go(size_t client);
  void on_gone(size_t client, const HttpRequests::Answer& answer);
  void note(size_t client);
  void remove(size_t client);
  void finish(size_t client);

  net::EventLoop& loop_;
  const Plan& plan_;
  std::vector<PhaseReport>& reports_;
  HttpRequests requests_;
  peer::SocketSet sockets_;
  Client::Shared shared_;
  std::vector<Entry> entries_;  // as the plan's clients
  std::vector<size_t> active_;  // who are neither planned nor gone
  std::vector<PhaseState> phases_;
  mutable std::vector<const Client*> watched_;  // scratch
  uint64_t overflows_gone_ = 0;
  Progress noted_;  // of those who have been noted
};

}  // namespace simpul::load
