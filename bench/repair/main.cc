// repair_report: the share of frames that are not shown in time, with retransmissions alone and
// with the parity packets that the rule spends beside them, as rows of the table of decision 28.
#include <cstdio>

#include "bench/repair/repair_model.h"
#include "connection/protection_rule.h"

namespace simpul::repair {
namespace {

constexpr double kBps = 1'500'000;

// On a path that has room.
double share_of(Duration round_trip, double loss) {
  connection::ProtectionRule rule;
  rule.update({.round_trip = round_trip,
               .loss = loss,
               .carried_bps = 3 * kBps,
               .arriving_bps = kBps * (1 - loss)});
  return rule.share();
}

void print_cell(Options options) {
  const double alone = run(options).late * 100;
  options.share = share_of(options.round_trip, options.loss);
  if (options.share == 0) {
    std::printf(" %.1f, - |", alone);
  } else {
    std::printf(" %.1f, %.1f |", alone, run(options).late * 100);
  }
}

void print_rows(const char* kind, double burst) {
  for (const int round_trip : {30, 100, 200, 300, 400}) {
    std::printf("| %d ms%s |", round_trip, kind);
    for (const double loss : {0.01, 0.02, 0.05, 0.1, 0.2}) {
      print_cell({.round_trip = std::chrono::milliseconds(round_trip),
                  .loss = loss,
                  .burst = burst,
                  .bps = kBps});
    }
    std::printf("\n");
  }
}

}  // namespace
}  // namespace simpul::repair

int main() {
  simpul::repair::print_rows("", 0);
  simpul::repair::print_rows(", runs of 3", 3);
}
