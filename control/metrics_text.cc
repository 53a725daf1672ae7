#include "control/metrics_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <vector>

namespace simpul::control {
namespace {

using Labels = std::initializer_list<std::pair<std::string_view, std::string>>;

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

// Writes one family after the other: first its head, then its samples.
class Writer {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_ += "# HELP " + name_ + " ";
    text_ += help;
    text_ += "\n# TYPE " + name_ + " ";
    text_ += type;
    text_ += "\n";
  }

  void sample(const Labels& labels, uint64_t value) { line("", labels, std::to_string(value)); }
  void sample(const Labels& labels, double value) { line("", labels, number_text(value)); }

  void histogram(const node::Histogram& histogram) {
    uint64_t count = 0;
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      count += histogram.counts[i];
      const bool is_last = i >= histogram.bounds.size();
      const auto bound = is_last ? std::string("+Inf") : number_text(histogram.bounds[i]);
      line("_bucket", {{"le", bound}}, std::to_string(count));
    }
    if (histogram.counts.empty()) line("_bucket", {{"le", "+Inf"}}, "0");
    line("_sum", {}, number_text(histogram.sum));
    line("_count", {}, std::to_string(count));
  }

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, const Labels& labels, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    char before = '{';
    for (const auto& [name, label] : labels) {
      text_ += before;
      text_ += name;
      text_ += "=\"";
      append_escaped(label);
      text_ += '"';
      before = ',';
    }
    if (labels.size() > 0) text_ += '}';
    text_ += ' ';
    text_ += value;
    text_ += '\n';
  }

  void append_escaped(std::string_view label) {
    for (const char c : label) {
      if (c == '\\' || c == '"') text_ += '\\';
      if (c == '\n') {
        text_ += "\\n";
      } else {
        text_ += c;
      }
    }
  }

  std::string name_;
  std::string text_;
};

using Worker = node::WorkerReport;
using Workers = std::vector<Worker>;

uint64_t sum(const Workers& workers, uint64_t Worker::*field) {
  uint64_t total = 0;
  for (const auto& worker : workers) total += worker.*field;
  return total;
}

// The workers of one node have the same bounds.
node::Histogram sum(const Workers& workers, node::Histogram Worker::*field) {
  node::Histogram total;
  for (const auto& worker : workers) {
    const node::Histogram& part = worker.*field;
    if (total.counts.empty()) {
      total = part;
      continue;
    }
    if (part.bounds != total.bounds || part.counts.size() != total.counts.size()) continue;
    for (size_t i = 0; i < part.counts.size(); ++i) total.counts[i] += part.counts[i];
    total.sum += part.sum;
  }
  return total;
}

template <class Number>
void per_worker(Writer& writer, const Workers& workers, Number Worker::*field) {
  for (const auto& worker : workers) {
    writer.sample({{"worker", std::to_string(worker.worker)}}, worker.*field);
  }
}

void write_people(Writer& writer, const MetricsInput& input) {
  writer.family("simpul_rooms", "gauge", "Rooms that exist now.");
  writer.sample({}, uint64_t{input.rooms});
  writer.family("simpul_participants", "gauge", "Participants in all rooms now.");
  writer.sample({}, uint64_t{input.participants});
  writer.family("simpul_connections", "gauge", "Connections now, by their state.");
  for (const auto& [state, count] : input.node.connections_by_state) {
    writer.sample({{"state", state}}, count);
  }
}

