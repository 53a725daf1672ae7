#include <algorithm>
#include <array>
#include <vector>

#include "dtls/endpoint.h"
#include "dtls/fragment.h"
#include "dtls/message_assembler.h"
#include "dtls/peer_flight.h"
#include "dtls/record.h"

namespace {

using namespace simpul;
using namespace simpul::dtls;

// Plain handshake records, each behind its length in two bytes, as the endpoint takes them in. A
// message is whole when each of its bytes came since it was last contradicted, and has the last
// byte that came for each place. What is found signed is read within its bounds.
class Run {
 public:
  explicit Run(Role role) : role_(role) {}

  void add(Bytes content) {
    const std::vector<uint8_t> record = record_of(content);
    RecordReader reader(record);
    const auto read = reader.next();
    if (!read || !filter_.passes(*read)) return;
    Bytes rest = read->content;
    while (const auto fragment = take_fragment(rest)) {
      const bool is_whole = assembler_.add(*fragment);
      if (is_whole != remember(*fragment)) __builtin_trap();
      check(fragment->type);
    }
    const auto flight = signed_flight(role_, assembler_);
    if (!flight.empty()) is_signed(role_, kSaid, flight);
  }

 private:
  static std::vector<uint8_t> record_of(Bytes content) {
    std::vector<uint8_t> record = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0};
    record.push_back(static_cast<uint8_t>(content.size() >> 8));
    record.push_back(static_cast<uint8_t>(content.size()));
    record.insert(record.end(), content.begin(), content.end());
    return record;
  }
  struct Expected {
    uint16_t message_seq = 0;
    std::vector<int> bytes = {};  // -1: did not come
  };
  bool remember(const Fragment& fragment) {
    Expected& expected = expected_[fragment.type];
    if (!came_[fragment.type] || expected.message_seq != fragment.message_seq ||
        expected.bytes.size() != fragment.length) {
      expected = {fragment.message_seq, std::vector<int>(fragment.length, -1)};
      came_[fragment.type] = true;
    }
    std::ranges::copy(fragment.bytes, expected.bytes.begin() + fragment.offset);
    return std::ranges::find(expected.bytes, -1) == expected.bytes.end();
  }
  void check(uint8_t type) const {
    const auto message = assembler_.whole(type);
    if (!message) return;
    if (!message->is_whole() || message->message_seq != expected_[type].message_seq ||
        !std::ranges::equal(message->bytes, expected_[type].bytes)) {
      __builtin_trap();
    }
  }

  static constexpr std::array<uint8_t, 32> kSaid = {};
  const Role role_;
  HandshakeFilter filter_{role_};
  MessageAssembler assembler_;
  std::array<Expected, 256> expected_;
  std::array<bool, 256> came_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  for (const Role role : {Role::kServer, Role::kClient}) {
    Bytes input(data, size);
    Run run(role);
    while (input.size() >= 2) {
      const size_t length = std::min<size_t>(load_be16(input.first<2>()), input.size() - 2);
      run.add(input.subspan(2, length));
      input = input.subspan(2 + length);
    }
  }
  return 0;
}
