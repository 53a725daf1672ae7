#include "node/worker_tag.h"

#include <gtest/gtest.h>

namespace simpul::node {
namespace {

TEST(WorkerTag, NamesEachWorkerBehindAnyFragment) {
  for (uint32_t worker = 0; worker < kTaggedWorkersMax; ++worker) {
    const std::string tagged = tag_with_worker("Ab3+", worker);
    EXPECT_EQ(tagged.size(), 6u);
    EXPECT_EQ(worker_of(tagged), worker);
  }
}

TEST(WorkerTag, IsNotInATextThatIsTooShortOrHasOtherCharacters) {
  for (const char* text : {"", "A", "AA", "abc-A", "abcA ", "abc:A"}) {
    EXPECT_EQ(worker_of(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace simpul::node
