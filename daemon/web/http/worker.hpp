// SPDX-License-Identifier: Apache-2.0
// One thread beside the loop, for what would stall it (serializing ten thousand series).
#pragma once

#include "probes/seams/world.hpp"

#include <functional>
#include <memory>
#include <string>

namespace drwatch::web {

class Worker {
 public:
  explicit Worker(boost::asio::any_io_executor loop);
  ~Worker();  // waits for what is being done
  // Runs `work` on the thread and returns its text on the loop. `work` must own all that it touches. Its exceptions come out here.
  Task<std::string> run(std::function<std::string()> work);
  // How many callers wait, the one being worked for included.
  std::size_t waiting() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace drwatch::web
