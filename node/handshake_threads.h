#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dtls/endpoint.h"

namespace simpul::node {

// Runs handshake steps beside the workers: one costs 0.4 to 1.3 ms of CPU, in which a worker
// would forward a thousand packets. Off the media path, so a plain mutex guards the queue. Where
// cores are short, media comes first: these threads have a lower priority than the workers.
class HandshakeThreads {
 public:
  // More steps than this wait nowhere. A connection that is joining has one step at most, and
  // Directory::kJoiningMax bounds those, so the queue is never full in a node.
  static constexpr size_t kQueueMax = 8192;
  static constexpr int kLowerBy = 10;  // of the nice value

  using Done = std::function<void(std::unique_ptr<dtls::HandshakeStep>)>;

  explicit HandshakeThreads(size_t threads);
  // Waits for steps that are running; those still queued are dropped.
  ~HandshakeThreads();
  HandshakeThreads(const HandshakeThreads&) = delete;
  HandshakeThreads& operator=(const HandshakeThreads&) = delete;

  // Calls `done` with the step on the thread that ran it. With a full queue it is called at once,
  // with a step that has not run.
  void run(std::unique_ptr<dtls::HandshakeStep> step, Done done);

 private:
  struct Job {
    std::unique_ptr<dtls::HandshakeStep> step;
    Done done;
  };

  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace simpul::node
