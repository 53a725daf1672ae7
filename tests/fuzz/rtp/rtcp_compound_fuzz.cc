#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

using namespace simpul;
using namespace simpul::rtp;

namespace {

void check(bool condition) {
  if (!condition) __builtin_trap();
}

template <class T>
std::vector<T> copy(WireList<T> list) {
  return {list.begin(), list.end()};
}

// Each overload writes what was read and, where that fitted, compares what is read again.
class Rewriter {
 public:
  void operator()(const SenderReport& report) {
    if (!writer_.sender_report(report.sender, copy(report.blocks))) return;
    const auto again = reread<SenderReport>();
    check(again.sender == report.sender && copy(again.blocks) == copy(report.blocks));
  }
  void operator()(const ReceiverReport& report) {
    if (!writer_.receiver_report(report.sender, copy(report.blocks))) return;
    check(copy(reread<ReceiverReport>().blocks) == copy(report.blocks));
  }
  void operator()(const Sdes& sdes) {
    if (writer_.cname(sdes.ssrc, sdes.cname)) check(reread<Sdes>().cname == sdes.cname);
  }
  void operator()(const Bye& bye) {
    if (writer_.bye(copy(bye.ssrcs))) check(copy(reread<Bye>().ssrcs) == copy(bye.ssrcs));
  }
  void operator()(const Nack& nack) {
    std::vector<SequenceNumber> missing;
    nack.append_missing(missing);
    check(!missing.empty() && missing.size() <= nack.entries.size() / 4 * 17);
    const size_t taken = writer_.nack(nack.sender, nack.media, missing);
    if (taken == 0) return;
    // Numbers that come twice in a row are written once; otherwise the order holds.
    missing.resize(taken);
    missing.erase(std::unique(missing.begin(), missing.end()), missing.end());
    std::vector<SequenceNumber> again;
    reread<Nack>().append_missing(again);
    check(again.size() <= missing.size());
    for (const SequenceNumber number : missing) check(std::ranges::count(again, number) > 0);
  }
  void operator()(const Pli& pli) {
    if (writer_.pli(pli.sender, pli.media)) check(reread<Pli>().media == pli.media);
  }
  void operator()(const Fir& fir) {
    if (!writer_.fir(fir.sender, copy(fir.entries))) return;
    check(copy(reread<Fir>().entries) == copy(fir.entries));
  }
  void operator()(const TransportFeedback& feedback) {
    std::vector<ReportedArrival> arrivals;
    if (!feedback.append_arrivals(arrivals)) check(arrivals.empty());
    check(arrivals.size() <= std::min<size_t>(feedback.status_count, feedback.body.size()));
  }
  void operator()(const CongestionFeedback& feedback) {
    std::vector<PacketReport> reports;
    if (!feedback.append_reports(reports)) check(reports.empty());
    check(reports.size() <= feedback.blocks.size() / 2);
    for (const PacketReport& report : reports) {
      const Duration time = report.arrived_at.value_or(Duration::zero());
      check(time >= Duration::zero() && time < kCongestionClockPeriod);
    }
  }
  void operator()(const Remb& remb) {
    check(remb.bitrate_bps <= kRembBitrateMax);
    if (!writer_.remb(remb.sender, remb.bitrate_bps, copy(remb.ssrcs))) return;
    const auto again = reread<Remb>();
    check(again.bitrate_bps <= remb.bitrate_bps && copy(again.ssrcs) == copy(remb.ssrcs));
  }
  void operator()(const UnknownRtcp&) {}

 private:
  template <class T>
  T reread() {
    check(writer_.size() <= kRtcpSizeMax && writer_.size() % 4 == 0);
    RtcpReader reader(writer_.written());
    const auto packet = reader.next();
    check(packet.has_value() && std::holds_alternative<T>(*packet));
    return std::get<T>(*packet);
  }

  std::array<uint8_t, 1500> room_{};
  RtcpWriter writer_{room_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes compound(data, size);
  (void)is_rtcp(compound);
  RtcpReader reader(compound);
  size_t packets = 0;
  while (const auto packet = reader.next()) {
    check(++packets <= RtcpReader::kPacketsMax);
    std::visit(Rewriter(), *packet);
  }
  check(reader.error().has_value() || packets > 0 || size == 0);
  return 0;
}
