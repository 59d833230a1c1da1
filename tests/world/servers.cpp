// SPDX-License-Identifier: Apache-2.0
#include "tests/world/servers.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace drwatch::testing {
namespace {

using namespace std::chrono_literals;

// `port`: 0: any, and then which.
int bound_socket(int type, std::uint16_t& port) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port on loopback");
  }
  port = ntohs(address.sin_port);
  return fd;
}

bool readable(int fd, std::chrono::milliseconds most) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(most.count())) > 0;
}

}  // namespace

bool Peer::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    if (stop_) return false;
    const auto n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

std::string Peer::receive_until(const std::string& mark) {
  std::string text;
  while (!stop_ && text.find(mark) == std::string::npos) {
    if (!readable(fd_, 20ms)) continue;
    char piece[4096];
    const auto n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) break;
    text.append(piece, static_cast<std::size_t>(n));
  }
  return text;
}

bool Peer::wait(std::chrono::milliseconds d) {
  for (auto left = d; left > 0ms && !stop_; left -= 10ms) std::this_thread::sleep_for(std::min(left, 10ms));
  return !stop_;
}

void Peer::wait_for_close() {
  char piece[4096];
  while (!stop_) {
    if (readable(fd_, 20ms) && ::recv(fd_, piece, sizeof piece, 0) <= 0) return;
  }
}

TcpServer::TcpServer(std::function<void(Peer)> behave) : listener_(bound_socket(SOCK_STREAM, port_)) {
  ::listen(listener_, 128);
  accepting_ = std::thread([this, behave = std::move(behave)] { accept_all(behave); });
}

void TcpServer::accept_all(std::function<void(Peer)> behave) {
  while (!stop_) {
    if (!readable(listener_, 20ms)) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++accepted_;
    std::lock_guard lock(mutex_);
    open_.push_back(fd);
    std::thread([this, fd, behave] {
      behave(Peer(fd, stop_));
      std::lock_guard inner(mutex_);
      std::erase(open_, fd);
      ::close(fd);
      served_.notify_all();
    }).detach();
  }
}

TcpServer::~TcpServer() {
  stop_ = true;
  accepting_.join();
  std::unique_lock lock(mutex_);
  for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
  served_.wait(lock, [this] { return open_.empty(); });
  ::close(listener_);
}

UdpServer::UdpServer(std::function<std::optional<std::string>(const std::string&)> answer, std::uint16_t port)
    : port_(port), socket_(bound_socket(SOCK_DGRAM, port_)) {
  serving_ = std::thread([this, answer = std::move(answer)] {
    while (!stop_) {
      if (!readable(socket_, 20ms)) continue;
      char piece[2048];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const auto n = ::recvfrom(socket_, piece, sizeof piece, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n <= 0) continue;
      ++asked_;
      if (auto text = answer(std::string(piece, static_cast<std::size_t>(n)))) {
        ::sendto(socket_, text->data(), text->size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
    }
  });
}

UdpServer::~UdpServer() {
  stop_ = true;
  serving_.join();
  ::close(socket_);
}

std::string dns_answer(const std::string& question, int rcode, std::optional<std::array<std::uint8_t, 4>> address, std::uint32_t ttl) {
  std::size_t end = 12;
  while (end < question.size() && question[end] != 0) end += static_cast<unsigned char>(question[end]) + 1u;
  const bool asks_a = end + 2 < question.size() && question[end + 2] == 1;
  std::string text = question.substr(0, end + 5);
  const bool with_record = asks_a && address;
  text[2] = static_cast<char>(0x81);
  text[3] = static_cast<char>(0x80 | rcode);
  std::memcpy(&text[4], with_record ? "\0\1\0\1\0\0\0\0" : "\0\1\0\0\0\0\0\0", 8);
  if (!with_record) return text;
  text.append("\xc0\x0c\0\1\0\1", 6);
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(ttl >> shift);
  text.append("\0\4", 2);
  for (auto byte : *address) text += static_cast<char>(byte);
  return text;
}

std::uint16_t unused_port() {
  std::uint16_t port = 0;
  ::close(bound_socket(SOCK_STREAM, port));
  return port;
}

TempFolder::TempFolder() {
  auto pattern = (std::filesystem::temp_directory_path() / "drwatch-test-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::file(const std::string& name, const std::string& content) const {
  const auto path = path_ + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace drwatch::testing
