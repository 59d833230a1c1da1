// SPDX-License-Identifier: Apache-2.0
#include "daemon/world/postgres/flood_guard.hpp"

#include "daemon/world/postgres/traffic.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

namespace drwatch {
namespace {

constexpr auto between_looks = std::chrono::milliseconds{2};  // a few megabytes, at the speed of memory

}  // namespace

// No read() may be under way.
FloodGuard::~FloodGuard() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  change_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool FloodGuard::read(int socket, std::uint64_t limit, const std::function<void()>& read) {
  if (!thread_.joinable()) thread_ = std::thread([this] { watch(); });  // first: it throws when there can be no more threads
  // A copy of the descriptor: if libpq closes its own while it reads, the number may be given to another connection before the thread
  // looks, and that one would be shut down.
  const int copy = fcntl(socket, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {  // what is wrong with it the reader will tell
    read();
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    watched_ = Watched{copy, limit, false};
  }
  change_.notify_one();
  read();
  const std::lock_guard lock(mutex_);
  const bool ended = watched_->ended;
  watched_.reset();
  ::close(copy);
  return !ended;
}

void FloodGuard::watch() {
  std::unique_lock lock(mutex_);
  for (;;) {
    change_.wait(lock, [this] { return ending_ || (watched_ && !watched_->ended); });
    if (ending_) return;
    if (traffic_of(watched_->socket) > watched_->limit) {
      watched_->ended = true;
      // Unlike close(), shutdown works on the connection itself: the reader's recv() returns at once with the end.
      ::shutdown(watched_->socket, SHUT_RDWR);
    } else {
      change_.wait_for(lock, between_looks);
    }
  }
}

}  // namespace drwatch
