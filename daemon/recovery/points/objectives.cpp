// SPDX-License-Identifier: Apache-2.0
// Recovery points, the ledger behind them, and how each RPO stands. Contract: "Exposure and objectives".
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

constexpr std::size_t tops_kept = 20;
constexpr Duration hold_before_better = minutes{1};
constexpr Duration held_kept = hours{24 * 8};

std::optional<Point> point_of(const State& state, const std::string& component, const RecoveryReading& reading) {
  if (reading.safe) {
    auto ledger = state.kept.ledgers.find(component);
    if (ledger == state.kept.ledgers.end()) return reading.time ? std::optional(Point{*reading.time, true}) : std::nullopt;
    if (auto at = ledger_time(ledger->second, *reading.safe)) return Point{*at, false};
    if (!reading.time) return std::nullopt;
    // A ledger that begins behind the position knows only that it is older than that; the source's own time is all there is, and a file
    // that was copied anew is as young as its copy.
    const auto& rows = ledger->second.rows;
    const auto first = std::find_if(rows.begin(), rows.end(), [&](const LedgerRow& r) { return r.at.timeline == reading.safe->timeline; });
    return Point{first == rows.end() ? *reading.time : std::min(*reading.time, first->db_time), true};
  }
  return reading.time ? std::optional(Point{*reading.time, false}) : std::nullopt;
}

// An RPO of what the source protects is at risk or breached.
bool in_trouble(const Record& record, const BackupRole& role) {
  return std::any_of(role.survives.begin(), role.survives.end(), [&](DisasterClass c) {
    auto objective = record.objectives.find(objective_key(role.protects, c));
    return objective != record.objectives.end() &&
           (objective->second.standing == Standing::at_risk || objective->second.standing == Standing::breached);
  });
}

// The saw-tooth's tip, learned while nothing is wrong. Once it is known, what puts the objective at risk is no part of it: a source that is
// later every hour would else be called normal minutes after it was called a risk.
void learn_top(SourceKept& source, bool trouble, Time now) {
  if (!source.recovery_point) return;
  if (!source.disturbed && !source.coarse && !(trouble && source.tops.size() >= tops_that_tell)) {
    source.tops.push_back(in_seconds(now - *source.recovery_point));
    if (source.tops.size() > tops_kept) source.tops.erase(source.tops.begin());
  }
  source.disturbed = false;
}

void see_point(SourceKept& source, const Point& point, bool trouble, Time now) {
  source.empty_since.reset();
  if (!source.recovery_point || point.at > *source.recovery_point) {
    learn_top(source, trouble, now);
    source.recovery_point = point.at;
    source.coarse = point.coarse;
  } else if (source.coarse && !point.coarse) {
    source.recovery_point = point.at;  // the coarse point was a guess; this one is proven
    source.coarse = false;
  }
  if (!source.lost_point || *source.recovery_point < *source.lost_point) return;
  source.lost_point.reset();  // it holds as much again
  source.lost_since.reset();
}

// What the run says beside the point itself.
void remember_reading(SourceKept& source, const RecoveryReading& reading, const Point& point) {
  source.safe = reading.safe;
  source.continuous = reading.continuous;
  source.oldest = reading.oldest;
  if (reading.continuous) return source.points.clear();
  if (source.points.empty() || point.at > source.points.back()) source.points.push_back(point.at);
  // What was removed from the end is not there any more.
  while (!source.points.empty() && source.points.back() > point.at) source.points.pop_back();
  if (reading.oldest) std::erase_if(source.points, [&](Time t) { return t < *reading.oldest; });
  if (source.points.size() > SourceKept::points_kept) source.points.erase(source.points.begin());
}

// A source that only claims, or those whose claims this run can confirm.
void compare_claims(Deciding& d, const std::string& probe, const std::optional<Point>& point, Time run) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  SourceKept& source = d.state.kept.sources[probe];
  if (settings.backup->confirmed_by.empty()) {
    source.claims.clear();
    if (source.disagrees_since) d.settle_needed = true;
    source.disagrees_since.reset();
  } else if (auto confirmer = d.settings.probes.find(settings.backup->confirmed_by); point && confirmer != d.settings.probes.end()) {
    remember_claim(source, {run, point->at, point->coarse, source.safe}, d.now, confirmer->second.interval);
  }
  for (const std::string& other : d.settings.components.at(settings.backup->protects).protected_by) {
    if (d.settings.probes.at(other).backup->confirmed_by != probe) continue;
    SourceKept& claiming = d.state.kept.sources[other];
    const bool disagreed = claiming.disagrees_since.has_value();
    confront(claiming, source, run, settings.interval);
    if (claiming.disagrees_since.has_value() != disagreed) d.settle_needed = true;
    d.keep("source/" + other);
  }
}

}  // namespace

