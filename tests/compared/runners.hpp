// SPDX-License-Identifier: Apache-2.0
// The tools that drwatch is compared with, as Debian ships them.
#pragma once

#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <sys/types.h>

#include <string>

namespace drwatch::testing {

// What each of them has for one target.
inline constexpr seconds patience{3};

// A prometheus-blackbox-exporter on loopback with the modules of modules.yml, gone with the object.
class Blackbox {
 public:
  Blackbox();
  ~Blackbox();
  Blackbox(const Blackbox&) = delete;
  // probe_success of one probe.
  bool succeeds(Watch& watch, const std::string& target, const std::string& module) const;

 private:
  TempFolder folder_;
  int port_;
  pid_t pid_ = -1;
};

// check_http of monitoring-plugins: OK, and following redirects. WARNING (a 404) counts as bad.
bool check_http(Watch& watch, const std::string& url);

}  // namespace drwatch::testing
