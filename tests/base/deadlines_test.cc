#include "base/deadlines.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace simpul {
namespace {

struct Item {
  int name = 0;
  DeadlinePlace place;
};

TimePoint at(int64_t microseconds) { return TimePoint(Duration(microseconds)); }

class DeadlinesTest : public ::testing::Test {
 protected:
  std::vector<int> due(int64_t now) {
    std::vector<int> names;
    while (const Item* item = deadlines_.take_due(at(now))) names.push_back(item->name);
    return names;
  }

  Deadlines<Item, &Item::place> deadlines_;
  Item a_{1, {}};
  Item b_{2, {}};
  Item c_{3, {}};
};

TEST_F(DeadlinesTest, GivesWhatIsDueInItsOrder) {
  deadlines_.set(a_, at(30));
  deadlines_.set(b_, at(10));
  deadlines_.set(c_, at(20));
  EXPECT_EQ(deadlines_.next(), at(10));
  EXPECT_TRUE(due(9).empty());
  EXPECT_EQ(due(20), (std::vector<int>{2, 3}));
  EXPECT_EQ(due(100), (std::vector<int>{1}));
  EXPECT_EQ(deadlines_.next(), kNever);
}

TEST_F(DeadlinesTest, MovesAnItemBothWays) {
  deadlines_.set(a_, at(30));
  deadlines_.set(b_, at(10));
  deadlines_.set(a_, at(5));
  EXPECT_EQ(deadlines_.next(), at(5));
  deadlines_.set(a_, at(50));
  EXPECT_EQ(deadlines_.next(), at(10));
  EXPECT_EQ(deadlines_.size(), 2u);
}

TEST_F(DeadlinesTest, ForgetsWhatIsRemovedOrNeverDue) {
  deadlines_.set(a_, at(10));
  deadlines_.set(b_, at(20));
  deadlines_.remove(a_);
  deadlines_.remove(a_);
  deadlines_.set(b_, kNever);
  deadlines_.set(c_, kNever);
  EXPECT_EQ(deadlines_.size(), 0u);
  EXPECT_TRUE(due(1'000'000).empty());
}

TEST_F(DeadlinesTest, GivesBackAnItemThatWasSetAgain) {
  deadlines_.set(a_, at(10));
  EXPECT_EQ(due(10), (std::vector<int>{1}));
  deadlines_.set(a_, at(12));
  EXPECT_EQ(due(12), (std::vector<int>{1}));
}

// Against a model: the same things by name, searched one by one.
TEST_F(DeadlinesTest, AgreesWithASearchThroughAllWhateverIsSet) {
  std::mt19937 random(1);
  std::vector<Item> items(200);
  for (int i = 0; i < 200; ++i) items[static_cast<size_t>(i)].name = i;
  std::map<int, TimePoint> model;
  int64_t now = 0;
  for (int step = 0; step < 50'000; ++step) {
    Item& item = items[random() % items.size()];
    switch (random() % 8) {
      case 0:
        deadlines_.remove(item);
        model.erase(item.name);
        break;
      case 1:
        now += static_cast<int64_t>(random() % 50);
        while (const Item* taken = deadlines_.take_due(at(now))) {
          const auto earliest =
              std::ranges::min_element(model, {}, [](const auto& entry) { return entry.second; });
          ASSERT_EQ(model.at(taken->name), earliest->second);
          ASSERT_LE(earliest->second, at(now));
          model.erase(taken->name);
        }
        break;
      default: {
        const TimePoint deadline = at(now + static_cast<int64_t>(random() % 1'000));
        deadlines_.set(item, deadline);
        model[item.name] = deadline;
        break;
      }
    }
    ASSERT_EQ(deadlines_.size(), model.size());
  }
}

}  // namespace
}  // namespace simpul
