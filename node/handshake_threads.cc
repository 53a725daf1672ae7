#include "node/handshake_threads.h"

#include <utility>

#include "net/thread.h"

namespace simpul::node {

HandshakeThreads::HandshakeThreads(size_t threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { work(); });
  }
}

HandshakeThreads::~HandshakeThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  threads_.clear();
}

void HandshakeThreads::run(std::unique_ptr<dtls::HandshakeStep> step, Done done) {
  std::unique_lock lock(mutex_);
  if (jobs_.size() >= kQueueMax) {
    lock.unlock();
    return done(std::move(step));  // not run
  }
  jobs_.push_back({std::move(step), std::move(done)});
  lock.unlock();
  wake_.notify_one();
}

void HandshakeThreads::work() {
  net::name_this_thread("handshake");
  // Where it is forbidden, joins and media share the cores alike, as they would without it.
  static_cast<void>(net::lower_this_thread(kLowerBy));
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (stopping_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.step->run();
    job.done(std::move(job.step));
  }
}

}  // namespace simpul::node
