// SPDX-License-Identifier: Apache-2.0
// Whatever asks the file system something: a network mount whose server is away answers after minutes or never, and nothing can end a
// thread that waits for it.
#pragma once

#include "daemon/world/workers.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace drwatch {

// Threads for questions to the file system. Of one path one thing is asked at a time, and nothing more while it owes an answer that nobody
// waits for any more: a path that hangs takes one thread, however often it is asked about. On the loop's thread only.
class Disk {
 public:
  explicit Disk(boost::asio::any_io_executor loop);
  ~Disk();
  Disk(const Disk&) = delete;

  // Runs `work`, which asks about `path`, on a thread; nullopt when it is done. When the path owes an answer, or too many others do, it
  // fails with own-fault, the code ETIMEDOUT, and a message that names the path. The same after `patience`. Without one the caller has a
  // deadline (within()): when he is cancelled, the answer is taken to be owed. `work` must own all that it touches; what it throws is
  // thrown here.
  Task<std::optional<Failure>> ask(std::string path, std::function<void()> work, std::chrono::milliseconds patience = unbounded);
  static constexpr std::chrono::milliseconds unbounded{-1};

 private:
  struct Question;
  using Open = std::map<std::string, std::shared_ptr<Question>>;
  Failure owes(const std::string& path, const Question& question) const;
  std::size_t hanging() const;

  std::shared_ptr<Open> open_;  // by path; answers that come after the Disk has gone find nothing
  Workers workers_;
};

}  // namespace drwatch
