// SPDX-License-Identifier: Apache-2.0
#include "bench/platform.hpp"

#include "daemon/recovery/seen/schedule.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace drwatch::bench {

std::string probe_name(std::size_t i) { return "probe-" + std::to_string(i); }

std::vector<Moment> phases_of(std::size_t probes) {
  const Duration length = interval;
  const Duration slot = std::clamp(length / 100, Duration{20}, Duration{100});
  std::vector<Moment> phases;
  for (std::size_t i = 0; i < probes; ++i) {
    const Duration place{static_cast<std::int64_t>(stable_hash(probe_name(i)) % static_cast<std::uint64_t>(length.count()))};
    phases.push_back(place - place % slot);
  }
  return phases;
}

void make_certificate(const Plan& plan) {
  const std::string command =
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=bench -addext subjectAltName=IP:127.0.0.1 "
      "-keyout '" +
      plan.key() + "' -out '" + plan.certificate() + "' 2>/dev/null";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl cannot make a certificate; install the package openssl");
}

std::string write_configuration(const Plan& plan, std::uint16_t listen) {
  const std::string path = plan.folder + "/drwatch.toml";
  std::ofstream file(path);
  file << "[server]\nlisten = \"127.0.0.1:" << listen << "\"\nopen_reading = true\n"
       << "[journal]\npath = \"" << plan.folder << "/journal.db\"\n"
       << "[defaults]\ninterval = \"" << interval.count() << "s\"\ntimeout = \"" << timeout.count() << "s\"\n"
       << "[component.target]\n";
  const std::string origin = (plan.tls ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(plan.port);
  for (std::size_t i = 0; i < plan.probes; ++i) {
    file << "[probe." << probe_name(i) << "]\ncomponent = \"target\"\nkind = \"http\"\ntarget = \"" << origin << "/" << i
         << "\"\nstatus = 200\n";
    if (plan.tls) file << "tls = { ca = \"" << plan.certificate() << "\" }\n";
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
  return path;
}

}  // namespace drwatch::bench
