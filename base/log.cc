#include "base/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "base/log_limit.h"

namespace simpul::log {
namespace {

constexpr size_t kQueueLines = 8192;

struct Writer {
  // The thread ends first: what it writes with is the logger's.
  ~Writer() { threads.reset(); }

  std::shared_ptr<spdlog::details::thread_pool> threads;  // spdlog's own interface wants these
  std::shared_ptr<spdlog::logger> logger;
  Format format = Format::kText;
  std::mutex limit_mutex;  // of lines, not of packets: nobody waits for long
  LogLimit limit;

  void put(Level level, std::string_view event, Fields fields);
  LogLimit::Verdict admit(std::string_view reason);
};

std::unique_ptr<Writer> writer;
std::atomic<Level> lowest{Level::kInfo};

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\\") != std::string_view::npos ||
         std::ranges::any_of(value, is_control);
}

void append_quoted(std::string& line, std::string_view value) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  line += '"';
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (is_control(c)) {
      // A peer's bytes may end up here: no line breaks, no terminal controls.
      line += "\\u00";
      line += kHex[byte >> 4];
      line += kHex[byte & 15];
    } else {
      line += c;
    }
  }
  line += '"';
}

// Lines of one event are of one kind, unless they give different reasons.
std::string reason_of(std::string_view event, Fields fields) {
  std::string reason(event);
  const auto* given = std::ranges::find(fields, "reason", &Field::key);
  if (given != fields.end()) reason.append(" ").append(given->value);
  return reason;
}

void Writer::put(Level level, std::string_view event, Fields fields) {
  const std::string line = format_line(format, event, fields);
  logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

LogLimit::Verdict Writer::admit(std::string_view reason) {
  const auto now = spdlog::details::os::now().time_since_epoch();
  const std::lock_guard lock(limit_mutex);
  return limit.admit(reason, std::chrono::duration_cast<LogLimit::Time>(now));
}

}  // namespace

std::string format_line(Format format, std::string_view event, Fields fields) {
  std::string line;
  if (format == Format::kJson) {
    line = "\"event\":";
    append_quoted(line, event);
    for (const Field& field : fields) {
      line += ',';
      append_quoted(line, field.key);
      line += ':';
      append_quoted(line, field.value);
    }
    return line;
  }
  line = event;
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    if (needs_quotes(field.value)) {
      append_quoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  return line;
}

void start(Level level, Format format) {
  auto made = std::make_unique<Writer>();
  made->format = format;
  made->threads = std::make_shared<spdlog::details::thread_pool>(kQueueLines, 1);
  // Standard error: standard output carries the ready line alone.
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  made->logger = std::make_shared<spdlog::async_logger>(
      "simpul", sink, made->threads, spdlog::async_overflow_policy::overrun_oldest);
  made->logger->set_pattern(format == Format::kJson
                                ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                            spdlog::pattern_time_type::utc);
  made->logger->set_level(spdlog::level::trace);
  lowest = level;
  writer = std::move(made);
}

void set_level(Level level) { lowest = level; }

void stop() {
  if (!writer) return;
  for (const auto& [reason, lines] : writer->limit.take_held_back()) {
    writer->put(Level::kWarning, "log_held_back", {{"of", reason}, {"lines", lines}});
  }
  writer.reset();
}

bool enabled(Level level) { return level >= lowest.load(std::memory_order_relaxed); }

void write(Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  if (writer) {
    const std::string reason = reason_of(event, fields);
    const auto verdict = writer->admit(reason);
    if (verdict.held_back > 0) {
      writer->put(Level::kWarning, "log_held_back", {{"of", reason}, {"lines", verdict.held_back}});
    }
    if (verdict.is_written) writer->put(level, event, fields);
    return;
  }
  const std::string line = format_line(Format::kText, event, fields) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace simpul::log
