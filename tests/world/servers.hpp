// SPDX-License-Identifier: Apache-2.0
// Servers on loopback whose behaviour a test chooses, each on threads of its own: what they do can only disturb the loop under test through
// the network.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace drwatch::testing {

// One accepted connection, as the behaviour sees it.
class Peer {
 public:
  Peer(int fd, const std::atomic<bool>& stop) : fd_(fd), stop_(stop) {}
  bool send(const std::string& bytes);                 // false: the other side is gone, or the server stops
  std::string receive_until(const std::string& mark);  // what came up to and with the mark; less when the other side ended
  bool wait(std::chrono::milliseconds d);              // false: the server stops
  void wait_for_close();                               // until the other side has closed
  int fd() const { return fd_; }

 private:
  int fd_;
  const std::atomic<bool>& stop_;
};

class TcpServer {
 public:
  explicit TcpServer(std::function<void(Peer)> behave);
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  std::uint16_t port() const { return port_; }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  int accepted() const { return accepted_; }

 private:
  void accept_all(std::function<void(Peer)> behave);

  std::uint16_t port_ = 0;  // before the socket, whose making sets it
  int listener_;
  std::atomic<bool> stop_{false};
  std::atomic<int> accepted_{0};
  std::mutex mutex_;
  std::vector<int> open_;
  std::condition_variable served_;  // a connection's thread is at its end: thousands of connections must not leave thousands of threads
  std::thread accepting_;
};

// Answers each datagram with what `answer` returns; nullopt: not at all.
class UdpServer {
 public:
  explicit UdpServer(std::function<std::optional<std::string>(const std::string&)> answer, std::uint16_t port = 0);  // 0: any
  ~UdpServer();
  UdpServer(const UdpServer&) = delete;
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int asked() const { return asked_; }

 private:
  std::uint16_t port_ = 0;
  int socket_;
  std::atomic<bool> stop_{false};
  std::atomic<int> asked_{0};
  std::thread serving_;
};

// A DNS answer to `question`: the rcode, and one A record when `address` is given and was asked for.
std::string dns_answer(const std::string& question, int rcode, std::optional<std::array<std::uint8_t, 4>> address, std::uint32_t ttl);

// A port of loopback where nobody listens.
std::uint16_t unused_port();

// A folder that goes with its object.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name, const std::string& content) const;

 private:
  std::string path_;
};

}  // namespace drwatch::testing
