#include "sdp/ice_fragment.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "sdp/session_description.h"
#include "sdp/text.h"
#include "sdp/transport_attributes.h"

namespace simpul::sdp {
namespace {

constexpr std::array<std::string_view, 3> kSessionAttributes = {"ice-lite", "ice-options",
                                                                "ice-pacing"};

// The next line without its end, which may be CRLF or LF.
std::string_view take_line(std::string_view& text) {
  auto line = take_until(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_forbidden(char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; }

class FragmentParser {
 public:
  Expected<IceFragment, FragmentError> parse(std::string_view text);

 private:
  Checked read_line(std::string_view line);
  Checked read_attribute(std::string_view attribute);
  Checked check_section() const;
  Checked check_mids() const;
  bool is_at_session() const { return fragment_.media.empty(); }
  FragmentSection& section() {
    return is_at_session() ? fragment_.session : fragment_.media.back();
  }

  IceFragment fragment_;
};

// Of the section that ends here.
Checked FragmentParser::check_section() const {
  const FragmentSection& last = is_at_session() ? fragment_.session : fragment_.media.back();
  if (!is_at_session() && last.mid.empty()) return wrong("m-line without a=mid");
  if (last.ice_ufrag.empty() != last.ice_pwd.empty()) {
    return wrong("ice-ufrag and ice-pwd belong together");
  }
  return {};
}

Checked FragmentParser::check_mids() const {
  const auto& media = fragment_.media;
  for (auto section = media.begin(); section != media.end(); ++section) {
    if (std::find_if(media.begin(), section, [&](const FragmentSection& other) {
          return other.mid == section->mid;
        }) != section) {
      return wrong("the same mid twice");
    }
  }
  return {};
}

Checked FragmentParser::read_attribute(std::string_view attribute) {
  std::string_view value = attribute;
  const auto name = take_until(value, ':');
  if (name.empty()) return wrong("attribute without a name");
  if (name == "candidate") {
    ++section().candidates;
  } else if (name == "end-of-candidates") {
    section().end_of_candidates = true;
  } else if (name == "mid" && !is_at_session()) {
    if (!is_token(value)) return wrong("bad mid");
    if (!section().mid.empty()) return wrong("a=mid for a second time");
    section().mid = value;
  } else if (name == "ice-ufrag" || name == "ice-pwd") {
    TransportDescription transport;
    const auto read = read_transport_attribute(name, value, transport);
    if (!read) return unexpected(read.error());
    std::string& place = name == "ice-pwd" ? section().ice_pwd : section().ice_ufrag;
    if (!place.empty()) return wrong("credentials for a second time");
    place = value;
  }
  return {};
}

Checked FragmentParser::read_line(std::string_view line) {
  if (std::ranges::any_of(line, is_forbidden)) return wrong("control character");
  if (line.size() < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z') {
    return wrong("not a line of the form x=...");
  }
  if (line[0] == 'a') return read_attribute(line.substr(2));
  if (line[0] != 'm') return {};
  if (auto checked = check_section(); !checked) return checked;
  fragment_.media.emplace_back();
  return {};
}

Expected<IceFragment, FragmentError> FragmentParser::parse(std::string_view text) {
  const auto too_large = [](size_t line, std::string reason) {
    return unexpected(FragmentError{true, line, std::move(reason)});
  };
  if (text.size() > kFragmentSizeMax) return too_large(1, "fragment too large");
  size_t number = 0;
  const auto fail = [&number](std::string_view reason) {
    return unexpected(FragmentError{false, number, std::string(reason)});
  };
  while (text.find_first_not_of("\r\n") != std::string_view::npos) {
    if (++number > kFragmentLinesMax) return too_large(number, "too many lines");
    if (const auto read = read_line(take_line(text)); !read) return fail(read.error());
    if (fragment_.media.size() > kFragmentSectionsMax) return too_large(number, "too many m-lines");
  }
  if (number == 0) return fail("empty fragment");
  if (const auto checked = check_section(); !checked) return fail(checked.error());
  if (const auto checked = check_mids(); !checked) return fail(checked.error());
  return std::move(fragment_);
}

bool is_attribute(std::string_view line, std::string_view name) {
  if (!line.starts_with("a=") || !line.substr(2).starts_with(name)) return false;
  const auto rest = line.substr(2 + name.size());
  return rest.empty() || rest.front() == ':';
}

// The first mid of the first BUNDLE group: the section that has the candidates.
std::string_view tagged_mid(std::string_view description) {
  constexpr std::string_view kGroup = "a=group:BUNDLE ";
  while (!description.empty()) {
    auto line = take_line(description);
    if (!line.starts_with(kGroup)) continue;
    line.remove_prefix(kGroup.size());
    return take_word(line);
  }
  return {};
}

}  // namespace

Expected<IceFragment, FragmentError> parse_ice_fragment(std::string_view text) {
  return FragmentParser().parse(text);
}

const FragmentSection* credentials_of(const IceFragment& fragment,
                                      std::span<const std::string> mids) {
  for (const std::string& mid : mids) {
    const auto section = std::ranges::find(fragment.media, mid, &FragmentSection::mid);
    if (section != fragment.media.end() && section->has_credentials()) return &*section;
  }
  return fragment.session.has_credentials() ? &fragment.session : nullptr;
}

std::string write_ice_fragment(std::string_view description, std::string_view ice_ufrag,
                               std::string_view ice_pwd) {
  const auto mid = tagged_mid(description);
  const std::string mid_line = "a=mid:" + std::string(mid);
  std::string session;
  std::string candidates;
  std::string_view media_line;  // of the section being read; empty in front of the first one
  std::string_view tagged_line;
  bool tagged = false;
  const auto append = [](std::string& text, std::string_view line) {
    text.append(line).append("\r\n");
  };
  while (!description.empty()) {
    const auto line = take_line(description);
    if (line.starts_with("m=")) {
      media_line = line;
      tagged = false;
    } else if (media_line.empty()) {
      const bool kept = line.starts_with("a=group:BUNDLE") ||
                        std::ranges::any_of(kSessionAttributes, [line](std::string_view name) {
                          return is_attribute(line, name);
                        });
      if (kept) append(session, line);
    } else if (is_attribute(line, "mid")) {
      tagged = line == mid_line;
      if (tagged) tagged_line = media_line;
    } else if (tagged &&
               (is_attribute(line, "candidate") || is_attribute(line, "end-of-candidates"))) {
      append(candidates, line);
    }
  }
  std::string text = std::move(session);
  append(text, tagged_line);
  append(text, mid_line);
  text.append("a=ice-ufrag:").append(ice_ufrag).append("\r\n");
  text.append("a=ice-pwd:").append(ice_pwd).append("\r\n");
  return text + candidates;
}

}  // namespace simpul::sdp
