#pragma once

#include <string>
#include <string_view>

#include "node/slot_why.h"

namespace simpul::control {

// The word that stands for a cause in the API.
std::string_view cause_word(const node::SlotWhy& why);
// The cause in one English sentence.
std::string cause_sentence(const node::SlotWhy& why);
// The JSON document of a slot's `why`. Rates are in bit/s; what is not known is null.
std::string why_document(const node::SlotWhy& why);

}  // namespace simpul::control
