#pragma once

#include <concepts>
#include <cstddef>
#include <functional>

namespace simpul {

// An integer with a meaning. Ids with different tags never mix, and an id has
// no arithmetic and no order: it can only be compared for equality and hashed.
template <class Tag, std::unsigned_integral Rep>
class StrongId {
 public:
  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  friend constexpr bool operator==(StrongId, StrongId) = default;

 private:
  Rep value_{};
};

}  // namespace simpul

template <class Tag, class Rep>
struct std::hash<simpul::StrongId<Tag, Rep>> {
  size_t operator()(simpul::StrongId<Tag, Rep> id) const noexcept {
    return std::hash<Rep>{}(id.value());
  }
};
