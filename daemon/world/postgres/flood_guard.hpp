// SPDX-License-Identifier: Apache-2.0
// For a library that reads a socket for as long as there is something to read, and asks nobody meanwhile: another thread sees how much has
// come, and ends the connection when it is too much. What floods neither keeps the loop nor fills the memory.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace drwatch {

class FloodGuard {
 public:
  FloodGuard() = default;
  ~FloodGuard();
  FloodGuard(const FloodGuard&) = delete;
  FloodGuard& operator=(const FloodGuard&) = delete;

  // Reads `socket` by `read`. False: more than `limit` bytes have come over it (traffic_of), and it was shut down. For one thread.
  bool read(int socket, std::uint64_t limit, const std::function<void()>& read);

 private:
  struct Watched {
    int socket = -1;
    std::uint64_t limit = 0;
    bool ended = false;
  };
  void watch();

  std::mutex mutex_;
  std::condition_variable change_;
  std::optional<Watched> watched_;
  bool ending_ = false;
  std::thread thread_;  // begun with the first reading
};

}  // namespace drwatch
