// SPDX-License-Identifier: Apache-2.0
// What must hold whatever happens. Each looks at one thing and says in a sentence what it found wrong; empty: nothing.
#pragma once

#include "daemon/daemon.hpp"
#include "sim_world.hpp"

#include <string>
#include <vector>

namespace drwatch::sim {

// Something that was acknowledged to whoever asked.
struct Acknowledged {
  std::string incident, note;
};

struct Scene {
  const Daemon& daemon;
  const std::vector<Event>& told;  // every event of this life of the daemon, in order
  const Record& at_start;          // what it began with
  Record& replayed;                // the fold of the first `replayed_events` of them
  std::size_t& replayed_events;
  const SimDisk& disk;
  const RunLedger& runs;
  const std::vector<Acknowledged>& acknowledged;
  SimHttp& alertmanager;
  Clock& clock;
};

std::string replay_equals_live(const Scene& scene);  // applies what is new
std::string nothing_acknowledged_lost(const Scene& scene);
std::string one_open_incident_a_scenario(const Scene& scene);
std::string clocks_run_forward(const Scene& scene);
std::string no_overlap(const Scene& scene);
std::string incidents_have_causes(const Scene& scene);
// After things have been quiet for a while.
std::string no_probe_starved(const Scene& scene);
std::string alerts_match(const Scene& scene);

}  // namespace drwatch::sim
