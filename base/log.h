#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

// Logs as `event key=value`, one line per change of state, never per packet. Asynchronous: a
// full queue loses lines (and counts them), nobody waits for a disk. Of one event and reason ten
// lines a second are written at most (log_limit.h).
namespace simpul::log {

enum class Level { kDebug, kInfo, kWarning, kError };
enum class Format { kText, kJson };

// One `key=value` of a line. Values with blanks or quotes are quoted when written.
struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, const std::string& text) : key(name), value(text) {}
  Field(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
  template <class Number>
  requires(std::is_arithmetic_v<Number> && !std::is_same_v<Number, bool>)
      Field(std::string_view name, Number number)
      : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};

using Fields = std::initializer_list<Field>;

// Starts the writer thread. Before it, and after stop(), lines go straight to standard error.
void start(Level level, Format format);
void set_level(Level level);
// Writes what is queued and ends the thread.
void stop();

bool enabled(Level level);
void write(Level level, std::string_view event, Fields fields);

inline void debug(std::string_view event, Fields fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) { write(Level::kInfo, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) {
  write(Level::kWarning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::kError, event, fields);
}

// One line as it is written, without time and level; for the tests of the format.
std::string format_line(Format format, std::string_view event, Fields fields);

}  // namespace simpul::log