void write_packets(Writer& writer, const Workers& workers) {
  writer.family("simpul_packets_received_total", "counter", "Datagrams taken from the network.");
  per_worker(writer, workers, &Worker::packets_received);
  writer.family("simpul_packets_sent_total", "counter", "Datagrams given to the network.");
  per_worker(writer, workers, &Worker::packets_sent);
  writer.family("simpul_bytes_received_total", "counter", "Bytes of the datagrams received.");
  writer.sample({}, sum(workers, &Worker::bytes_received));
  writer.family("simpul_bytes_sent_total", "counter", "Bytes of the datagrams sent.");
  writer.sample({}, sum(workers, &Worker::bytes_sent));
  writer.family("simpul_packets_dropped_total", "counter", "Datagrams dropped, by the reason.");
  for (const auto& worker : workers) {
    for (const auto& [reason, count] : worker.drops) {
      writer.sample({{"worker", std::to_string(worker.worker)}, {"reason", reason}}, count);
    }
  }
  writer.family("simpul_socket_overflow_total", "counter",
                "Datagrams that the kernel dropped because a socket was full.");
  per_worker(writer, workers, &Worker::socket_overflows);
  writer.family("simpul_socket_send_full_total", "counter",
                "Times that a socket took no more datagrams for now.");
  per_worker(writer, workers, &Worker::socket_send_full);
  writer.family("simpul_socket_buffer_bytes", "gauge",
                "What the kernel gave the smallest UDP socket's buffers.");
  for (const auto& worker : workers) {
    const std::string number = std::to_string(worker.worker);
    writer.sample({{"worker", number}, {"direction", "receive"}}, worker.receive_buffer_bytes);
    writer.sample({{"worker", number}, {"direction", "send"}}, worker.send_buffer_bytes);
  }
  writer.family("simpul_tcp_streams", "gauge", "TCP streams of media open now.");
  per_worker(writer, workers, &Worker::tcp_streams);
}

void write_repair(Writer& writer, const Workers& workers) {
  writer.family("simpul_nacks_received_total", "counter",
                "Packets that receivers asked for again.");
  writer.sample({}, sum(workers, &Worker::nacks_received));
  writer.family("simpul_retransmissions_total", "counter", "Packets sent again.");
  writer.sample({}, sum(workers, &Worker::retransmissions));
  writer.family("simpul_padding_bytes_total", "counter", "Sent only to find out what paths carry.");
  writer.sample({}, sum(workers, &Worker::padding_bytes));
  writer.family("simpul_keyframe_requests_total", "counter",
                "Requests for key frames, received from viewers and sent to publishers.");
  writer.sample({{"direction", "received"}}, sum(workers, &Worker::key_frame_requests_received));
  writer.sample({{"direction", "sent"}}, sum(workers, &Worker::key_frame_requests_sent));
  writer.family("simpul_gop_cache_starts_total", "counter",
                "Times that a slot began with an earlier key frame.");
  writer.sample({}, sum(workers, &Worker::gop_cache_starts));
}

void write_handshakes(Writer& writer, const Workers& workers) {
  std::map<std::string, uint64_t> results;
  for (const auto& worker : workers) {
    for (const auto& [result, count] : worker.handshakes) results[result] += count;
  }
  writer.family("simpul_handshakes_total", "counter", "DTLS handshakes ended, by their result.");
  for (const auto& [result, count] : results) writer.sample({{"result", result}}, count);
  writer.family("simpul_handshake_seconds", "histogram",
                "From the first right check to the end of the handshake.");
  writer.histogram(sum(workers, &Worker::handshake_seconds));
}

void write_load(Writer& writer, const Workers& workers) {
  writer.family("simpul_forward_delay_seconds", "histogram",
                "From a packet's receipt to its sending, sampled.");
  writer.histogram(sum(workers, &Worker::forward_delay_seconds));
  writer.family("simpul_worker_busy_ratio", "gauge",
                "The part of the last second with work in it.");
  per_worker(writer, workers, &Worker::busy_ratio);
  writer.family("simpul_send_batch_packets", "histogram",
                "Datagrams in one message to the kernel.");
  writer.histogram(sum(workers, &Worker::send_batch_packets));
}

}  // namespace

void HttpCounters::count(std::string_view route, uint16_t status) {
  ++counts_[{std::string(route), status}];
}

std::string metrics_text(const MetricsInput& input) {
  Writer writer;
  write_people(writer, input);
  write_packets(writer, input.node.workers);
  write_repair(writer, input.node.workers);
  write_handshakes(writer, input.node.workers);
  write_load(writer, input.node.workers);
  writer.family("simpul_tcp_refused_total", "counter",
                "TCP connections to the media port that were closed unanswered.");
  for (const auto& [reason, count] : input.node.tcp_refused) {
    writer.sample({{"reason", reason}}, count);
  }
  writer.family("simpul_http_requests_total", "counter", "HTTP requests answered.");
  for (const auto& [key, count] : input.http.counts()) {
    writer.sample({{"route", key.first}, {"code", std::to_string(key.second)}}, count);
  }
  return writer.take();
}

}  // namespace simpul::control
