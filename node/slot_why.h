#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "relay/allocation.h"

namespace simpul::node {

// Why a slot of a connection carries what it carries, with the names that people know.
struct SlotWhy {
  // Another slot of the same connection that takes its share.
  struct Competitor {
    std::string mid;
    std::string participant;
    uint64_t bitrate_bps = 0;
    uint8_t priority = 1;
  };

  std::string mid;
  std::string participant = {};                   // who is in it; empty: nobody
  std::optional<std::string> layer = {};          // that it carries
  std::optional<std::string> granted_layer = {};  // that it should carry
  std::optional<std::string> next_layer = {};
  relay::SlotGrant grant = {};
  // Of the connection.
  std::optional<uint64_t> estimate_bps = {};
  uint64_t audio_bps = 0;
  std::vector<Competitor> competing = {};
};

}  // namespace simpul::node
