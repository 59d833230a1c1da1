// SPDX-License-Identifier: Apache-2.0
// What hangs in the kernel, made without a broken disk.
#pragma once

#include <sys/types.h>
#include <string>

namespace drwatch::testing {

// A frozen cgroup (v1): who is in it does not even end of SIGKILL, until it is thawed.
class FrozenGroup {
 public:
  FrozenGroup();
  ~FrozenGroup();  // thaws it
  FrozenGroup(const FrozenGroup&) = delete;
  // False: this machine gives no freezer, and the test was skipped.
  bool made() const { return !folder_.empty(); }
  void freeze(pid_t process);
  void thaw();

 private:
  std::string folder_, mounted_;
};

// A mounted folder whose file system (FUSE) never answers: open, stat and readdir hang in it.
class HungFolder {
 public:
  explicit HungFolder(const std::string& at);  // makes the folder
  ~HungFolder();                               // those that hang in it get an error
  HungFolder(const HungFolder&) = delete;
  // False: this machine lets nobody mount one, and the test was skipped.
  bool made() const { return device_ >= 0; }
  const std::string& path() const { return path_; }
  void release();  // as the destructor does

 private:
  std::string path_;
  int device_ = -1;
};

}  // namespace drwatch::testing
