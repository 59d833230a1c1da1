// SPDX-License-Identifier: Apache-2.0
// The real world on Asio, c-ares, OpenSSL, libpq and the operating system.
#pragma once

#include "probes/seams/world.hpp"

#include <functional>
#include <memory>

namespace drwatch {

class Disk;
class ProcessGuard;

// Declared after the io_context whose executor it takes, and so destroyed before it: its threads come back to the loop.
// Owns every real seam and its threads. `workers` is the number of threads for computing (SCRAM); whatever asks the file system, and
// cancel requests, have threads of their own.
class RealWorld {
 public:
  explicit RealWorld(boost::asio::any_io_executor loop, int workers = 2);
  ~RealWorld();
  // References to the seams; valid for as long as this object lives.
  World world();
  // Drops the TLS contexts and trust stores (a reload reads the files again). Contexts are built beside the loop.
  void forget_tls();
  // For what is not a probe's: files that the daemon itself reads while it runs.
  Disk& disk();
  // Told in a sentence of a command that was killed and does not end, and when it has gone after all.
  void on_left_behind(std::function<void(const std::string&)> tell);
  // Commands that are started from now on end with this process, also when it is killed. The guard outlives this.
  void guarded_by(const ProcessGuard& guard);
  // Runs `work` on a worker thread and goes on on the loop when it is done; what it throws is thrown here. Cancelled, it unwinds at once
  // while `work` may still run: `work` must own all that it touches. Name the function object before the
  // co_await: g++ 12 destroys the captures of a lambda twice when it is converted inside such an expression.
  Task<void> on_worker(std::function<void()> work);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace drwatch
