// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace drwatch::test {

Client::Client(int port, int receive_buffer, const std::string& source) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience{30, 0};  // a busy machine answers late under the sanitizers
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (receive_buffer > 0) setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = inet_addr(source.c_str());
  if (bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot bind");
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot connect");
}

Client::~Client() {
  if (socket_ >= 0) close(socket_);
}

bool Client::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const auto n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

bool Client::more() {
  char bytes[16384];
  const auto n = recv(socket_, bytes, sizeof bytes, 0);
  if (n <= 0) return false;
  read_.append(bytes, static_cast<std::size_t>(n));
  return true;
}

std::string Client::read_until(const std::string& what) {
  std::size_t found;
  while ((found = read_.find(what)) == std::string::npos)
    if (!more()) return {};
  std::string text = read_.substr(0, found + what.size());
  read_.erase(0, text.size());
  return text;
}

Reply Client::reply(bool to_head) {
  Reply reply;
  const std::string head = read_until("\r\n\r\n");
  if (head.empty()) return reply;
  reply.status = std::stoi(head.substr(9, 3));
  for (auto from = head.find("\r\n") + 2; from + 2 < head.size();) {
    const auto end = head.find("\r\n", from), colon = head.find(": ", from);
    std::string name = head.substr(from, colon - from);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    reply.headers[name] = head.substr(colon + 2, end - colon - 2);
    from = end + 2;
  }
  if (!to_head && reply.headers["content-type"] == "application/vnd.sqlite3") {  // a file: as long as it comes
    while (more()) {
    }
    reply.body = std::exchange(read_, "");
    return reply;
  }
  if (to_head || !reply.headers.contains("content-length")) return reply;
  const std::size_t length = std::stoul(reply.headers["content-length"]);
  while (read_.size() < length)
    if (!more()) return Reply{};
  reply.body = read_.substr(0, length);
  read_.erase(0, length);
  return reply;
}

bool Client::ended() {
  if (!read_.empty()) return false;
  char byte;
  const auto n = recv(socket_, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

Reply ask(int port, const std::string& method, const std::string& target, const std::vector<std::string>& headers,
          const std::string& body) {
  Client client(port);
  std::string request = method + " " + target + " HTTP/1.1\r\n";
  const bool own_host = std::any_of(headers.begin(), headers.end(), [](const auto& h) { return h.starts_with("Host:"); });
  if (!own_host) request += "Host: 127.0.0.1\r\n";
  for (const auto& header : headers) request += header + "\r\n";
  if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  client.send(request + "\r\n" + body);
  return client.reply(method == "HEAD");
}

}  // namespace drwatch::test
