// SPDX-License-Identifier: Apache-2.0
// Recovery points, the ledger behind them, and how each RPO stands. Contract: "Exposure and objectives".
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

// Of the saw-tooth's tips the newest 20 are kept: enough for a quantile, and few enough to follow a source that was set up differently.
constexpr std::size_t tops_kept = 20;
constexpr Duration hold_before_better = minutes{1};
constexpr Duration held_kept = hours{24 * 8};

// The moment that a reading proves, or nullopt when it cannot be placed in time.
// Three cases. A position that the ledger knows: the time of the commit, exact. A position that it does not know: the source's own time,
// coarse, because the time of a file is when it was written and not what is in it. A time without a position: what the source says, exact.
std::optional<Point> point_of(const State& state, const std::string& component, const RecoveryReading& reading) {
  if (reading.safe) {
    auto ledger = state.kept.ledgers.find(component);
    if (ledger == state.kept.ledgers.end()) return reading.time ? std::optional(Point{*reading.time, true}) : std::nullopt;
    if (auto at = ledger_time(ledger->second, *reading.safe)) return Point{*at, false};
    if (!reading.time) return std::nullopt;
    // The ledger begins above the position, so the point is older than its first row on that timeline. The source's own time alone could be
    // too new: a file that was copied today carries today's date.
    const auto& rows = ledger->second.rows;
    const auto first = std::find_if(rows.begin(), rows.end(), [&](const LedgerRow& r) { return r.at.timeline == reading.safe->timeline; });
    return Point{first == rows.end() ? *reading.time : std::min(*reading.time, first->db_time), true};
  }
  return reading.time ? std::optional(Point{*reading.time, false}) : std::nullopt;
}

// An RPO that this source counts for is at risk or breached.
bool in_trouble(const Record& record, const BackupRole& role) {
  return std::any_of(role.survives.begin(), role.survives.end(), [&](DisasterClass c) {
    auto objective = record.objectives.find(objective_key(role.protects, c));
    return objective != record.objectives.end() &&
           (objective->second.standing == Standing::at_risk || objective->second.standing == Standing::breached);
  });
}

// Called when a new point comes: the exposure just before it is the tip of the saw-tooth, and says how high the exposure goes when all is
// well. Not learned from a source that failed or lost something since its last point, or whose points are coarse. Once enough tips are
// known, none is learned while an objective is in trouble: a source that is later every hour would otherwise be taken for normal minutes
// after it was called a risk.
void learn_top(SourceKept& source, bool trouble, Time now) {
  if (!source.recovery_point) return;
  if (!source.disturbed && !source.coarse && !(trouble && source.tops.size() >= tops_that_tell)) {
    source.tops.push_back(in_seconds(now - *source.recovery_point));
    if (source.tops.size() > tops_kept) source.tops.erase(source.tops.begin());
  }
  source.disturbed = false;
}

// Takes over a point that the run has shown. An older one than is known changes nothing here (losses go through lose()), except that an
// exact point replaces a coarse one.
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
  source.lost_point.reset();  // it holds as much as before the loss: there is nothing to report any more
  source.lost_since.reset();
}

// Keeps what else the run said: the position, the oldest point, and for a source that is not continuous (one backup a night) the list of
// its points. That list is what a logical failure is restored from: the newest point before the bad change.
void remember_reading(SourceKept& source, const RecoveryReading& reading, const Point& point) {
  source.safe = reading.safe;
  source.continuous = reading.continuous;
  source.oldest = reading.oldest;
  if (reading.continuous) return source.points.clear();
  if (source.points.empty() || point.at > source.points.back()) source.points.push_back(point.at);
  // Points above the newest one that was shown have been removed from the store.
  while (!source.points.empty() && source.points.back() > point.at) source.points.pop_back();
  if (reading.oldest) std::erase_if(source.points, [&](Time t) { return t < *reading.oldest; });
  if (source.points.size() > SourceKept::points_kept) source.points.erase(source.points.begin());
}

