#include "control/why_document.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>

namespace simpul::control {
namespace {

using Json = nlohmann::ordered_json;
using relay::GrantCause;

std::string rate(uint64_t bps) {
  std::array<char, 32> text{};
  const auto value = static_cast<double>(bps);
  if (bps >= 1'000'000) {
    std::snprintf(text.data(), text.size(), "%.1f Mbit/s", value / 1e6);
  } else {
    std::snprintf(text.data(), text.size(), "%.0f kbit/s", value / 1e3);
  }
  return text.data();
}

std::string duration(Duration time) {
  std::array<char, 32> text{};
  const double seconds = std::chrono::duration<double>(time).count();
  std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  return text.data();
}

// Without simulcast a layer has no name.
std::string named(const std::optional<std::string>& layer, const std::string& what) {
  return layer && !layer->empty() ? what + " (" + *layer + ")" : what;
}

uint64_t competing_bps(const node::SlotWhy& why) {
  return std::accumulate(
      why.competing.begin(), why.competing.end(), uint64_t{0},
      [](uint64_t sum, const auto& competitor) { return sum + competitor.bitrate_bps; });
}

// "The path carries 900 kbit/s, of which audio takes 40 kbit/s and 2 other slots take 650 kbit/s"
// slots"
std::string path_clause(const node::SlotWhy& why) {
  std::string text = "The path carries " + rate(why.estimate_bps.value_or(0));
  const size_t others = why.competing.size();
  if (why.audio_bps > 0) text += ", of which audio takes " + rate(why.audio_bps);
  if (others > 0) {
    text += why.audio_bps > 0 ? " and " : ", of which ";
    text += std::to_string(others) + (others == 1 ? " other slot takes " : " other slots take ") +
            rate(competing_bps(why));
  }
  return text;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

std::string_view cause_word(const node::SlotWhy& why) {
  switch (why.grant.cause) {
    case GrantCause::kLargest:
      return "largest";
    case GrantCause::kLargestWanted:
      return "size";
    case GrantCause::kLargestAsked:
      return "asked";
    case GrantCause::kPublisherNotSending:
      return "publisher_not_sending";
    case GrantCause::kWaitingForKeyFrame:
      return "waiting_for_key_frame";
    case GrantCause::kWaitingForPublisher:
      return "waiting_for_publisher";
    case GrantCause::kEstimate:
      return "estimate";
    case GrantCause::kSettling:
      return "settling";
    case GrantCause::kHeldBack:
      return "held_back";
    case GrantCause::kEstimateUnknown:
      return "estimate_unknown";
    case GrantCause::kPausedByEstimate:
      return "paused_by_estimate";
    case GrantCause::kPausedByRequest:
      return "paused_by_request";
    case GrantCause::kEmpty:
      return "empty";
  }
  return "";
}

std::string cause_sentence(const node::SlotWhy& why) {
  const std::string next = named(why.next_layer, "the next layer");
  switch (why.grant.cause) {
    case GrantCause::kLargest:
      return "This is the largest layer that there is.";
    case GrantCause::kLargestWanted:
      return "The picture is shown so small that a larger layer would be of no use.";
    case GrantCause::kLargestAsked:
      return "The viewer asked for no larger layer.";
    case GrantCause::kPublisherNotSending:
      return why.grant.layer ? "The publisher does not send a larger layer now."
                             : "The publisher does not send this track now.";
    case GrantCause::kWaitingForKeyFrame:
      return "It waits for a key frame of " + named(why.granted_layer, "its layer") + ".";
    case GrantCause::kWaitingForPublisher:
      return "The publisher had suspended " + named(why.granted_layer, "its layer") +
             ", which nobody watched, and is resuming it.";
    case GrantCause::kEstimate:
      return path_clause(why) + "; for " + next + " it would have to carry " +
             rate(why.grant.needed_bps) + ".";
    case GrantCause::kSettling:
      return path_clause(why) + "; that is enough for " + next + ", and has to last for another " +
             duration(why.grant.wait) + ".";
    case GrantCause::kHeldBack:
      return "The path did not carry a larger layer when it was tried; it is tried again in " +
             duration(why.grant.wait) + " at the earliest.";
    case GrantCause::kEstimateUnknown:
      return "It is not known yet what the path carries.";
    case GrantCause::kPausedByEstimate:
      return path_clause(why) + "; for the lowest layer it would have to carry " +
             rate(why.grant.needed_bps) + ", so that video pauses and audio goes on.";
    case GrantCause::kPausedByRequest:
      return "The viewer asked for a pause.";
    case GrantCause::kEmpty:
      return "Nobody is in this slot.";
  }
  return "";
}

std::string why_document(const node::SlotWhy& why) {
  const relay::SlotGrant& grant = why.grant;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(grant.wait);
  Json competing = Json::array();
  for (const auto& competitor : why.competing) {
    competing.push_back({{"mid", competitor.mid},
                         {"participant", competitor.participant},
                         {"bitrate_bps", competitor.bitrate_bps},
                         {"priority", competitor.priority}});
  }
  const Json document = {
      {"mid", why.mid},
      {"participant", why.participant.empty() ? Json(nullptr) : Json(why.participant)},
      {"layer", or_null(why.layer)},
      {"granted_layer", or_null(why.granted_layer)},
      {"cause", cause_word(why)},
      {"text", cause_sentence(why)},
      {"bitrate_bps", grant.bitrate_bps},
      {"wanted_pixels", or_null(grant.wanted_pixels)},
      {"priority", grant.priority},
      {"next_layer", or_null(why.next_layer)},
      {"needed_bps", grant.next ? Json(grant.needed_bps) : Json(nullptr)},
      {"wait_ms", wait.count()},
      {"estimate_bps", or_null(why.estimate_bps)},
      {"audio_bps", why.audio_bps},
      {"competing", std::move(competing)}};
  // What clients sent may be no UTF-8: it is replaced, so that writing never fails.
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace simpul::control
