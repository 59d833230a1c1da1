// SPDX-License-Identifier: Apache-2.0
// libpq's PQconsumeInput reads a socket for as long as there is something to read, and can be given no bound. So another thread looks every
// two milliseconds at how much has come, and ends the connection when it is too much. Without it a server that floods would keep the loop
// in that call and fill the memory.
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

  // Calls `read`, which reads `socket` once. False: more than `limit` bytes have come over the connection since it was made (traffic_of),
  // and it was shut down. Must not be called by two threads at once.
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
