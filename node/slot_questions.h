#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/expected.h"
#include "node/session.h"
#include "node/slot_why.h"

namespace simpul::node {

// What the control thread wants of a slot of a worker's: to have its viewing changed, and to hear
// why it carries what it carries.
struct SlotQuestion {
  uint64_t number = 0;
  ConnectionKey key;
  std::string mid;
  std::optional<ViewingChange> change = {};
};

struct SlotAnswer {
  uint64_t number = 0;
  std::optional<SlotWhy> why;  // nothing: there is no such slot
};

// The questions about slots that no worker has answered yet, so many at most. Sends nothing.
class SlotQuestions {
 public:
  static constexpr size_t kMax = 1'024;

  using Done = std::function<void(Expected<SlotWhy, SlotError>)>;

  // The number of the question that `done` waits for; nothing when too many wait.
  std::optional<uint64_t> add(Done done) {
    if (waiting_.size() >= kMax) return std::nullopt;
    waiting_.emplace(++last_, std::move(done));
    return last_;
  }
  void answer(SlotAnswer answer) {
    const auto found = waiting_.find(answer.number);
    if (found == waiting_.end()) return;
    const Done done = std::move(found->second);
    waiting_.erase(found);
    if (answer.why) return done(*std::move(answer.why));
    done(unexpected(SlotError::kNoSlot));
  }
  // It could not be asked.
  void forget(uint64_t number) { waiting_.erase(number); }

  size_t size() const { return waiting_.size(); }

 private:
  std::map<uint64_t, Done> waiting_;
  uint64_t last_ = 0;
};

}  // namespace simpul::node
