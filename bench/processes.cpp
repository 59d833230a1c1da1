// SPDX-License-Identifier: Apache-2.0
#include "bench/processes.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fstream>
#include <system_error>
#include <thread>
#include <utility>

namespace drwatch::bench {
namespace {

constexpr auto patience = std::chrono::seconds(12);

pid_t forked() {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "cannot fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
  }
  return pid;
}

}  // namespace

Process Process::doing(const std::function<void()>& work) {
  std::fflush(nullptr);
  const pid_t pid = forked();
  if (pid != 0) return Process(pid);
  try {
    work();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench: %s\n", e.what());
    _exit(1);
  }
  _exit(0);
}

Process Process::running(const std::vector<std::string>& argv, const std::string& output) {
  const pid_t pid = forked();
  if (pid != 0) return Process(pid);
  const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  std::vector<char*> words;
  for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  _exit(127);
}

Process::Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}

Process::~Process() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!ended() && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Process::ended() {
  if (pid_ > 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ <= 0;
}

double Process::cpu_seconds() const {
  clockid_t clock{};
  timespec t{};
  // In nanoseconds; /proc/PID/stat knows hundredths of a second.
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

double Process::resident_mebibytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

}  // namespace drwatch::bench
