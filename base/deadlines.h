#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"

namespace simpul {

// Where an item is among the deadlines; a member of the item, and theirs alone.
struct DeadlinePlace {
  static constexpr size_t kNowhere = SIZE_MAX;
  size_t index = kNowhere;

  bool is_set() const { return index != kNowhere; }
};

// Which of many items is due next: a binary heap of their deadlines, in which each can be changed
// at any time, so that what is idle costs nothing. `kPlace` is the item's member for it. An item
// stays where it is while it is in here, and is removed before it goes.
template <class Item, DeadlinePlace Item::*kPlace>
class Deadlines {
 public:
  // kNever takes it out.
  void set(Item& item, TimePoint deadline) {
    size_t& index = (item.*kPlace).index;
    if (deadline == kNever) return remove(item);
    if (index == DeadlinePlace::kNowhere) {
      index = heap_.size();
      heap_.push_back({deadline, &item});
      rise(index);
      return;
    }
    const TimePoint before = std::exchange(heap_[index].deadline, deadline);
    if (deadline < before) {
      rise(index);
    } else if (deadline > before) {
      sink(index);
    }
  }

  void remove(Item& item) {
    const size_t index = (item.*kPlace).index;
    if (index == DeadlinePlace::kNowhere) return;
    swap(index, heap_.size() - 1);
    heap_.pop_back();
    (item.*kPlace).index = DeadlinePlace::kNowhere;
    if (index >= heap_.size()) return;
    rise(index);
    sink(index);
  }

  // Takes out the first of those that are due; null when none is.
  Item* take_due(TimePoint now) {
    if (next() > now || heap_.empty()) return nullptr;
    Item* item = heap_.front().item;
    remove(*item);
    return item;
  }

  TimePoint next() const { return heap_.empty() ? kNever : heap_.front().deadline; }
  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    TimePoint deadline;
    Item* item = nullptr;
  };

  void swap(size_t a, size_t b) {
    std::swap(heap_[a], heap_[b]);
    (heap_[a].item->*kPlace).index = a;
    (heap_[b].item->*kPlace).index = b;
  }
  void rise(size_t index) {
    while (index > 0 && heap_[index].deadline < heap_[(index - 1) / 2].deadline) {
      swap(index, (index - 1) / 2);
      index = (index - 1) / 2;
    }
  }
  void sink(size_t index) {
    while (true) {
      size_t earliest = index;
      for (const size_t child : {2 * index + 1, 2 * index + 2}) {
        if (child < heap_.size() && heap_[child].deadline < heap_[earliest].deadline) {
          earliest = child;
        }
      }
      if (earliest == index) return;
      swap(index, earliest);
      index = earliest;
    }
  }

  std::vector<Entry> heap_;  // an entry is not after those at 2i + 1 and 2i + 2
};

}  // namespace simpul
