// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/process_figures.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace drwatch::web {

double process_cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double process_resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0, resident = 0;
  statm >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double process_open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator folder("/proc/self/fd", error);
  if (error) return 0;
  return static_cast<double>(std::distance(begin(folder), end(folder))) - 1;  // the one that lists them
}

// Field 22 of /proc/self/stat counts clock ticks since the boot (proc(5)); the program's name before it may hold spaces and brackets. When
// the boot was is told by the clocks: /proc/stat is not there under the unit's ProcSubset=pid.
double process_start_time_seconds() {
  std::ifstream stat("/proc/self/stat");
  std::string text(std::istreambuf_iterator<char>(stat), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int i = 3; i < 22; ++i) fields >> skipped;
  double ticks = 0;
  fields >> ticks;
  const auto now = [](clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
  };
  const double began = now(CLOCK_REALTIME) - now(CLOCK_BOOTTIME) + ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  // Some time passes between the two readings: without this each scrape would see another start. When the clock is set, it moves along.
  static std::atomic<double> told{0};
  const double before = told;
  if (std::abs(began - before) < 1) return before;
  told = began;
  return began;
}

}  // namespace drwatch::web
