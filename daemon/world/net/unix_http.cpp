// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/net/unix_http.hpp"

#include "daemon/world/failures.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace drwatch {
namespace {

struct Handle {
  int number = -1;
  ~Handle() {
    if (number >= 0) ::close(number);
  }
};

Failure failure(int number) {
  return {number == EAGAIN ? Reason::timeout : Reason::connect, errno_name(number),
          number == EAGAIN ? "no answer in time" : errno_words(number)};
}

}  // namespace

Result<HttpResponse> fetch_from_socket(const std::string& path, const HttpRequest& request, std::chrono::seconds patience) {
  if (path.empty() || path.size() >= sizeof(sockaddr_un::sun_path)) return Failure{Reason::connect, "ENAMETOOLONG", "no path of a socket"};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const Handle socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const timeval bound{patience.count(), 0};
  setsockopt(socket.number, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  setsockopt(socket.number, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
  if (::connect(socket.number, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failure(errno);

  std::string text = request.method + " " + request.url + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
  text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n\r\n" + request.body;
  for (std::string_view rest = text; !rest.empty();) {
    const auto sent = ::send(socket.number, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) return failure(errno);
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  char piece[16 * 1024];
  for (;;) {
    const auto got = ::recv(socket.number, piece, sizeof piece, 0);
    if (got < 0) return failure(errno);
    if (got == 0) break;
    answer.append(piece, static_cast<std::size_t>(got));
    if (answer.size() > request.max_body) return Failure{Reason::protocol, "EFBIG", "its answer does not end"};
  }
  const auto head = answer.find("\r\n\r\n");
  if (head == std::string::npos || !answer.starts_with("HTTP/1.1 "))
    return Failure{Reason::protocol, "", "it did not answer as drwatch does"};
  HttpResponse response;
  response.status = std::atoi(answer.c_str() + 9);
  response.body = answer.substr(head + 4);
  return response;
}

}  // namespace drwatch
