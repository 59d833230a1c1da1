// SPDX-License-Identifier: Apache-2.0
// The real world on Asio, c-ares, OpenSSL, libpq and the operating system.
#pragma once

#include "probes/world.hpp"

#include <functional>
#include <memory>

namespace drwatch {

class RealWorld {
 public:
  explicit RealWorld(boost::asio::any_io_executor loop, int workers = 2);
  ~RealWorld();
  World world();
  // Drops the TLS contexts and trust stores (a reload reads the files again). Contexts are built on a worker, never on the loop.
  void forget_tls();
  // Runs `work` on a worker thread and returns its result on the loop.
  Task<void> on_worker(std::function<void()> work);

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace drwatch
