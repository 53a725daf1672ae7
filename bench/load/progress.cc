#include "bench/load/progress.h"

#include <array>
#include <cstdio>

namespace simpul::load {
namespace {

template <class... Values>
std::string format(const char* pattern, Values... values) {
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

std::string phase_text(const Progress::PhaseState& phase) {
  std::string text = phase.name + ' ' + phase.doing;
  text += format(" %.0f", phase.seconds);
  if (phase.of > 0) text += format("/%.0f", phase.of);
  return text + " s";
}

}  // namespace

std::string to_line(const Progress& progress) {
  const Second& second = progress.second;
  std::string text = format("%4.0f s  ", second.at);
  for (const auto& phase : progress.phases) text += phase_text(phase) + "  ";
  text += format("%llu there", static_cast<unsigned long long>(second.present));
  if (second.joining > 0) {
    text += format(", %llu joining", static_cast<unsigned long long>(second.joining));
  }
  if (progress.failed > 0) {
    text += format(", %llu failed", static_cast<unsigned long long>(progress.failed));
  }
  text += format("  %.0f packets/s %.0f Mbit/s", second.packets, second.mbit);
  if (second.delay_p50 && second.delay_p99) {
    text += format("  delay %.1f p99 %.1f ms", *second.delay_p50, *second.delay_p99);
  }
  if (second.relay_cpu) {
    text += format("  relay %.0f %%", *second.relay_cpu * 100);
  } else if (progress.has_relay) {
    text += "  relay -";
  }
  return text + format("  own %.0f %%", second.own_cpu * 100);
}

}  // namespace simpul::load
