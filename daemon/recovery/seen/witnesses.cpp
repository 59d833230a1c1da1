// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/witnesses.hpp"

namespace drwatch {
namespace {

// More than half: of two witnesses both, of three two.
bool majority(std::size_t part, std::size_t of) { return part * 2 > of; }

}  // namespace

bool can_see(Deciding& d, Time since) {
  const auto& witnesses = d.settings.witness.probes;
  if (witnesses.empty()) return true;
  std::size_t well = 0;
  for (const std::string& name : witnesses) {
    const ProbeSight& sight = d.state.sight.probes[name];
    bool looked = sight.last_run_at && *sight.last_run_at >= since;
    if (!looked) d.decision.run_now.push_back(name);
    if (looked && sight.last && serves(sight.last->outcome)) ++well;
  }
  return majority(well, witnesses.size());
}

// Contract, "Blindness": when a majority of the witnesses has failed for `[witness] for`, drwatch is blind. Counted only from when all of
// them have run, so that a start does not begin blind.
void judge_blindness(Deciding& d) {
  const auto& witnesses = d.settings.witness.probes;
  Sight& sight = d.state.sight;
  std::size_t well = 0, seen = 0;
  for (const std::string& name : witnesses) {
    const ProbeSight& witness = sight.probes[name];
    seen += witness.last != nullptr;
    well += witness.last && serves(witness.last->outcome);
  }
  bool sees = witnesses.empty() || majority(well, witnesses.size());
  if (!sees && seen == witnesses.size() && !sight.witnesses_bad_since) sight.witnesses_bad_since = d.now;
  if (sees) sight.witnesses_bad_since.reset();

  if (d.record().blind_since) {
    if (!sees || late_loop(d.record())) return;
    d.emit("blind.ended", {}, "drwatch can see again", Body{{"since", *d.record().blind_since}});
    begin_looking_again(d);
    return;
  }
  if (!sight.witnesses_bad_since) return;
  Time at = *sight.witnesses_bad_since + d.settings.witness.hold_for;
  if (d.now < at) return d.wake(at);
  d.emit("blind.began", {},
         "drwatch is blind: " + std::to_string(witnesses.size() - well) + " of " + std::to_string(witnesses.size()) +
             " witnesses fail; nothing is called down",
         Body{{"since", *sight.witnesses_bad_since}});
}

// After blindness or a jump of the clock: what was seen before says nothing about now. Every probe that can be asked runs at once, and
// until it has run its component is not known. Holds of verified steps begin anew as well.
void begin_looking_again(Deciding& d) {
  d.state.sight.all_touched = true;
  for (auto& [name, sight] : d.state.sight.probes) {
    sight.seen = false;
    sight.window.clear();
    sight.window_at.clear();
    sight.share = {};
    sight.unknowns = 0;
    sight.awaits_witness = false;
    auto probe = d.settings.probes.find(name);
    if (probe == d.settings.probes.end()) continue;
    if (probe->second.calls_in())
      sight.last.reset();  // judged anew, by the clock and what it sent
    else
      d.decision.run_now.push_back(name);
  }
  d.state.sight.holding.clear();
}

}  // namespace drwatch
