#include "sdp/session_description.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sdp/media_section.h"
#include "sdp/text.h"
#include "sdp/transport_attributes.h"

namespace simpul::sdp {
namespace {

constexpr std::string_view kLineTypes = "vosiuepcbtrzkam";

// Tabs are taken for the sake of old writers; NUL and its kin never.
bool is_forbidden(char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; }

class Parser {
 public:
  Expected<SessionDescription, ParseError> parse(std::string_view text);

 private:
  Checked read_line(std::string_view line);
  Checked read_session_attribute(std::string_view name, std::string_view value);
  Checked read_attribute(std::string_view attribute);
  Checked read_group(std::string_view value);
  Checked start_media(std::string_view value);
  void finish_media();
  Checked check_groups();
  Checked check_mids();

  SessionDescription session_;
  std::vector<size_t> group_lines_;  // beside session_.bundle_groups
  Direction direction_ = Direction::kSendRecv;
  std::optional<MediaSection> section_;  // the one being read
  bool has_timing_ = false;
  size_t line_ = 0;
};

// RFC 8866 §5: v, o and s open a description, in this order.
Checked check_opening(size_t line, char type, std::string_view value) {
  constexpr std::string_view kOpening = "vos";
  if (line <= kOpening.size() && type != kOpening[line - 1]) {
    return wrong("a description begins with v=, o= and s=");
  }
  if (line == 1 && value != "0") return wrong("unknown version");
  if (line > kOpening.size() && kOpening.find(type) != std::string_view::npos) {
    return wrong("v=, o= or s= for a second time");
  }
  return {};
}

Checked Parser::read_line(std::string_view line) {
  if (line.size() > kLineSizeMax) return wrong("line too long");
  if (std::ranges::any_of(line, is_forbidden)) return wrong("control character");
  if (line.size() < 2 || line[1] != '=') return wrong("not a line of the form x=...");
  const char type = line[0];
  const auto value = line.substr(2);
  if (kLineTypes.find(type) == std::string_view::npos) return wrong("unknown type of line");
  if (auto opened = check_opening(line_, type, value); !opened) return opened;
  if (type == 't') has_timing_ = true;
  if (type == 'm') return start_media(value);
  if (type == 'a') return read_attribute(value);
  return {};
}

Checked Parser::start_media(std::string_view value) {
  if (!has_timing_) return wrong("t= is missing");
  finish_media();
  if (session_.media.size() == kMediaMax) return wrong("too many m-lines");
  return section_.emplace().start(value, line_, direction_);
}

void Parser::finish_media() {
  if (!section_) return;
  session_.media.push_back(section_->finish());
  section_.reset();
}

Checked Parser::read_attribute(std::string_view attribute) {
  std::string_view value = attribute;
  const auto name = take_until(value, ':');
  if (name.empty()) return wrong("attribute without a name");
  if (section_) return section_->read_attribute(name, value);
  return read_session_attribute(name, value);
}

Checked Parser::read_session_attribute(std::string_view name, std::string_view value) {
  if (name == "group") return read_group(value);
  if (name == "ice-lite") {
    session_.ice_lite = true;
    return {};
  }
  if (name == "extmap-allow-mixed") {
    session_.extmap_allow_mixed = true;
    return {};
  }
  if (const auto direction = direction_named(name)) {
    direction_ = *direction;
    return {};
  }
  const auto taken = read_transport_attribute(name, value, session_.transport);
  if (!taken) return unexpected(taken.error());
  return {};
}

Checked Parser::read_group(std::string_view value) {
  if (take_word(value) != "BUNDLE") return {};
  if (session_.bundle_groups.size() == kGroupsMax) return wrong("too many BUNDLE groups");
  auto& mids = session_.bundle_groups.emplace_back();
  group_lines_.push_back(line_);
  for (auto mid = take_word(value); !mid.empty(); mid = take_word(value)) {
    if (!is_token(mid)) return wrong("BUNDLE with a bad mid");
    if (mids.size() == kMediaMax) return wrong("too many mids in a BUNDLE group");
    mids.emplace_back(mid);
  }
  return {};
}

Checked Parser::check_mids() {
  std::vector<std::string_view> seen;
  for (const auto& media : session_.media) {
    line_ = media.line;
    if (media.mid.empty()) continue;
    if (std::ranges::find(seen, media.mid) != seen.end()) return wrong("the same mid twice");
    seen.push_back(media.mid);
  }
  return {};
}

// RFC 9143 §7.1: a mid of a group names an m-line, and is in one BUNDLE group only.
Checked Parser::check_groups() {
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < session_.bundle_groups.size(); ++i) {
    line_ = group_lines_[i];
    for (const auto& mid : session_.bundle_groups[i]) {
      if (std::ranges::find(session_.media, mid, &MediaDescription::mid) == session_.media.end()) {
        return wrong("BUNDLE names a mid that no m-line has");
      }
      if (std::ranges::find(seen, mid) != seen.end()) {
        return wrong("a mid twice in BUNDLE groups");
      }
      seen.push_back(mid);
    }
  }
  return {};
}

Expected<SessionDescription, ParseError> Parser::parse(std::string_view text) {
  const auto fail = [this](std::string_view reason) {
    return unexpected(ParseError{line_, std::string(reason)});
  };
  line_ = 1;
  if (text.size() > kTextSizeMax) return fail("description too large");
  line_ = 0;
  while (!text.empty()) {
    if (text.find_first_not_of("\r\n") == std::string_view::npos) break;
    ++line_;
    if (line_ > kLinesMax) return fail("too many lines");
    auto line = take_until(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const auto read = read_line(line); !read) return fail(read.error());
  }
  if (line_ < 3 || !has_timing_) return fail("description ends too early");
  finish_media();
  if (const auto checked = check_mids(); !checked) return fail(checked.error());
  if (const auto checked = check_groups(); !checked) return fail(checked.error());
  return std::move(session_);
}

}  // namespace

Expected<SessionDescription, ParseError> parse(std::string_view text) {
  return Parser().parse(text);
}

}  // namespace simpul::sdp