void see_recovery_point(Deciding& d, const std::string& probe, const Outcome& outcome, Duration ahead) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  if (!settings.backup) return;
  SourceKept& source = d.state.kept.sources[probe];
  source.failing = outcome.outcome == Health::down || (outcome.recovery && outcome.recovery->failing);
  if (!d.state.sight.probes[probe].seen) d.settle_needed = true;  // its objectives waited for this run
  source.disturbed = source.disturbed || source.failing;
  d.keep("source/" + probe);
  if (!outcome.recovery) return;
  auto point = point_of(d.state, settings.backup->protects, *outcome.recovery);
  const bool nothing = outcome.recovery->whole && !outcome.recovery->safe && !outcome.recovery->time;
  if (!point && !nothing) return;
  // Nothing restores the future: what says so was read by another clock, in another life.
  if (source.recovery_point && *source.recovery_point > d.now) source.recovery_point.reset(), source.stamp.reset(), source.safe.reset();
  // The same moment by the source's own clock is the same point, however drwatch's was set since it was told first.
  std::optional<Time> stamp;
  if (point && !outcome.recovery->safe) stamp = *outcome.recovery->time - ahead;
  if (stamp && source.stamp == stamp && source.recovery_point) point->at = *source.recovery_point;
  source.read_at = outcome.at;
  if (shows_less(source, *outcome.recovery, point)) {
    if (!lose(source, *outcome.recovery, point, outcome.at)) return;
    d.settle_needed = true;
  } else {
    source.less_since.reset();
  }
  if (point) {
    see_point(source, *point, in_trouble(d.record(), *settings.backup), d.now);
    remember_reading(source, *outcome.recovery, *point);
  }
  // Of the point that counts: an older one that was shown once is not it.
  if (!source.recovery_point || (point && point->at == *source.recovery_point)) source.stamp = point ? stamp : std::nullopt;
  compare_claims(d, probe, point, outcome.at);
}

// A source that claims what its confirmer does not hold is a source that lies: down by assertion, as when the archive itself was seen not
// to hold it (contract: "claims what is not there"). So the scenario that is about backups opens by the health that it always opens by,
// with its checklist; the finding and DrwatchSourcesDisagree (a warning) name the cause, and tell it also where no scenario is about that
// probe.
Outcome held_against_confirmer(const State& state, const Settings& settings, const std::string& probe, Outcome outcome) {
  const SourceKept* source = source_of(state, probe);
  const auto& backup = settings.probes.at(probe).backup;
  if (!backup || !source || !source->disagrees_since || outcome.outcome == Health::unknown || outcome.outcome == Health::down)
    return outcome;
  outcome.outcome = Health::down;
  outcome.reason = Reason::assertion;
  outcome.message = disagreement_words(state, settings, probe);
  return outcome;
}

namespace {

// It held until the run that says otherwise; but where that comes late, only as far as what the last one said could hold.
void release_writes(Deciding& d, const std::string& component, WritesKept& writes, Time at) {
  writes.held.push_back({*writes.held_since, std::min(at, writes.known_until.value_or(at))});
  writes.held_since.reset();
  std::erase_if(writes.held, [&](const Span& span) { return span.until < d.now - held_kept; });
  d.keep("writes/" + component);
  d.settle_needed = true;
}

void hold_writes(Deciding& d, const std::string& probe, WritesKept& writes, const Outcome& outcome) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  // Between runs that are further apart than that nobody knows what was written.
  if (writes.held_since && outcome.at > writes.known_until.value_or(outcome.at)) release_writes(d, settings.component, writes, outcome.at);
  if (!writes.held_since) {
    // One address that refuses says nothing while another one answers.
    for (const std::string& other : d.settings.components.at(settings.component).probes) {
      const auto& last = d.state.sight.probes[other].last;
      if (other != probe && d.settings.probes.at(other).traits.answers_queries && last && last->outcome == Health::up) return;
    }
    writes.held_since = outcome.at;
    d.settle_needed = true;
  }
  writes.known_until = outcome.at + 2 * settings.interval + settings.timeout;
  d.keep("writes/" + settings.component);
}

}  // namespace

