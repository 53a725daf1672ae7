#pragma once

#include <array>
#include <vector>

#include "bench/floor/shape.h"
#include "bench/floor/sockets.h"
#include "dtls/srtp_receiver.h"
#include "dtls/srtp_sender.h"

namespace simpul::floor_bench {

// The least that a relay can do: reads a batch, decrypts it, and for each subscriber of its
// publisher encrypts it into send memory and sends it as one message, 32 messages a call. What
// subscribers say of it is read and decrypted, and that is all. No rooms, no numbers, no repair.
class Forwarder {
 public:
  Forwarder(const Shape& shape, Sockets& subscribers);
  ~Forwarder();
  Forwarder(const Forwarder&) = delete;
  Forwarder& operator=(const Forwarder&) = delete;

  const LoopbackSocket& socket() const { return socket_; }
  // Waits for packets, reads what one call gives and forwards it; false when a send failed.
  bool turn();
  uint64_t forwarded() const { return forwarded_; }
  // Messages of the subscribers.
  uint64_t feedback() const { return feedback_; }

 private:
  static constexpr size_t kReadMax = 32;
  static constexpr size_t kMessages = 32;  // a call
  static constexpr size_t kRoom = 2'048;   // of one datagram
  struct Message;
  struct Arrays;

  bool is_feedback(size_t i) const;
  void take_feedback(size_t i);
  void take(size_t i);
  bool forward();
  void fill(size_t subscriber, size_t place);
  bool flush();

  Sockets& subscribers_;
  LoopbackSocket socket_;
  int queue_;
  crypto::CipherEngine engine_;
  dtls::SrtpReceiver receiver_;
  std::vector<dtls::SrtpSender> senders_;
  std::vector<dtls::SrtpReceiver> reporters_;   // of the subscribers, as `senders_`
  std::vector<size_t> by_port_;                 // which subscriber sends from there
  std::vector<std::vector<size_t>> audiences_;  // the subscribers of each publisher
  std::unique_ptr<Arrays> arrays_;
  crypto::TagBatch tags_;  // made together, as the relay does
  // The batch that is coming: plain packets, headers in front.
  std::vector<std::array<uint8_t, kRoom>> batch_;
  std::vector<size_t> sizes_;
  size_t publisher_ = 0;  // whose batch it is
  size_t filled_ = 0;     // messages that wait for the next call
  uint64_t index_ = 0;
  uint64_t forwarded_ = 0;
  uint64_t feedback_ = 0;
};

}  // namespace simpul::floor_bench
