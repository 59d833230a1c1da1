// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/witnesses.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// More than half: of two witnesses both, of three two.
bool majority(std::size_t part, std::size_t of) { return part * 2 > of; }

// When the run was over; where it did not say how long it took, as if it had taken no time.
Time ended(const PastRun& run) { return run.at + std::chrono::ceil<Duration>(run.took.value_or(std::chrono::microseconds{0})); }

// Since when the witness is good again, if one of its newest runs was not; nullopt: none of them was bad, or the newest is.
std::optional<Time> good_again(const ProbeSight& witness) {
  std::optional<Time> since;
  for (auto run = witness.recent.rbegin(); run != witness.recent.rend(); ++run) {
    if (!serves(run->outcome)) return since;
    since = ended(*run);
  }
  return std::nullopt;
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

// A witness that was away since the first bad run and is back only says that drwatch's own fault is over: what failed meanwhile may have
// failed by it, however often. Then a bad run has to follow the good word. A job that did not call was asked by nobody here.
bool can_see(Deciding& d, const ProbeSettings& probe, const ProbeSight& judged, Time first) {
  const auto& witnesses = d.settings.witness.probes;
  if (witnesses.empty()) return true;
  const Time newest = judged.window_at.empty() ? first : judged.window_at.back();
  std::size_t well = 0;
  for (const std::string& name : witnesses) {
    const ProbeSight& sight = d.state.sight.probes[name];
    const bool looked = sight.last_run_at && *sight.last_run_at >= first;
    if (!looked) d.decision.run_now.push_back(name);
    const bool good = looked && sight.last && serves(sight.last->outcome);
    const auto again = good_again(sight);
    if (good && (probe.calls_in() || !again || *again <= newest || *again < first)) ++well;
  }
  return majority(well, witnesses.size());
}

void see_witness(Deciding& d) {
  Sight& sight = d.state.sight;
  if (sees_now(d)) {
    if (sight.doubted_since && !sight.doubted_until) sight.doubted_until = d.now;
    sight.saw_at = d.now;
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
