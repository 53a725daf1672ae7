#include "rtp/header_extensions.h"
#include "rtp/packet_view.h"
#include "rtp/rtx.h"
#include "rtp/vp8.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

// Other numbers in the same descriptor: same size, and read back as the same kind.
void check_vp8(Bytes payload) {
  const auto descriptor = Vp8Descriptor::parse(payload);
  if (!descriptor) return;
  check(descriptor->size <= payload.size());
  const PayloadHead head =
      descriptor->with_numbers({.picture_id = 0x7fff, .tl0_pic_idx = 0xff, .key_idx = 0x1f});
  check(head.size == descriptor->size && head.replaced == descriptor->size);
  const auto again = Vp8Descriptor::parse(Bytes(head.bytes).first(head.size));
  check(again.has_value());
  check(again->size == descriptor->size);
  check(again->temporal_id == descriptor->temporal_id);
  check(again->starts_frame() == descriptor->starts_frame());
}

}  // namespace

// Any bytes parse or are refused; what parses adds up to the input.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto packet = PacketView::parse(Bytes(data, size));
  if (!packet) return 0;
  check(packet->header_size() + packet->payload().size() + packet->padding_size() == size);
  check(packet->csrcs().size() <= 15);
  for (const Ssrc csrc : packet->csrcs()) check(csrc == csrc);
  ExtensionReader reader(packet->extension_profile(), packet->extension());
  size_t elements = 0;
  while (reader.next()) check(++elements <= packet->extension().size());
  check_vp8(packet->payload());
  if (const auto rtx = unwrap_rtx(packet->payload())) {
    check(rtx->payload.size() + kRtxHeadSize == packet->payload().size());
    check_vp8(rtx->payload);
  }
  return 0;
}