void see_writes(Deciding& d, const std::string& probe, const Outcome& outcome) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  auto component = d.settings.components.find(settings.component);
  if (component == d.settings.components.end() || component->second.protected_by.empty()) return;
  if (!settings.traits.answers_queries && !outcome.takes_no_writes) return;
  if (outcome.canary) {
    ledger_add(d.state.kept.ledgers[settings.component], {outcome.canary->at, outcome.canary->db_time});
    d.keep("ledger/" + settings.component);
  }
  WritesKept& writes = d.state.kept.writes[settings.component];
  if (outcome.takes_no_writes)
    hold_writes(d, probe, writes, outcome);
  else if (writes.held_since)
    release_writes(d, settings.component, writes, outcome.at);
}

// ---- standing

namespace {

bool all_seen(const Deciding& d, const std::string& component, DisasterClass c) {
  std::vector<std::string> sources = sources_of(d.settings, component, c);
  for (std::size_t n = sources.size(); n-- > 0;)  // and those whose word the claims stand on
    if (const auto& confirmer = d.settings.probes.at(sources[n]).backup->confirmed_by; !confirmer.empty()) sources.push_back(confirmer);
  return std::all_of(sources.begin(), sources.end(), [&](const std::string& name) {
    auto sight = d.state.sight.probes.find(name);
    return sight != d.state.sight.probes.end() && sight->second.seen;
  });
}

void judge_objective(Deciding& d, const std::string& component, DisasterClass c) {
  RpoJudgement judged = judge_rpo(d.state, d.settings, component, c, d.now);
  if (judged.next) d.wake(*judged.next);
  std::string key = objective_key(component, c);
  auto was = d.record().objectives.find(key);
  bool known = was != d.record().objectives.end();
  // After a start or a jump of the clock nothing gets worse by time in which nobody looked: the first run of each source says how it is.
  bool worse = rank(judged.standing) > (known ? rank(was->second.standing) : 0);
  if (worse && !all_seen(d, component, c)) return;
  if (known && was->second.standing == judged.standing) {
    d.state.sight.better_since.erase(key);
    return;
  }
  bool better = known && rank(judged.standing) < rank(was->second.standing) && was->second.standing != Standing::unproven;
  Time since = d.now;
  if (better) {  // it has to last, or a source that limps would raise and clear an alert with every point
    since = d.state.sight.better_since.try_emplace(key, d.now).first->second;
    if (d.now < since + hold_before_better) return d.wake(since + hold_before_better);
  }
  d.state.sight.better_since.erase(key);
  Exposure exposure = exposure_of(d.state, d.settings, component, c, d.now);
  Body body{{"objective", "rpo"},
            {"class", class_name(c)},
            {"standing", standing_name(judged.standing)},
            {"from", known ? std::optional(standing_name(was->second.standing)) : std::nullopt},
            {"since", since},  // the first good reading, not the end of the minute that confirmed it
            {"detail", judged.message},
            {"exposure_seconds", exposure.exposure ? std::optional(in_seconds(*exposure.exposure)) : std::nullopt},
            {"recovery_point", exposure.recovery_point},
            {"source", null_if_empty(exposure.source)},
            {"no_source", exposure.no_source},
            {"breach_at", judged.breach_at},
            {"structural", judged.structural}};
  d.emit("objective.changed", {.component = component},
         component + " rpo (" + std::string(class_name(c)) + ") is " + std::string(standing_name(judged.standing)) + ": " + judged.message,
         body);
}

// Not as it is recorded, or something falls due before the time that is waited for.
bool stands_otherwise(const Deciding& d, const std::string& component, DisasterClass c) {
  auto was = d.record().objectives.find(objective_key(component, c));
  if (was == d.record().objectives.end() || was->second.standing != Standing::met) return true;
  RpoJudgement judged = judge_rpo(d.state, d.settings, component, c, d.now);
  return judged.standing != Standing::met || (judged.next && (!d.state.sight.due || *judged.next < *d.state.sight.due));
}

}  // namespace

// A point that came as it always does changes nothing: the objective is met and stays so for longer than was known.
void see_objectives(Deciding& d, const std::string& component) {
  for (DisasterClass c : all_classes)
    if (d.settings.rpo_of(component, c) && stands_otherwise(d, component, c)) d.settle_needed = true;
}

void judge_objectives(Deciding& d) {
  for (const auto& [name, component] : d.settings.components)
    for (DisasterClass c : all_classes)
      if (d.settings.rpo_of(name, c)) judge_objective(d, name, c);
}

