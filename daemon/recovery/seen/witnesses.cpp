// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/witnesses.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// More than half: of two witnesses both, of three two.
bool majority(std::size_t part, std::size_t of) { return part * 2 > of; }

// When the run was over; where it did not say how long it took, as if it had taken no time.
Time ended(const PastRun& run) { return run.at + std::chrono::ceil<Duration>(run.took.value_or(std::chrono::microseconds{0})); }

// From when on the witness vouches for drwatch's sight of what has failed since `first`: the end of the first run of its unbroken good
// stretch that began at `first` or later. nullopt: it does not. `broken`: a run before that one was not good, so it was seen to be away.
struct Vouched {
  Time from{};
  bool broken = false;
};
std::optional<Vouched> vouched(const ProbeSight& witness, Time first) {
  std::optional<Vouched> since;
  for (auto run = witness.recent.rbegin(); run != witness.recent.rend(); ++run) {
    if (!serves(run->outcome)) {
      if (since) since->broken = true;
      return since;
    }
    if (run->at < first) return since;
    since = Vouched{ended(*run)};
  }
  return since;
}

bool sees_now(const Deciding& d) {
  const auto& witnesses = d.settings.witness.probes;
  const auto well = std::count_if(witnesses.begin(), witnesses.end(), [&](const std::string& name) {
    const auto sight = d.state.sight.probes.find(name);
    return sight != d.state.sight.probes.end() && sight->second.last && serves(sight->second.last->outcome);
  });
  return majority(static_cast<std::size_t>(well), witnesses.size());
}

}  // namespace

void ask_witnesses(Deciding& d, Time since) {
  for (const std::string& name : d.settings.witness.probes) {
    const ProbeSight& sight = d.state.sight.probes[name];
    if (!sight.last_run_at || *sight.last_run_at < since) d.decision.run_now.push_back(name);
  }
}

// What failed while the witnesses may have been away too may have failed by drwatch's own fault, however often, and a witness that answers
// afterwards only says that the fault is over. So it takes a bad run that began when it was known again that drwatch can see. Bad runs from
// before that still count beside it: of a real outage nothing is lost but the time until the next run. A single run that confirms by itself
// (`fall` 1) cannot follow its own witness; for it the witnesses must not have been seen away since it began.
bool can_see(Deciding& d, const ProbeSettings& probe, Time first, Time newest) {
  const auto& witnesses = d.settings.witness.probes;
  if (witnesses.empty()) return true;
  ask_witnesses(d, first);
  std::size_t well = 0;
  for (const std::string& name : witnesses) {
    const auto vouches = vouched(d.state.sight.probes[name], first);
    if (!vouches) continue;
    const bool follows = newest >= vouches->from || (probe.fall == 1 && !vouches->broken);
    if (follows || probe.calls_in()) ++well;  // a job that did not call was not asked by anybody here
  }
  return majority(well, witnesses.size());
}

void see_witness(Deciding& d) {
  Sight& sight = d.state.sight;
  const Time now = d.now;
  if (sees_now(d)) {
    if (sight.doubted_since && !sight.doubted_until) sight.doubted_until = now;
    sight.saw_at = now;
    return;
  }
  if (sight.doubted_since && !sight.doubted_until) return;
  sight.doubted_since = sight.saw_at;
  sight.doubted_until.reset();
  for (auto& [name, probe] : sight.probes)
    std::erase_if(probe.share.runs, [&](const ShareSight::Run& run) { return run.down && run.at >= sight.saw_at; });
}

bool doubtful(const Sight& sight, Time began) {
  return sight.doubted_since && began >= *sight.doubted_since && (!sight.doubted_until || began < *sight.doubted_until);
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