// Two directions. If this source only claims (`confirmed_by`), its claim is noted with the time, to be compared later. If other sources are
// confirmed by this one, their claims that are old enough are compared with what it shows now.
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
  if (!d.state.sight.probes[probe].seen) d.settle_needed = true;  // judge_objective() waits for the first run of every source
  source.disturbed = source.disturbed || source.failing;
  d.keep("source/" + probe);
  if (!outcome.recovery) return;
  auto point = point_of(d.state, settings.backup->protects, *outcome.recovery);
  // Read to its end and found empty: that is knowledge. A reading that was cut short and shows nothing is not.
  const bool nothing = outcome.recovery->whole && !outcome.recovery->safe && !outcome.recovery->time;
  if (!point && !nothing) return;
  // A recovery point in the future was noted while drwatch's clock was ahead of what it is now. Kept, it would make every real point look
  // like a loss until the clock caught up with it. It is forgotten, and this run starts anew.
  if (source.recovery_point && *source.recovery_point > d.now) source.recovery_point.reset(), source.stamp.reset(), source.safe.reset();
  // A source that tells times, not positions, is recognised by its own clock: `ahead` is what was added to bring that time to drwatch's
  // clock, so without it the time is as the source said it. The same time again is the same point. Otherwise a correction of drwatch's
  // clock would look like a newer point, or like a loss.
  std::optional<Time> stamp;
  if (point && !outcome.recovery->safe) stamp = *outcome.recovery->time - ahead;
  if (stamp && ahead < Duration{0}) point->coarse = true;  // it lay in the future: when it was made nobody can tell
  if (stamp && source.stamp == stamp && source.recovery_point) {
    point->at = *source.recovery_point;
    point->coarse = source.coarse;
  }
  // A store that shows less than it proved is believed at the second such reading in a row; until then everything stays as it was, and who
  // is confirmed by it has not been looked at.
  if (shows_less(source, *outcome.recovery, point)) {
    if (!lose(source, *outcome.recovery, point, outcome.at)) return;
    d.settle_needed = true;
  } else {
    source.less_since.reset();
  }
  source.read_at = outcome.at;
  if (point) {
    see_point(source, *point, in_trouble(d.record(), *settings.backup), d.now);
    remember_reading(source, *outcome.recovery, *point);
  }
  // The stamp is that of the point that counts. A run that showed an older point does not change it.
  if (!source.recovery_point || (point && point->at == *source.recovery_point)) source.stamp = point ? stamp : std::nullopt;
  compare_claims(d, probe, point, outcome.at);
}

// A source that claims what its confirmer does not hold is down, by assertion, as it would be if the archive itself had been seen not to
// hold it. Making it a matter of health means that the scenario about backups opens in its usual way, with its checklist. The finding and
// the alert DrwatchSourcesDisagree (a warning) name the cause, and reach somebody also where no scenario asks about that probe.
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

// Writes are possible again, as the run at `at` has shown. The span without writes ends there, or earlier, at `known_until`, if that run
// came too late to vouch for the time between.
void release_writes(Deciding& d, const std::string& component, WritesKept& writes, Time at) {
  writes.held.push_back({*writes.held_since, std::min(at, writes.known_until.value_or(at))});
  writes.held_since.reset();
  std::erase_if(writes.held, [&](const Span& span) { return span.until < d.now - held_kept; });
  d.keep("writes/" + component);
  d.settle_needed = true;
}

// A run saw that the component takes no writes (contract, "Exposure and objectives": refused on its own address, shutting down, read-only).
void hold_writes(Deciding& d, const std::string& probe, WritesKept& writes, const Outcome& outcome) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  // The last run that said so is too long ago: between the two, writes may have been taken. So the old span ends and a new one begins here.
  if (writes.held_since && outcome.at > writes.known_until.value_or(outcome.at)) release_writes(d, settings.component, writes, outcome.at);
  if (!writes.held_since) {
    // One address that refuses proves nothing while another probe of the same component can write or query: it may be the replica, or a
    // pooler.
    for (const std::string& other : d.settings.components.at(settings.component).probes) {
      const auto& last = d.state.sight.probes[other].last;
      if (other != probe && d.settings.probes.at(other).traits.answers_queries && last && last->outcome == Health::up) return;
    }
    writes.held_since = outcome.at;
    d.settle_needed = true;
  }
  // Long enough that one run that is late or lost does not end the span: two intervals and a time-out.
  writes.known_until = outcome.at + 2 * settings.interval + settings.timeout;
  d.keep("writes/" + settings.component);
}

}  // namespace

