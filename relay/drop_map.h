#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace simpul::relay {

// Which numbers of a run were left out and which were marked, over the last `kBlocks` times 64 of
// them: how many are missing in front of a number, and which number stands at a place when they
// are. Numbers are taken in their order; what is older than the window is not known.
template <size_t kBlocks>
class DropMap {
 public:
  static constexpr int64_t kBlockSize = 64;
  static constexpr int64_t kWindow = kBlockSize * static_cast<int64_t>(kBlocks);

  // Nothing in front of `first` was left out.
  explicit DropMap(int64_t first)
      : newest_(first - 1), oldest_((block_of(first) + 1) * kBlockSize - kWindow) {}

  int64_t newest() const { return newest_; }
  // Takes all numbers up to this one; nothing when it is not newer than all.
  void take(int64_t number) {
    if (number <= newest_) return;
    const int64_t last = block_of(number);
    const int64_t begin = std::max(block_of(newest_) + 1, last - int64_t{kBlocks} + 1);
    for (int64_t block = begin; block <= last; ++block) at(block) = {.before = dropped_};
    newest_ = number;
    oldest_ = std::max(oldest_, (last + 1) * kBlockSize - kWindow);
  }
  // Takes a number and leaves it out.
  void drop(int64_t number) {
    if (number <= newest_) return;
    take(number);
    at(block_of(number)).dropped |= bit_of(number);
    ++dropped_;
  }
  void mark(int64_t number) {
    if (is_known(number)) at(block_of(number)).marked |= bit_of(number);
  }

  bool is_known(int64_t number) const { return number >= oldest_ && number <= newest_; }
  bool is_dropped(int64_t number) const {
    return is_known(number) && (at(block_of(number)).dropped & bit_of(number)) != 0;
  }
  bool is_marked(int64_t number) const {
    return is_known(number) && (at(block_of(number)).marked & bit_of(number)) != 0;
  }
  // How many were left out in front of it; of those that are too old to tell, nothing.
  std::optional<int64_t> dropped_before(int64_t number) const {
    if (number > newest_) return dropped_;
    if (number < oldest_) return std::nullopt;
    const Block& block = at(block_of(number));
    return block.before + std::popcount(block.dropped & (bit_of(number) - 1));
  }
  // The number that is at `place` when what was left out is not counted.
  std::optional<int64_t> number_at(int64_t place) const {
    for (int64_t block = block_of(newest_); block * kBlockSize >= oldest_; --block) {
      const Block& candidate = at(block);
      if (block * kBlockSize - candidate.before > place) continue;
      const auto number = kept(candidate, block * kBlockSize, place + candidate.before);
      if (number && *number <= newest_) return number;
      return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  struct Block {
    uint64_t dropped = 0;
    uint64_t marked = 0;
    int64_t before = 0;  // left out ahead of it
  };

  static int64_t block_of(int64_t number) { return number >> 6; }
  static uint64_t bit_of(int64_t number) { return uint64_t{1} << (number & (kBlockSize - 1)); }
  Block& at(int64_t block) { return blocks_[static_cast<size_t>(block) % kBlocks]; }
  const Block& at(int64_t block) const { return blocks_[static_cast<size_t>(block) % kBlocks]; }

  // The number of this block that would be `number` if none of the block were left out.
  static std::optional<int64_t> kept(const Block& block, int64_t first, int64_t number) {
    for (int64_t i = 0; i < kBlockSize; ++i) {
      if ((block.dropped >> i & 1) != 0) {
        ++number;
      } else if (first + i == number) {
        return number;
      }
    }
    return std::nullopt;
  }

  std::array<Block, kBlocks> blocks_{};
  int64_t dropped_ = 0;
  int64_t newest_;
  int64_t oldest_;
};

}  // namespace simpul::relay
