#include "node/worker_tag.h"

#include "base/check.h"

namespace simpul::node {
namespace {

constexpr size_t kTagSize = 2;
constexpr std::string_view kIceChars =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static_assert(kIceChars.size() * kIceChars.size() == kTaggedWorkersMax);

}  // namespace

std::string tag_with_worker(std::string fragment, uint32_t worker) {
  SIMPUL_CHECK(worker < kTaggedWorkersMax);
  fragment += kIceChars[worker / kIceChars.size()];
  fragment += kIceChars[worker % kIceChars.size()];
  return fragment;
}

std::optional<uint32_t> worker_of(std::string_view fragment) {
  if (fragment.size() <= kTagSize) return std::nullopt;
  size_t worker = 0;
  for (const char c : fragment.substr(fragment.size() - kTagSize)) {
    const size_t digit = kIceChars.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    worker = worker * kIceChars.size() + digit;
  }
  return static_cast<uint32_t>(worker);
}

}  // namespace simpul::node
