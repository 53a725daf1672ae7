// Whatever a server answers to WHIP and WHEP: it is taken, or refused; nothing of it is read beyond
// its end.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "bench/load/http_requests.h"
#include "bench/peer/peer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace simpul;
  if (size > load::HttpRequests::kAnswerMax) return 0;
  static peer::Identity identity(std::chrono::seconds(1'800'000'000));
  const std::string_view text = as_text({data, size});
  const auto answer = load::parse_answer(text);
  if (!answer) {
    SIMPUL_CHECK(!answer.error().empty());
    return 0;
  }
  SIMPUL_CHECK(answer->head.size() + answer->body.size() + 4 == size);
  SIMPUL_CHECK(answer->location.size() <= answer->head.size());
  for (const char* name : {"retry-after", "content-type", "", "a"}) {
    SIMPUL_CHECK(answer->header(name).size() <= answer->head.size());
  }
  peer::Peer viewer({.audio_slots = 2, .video_slots = 2}, identity);
  if (!viewer.accept(answer->body)) return 0;
  SIMPUL_CHECK(!viewer.server().username_fragment.empty());
  peer::Peer::Output out;
  viewer.advance(TimePoint(std::chrono::hours(1)), out);
  SIMPUL_CHECK(out.datagrams.size() == 1);
  return 0;
}
