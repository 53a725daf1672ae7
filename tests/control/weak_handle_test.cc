#include "control/weak_handle.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace simpul::control {
namespace {

struct Target {
  int value = 7;
  WeakHandle<Target>::Source weak{*this};
};

TEST(WeakHandle, LeadsToItsTarget) {
  Target target;
  const auto handle = target.weak.handle();
  EXPECT_EQ(handle.target(), &target);
}

TEST(WeakHandle, IsNullOnceTheTargetIsGone) {
  std::optional<Target> target(std::in_place);
  const std::vector<WeakHandle<Target>> handles(2, target->weak.handle());
  target.reset();
  EXPECT_EQ(handles[0].target(), nullptr);
  EXPECT_EQ(handles[1].target(), nullptr);
}

TEST(WeakHandle, TakesAnothersTargetWhenAssigned) {
  Target first;
  Target second;
  auto handle = first.weak.handle();
  handle = second.weak.handle();
  EXPECT_EQ(handle.target(), &second);
}

}  // namespace
}  // namespace simpul::control
