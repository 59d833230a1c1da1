// SPDX-License-Identifier: Apache-2.0
// Looks ahead: when each open incident will be over, and what each scenario would take if it struck now. What is said is journaled, so that
// it can be held against what happened.
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/circumstances.hpp"
#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/outlook/sizes.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

// ---- open incidents

// Time alone changes a projection. It is made 240 times within the objective (every 15 s for an hour), later ever more seldom, and never
// more often than each second or less often than every ten minutes.
Duration look_again_after(const Incident& incident, Time now) {
  Duration span = std::max(incident.rto, incident.elapsed(now));
  return std::clamp<Duration>(span / 240, seconds{1}, minutes{10});
}

// Whether a projection is worth a line in the journal: a figure moved by a fiftieth of the objective (or of the median, if that is longer),
// another way was chosen, it crossed the objective, or what it leaves out changed.
bool tells_more(const Incident& incident, const Projection& now, const std::optional<Projection>& was) {
  if (!was) return true;
  const double step = std::max(in_seconds(incident.rto), now.p50_seconds) / 50;
  const double rto = in_seconds(incident.rto);
  return std::abs(now.p90_seconds - was->p90_seconds) > step || std::abs(now.p50_seconds - was->p50_seconds) > step ||
         std::abs(in_seconds(now.decide_by - was->decide_by)) > step || now.way != was->way ||
         (now.p90_seconds > rto) != (was->p90_seconds > rto) || now.unplanned != was->unplanned || now.unsized != was->unsized ||
         now.hours != was->hours;
}

std::string words_of(const Incident& incident, const Projection& p) {
  std::string path;
  for (const std::string& id : p.critical_path) path += (path.empty() ? "" : ", ") + id;
  return incident.title + ": likely over " + duration_words(of_seconds(p.p50_seconds)) + " after it began, nine in ten within " +
         duration_words(of_seconds(p.p90_seconds)) + " of " + duration_words(incident.rto) + " (" + basis_words(p) + "), " +
         std::to_string(std::lround(p.missing * 100)) + " % to miss it" + (p.way.empty() ? "" : " by '" + p.way + "'") + "; decide by " +
         time_words(p.decide_by) + (path.empty() ? "" : "; critical path: " + path) + doubts(p);
}

// Projected anew when something happened to the incident or its time has come; told only when it tells more than the last one.
void judge_projection(Deciding& d, const Incident& incident) {
  ProjectionSight& sight = d.state.sight.projections[incident.id];
  if (sight.events == incident.timeline.size() && d.now < sight.next) return d.wake(sight.next);
  auto projected = project(d.state, d.settings, incident, d.now);
  if (projected && tells_more(incident, *projected, incident.projection))
    d.emit("incident.projected", d.about(incident), words_of(incident, *projected), body_of(*projected));
  sight.events = incident.timeline.size();
  sight.next = d.now + look_again_after(incident, d.now);
  d.wake(sight.next);
}

}  // namespace

void judge_projections(Deciding& d) {
  auto& sights = d.state.sight.projections;
  // Incidents that are not open any more are not looked at, and must not be remembered for ever.
  std::erase_if(sights, [&](const auto& entry) {
    auto incident = d.record().incidents.find(entry.first);
    return incident == d.record().incidents.end() || incident->second.state != IncidentState::open;
  });
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open) judge_projection(d, incident);
}

// ---- scenarios

