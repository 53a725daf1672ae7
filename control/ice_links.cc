#include "control/ice_links.h"

#include <string>
#include <string_view>

namespace simpul::control {
namespace {

// quoted-string of RFC 9110 §5.6.4.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

}  // namespace

std::vector<Header> ice_links(std::span<const config::IceServer> servers) {
  std::vector<Header> links;
  for (const config::IceServer& server : servers) {
    for (const std::string& url : server.urls) {
      std::string link = "<" + url + ">; rel=\"ice-server\"";
      if (url.starts_with("turn")) {
        link += "; username=" + quoted(server.username);
        link += "; credential=" + quoted(server.credential);
        link += "; credential-type=\"password\"";
      }
      links.push_back({"Link", std::move(link)});
    }
  }
  return links;
}

}  // namespace simpul::control
