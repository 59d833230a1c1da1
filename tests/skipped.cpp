// SPDX-License-Identifier: Apache-2.0
#include "tests/skipped.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace drwatch::testing {

namespace {

constexpr int no_error_number = 255;  // exit code of a child whose errno does not fit one

int error_of(bool done) { return done ? 0 : errno; }

int write_proc(const char* file, const std::string& text) {
  const int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = error_of(write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  close(fd);
  return error;
}

// As root's own; as root of a user namespace for everybody else, and where root is not all-powerful.
int enter_namespace(int kind) {
  const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
  if (unshare(kind) == 0) return 0;
  const int error = errno;
  if (error != EPERM || unshare(CLONE_NEWUSER | kind) != 0) return error;
  write_proc("/proc/self/setgroups", "deny");
  if (const int failed = write_proc("/proc/self/uid_map", "0 " + user + " 1")) return failed;
  return write_proc("/proc/self/gid_map", "0 " + group + " 1");
}

int keep_mounts_private() {
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0) return 0;
  if (errno != EINVAL) return errno;
  // In a chroot "/" need not be a mount point, and what has to be private is above it: setns goes there, and then back.
  const int here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  const int error = error_of(here >= 0 && own >= 0 && setns(own, CLONE_NEWNS) == 0 &&
                             mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && fchdir(here) == 0 && chroot(".") == 0);
  close(own);
  close(here);
  return error;
}

int raise_loopback() {
  ifreq loopback{};
  std::strcpy(loopback.ifr_name, "lo");
  loopback.ifr_flags = IFF_UP;
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int error = error_of(ioctl(fd, SIOCSIFFLAGS, &loopback) == 0);
  close(fd);
  return error;
}

const char* name_of(Own what) { return what == Own::mounts ? "mount" : "network"; }

}  // namespace

void skip_here(const std::string& reason) {
  const char* none = std::getenv("DRWATCH_NO_SKIPS");
  if (none != nullptr && std::string(none) == "1") FAIL("nothing may be skipped here (DRWATCH_NO_SKIPS=1): " << reason);
  const auto* test = doctest::getContextOptions()->currentTest;
  std::printf("SKIPPED %s: %s\n", test != nullptr ? test->m_name : "?", reason.c_str());
  std::fflush(stdout);
}

bool refused_here(int error) { return error == EPERM || error == EINVAL; }

int enter(Own what) {
  if (const int error = enter_namespace(what == Own::mounts ? CLONE_NEWNS : CLONE_NEWNET)) return error;
  return what == Own::mounts ? keep_mounts_private() : raise_loopback();
}

bool can_enter(Own what) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const int error = enter(what);
    _exit(error < no_error_number ? error : no_error_number);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  const int error = WEXITSTATUS(status);
  if (error == 0) return true;
  REQUIRE_MESSAGE(refused_here(error), "a " << name_of(what) << " namespace: " << std::strerror(error));
  skip_here(std::string("no ") + name_of(what) + " namespace can be made here: " + strerrorname_np(error));
  return false;
}

}  // namespace drwatch::testing
