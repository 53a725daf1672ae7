#include "tests/impairment/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace simpul::impairment {
namespace {

constexpr double kMillisecondsMax = 60'000;
constexpr double kRateMax = 1e12;
constexpr double kMedian = 0.5;
constexpr double kNearlyAll = 0.95;

std::optional<double> parse_number(std::string_view text, double max) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(number >= 0 && number <= max)) return std::nullopt;
  return number;
}

std::optional<Address> parse_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view ip = text.substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  const auto port = parse_number(text.substr(colon + 1), UINT16_MAX);
  if (!port || *port != std::floor(*port)) return std::nullopt;
  return Address::parse(ip, static_cast<uint16_t>(*port));
}

bool set_probability(double& to, std::string_view text) {
  const auto number = parse_number(text, 1);
  if (number) to = *number;
  return number.has_value();
}

bool set_milliseconds(Duration& to, std::string_view text) {
  const auto number = parse_number(text, kMillisecondsMax);
  if (number) to = Duration(static_cast<int64_t>(*number * 1000));
  return number.has_value();
}

// False when there is no such option or it cannot have this value.
bool set_path_option(PathOptions& path, std::string_view name, std::string_view value) {
  if (name == "loss") return set_probability(path.loss, value);
  if (name == "burst-to-bad") return set_probability(path.burst.to_bad, value);
  if (name == "burst-to-good") return set_probability(path.burst.to_good, value);
  if (name == "burst-loss") return set_probability(path.burst.loss, value);
  if (name == "reorder") return set_probability(path.reorder, value);
  if (name == "duplicate") return set_probability(path.duplicate, value);
  if (name == "delay-ms") return set_milliseconds(path.delay, value);
  if (name == "jitter-ms") return set_milliseconds(path.jitter, value);
  if (name == "reorder-ms") return set_milliseconds(path.reorder_hold, value);
  if (name == "queue-ms") return set_milliseconds(path.queue, value);
  if (name != "rate-bps") return false;
  const auto rate = parse_number(value, kRateMax);
  if (rate) path.rate_bps = static_cast<uint64_t>(*rate);
  return rate.has_value();
}

bool set_address(Address& to, std::string_view text) {
  const auto address = parse_address(text);
  if (address) to = *address;
  return address.has_value();
}

bool set_option(RelayOptions& options, std::string_view name, std::string_view value) {
  constexpr std::string_view kUp = "up-";
  constexpr std::string_view kDown = "down-";
  if (name == "listen") return set_address(options.listen, value);
  if (name == "to") return set_address(options.to, value);
  if (name == "seed") {
    const auto seed = parse_number(value, UINT32_MAX);
    if (seed) options.seed = static_cast<uint64_t>(*seed);
    return seed.has_value();
  }
  if (name.starts_with(kUp)) return set_path_option(options.up, name.substr(kUp.size()), value);
  if (name.starts_with(kDown)) {
    return set_path_option(options.down, name.substr(kDown.size()), value);
  }
  return set_path_option(options.up, name, value) && set_path_option(options.down, name, value);
}

// The error is one line.
std::optional<std::string> apply_pairs(std::span<const char* const> arguments,
                                       RelayOptions& options) {
  while (!arguments.empty()) {
    const std::string name = arguments[0];
    if (!name.starts_with("--")) return name + ": options start with --";
    if (arguments.size() == 1) return name + ": has no value";
    if (!set_option(options, std::string_view(name).substr(2), arguments[1])) {
      return name + ": no such option, or it cannot be " + arguments[1];
    }
    arguments = arguments.subspan(2);
  }
  return std::nullopt;
}

std::string path_text(const PathCounts& counts, const WaitHistogram& waits) {
  return "{\"received\":" + std::to_string(counts.received) +
         ",\"passed\":" + std::to_string(counts.passed) +
         ",\"passed_bytes\":" + std::to_string(counts.passed_bytes) +
         ",\"lost\":" + std::to_string(counts.lost) +
         ",\"queue_drops\":" + std::to_string(counts.queue_drops) +
         ",\"duplicated\":" + std::to_string(counts.duplicated) +
         ",\"reordered\":" + std::to_string(counts.reordered) +
         ",\"queue_p50_ms\":" + std::to_string(waits.milliseconds(kMedian)) +
         ",\"queue_p95_ms\":" + std::to_string(waits.milliseconds(kNearlyAll)) + "}";
}

}  // namespace

std::string usage() {
  return "usage: impairment_relay --to ADDRESS:PORT [--listen ADDRESS:PORT] [--seed N]\n"
         "  both directions, or one of them with --up-... or --down-...:\n"
         "  [--loss P] [--delay-ms T] [--jitter-ms T] [--reorder P] [--reorder-ms T]\n"
         "  [--duplicate P] [--rate-bps N] [--queue-ms T]\n"
         "  [--burst-to-bad P] [--burst-to-good P] [--burst-loss P]\n"
         "  each line of standard input: some of these from then on, or none; counts are answered\n"
         "  SIGUSR1: the server sees each client at another address from then on\n";
}

Expected<RelayOptions, std::string> parse_options(std::span<const char* const> arguments) {
  RelayOptions options;
  if (auto error = apply_pairs(arguments, options)) return unexpected(*std::move(error));
  if (options.to.port == 0) return unexpected(std::string("--to: is needed"));
  return options;
}

Expected<RelayOptions, std::string> parse_change(const RelayOptions& now, std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    if (end > 0) words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  std::vector<const char*> arguments;
  for (const std::string& word : words) arguments.push_back(word.c_str());
  RelayOptions changed = now;
  if (auto error = apply_pairs(arguments, changed)) return unexpected(*std::move(error));
  if (changed.listen != now.listen || changed.to != now.to || changed.seed != now.seed) {
    return unexpected(std::string("--listen, --to and --seed cannot change"));
  }
  return changed;
}

std::string counts_text(const RelayCounts& counts) {
  return "{\"up\":" + path_text(counts.up, counts.up_waits) +
         ",\"down\":" + path_text(counts.down, counts.down_waits) +
         ",\"clients\":" + std::to_string(counts.clients) +
         ",\"refused\":" + std::to_string(counts.refused) +
         ",\"unsent\":" + std::to_string(counts.unsent) + "}";
}

}  // namespace simpul::impairment
