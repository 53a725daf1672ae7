#include "bench/peer/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace simpul::peer {
namespace {

// A connected socket that is closed at its end.
class Connection {
 public:
  explicit Connection(const Address& server) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port);
    std::memcpy(&to.sin_addr, server.ip.data() + 12, 4);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  ~Connection() { close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return connected_; }

  bool write(const std::string& text) const {
    size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t done = send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (done <= 0) return false;
      sent += static_cast<size_t>(done);
    }
    return true;
  }

  std::string read_to_end() const {
    std::string text;
    std::array<char, 8192> part;
    while (true) {
      const ssize_t done = recv(fd_, part.data(), part.size(), 0);
      if (done <= 0) return text;
      text.append(part.data(), static_cast<size_t>(done));
    }
  }

 private:
  int fd_;
  bool connected_ = false;
};

std::string header_of(const std::string& head, const std::string& name) {
  size_t at = 0;
  while (at < head.size()) {
    const size_t end = std::min(head.find("\r\n", at), head.size());
    const size_t colon = head.find(':', at);
    if (colon < end && colon - at == name.size() &&
        strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
      const size_t value = std::min(head.find_first_not_of(' ', colon + 1), end);
      return head.substr(value, end - value);
    }
    at = end + 2;
  }
  return {};
}

}  // namespace

std::string HttpAnswer::header(const std::string& name) const { return header_of(head, name); }

Expected<HttpAnswer, std::string> request(const Address& server, const std::string& method,
                                          const std::string& target, const std::string& type,
                                          const std::string& body, const std::string& more) {
  const Connection connection(server);
  if (!connection.connected()) return unexpected("cannot connect to " + server.to_string());
  std::string text = method + " " + target + " HTTP/1.1\r\nHost: " + server.to_string() +
                     "\r\nConnection: close\r\n";
  if (!type.empty()) text += "Content-Type: " + type + "\r\n";
  if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (!connection.write(text + more + "\r\n" + body)) return unexpected(std::string("cannot send"));
  const std::string answer = connection.read_to_end();
  const size_t head_end = answer.find("\r\n\r\n");
  if (head_end == std::string::npos || answer.size() < 12) {
    return unexpected(std::string("no whole answer"));
  }
  const std::string head = answer.substr(0, head_end);
  return HttpAnswer{.status = std::atoi(answer.c_str() + 9),
                    .location = header_of(head, "location"),
                    .body = answer.substr(head_end + 4),
                    .head = head};
}

}  // namespace simpul::peer