namespace {

// How a scenario's RTO stands while it is not open.
struct Outlook {
  Standing standing = Standing::unproven;
  std::string detail;
  std::optional<Projection> projection;
  std::optional<Time> until;  // when the proof by the newest drill that passed runs out; nullopt: nothing runs out
};

constexpr double outgrown = 2;  // a drill with less than half of today's data proves nothing about today

// The newest drill that passed, and whether it still proves anything.
struct Proof {
  const DrillRecord* drill = nullptr;  // nullptr: none passed
  bool stands = false;
  std::optional<Time> until;  // it stands so long
  std::string words;
};

Proof newest_passed(const Record& record, const Scenario& scenario, std::optional<double> bytes, Time now) {
  Proof proof;
  const DrillDates dates = drill_dates(record, scenario);
  // A tabletop alone proves the plan, and nothing of the objective.
  const auto newest = record.drills.find(scenario.id);
  if (newest == record.drills.end() || !dates.proven_until) {
    proof.words = "no drill has shown it";
    return proof;
  }
  proof.drill = &newest->second;
  const auto& took = proof.drill->recovery_seconds;
  proof.words = "the drill of " + time_words(proof.drill->at) + (took ? " took " + duration_words(of_seconds(*took)) : " passed");
  const auto& then = proof.drill->data_bytes;
  if (now > *dates.proven_until) {
    proof.words += ", too long ago to prove it";
  } else if (then && bytes && *bytes > outgrown * *then) {
    proof.words += " with " + size_words(*then) + " of data, there are " + size_words(*bytes) + " now: it proves nothing any more";
  } else {
    proof.stands = true;
    proof.until = *dates.proven_until + Duration{1};
  }
  return proof;
}

// What drills say of the RTO: shown, missed, or neither.
struct Shown {
  bool in_time = false, too_late = false;
  std::optional<Time> until;
  std::string words;
};

// After a drill that failed, nothing is shown until one passes again. What was shown to take too long stays shown.
Shown shown_by_drills(const Record& record, const Scenario& scenario, std::optional<double> bytes, Time now) {
  const double rto = in_seconds(scenario.rto);
  const Proof passed = newest_passed(record, scenario, bytes, now);
  Shown shown{passed.stands, passed.stands && passed.drill->recovery_seconds > rto, passed.until, passed.words};
  if (const auto failed = record.failed_drills.find(scenario.id); failed != record.failed_drills.end()) {
    const auto& longest = failed->second.longest_seconds;
    shown.in_time = false;
    shown.too_late = shown.too_late || longest > rto;
    shown.words = "the drill of " + time_words(failed->second.at) + " failed" +
                  (longest ? ", " + duration_words(of_seconds(*longest)) + " were not enough" : "") + "; before that, " + shown.words;
  }
  return shown;
}

// Breached: a drill took too long, or the median by measurement is over the RTO. At risk: nine in ten by measurement are not within it.
// Met: a drill has shown it. Otherwise unproven.
Outlook look_ahead(const State& state, const Settings& settings, const Scenario& scenario, std::optional<double> bytes, Time now) {
  Outlook outlook;
  outlook.projection = project(state, settings, scenario, now);
  const auto& projection = outlook.projection;
  const Shown shown = shown_by_drills(state.record, scenario, bytes, now);
  outlook.until = shown.until;
  const double rto = in_seconds(scenario.rto);
  // A plan alone proves neither that the RTO can be kept nor that it cannot; `drwatch check` warns about the plan.
  const bool measured = projection && projection->basis != "planned";
  if (shown.too_late || (measured && projection->p50_seconds > rto))
    outlook.standing = Standing::breached;
  else if (measured && projection->p90_seconds > rto)
    outlook.standing = Standing::at_risk;
  else
    outlook.standing = shown.in_time ? Standing::met : Standing::unproven;
  if (projection)
    outlook.detail = "back in " + duration_words(of_seconds(projection->p50_seconds)) + ", nine in ten within " +
                     duration_words(of_seconds(projection->p90_seconds)) + " of " + duration_words(scenario.rto) + " (" +
                     basis_words(*projection) + ")" + doubts(*projection) + "; ";
  outlook.detail += shown.words;
  return outlook;
}

// How much data there is to bring back; nullopt where no step depends on it, so that a growing database does not make every scenario be
// judged again.
std::optional<double> bytes_of(const Deciding& d, const Scenario& scenario) {
  const bool grows = std::any_of(scenario.steps.begin(), scenario.steps.end(), [](const Step& step) { return step.per_gib.has_value(); });
  return grows ? data_bytes(d.state, d.settings, scenario.affects) : std::nullopt;
}

// When working hours begin or end next. Looked for in steps of a quarter of an hour: working hours change with an hour of their time zone,
// and every zone's offset from UTC is a multiple of that. Where nothing changes within 8 days the end of them is the answer, which only
// means to look again then. nullopt: no working hours are configured.
std::optional<Time> next_change(const std::optional<Cron>& working_hours, Time now) {
  constexpr Duration quarter_of_an_hour = minutes{15};
  if (!working_hours) return std::nullopt;
  const bool work = at_work(working_hours, now);
  Time t = now - now.time_since_epoch() % quarter_of_an_hour + quarter_of_an_hour;
  for (const Time end = now + hours{24 * 8}; t < end; t += quarter_of_an_hour)
    if (at_work(working_hours, t) != work) break;
  return t;
}

// What of the configuration a scenario's standing depends on.
std::string hash_of(const Scenario& scenario, const std::optional<Cron>& working_hours) {
  return scenario.hash + (working_hours ? "/" + working_hours->text() + "/" + working_hours->zone() : "");
}

// Judged again only when what it rests on has changed: the configuration, the measurements, the amount of data, the hour, or the validity
// of a drill. A projection costs 1000 draws. Drills and working hours have dates of their own: they are held against the wall's clock.
void judge_scenario(Deciding& d, const Scenario& scenario) {
  const auto& working_hours = d.settings.recovery.working_hours;
  ScenarioSight& sight = d.state.sight.scenarios[scenario.id];
  ScenarioSight now{hash_of(scenario, working_hours), d.record().measured.version, bytes_of(d, scenario), sight.at_work, sight.until};
  if (sight.same(now) && (!sight.until || d.wall < *sight.until)) {
    if (sight.until) d.wake(d.own_at(*sight.until));
    return;
  }
  const Outlook outlook = look_ahead(d.state, d.settings, scenario, now.data_bytes, d.wall);
  now.at_work = at_work(working_hours, d.wall);
  now.until = next_change(working_hours, d.wall);
  if (outlook.until) now.until = std::min(now.until.value_or(*outlook.until), *outlook.until);
  sight = std::move(now);
  if (sight.until) d.wake(d.own_at(*sight.until));
  auto was = d.record().scenarios.find(scenario.id);
  std::optional<double> p50, p90, missing;  // nullopt: nothing is known
  if (outlook.projection) {
    p50 = outlook.projection->p50_seconds;
    p90 = outlook.projection->p90_seconds;
    missing = outlook.projection->missing;
  }
  bool known = was != d.record().scenarios.end();
  if (known && was->second.standing == outlook.standing && was->second.message == outlook.detail && was->second.p90_seconds == p90) return;
  d.emit("scenario.changed", {.scenario = scenario.id},
         "could we recover from " + scenario.title + ": " + std::string(standing_name(outlook.standing)) + "; " + outlook.detail,
         Body{{"objective", "rto"},
              {"standing", standing_name(outlook.standing)},
              {"from", known ? std::optional(standing_name(was->second.standing)) : std::nullopt},
              {"p50_seconds", p50},
              {"p90_seconds", p90},
              {"basis", outlook.projection ? outlook.projection->basis : ""},
              {"missing", missing},
              {"critical_path", outlook.projection ? outlook.projection->critical_path : std::vector<std::string>{}},
              {"detail", outlook.detail}});
}

}  // namespace

void judge_scenarios(Deciding& d) {
  for (const auto& [id, scenario] : d.settings.scenarios) judge_scenario(d, scenario);
}

}  // namespace drwatch