// ---- findings

namespace {

// An RPO that no source can ever meet, however well all of them work.
void find_unreachable(const Deciding& d, const std::string& component, std::map<std::string, FindingRecord>& wanted) {
  for (DisasterClass c : all_classes)
    if (auto why = unreachable(d.state, d.settings, component, c)) {
      std::string of(class_name(c));
      wanted["rpo-unreachable/" + component + "/" + of] = {
          "rpo-unreachable", component, of,
          "the RPO of " + component + " for a " + of + " loss (" + duration_words(*d.settings.rpo_of(component, c)) +
              ") cannot be met: " + why->source + ", the best source, brings a new point every " + duration_words(why->best) + " at best",
          d.now};
    }
}

// An RPO that is over before its only source is mended, as mending has really taken. Of the plan `drwatch check` says it.
void find_slow_to_mend(const Deciding& d, const std::string& component, std::map<std::string, FindingRecord>& wanted) {
  const TimeToFix fix = time_to_fix(d.state, d.settings, component, d.now);
  if (!fix.measured()) return;
  for (DisasterClass c : all_classes) {
    const auto rpo = d.settings.rpo_of(component, c);
    const auto sources = sources_of(d.settings, component, c);
    if (!rpo || fix.is < *rpo || sources.size() != 1 || unreachable(d.state, d.settings, component, c)) continue;
    std::string of(class_name(c));
    wanted["slow-to-mend/" + component + "/" + of] = {"slow-to-mend", component, of,
                                                      "mending " + sources.front() + ", the only source of " + component +
                                                          " that survives a " + of + " loss, takes " + duration_words(fix.is) +
                                                          " (nine in ten of " + std::to_string(fix.samples) +
                                                          " times): longer than the RPO of " + duration_words(*rpo),
                                                      d.now};
  }
}

// "rebuild.toml: rto: cannot be kept by the plan; ...": of many scenarios which one.
std::string warning_words(const config::Problem& warning) {
  const std::string& file = warning.place.file;
  return file.substr(file.rfind('/') + 1) + ": " + (warning.key.empty() ? "" : warning.key + ": ") + warning.message +
         (warning.hint.empty() ? "" : "; " + warning.hint);
}

std::map<std::string, FindingRecord> wanted_findings(const Deciding& d) {
  std::map<std::string, FindingRecord> wanted;
  for (const auto& [name, component] : d.settings.components)
    for (const Exposure& exposure : exposures(d.state, d.settings, name, d.now))
      if (exposure.no_source && exposure.emptied.empty()) {
        std::string of(class_name(exposure.of_class));
        wanted["no-source/" + name + "/" + of] = {"no-source", name, of,
                                                  "no source of recovery points of " + name + " survives a " + of + " loss", d.now};
      }
  for (const auto& [name, component] : d.settings.components) {
    find_unreachable(d, name, wanted);
    if (!component.rpo.empty()) find_slow_to_mend(d, name, wanted);
    for (const std::string& probe : component.protected_by)
      if (auto words = loss_words(d.state, probe)) wanted["points-lost/" + name + "/" + probe] = {"points-lost", name, "", *words, d.now};
    for (const std::string& probe : component.protected_by)
      if (const SourceKept* source = source_of(d.state, probe); source && source->disagrees_since)
        wanted["sources-disagree/" + name + "/" + probe] = {"sources-disagree", name, "", disagreement_words(d.state, d.settings, probe),
                                                            d.now};
  }
  for (const config::Problem& warning : d.settings.warnings)
    wanted["configuration/" + warning.place.file + "/" + warning.key + "/" + warning.message] = {"configuration", "", "",
                                                                                                 warning_words(warning), d.now};
  return wanted;
}

}  // namespace

void judge_findings(Deciding& d) {
  auto wanted = wanted_findings(d);
  std::vector<std::string> gone;
  for (const auto& [key, finding] : d.record().findings)
    if (!wanted.count(key)) gone.push_back(key);
  for (const std::string& key : gone) {
    FindingRecord was = d.record().findings[key];
    d.emit("finding.gone", {.component = was.component}, was.message, Body{{"key", key}, {"finding", was.finding}});
  }
  for (const auto& [key, finding] : wanted)
    if (!d.record().findings.count(key))
      d.emit("finding.appeared", {.component = finding.component}, finding.message,
             Body{{"key", key}, {"finding", finding.finding}, {"class", null_if_empty(finding.of_class)}});
}

}  // namespace drwatch
