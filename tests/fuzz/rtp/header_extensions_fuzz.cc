#include "rtp/header_extensions.h"

#include <algorithm>
#include <array>
#include <vector>

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

std::vector<ExtensionElement> read_all(uint16_t profile, Bytes block) {
  std::vector<ExtensionElement> elements;
  ExtensionReader reader(profile, block);
  while (const auto element = reader.next()) elements.push_back(*element);
  return elements;
}

}  // namespace

// The first two bytes are the profile, the rest the block. What the one-byte form can carry reads
// back after it was written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Bytes bytes(data, size);
  auto elements = read_all(load_be16(bytes.first<2>()), bytes.subspan(2));
  for (const ExtensionElement& element : elements) {
    if (const auto mid = read_mid(element.data)) check(mid->size() <= kMidSizeMax);
    if (const auto rid = read_rid(element.data)) check(rid->size() <= kRidSizeMax);
    if (const auto level = read_audio_level(element.data)) check(level->level <= 127);
    (void)read_transport_sequence(element.data);
  }
  std::array<uint8_t, 2048> room{};
  const size_t mixed = write_extensions(elements, room, ExtensionForms::kMixed);
  if (mixed > 0) {
    const uint16_t form = load_be16(Bytes(room).first<2>());
    const auto again = read_all(form, Bytes(room).subspan(4, mixed - 4));
    check(again.size() <= elements.size());
    for (const ExtensionElement& element : elements) {
      check(form == kOneByteProfile || element.id == 0 ||
            std::ranges::any_of(again, [&](const ExtensionElement& other) {
              return other.id == element.id && std::ranges::equal(other.data, element.data);
            }));
    }
  }
  const size_t written = write_extensions(elements, room);
  check(written % 4 == 0 && written <= room.size());
  if (written == 0) return 0;
  std::erase_if(elements, [](const ExtensionElement& element) {
    return element.id > 14 || element.data.empty() || element.data.size() > 16;
  });
  const auto again = read_all(kOneByteProfile, Bytes(room).subspan(4, written - 4));
  check(std::ranges::equal(elements, again, [](const auto& a, const auto& b) {
    return a.id == b.id && std::ranges::equal(a.data, b.data);
  }));
  return 0;
}