void see_writes(Deciding& d, const std::string& probe, const Outcome& outcome) {
  const ProbeSettings& settings = d.settings.probes.at(probe);
  auto component = d.settings.components.find(settings.component);
  if (component == d.settings.components.end() || component->second.protected_by.empty()) return;
  if (!settings.traits.answers_queries && !outcome.takes_no_writes) return;
  // A canary is a row that drwatch commits itself: its position and the database's time are one row of the ledger.
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

// Every source that counts for the class has run since the start, and so have the confirmers on whose word the claims among them stand.
bool all_seen(const Deciding& d, const std::string& component, DisasterClass c) {
  std::vector<std::string> sources = sources_of(d.settings, component, c);
  for (std::size_t n = sources.size(); n-- > 0;)  // and those whose word the claims stand on
    if (const auto& confirmer = d.settings.probes.at(sources[n]).backup->confirmed_by; !confirmer.empty()) sources.push_back(confirmer);
  return std::all_of(sources.begin(), sources.end(), [&](const std::string& name) {
    auto sight = d.state.sight.probes.find(name);
    return sight != d.state.sight.probes.end() && sight->second.seen;
  });
}

// Compares the standing with the recorded one and tells a change. Worse at once; better only after it has lasted for a minute.
void judge_objective(Deciding& d, const std::string& component, DisasterClass c) {
  RpoJudgement judged = judge_rpo(d.state, d.settings, component, c, d.now);
  if (judged.next) d.wake(*judged.next);
  std::string key = objective_key(component, c);
  auto was = d.record().objectives.find(key);
  bool known = was != d.record().objectives.end();
  // After a start or a jump of the clock an exposure has grown by time in which nobody looked. That alone makes nothing worse: the first
  // run of each source tells how it really is.
  bool worse = rank(judged.standing) > (known ? rank(was->second.standing) : 0);
  // Breached by construction, and breached because the source does worse than it ever does, are two things, each with a beginning of its
  // own: an incident of today is not as old as the plan that can't be kept.
  const bool turned = known && was->second.structural != judged.structural;
  if ((worse || turned) && !all_seen(d, component, c)) return;
  if (known && was->second.standing == judged.standing && !turned) {
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

// Whether a run can have changed how the objective stands: it is not recorded as met, or is judged not to be met now, or it could change
// before the time at which the next decision falls anyway.
bool stands_otherwise(const Deciding& d, const std::string& component, DisasterClass c) {
  auto was = d.record().objectives.find(objective_key(component, c));
  if (was == d.record().objectives.end() || was->second.standing != Standing::met) return true;
  RpoJudgement judged = judge_rpo(d.state, d.settings, component, c, d.now);
  return judged.standing != Standing::met || (judged.next && (!d.state.sight.due || *judged.next < *d.state.sight.due));
}

}  // namespace

// Asks for a full decision only when it can bring something new. A point that came as it always does leaves the objective met, and there
// are many such runs a minute.
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

// An RPO that no source can ever meet, even when all of them work as they should.
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

// An RPO that is over before its only source is mended, by what mending has really taken (5 samples or more). The same said of the
// configured plan is a warning of `drwatch check`, not a finding. With a second source the RPO does not hang on mending the first.
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

// "rebuild.toml: rto: cannot be kept by the plan; ...": with the file's name, because there may be many scenarios.
std::string warning_words(const config::Problem& warning) {
  const std::string& file = warning.place.file;
  return file.substr(file.rfind('/') + 1) + ": " + (warning.key.empty() ? "" : warning.key + ": ") + warning.message +
         (warning.hint.empty() ? "" : "; " + warning.hint);
}

// All findings as they are now, by a key that stays the same while the finding does. The message is no part of the key: a figure in it may
// change without it being another finding.
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
  for (const auto& [name, probe] : d.settings.probes)
    if (auto finding = turned_away(d, probe)) wanted["turned-away/" + probe.component + "/" + name] = std::move(*finding);
  find_latched(d, wanted);
  for (const config::Problem& warning : d.settings.warnings)
    wanted["configuration/" + warning.place.file + "/" + warning.key + "/" + warning.message] = {"configuration", "", "",
                                                                                                 warning_words(warning), d.now};
  return wanted;
}

}  // namespace

// A finding is told once when it appears and once when it is gone. It wakes nobody.
void judge_findings(Deciding& d) {
  wake_for_turned_away(d);
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
