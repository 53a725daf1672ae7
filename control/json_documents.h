#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "node/node.h"

namespace simpul::control {

// The JSON documents of the API. Unknown values are null, rates are in bit/s, losses 0 to 1.
std::string room_document(const node::RoomReport& room);
// {"rooms": [...], "next": "id of the last one" or null}
std::string rooms_document(const std::vector<node::RoomReport>& rooms, bool has_more);
std::string participant_document(const node::ParticipantReport& participant);
std::string participants_document(const std::vector<node::ParticipantReport>& participants,
                                  bool has_more);
std::string node_document(const node::NodeReport& node, bool healthy, int64_t now_unix_ms);
// {"status": "ok"}
std::string status_document(const std::string& status);

// "2026-11-21T18:00:00Z" (RFC 3339), in whole seconds.
std::string rfc3339(int64_t unix_ms);

}  // namespace simpul::control
