#include <algorithm>
#include <array>
#include <vector>

#include "dtls/endpoint.h"
#include "dtls/fragment.h"
#include "dtls/message_assembler.h"
#include "dtls/record.h"

namespace {

using namespace simpul;
using namespace simpul::dtls;

// Plain handshake records, each behind its length in two bytes, as the endpoint takes them in. What
// comes out is whole messages, in order or repeated, of what was announced, with the last byte that
// came for each place.
class Run {
 public:
  void add(Bytes content) {
    const std::vector<uint8_t> record = record_of(content);
    RecordReader reader(record);
    const auto read = reader.next();
    if (!read || filter_.judge(*read) != HandshakeFilter::Verdict::kPass) return;
    Bytes rest = read->content;
    while (const auto fragment = take_fragment(rest)) {
      remember(*fragment);
      std::vector<uint8_t> out;
      assembler_.add(*fragment, out);
      check(out);
    }
  }

 private:
  static std::vector<uint8_t> record_of(Bytes content) {
    std::vector<uint8_t> record = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0};
    record.push_back(static_cast<uint8_t>(content.size() >> 8));
    record.push_back(static_cast<uint8_t>(content.size()));
    record.insert(record.end(), content.begin(), content.end());
    return record;
  }
  void remember(const Fragment& fragment) {
    auto& bytes = expected_[fragment.message_seq];
    if (fragment.message_seq < next_) {
      if (fragment.is_whole()) bytes.assign(fragment.bytes.begin(), fragment.bytes.end());
      return;
    }
    bytes.resize(fragment.length);
    std::ranges::copy(fragment.bytes, bytes.begin() + fragment.offset);
  }
  void check(Bytes datagram) {
    RecordReader reader(datagram);
    size_t size = 0;
    while (const auto record = reader.next()) {
      size += record->whole.size();
      Bytes content = record->content;
      const auto message = take_fragment(content);
      if (!message || !message->is_whole() || !content.empty()) __builtin_trap();
      if (message->message_seq > next_) __builtin_trap();
      if (message->message_seq == next_) ++next_;
      if (!std::ranges::equal(message->bytes, expected_[message->message_seq])) __builtin_trap();
    }
    if (size != datagram.size()) __builtin_trap();
  }

  HandshakeFilter filter_{Role::kServer};
  MessageAssembler assembler_;
  std::array<std::vector<uint8_t>, HandshakeFilter::kMessagesMax> expected_;
  size_t next_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Bytes input(data, size);
  Run run;
  while (input.size() >= 2) {
    const size_t length = std::min<size_t>(load_be16(input.first<2>()), input.size() - 2);
    run.add(input.subspan(2, length));
    input = input.subspan(2 + length);
  }
  return 0;
}
