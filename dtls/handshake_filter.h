#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace simpul::dtls {

enum class Role : uint8_t;
struct Record;

// Decides which records may reach the handshake of one association, so that forgeries cost it
// neither memory nor its life. MessageAssembler sets memory aside for every message that is
// announced, and OpenSSL takes what it does not expect for the end; so only messages that the
// peer's role may send pass, of plausible size, each announced once, with little in sum. Plain
// alerts never pass: anybody can write one (RFC 6347 §4.1.2.7).
class HandshakeFilter {
 public:
  static constexpr size_t kMessagesMax = 8;            // message_seq 0 to 7: no flight needs more
  static constexpr size_t kAnnouncedBytesMax = 9'216;  // of all messages together

  enum class Verdict : uint8_t {
    kPass,
    kDrop,
    kConflict,  // announces a message with another type or length than before
  };

  explicit HandshakeFilter(Role own_role) : own_role_(own_role) {}

  // Remembers what a passing record announces.
  Verdict judge(const Record& record);
  void reset() { announced_ = {}; }

 private:
  struct Message {
    uint8_t type = 0;  // 0 is no type that passes: not announced yet
    uint32_t length = 0;
  };
  using Messages = std::array<Message, kMessagesMax>;

  Verdict judge_fragments(Bytes content);
  bool is_expected(uint8_t type, uint32_t length) const;

  const Role own_role_;
  Messages announced_{};
};

}  // namespace simpul::dtls
