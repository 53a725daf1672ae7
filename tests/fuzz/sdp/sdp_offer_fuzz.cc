// Whatever text comes as an offer: it is refused, or its answer is a description that our own
// parser reads back, with as many m-lines.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "sdp/negotiation.h"

namespace {

using namespace simpul;

sdp::AnswerParameters our_end() {
  sdp::AnswerParameters parameters;
  parameters.session_id = 1;
  parameters.ice_ufrag = "ourUfrag";
  parameters.ice_pwd = "ourPasswordOf24Characters";
  parameters.fingerprint = {"sha-256", std::vector<uint8_t>(32, 0xAB)};
  parameters.candidates = {{Address::v4({192, 0, 2, 7}, 7700), 1}};
  parameters.cname = "us";
  parameters.slots.resize(sdp::kMediaMax, {rtp::Ssrc(1), rtp::Ssrc(2), "stream", "track"});
  return parameters;
}

void answer(const sdp::SessionDescription& offer, sdp::PeerRole role) {
  static const sdp::AnswerParameters kOurEnd = our_end();
  const auto negotiated = sdp::negotiate(offer, sdp::default_policy(role));
  if (!negotiated) {
    SIMPUL_CHECK(!negotiated.error().detail.empty());
    return;
  }
  const auto answer = sdp::parse(sdp::write_answer(*negotiated, kOurEnd));
  SIMPUL_CHECK(answer);
  SIMPUL_CHECK(answer->media.size() == offer.media.size());
  SIMPUL_CHECK(answer->bundle_groups.size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto offer = sdp::parse(as_text({data, size}));
  if (!offer) return 0;
  answer(*offer, sdp::PeerRole::kPublisher);
  answer(*offer, sdp::PeerRole::kWatcher);
  return 0;
}
