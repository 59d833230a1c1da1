// SPDX-License-Identifier: Apache-2.0
// From outcomes to health: fall and rise, suspicion, components. Contract: "Health".
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/outlook/sizes.hpp"
#include "daemon/recovery/seen/failed_share.hpp"
#include "daemon/recovery/seen/witnesses.hpp"

#include <algorithm>
#include <utility>

namespace drwatch {
namespace {

// What status and pages show of a probe's past.
constexpr std::size_t recent_kept = 20, failures_kept = 10;
constexpr std::size_t whole_kept = 3,
                      whole_failures_kept = 5;  // these are kept with everything they saw, which takes ten times the memory of the others

bool worse(Health a, Health b) { return static_cast<int>(a) > static_cast<int>(b); }  // up < degraded < down

// The probe's record, or an empty one. Looking it up with [] would make an entry without an event, and a replay of the journal would differ
// from what ran.
const ProbeRecord& record_of(const Deciding& d, const std::string& probe) {
  static const ProbeRecord nothing;
  auto it = d.record().probes.find(probe);
  return it == d.record().probes.end() ? nothing : it->second;
}

// ---- one probe

// The start of the first run of the unbroken stretch, up to the newest run, in which none was worse than `worst`. No further back than the
// window (the last fall or rise runs).
Time since_no_worse(const ProbeSight& sight, Health worst) {
  Time from = sight.window_at.back();
  for (std::size_t i = sight.window.size(); i-- > 0 && !worse(sight.window[i], worst);) from = sight.window_at[i];
  return from;
}

// Tells the change, with the start of the runs that made it: an incident is over since its first good run, not since the run that confirmed
// it.
void change_health(Deciding& d, const std::string& probe, Health to, const Outcome& seen, bool by_share = false) {
  const ProbeRecord& was = record_of(d, probe);
  ProbeSight& sight = d.state.sight.probes[probe];
  Body body{{"health", health_name(to)}, {"from", health_name(was.health)}, {"reason", reason_name(seen.reason)},
            {"code", seen.code},         {"outcome_message", seen.message}, {"vantage", seen.vantage}};
  // After a time in which nobody could see it, it is good since the run that saw it: what was seen before that says nothing about the time
  // between.
  const auto since = [&](Health level) { return time_text(was.health == Health::unknown ? seen.at : since_no_worse(sight, level)); };
  if (to == Health::up) body.set("good_since", since(Health::up));
  if (to == Health::degraded) body.set("not_down_since", since(Health::degraded));
  if (by_share) body.set("by_share", true);
  sight.awaits_witness = false;
  // It is well again: what was before that says nothing of how it is now, and must not keep it from being up.
  if (to == Health::up || was.health == Health::down) forget_all_but_newest(sight.share);
  std::string message = probe + " is " + std::string(health_name(to)) + (seen.message.empty() ? "" : ": " + seen.message);
  d.emit("probe.changed", {.component = d.settings.probes.at(probe).component, .probe = probe}, message, body);
}

// Contract, "Health": the mildest of the last n runs when all of them were worse than `than`; nullopt otherwise. down, degraded, down makes
// it degraded, not down.
std::optional<Health> fallen(const ProbeSight& sight, std::size_t n, Health than) {
  if (sight.window.size() < n) return std::nullopt;
  auto last = sight.window.end() - static_cast<std::ptrdiff_t>(n);
  Health mildest = *std::min_element(last, sight.window.end(), [](Health a, Health b) { return worse(b, a); });
  return worse(mildest, than) ? std::optional(mildest) : std::nullopt;
}
// The other way: the worst of the last n runs when all of them were better than `than`.
std::optional<Health> risen(const ProbeSight& sight, std::size_t n, Health than) {
  if (sight.window.size() < n) return std::nullopt;
  auto last = sight.window.end() - static_cast<std::ptrdiff_t>(n);
  Health worst = *std::max_element(last, sight.window.end(), [](Health a, Health b) { return worse(b, a); });
  return worse(than, worst) ? std::optional(worst) : std::nullopt;
}

// What fall and rise make of the runs so far; nullopt: no change. Unknown runs neither count nor reset; `fall` of them in a row make the
// health unknown.
std::optional<Health> next_health(const ProbeSight& sight, const ProbeSettings& probe, Health is) {
  auto fall = static_cast<std::size_t>(probe.fall), rise = static_cast<std::size_t>(probe.rise);
  if (sight.unknowns >= probe.fall) return is == Health::unknown ? std::nullopt : std::optional(Health::unknown);
  // The newest run could not see: what the runs before it said has been judged already.
  if (sight.unknowns > 0 || sight.window.empty()) return std::nullopt;
  if (is == Health::unknown) {
    // A new probe, or one out of sight, is up after one good run. A bad one needs `fall` as always.
    if (sight.window.back() == Health::up) return Health::up;
    return fallen(sight, fall, Health::up);
  }
  if (auto down = fallen(sight, fall, is)) return down;
  return risen(sight, rise, is);
}

// Degraded by the share of runs that were down, as what they said of it. Its stretch begins with the first of them: no run before it is
// confirmed to be bad, and the newest one may have been good.
void degrade_by_share(Deciding& d, const std::string& name) {
  ProbeSight& sight = d.state.sight.probes[name];
  Outcome told = *sight.last;
  std::string last_words;
  for (auto run = sight.failures.rbegin(); run != sight.failures.rend() && last_words.empty(); ++run)
    if (run->outcome == Health::down) {
      last_words = run->whole ? run->whole->message : run->message;
      told.reason = run->reason;
      told.code = run->whole ? run->whole->code : run->code;
    }
  told.message = share_words(sight.share) + (last_words.empty() ? "" : "; the last of them: " + last_words);
  if (!record_of(d, name).degraded) {
    const auto first = first_down(sight.share).value_or(told.at);
    std::optional<Time> good;
    for (const auto& run : sight.share.runs)
      if (run.at < first) good = run.at;
    d.emit("probe.suspected", {.component = d.settings.probes.at(name).component, .probe = name}, name + ": " + told.message,
           Body{{"outcome", health_name(Health::degraded)},
                {"reason", reason_name(told.reason)},
                {"code", told.code},
                {"first_bad_at", first},
                {"last_up_at", good},
                {"last_not_down_at", good}});
  }
  change_health(d, name, Health::degraded, told, true);
}

// It gets worse by runs that were down, and these may have met drwatch's own fault. An answer that was late or wrong (degraded) was one.
bool rests_on_witnesses(const ProbeSight& sight, const ProbeSettings& probe, Health is, Health next) {
  if (probe.witness) return false;
  if (next == Health::down) return true;
  if (next != Health::degraded || is == Health::down) return false;
  const auto n = std::min(sight.window.size(), static_cast<std::size_t>(probe.fall));
  return std::any_of(sight.window.end() - static_cast<std::ptrdiff_t>(n), sight.window.end(), [](Health h) { return h == Health::down; });
}

// Changes the health when the runs say so. Before it becomes down, witnesses have to show that it is not drwatch itself that is cut off;
// until they have run, `awaits_witness` keeps the verdict. Witnesses are judged without that: somebody has to be the first.
void judge_probe(Deciding& d, const std::string& name) {
  if (d.record().blind_since) return;
  ProbeSight& sight = d.state.sight.probes[name];
  if (!sight.last) return;
  const ProbeRecord& record = record_of(d, name);
  auto next = next_health(sight, d.settings.probes.at(name), record.health);
  sight.awaits_witness = false;
  const bool shaky = share_holds(sight.share, d.settings.probes.at(name), record.by_share);
  if (shaky && record.health == Health::up && next.value_or(Health::degraded) == Health::degraded) return degrade_by_share(d, name);
  if (shaky && record.health == Health::degraded && next == Health::up) return;
  if (!next) return;
  if (rests_on_witnesses(sight, d.settings.probes.at(name), record.health, *next) &&
      !can_see(d, d.settings.probes.at(name), sight, record.down ? record.down->first_bad_at : sight.last->at)) {
    sight.awaits_witness = true;
    return;
  }
  change_health(d, name, *next, *sight.last);
}

// Begins a stretch of bad runs with the first bad one, long before `fall` confirms it. The clock of an incident counts from the last good
// outcome before the stretch, so that outcome is written into the event. Down and degraded have a stretch each.
void suspect(Deciding& d, const std::string& name, const Outcome& outcome, const ProbeKept& before) {
  if (!outcome.bad()) return;
  const ProbeRecord& record = record_of(d, name);
  bool down = outcome.outcome == Health::down && !record.down;
  bool degraded = outcome.bad() && !record.degraded;
  if (!down && !degraded) return;
  Body body{{"outcome", health_name(outcome.outcome)},
            {"reason", reason_name(outcome.reason)},
            {"code", outcome.code},
            {"first_bad_at", outcome.at},
            {"last_up_at", before.last_up_at},
            {"last_not_down_at", before.last_not_down_at}};
  d.emit("probe.suspected", {.component = d.settings.probes.at(name).component, .probe = name},
         name + ": " + (outcome.message.empty() ? std::string(health_name(outcome.outcome)) : outcome.message), body);
}
// Ends a stretch: that of bad runs when the probe is up and its health is; that of down runs when both are up or degraded.
void clear(Deciding& d, const std::string& name, const Outcome& outcome) {
  if (!serves(outcome.outcome)) return;
  const ProbeRecord& record = record_of(d, name);
  bool up = outcome.outcome == Health::up && record.health == Health::up && record.degraded;
  bool not_down = serves(outcome.outcome) && serves(record.health) && record.down;
  if (!up && !not_down) return;
  d.emit("probe.cleared", {.component = d.settings.probes.at(name).component, .probe = name}, name + " is good again",
         Body{{"level", up ? "degraded" : "down"}});
}

// The probe has just become unknown. Bad runs that were never confirmed are not suspected any more: they could be one lost packet, and
// would date an incident that begins hours later. A health that was confirmed goes on, with its stretch.
void lose_sight(Deciding& d, const std::string& name, const Outcome& outcome, Health was) {
  const ProbeRecord& record = record_of(d, name);
  if (d.record().blind_since || outcome.outcome != Health::unknown || record.health != Health::unknown || was == Health::down) return;
  if (d.state.sight.probes[name].unknowns != d.settings.probes.at(name).fall || (!record.down && !record.degraded)) return;
  if (was == Health::degraded && !record.down) return;
  d.emit("probe.cleared", {.component = d.settings.probes.at(name).component, .probe = name},
         name + " cannot be seen any more: it is not suspected to be down", Body{{"level", was == Health::degraded ? "down" : "degraded"}});
}

// Adds the run and drops the oldest beyond `kept`; only the newest `whole` keep their details.
void remember_in(std::vector<PastRun>& runs, const std::shared_ptr<const Outcome>& run, std::size_t kept, std::size_t whole) {
  if (runs.size() == kept) runs.erase(runs.begin());
  runs.emplace_back(run);
  if (runs.size() > whole) runs[runs.size() - whole - 1].forget_details();
}

// Notes the run in Sight, which is lost with the process: the window that fall and rise judge, the newest runs, the counters.
void remember(ProbeSight& sight, const Sight& all, const ProbeSettings& probe, std::shared_ptr<const Outcome> run) {
  const Outcome& outcome = *run;
  sight.seen = true;
  sight.last_run_at = outcome.at;
  ++sight.runs[static_cast<int>(outcome.outcome)];
  if (outcome.rate_limited)
    sight.turned_away_since = sight.turned_away_since.value_or(outcome.at);
  else if (outcome.outcome != Health::unknown)
    sight.turned_away_since.reset();
  if (outcome.outcome == Health::unknown) {
    ++sight.unknowns;
  } else {
    sight.unknowns = 0;
    sight.window.push_back(outcome.outcome);
    sight.window_at.push_back(outcome.at);
    // Neither fall nor rise looks further back.
    if (sight.window.size() > static_cast<std::size_t>(std::max(probe.fall, probe.rise))) {
      sight.window.erase(sight.window.begin());
      sight.window_at.erase(sight.window_at.begin());
    }
    sight.consecutive_bad = outcome.bad() ? sight.consecutive_bad + 1 : 0;
  }
  if (outcome.outcome != Health::down || !doubtful(all, outcome.at)) note_run(sight.share, probe, outcome);
  remember_in(sight.recent, run, recent_kept, whole_kept);
  if (outcome.outcome != Health::up) {
    ++sight.failures_by_reason[outcome.reason];
    remember_in(sight.failures, run, failures_kept, whole_failures_kept);
  }
  sight.last = std::move(run);
}

// The last good outcome is kept across restarts: an outage that begins while drwatch is down is dated by it.
void remember_good(Deciding& d, const std::string& name, const Outcome& outcome) {
  if (!serves(outcome.outcome)) return;
  ProbeKept& kept = d.state.kept.probes[name];
  if (outcome.outcome == Health::up) kept.last_up_at = outcome.at;
  kept.last_not_down_at = outcome.at;
  d.keep("probe/" + name);
}

// How much data there is, when it has changed noticeably: projections of restore steps grow with it.
void remember_data(Deciding& d, const std::string& name, const Outcome& outcome) {
  if (!outcome.data_bytes || !remember_size(d.state.kept.probes[name], *outcome.data_bytes)) return;
  d.keep("probe/" + name);
  d.settle_needed = true;  // what scenarios would take
}

// A witness has run: probes whose verdict waited for one are judged again.
void judge_waiting(Deciding& d) {
  for (auto& [name, sight] : d.state.sight.probes)
    if (sight.awaits_witness && d.settings.probes.count(name)) judge_probe(d, name);
}

}  // namespace

void PastRun::forget_details() {
  if (!whole) return;
  code = whole->code;
  message = whole->message;
  whole.reset();
}

// Folds one run into what is known. `before` is taken first, because remember_good() overwrites the last good outcome that suspect() writes
// down. A full decision follows only when something changed: the first run of a probe, a witness that turned, or an event.
void see_run(Deciding& d, const std::string& name, std::shared_ptr<const Outcome> run) {
  const Outcome& outcome = *run;
  auto settings = d.settings.probes.find(name);
  if (settings == d.settings.probes.end()) return;  // it was removed while it ran
  ProbeSight& sight = d.state.sight.probes[name];
  ProbeKept before = d.state.kept.probes[name];
  bool first = !sight.seen;
  bool turned = settings->second.witness && (!sight.last || serves(sight.last->outcome) != serves(outcome.outcome));
  std::size_t events = d.decision.events.size();
  const bool turned_away = sight.turned_away_since.has_value();
  remember(sight, d.state.sight, settings->second, run);
  if (settings->second.witness) see_witness(d);
  suspect(d, name, outcome, before);
  remember_good(d, name, outcome);
  remember_data(d, name, outcome);
  const Health was = record_of(d, name).health;
  judge_probe(d, name);
  clear(d, name, outcome);
  lose_sight(d, name, outcome, was);
  if (settings->second.witness) judge_waiting(d);
  if (first) d.state.sight.touched.insert(settings->second.component);
  const bool turned_away_anew = turned_away != sight.turned_away_since.has_value();  // or let in again: a finding hangs on it
  if (first || turned || turned_away_anew || d.decision.events.size() > events) d.settle_needed = true;
}

// The newest run differs from the health that is recorded, so the next one is due after `retry` and not after `interval`.
bool confirming(const State& state, const std::string& probe) {
  auto sight = state.sight.probes.find(probe);
  auto record = state.record.probes.find(probe);
  if (sight == state.sight.probes.end() || !sight->second.last) return false;
  // That of a shaky one most runs are good is known; only three bad ones in a row would say more.
  if (record != state.record.probes.end() && record->second.by_share && sight->second.last->outcome == Health::up) return false;
  return sight->second.last->outcome != (record == state.record.probes.end() ? Health::unknown : record->second.health);
}

// ---- components

namespace {

struct Count {
  std::size_t down = 0, unknown = 0, not_up = 0, all = 0;
};

// Contract, "Health": down when enough probes are; else unknown when enough could be if the unknown ones were down; else degraded when any
// is not up; else up.
Health component_health(const Count& n, std::size_t need) {
  if (n.all == 0) return Health::unknown;  // a component without probes must not be shown green because nobody looks at it
  if (n.down >= need) return Health::down;
  if (n.down + n.unknown >= need) return Health::unknown;
  return n.not_up > 0 ? Health::degraded : Health::up;
}

// Tells a change of the component's health. Its message is that of the first probe that is down, or else of the first that is not up. It is
// up since the last of its probes was, and not down since the last of them was not.
void judge_component(Deciding& d, const ComponentSettings& component) {
  Count n;
  std::string message;
  std::optional<Time> good_since;
  Time not_down_since{};
  Health worst_named = Health::up;
  for (const std::string& name : component.probes) {
    const ProbeRecord& probe = record_of(d, name);
    ++n.all;
    n.down += probe.health == Health::down;
    n.unknown += probe.health == Health::unknown;
    n.not_up += probe.health != Health::up;
    if (probe.good_since) good_since = std::max(good_since.value_or(*probe.good_since), *probe.good_since);
    not_down_since = std::max(not_down_since, probe.turns.not_down);
    bool tells_more = probe.health != Health::up && (message.empty() || (probe.health == Health::down && worst_named != Health::down));
    if (tells_more) {
      message = name + ": " + (probe.message.empty() ? std::string(health_name(probe.health)) : probe.message);
      worst_named = probe.health;
    }
  }
  Health health = component_health(n, enough_of(component));
  auto was = d.record().components.find(component.name);
  if (was != d.record().components.end() && was->second.health == health) return;
  if (was == d.record().components.end() && health == Health::unknown) return;  // not seen yet: nothing to tell
  Body body{{"health", health_name(health)},
            {"from", was == d.record().components.end() ? std::nullopt : std::optional(health_name(was->second.health))},
            {"detail", message}};
  if (health == Health::up && good_since) body.set("good_since", *good_since);
  if (health == Health::degraded && not_down_since != Time{}) body.set("not_down_since", not_down_since);
  d.emit("component.changed", {.component = component.name},
         component.name + " is " + std::string(health_name(health)) + (message.empty() ? "" : " (" + message + ")"), body);
}

}  // namespace

// Only components of which a probe changed are judged, all of them after a start or a reload: with thousands of probes that is most of the
// cost of a decision.
void judge_components(Deciding& d) {
  Sight& sight = d.state.sight;
  auto judge = [&](const ComponentSettings& component) {
    sight.all_seen[component.name] = seen(d.state, d.settings, component);
    judge_component(d, component);
  };
  auto touched = std::exchange(sight.touched, {});
  if (std::exchange(sight.all_touched, false)) {
    sight.all_seen.clear();
    for (const auto& [name, component] : d.settings.components) judge(component);
  } else {
    for (const std::string& name : touched)
      if (auto component = d.settings.components.find(name); component != d.settings.components.end()) judge(component->second);
  }
}

}  // namespace drwatch
