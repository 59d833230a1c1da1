// SPDX-License-Identifier: Apache-2.0
// Child processes, what they use, and their end. Each ends with its parent, however that ends.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace drwatch::bench {

class Process {
 public:
  // A fork that runs `work` and ends.
  static Process doing(const std::function<void()>& work);
  // Another program; what it prints goes to `output`.
  static Process running(const std::vector<std::string>& argv, const std::string& output);
  Process(Process&& other) noexcept;
  ~Process();  // asks it to end, then makes it

  double cpu_seconds() const;  // user and system, of all its threads, since its start
  double resident_mebibytes() const;
  bool ended();

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_;
};

}  // namespace drwatch::bench
