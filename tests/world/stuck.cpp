// SPDX-License-Identifier: Apache-2.0
#include "tests/world/stuck.hpp"

#include "tests/skipped.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

namespace drwatch::testing {
namespace {

using namespace std::chrono_literals;

bool write_to(const std::string& file, const std::string& text) {
  std::ofstream out(file);
  out << text << std::flush;
  return out.good();
}

std::string first_line(const std::string& file) {
  std::string line;
  std::ifstream in(file);
  std::getline(in, line);
  return line;
}

}  // namespace

FrozenGroup::FrozenGroup() {
  static int number = 0;
  std::string all = "/sys/fs/cgroup/freezer";
  if (access(all.c_str(), F_OK) != 0) {
    // A machine with version 2 alone: the old freezer is mounted beside it.
    all = mounted_ = "/tmp/drwatch-test-freezer-" + std::to_string(getpid());
    mkdir(all.c_str(), 0755);
    mount("none", all.c_str(), "cgroup", 0, "freezer");
  }
  const std::string folder = all + "/drwatch-test-" + std::to_string(getpid()) + "-" + std::to_string(++number);
  if (mkdir(folder.c_str(), 0755) == 0)
    folder_ = folder;
  else
    skip_here("no freezer of cgroup v1 that may be used: " + std::string(strerror(errno)));
}

void FrozenGroup::freeze(pid_t process) {
  REQUIRE(write_to(folder_ + "/cgroup.procs", std::to_string(process)));
  REQUIRE(write_to(folder_ + "/freezer.state", "FROZEN"));
  for (int i = 0; i < 500 && first_line(folder_ + "/freezer.state") != "FROZEN"; ++i) std::this_thread::sleep_for(2ms);
  REQUIRE(first_line(folder_ + "/freezer.state") == "FROZEN");
}

void FrozenGroup::thaw() {
  if (made()) write_to(folder_ + "/freezer.state", "THAWED");
}

FrozenGroup::~FrozenGroup() {
  if (!made()) return;
  thaw();
  // Whoever was in it was killed while it was frozen, and ends now.
  for (int i = 0; i < 500 && rmdir(folder_.c_str()) != 0; ++i) std::this_thread::sleep_for(2ms);
  if (mounted_.empty()) return;
  umount2(mounted_.c_str(), MNT_DETACH);
  rmdir(mounted_.c_str());
}

HungFolder::HungFolder(const std::string& at) : path_(at) {
  mkdir(at.c_str(), 0755);
  device_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device_ < 0) {
    skip_here("no /dev/fuse: " + std::string(strerror(errno)));
    return;
  }
  // Not even the first question of the kernel (FUSE_INIT) is ever answered.
  const std::string options = "fd=" + std::to_string(device_) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  if (mount("drwatch-test", at.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0) return;
  const int refused = errno;
  close(device_);
  device_ = -1;
  skip_here("no FUSE may be mounted: " + std::string(strerror(refused)));
}

void HungFolder::release() {
  if (!made()) return;
  close(device_);  // aborts the connection
  device_ = -1;
  umount2(path_.c_str(), MNT_DETACH);
}

HungFolder::~HungFolder() { release(); }

}  // namespace drwatch::testing
