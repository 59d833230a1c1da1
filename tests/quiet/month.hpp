// SPDX-License-Identifier: Apache-2.0
// A month in which nothing happens: deploys, single time-outs, slow mornings, renewed certificates, jobs that vary, a weekly maintenance, a
// replica that restarts, status pages that flicker, an archive that is a little late, a network of our own that is gone for seconds. All of
// it follows from the configuration (the kinds of its probes, the times of its jobs, its objectives) and a seed, so that it fits any
// configuration; nothing is known by name.
#pragma once

#include "rehearsal.hpp"
#include "tests/simulation/chance.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace drwatch::sim {

class Month {
 public:
  Month(const Settings& settings, Time start, Duration length, std::uint64_t seed);

  // A real one: the component and all that depends on it are down.
  void outage(const std::string& component, Time from, Time until);
  // What people and jobs do all the month long.
  void plan(Rehearsal& rehearsal);
  Rehearsal::Seen look(const ProbeSettings& probe, Time now);

  // What is true: every commit up to this moment could be restored now from what the source holds.
  Time held_by(const std::string& source, Time now);

 private:
  // What a probe sees for a while, in one of `one_in` runs.
  struct Spell {
    Time from{}, until{};
    Outcome sees;
    std::uint64_t one_in = 1;
  };
  struct Copy {  // a piece of the archive: holds all up to `until`, there since `there_at`
    Time until{}, there_at{};
  };
  struct Sky {  // over one probe
    Outcome fine;
    std::vector<Spell> spells;  // by `from`
    std::size_t passed = 0;     // those that are over
    std::vector<Copy> copies;   // of a backup probe
    std::size_t there = 0;      // as many of them are there
  };
  void fair(const ProbeSettings& probe);
  void deploys();
  void slow_mornings();
  void renewals();
  void flickers();
  void restarts();
  void own_network();
  void maintenance();
  void archive(const ProbeSettings& probe);
  void work(Rehearsal& rehearsal, const ProbeSettings& job);
  void away(const std::string& component, Time from, Time until);
  void spell(const std::string& probe, Time from, Duration lasts, Outcome sees, std::uint64_t one_in = 1);
  Time some_time();  // within the month
  bool answers(const ProbeSettings& probe) const;

  const Settings& settings_;
  Time start_, end_;
  Chance chance_;
  std::map<std::string, Sky> skies_;
  std::set<std::string> told_nothing_;  // probes of which a run that could not ask is unknown
  struct Work {                         // announced by a person
    std::string component;
    Time from{};
    Duration lasts{0};
  };
  std::vector<Work> announced_;
};

}  // namespace drwatch::sim
