// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/alerts/wanted.hpp"

#include "daemon/recovery/alerts/names.hpp"
#include "daemon/recovery/deciding.hpp"
#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/loss.hpp"

#include <algorithm>

namespace drwatch {

// One alert by this key: its name with the scenario, component and class that it is about. Severity is no part of it, so a change of
// severity is the same alert with other labels.
std::string alert_key(const Alert& alert) {
  auto label = [&](const char* name) {
    auto it = alert.labels.find(name);
    return it == alert.labels.end() ? std::string() : "/" + it->second;
  };
  auto name = alert.labels.find("alertname");
  return (name == alert.labels.end() ? std::string() : name->second) + label("scenario") + label("component") + label("class") +
         (alert.labels.count("drill") ? "/drill" : "");
}

namespace {

constexpr std::size_t steps_as_text = 5;

std::string base_url(const Settings& settings) {
  return settings.server.public_url.empty() ? "http://" + settings.server.listen : settings.server.public_url;
}

// The next open critical steps as plain text: the alert may be all that somebody can read on the way to a computer.
std::string first_steps(const Incident& incident) {
  std::string text;
  std::size_t shown = 0;
  for (const IncidentStep& step : incident.steps) {
    if (!incident.gates(step) || step.counts()) continue;
    if (++shown > steps_as_text) break;
    text += (text.empty() ? "" : "\n") + std::to_string(shown) + ". " + step.plan.title;
    if (step.plan.owner) text += " (" + *step.plan.owner + ")";
    if (step.plan.verify) text += " [verified by: " + step.plan.verify->text + "]";
    if (step.against_evidence) text += " [" + against_words(step) + "]";
  }
  return text;
}

// What others wrote may end without a full stop, and another sentence follows.
std::string full_stop(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text.empty() || text.ends_with('.') || text.ends_with('!') || text.ends_with('?') ? text : text + ".";
}

std::string what_else(const Incident& incident) {
  std::string text;
  if (!incident.explains.empty()) {
    text = " It explains:";
    for (const std::string& name : incident.explains) text += " " + name;
    text += ".";
  }
  for (const std::string& id : incident.absorbed) text += " It took over " + id + ".";
  return text;
}

std::string sentence(const Incident& i) {
  const Projection& p = *i.projection;
  const auto moment = [&](double after) { return time_words(i.started_at + Duration{static_cast<std::int64_t>(after * 1000)}); };
  return "Likely over at " + moment(p.p50_seconds) + ", nine in ten by " + moment(p.p90_seconds) + " (" + basis_words(p) + ")";
}

// How an incident ended that is open no more.
std::string over_words(const Incident& i) {
  if (i.state == IncidentState::absorbed) return " It goes on in " + i.absorbed_by + ".";
  if (i.recovered_at && !i.recovery_said) return " Recovered since " + time_words(*i.recovered_at) + ".";
  return i.resolved_at ? " Resolved at " + time_words(*i.resolved_at) + "." : "";
}

std::string describe(const State& state, const Settings& settings, const Incident& i, Time now) {
  std::string text = full_stop(i.summary.empty() ? i.title : i.summary);
  text += " Since " + time_words(i.started_at) + " (" + i.started_by + ").";
  for (const Evidence& e : because_now(state, settings, i, now)) text += " Confirmed: " + e.condition + " (" + e.evidence + ").";
  text += what_else(i);
  text += i.acknowledged_at ? " Acknowledged by " + i.acknowledged_by + " at " + time_words(*i.acknowledged_at) + "."
                            : " Not acknowledged yet: 'drwatch incident ack " + i.id + "' takes it.";
  if (i.state == IncidentState::open && has_bad_change(settings, i) && !i.bad_change_at)
    text += " When was the bad change made? Everything written since may be lost: 'drwatch incident bad-change " + i.id + " TIME'.";
  if (i.state != IncidentState::open) return text + over_words(i);
  if (i.projection) text += " " + sentence(i) + ".";
  text += " Back by " + time_words(i.deadline()) + " to keep the RTO of " + duration_words(i.rto) + ".";
  return text;
}

// Collects the alerts that should stand now, judged from the record alone.
struct Wanted {
  Deciding* d;  // null: only what is said, nobody is woken
  const State& state;
  const Settings& settings;
  Time now;
  bool with_words = true;  // annotations too: they are only needed when an alert is new, or sent
  std::map<std::string, Alert> alerts;
  std::vector<std::string> order;  // as they were found

  void add(Alert alert) {
    std::string key = alert_key(alert);
    if (alerts.emplace(key, std::move(alert)).second) order.push_back(key);
  }
  void wake(Time at) {
    if (d) d->wake(at);
  }
};

Alert alert_of(const Wanted& w, AlertName name, Severity severity, const Incident& i, std::string summary) {
  Alert a;
  a.labels = {{"alertname", std::string(alert_text(name))}, {"severity", std::string(severity_name(severity))}, {"scenario", i.scenario}};
  if (!w.with_words) return a;
  a.annotations = {{"summary", std::move(summary)},
                   {"description", describe(w.state, w.settings, i, w.now)},
                   {"runbook_url", base_url(w.settings) + "/incidents/" + i.id},
                   {"runbook", first_steps(i)},
                   {"incident", i.id}};
  return a;
}

// The alerts of one open incident: that it is open, that nobody has taken it, how its RTO stands, and that an update for an audience is
// due.
void of_incident(Wanted& w, const Incident& i) {
  Alert open = alert_of(w, AlertName::incident, i.severity, i, i.title);
  open.starts_at = i.opened_at;
  w.add(open);
  if (i.severity == Severity::critical && !i.acknowledged_at) {
    Time at = i.opened_at + i.ack_within;
    if (w.now >= at)
      w.add(alert_of(w, AlertName::unacknowledged, Severity::critical, i,
                     i.title + ": nobody has taken it for " + duration_words(i.ack_within)));
    else
      w.wake(at);
  }
  RtoJudgement rto = judge_rto(i, w.now);
  if (rto.next) w.wake(*rto.next);
  if (rto.standing == Standing::at_risk || rto.standing == Standing::breached)
    w.add(alert_of(w, AlertName::rto_at_risk, i.severity, i, i.title + ": the recovery time objective is at risk: " + rto.message));
  if (rto.standing == Standing::breached)
    w.add(alert_of(w, AlertName::rto_breached, i.severity, i, i.title + ": the recovery time objective is breached: " + rto.message));
  for (const IncidentMessage& m : i.messages)
    if (m.when == Message::When::update && m.state != MessageState::sent)
      w.add(
          alert_of(w, AlertName::update_due, Severity::warning, i, i.title + ": an update for " + m.audience + " is due ('" + m.id + "')"));
}

// A drill is shown where alerts are looked at, and wakes nobody.
void of_drill(Wanted& w, const HeldDrill& drill) {
  Alert a;
  a.labels = {{"alertname", std::string(alert_text(AlertName::incident))},
              {"severity", "info"},
              {"scenario", drill.work.scenario},
              {"drill", "true"}};
  a.starts_at = drill.work.opened_at;
  if (w.with_words)
    a.annotations = {{"summary", "DRILL: " + drill.work.title},
                     {"description", "This is an exercise, begun by " + drill.work.opened_by + " at " + time_words(drill.work.opened_at) +
                                         ". Nothing has happened to the platform by it."},
                     {"runbook_url", base_url(w.settings) + "/drills/" + drill.work.id},
                     {"runbook", first_steps(drill.work)},
                     {"incident", drill.work.id}};
  w.add(a);
}

void of_overdue(Wanted& w, const Scenario& scenario) {
  const auto told = w.state.record.drilling.told.find(scenario.id);
  if (!scenario.drill || told == w.state.record.drilling.told.end() || !told->second.overdue) return;
  if (drill_due_at(w.state, scenario) != told->second.due_at) return;  // another date is planned since
  Alert a;
  a.labels = {{"alertname", std::string(alert_text(AlertName::drill_overdue))}, {"severity", "warning"}, {"scenario", scenario.id}};
  if (w.with_words)
    a.annotations = {{"summary", scenario.title + ": its drill is overdue"},
                     {"description", "It was due at " + time_words(told->second.due_at) + ", and " + duration_words(scenario.drill->grace) +
                                         " of grace are over. Until one passes, nobody knows whether it could be recovered in time: "
                                         "'drwatch drill start " +
                                         scenario.id + "'."},
                     {"runbook_url", base_url(w.settings) + "/drills"}};
  w.add(a);
}

std::string fix_words(const TimeToFix& fix) {
  return "Mending takes " + duration_words(fix.is) +
         (fix.samples == 0
              ? " by the plan"
              : std::string(fix.measured() ? " (nine in ten of " : " (plan and ") + std::to_string(fix.samples) + " that were measured)");
}

// The alerts of one RPO. Breached keeps the at-risk alert firing: what is true stays true as things get worse.
void of_objective(Wanted& w, const std::string& component, DisasterClass c) {
  auto objective = w.state.record.objectives.find(objective_key(component, c));
  if (objective == w.state.record.objectives.end()) return;
  Standing s = objective->second.standing;
  if (s != Standing::at_risk && s != Standing::breached) return;
  const RpoJudgement judged = judge_rpo(w.state, w.settings, component, c, w.now);
  if (judged.structural) return;  // a finding, not a page
  // The words of now. While it is already better but not yet for long enough, the words that it was raised with.
  const std::string& why = judged.standing == s ? judged.message : objective->second.message;
  auto add = [&](AlertName name, const char* severity, const char* word) {
    Alert a;
    a.labels = {{"alertname", std::string(alert_text(name))},
                {"severity", severity},
                {"component", component},
                {"class", std::string(class_name(c))}};
    if (!w.with_words) return w.add(a);
    a.annotations = {{"summary", component + ": the recovery point objective (" + std::string(class_name(c)) + ") is " + word},
                     {"description", full_stop(why) + " Since " + time_words(objective->second.since) + ". " +
                                         fix_words(time_to_fix(w.state, w.settings, component, w.now)) +
                                         ". Mend the source of recovery points, or take a backup elsewhere now."},
                     {"runbook_url", base_url(w.settings) + "/"}};
    w.add(a);
  };
  add(AlertName::rpo_at_risk, "warning", "at risk");
  if (s == Standing::breached) add(AlertName::rpo_breached, "critical", "breached");
}

// A warning beside the scenario that opens by the probe's health. It names the cause, and reaches somebody also where no scenario is about
// that probe.
void of_disagreement(Wanted& w, const FindingRecord& finding) {
  Alert a;
  a.labels = {
      {"alertname", std::string(alert_text(AlertName::sources_disagree))}, {"severity", "warning"}, {"component", finding.component}};
  a.starts_at = finding.since;
  if (w.with_words)
    a.annotations = {
        {"summary", finding.component + ": an archive claims what the repository does not hold"},
        {"description", full_stop(finding.message) + " Since " + time_words(finding.since) +
                            ". What lies behind that moment cannot be restored until a base backup newer than it: take one now, "
                            "then find out where the segments went."},
        {"runbook_url", base_url(w.settings) + "/"}};
  w.add(a);
}

void add_own(Wanted& w, AlertName name, const char* severity, std::string summary, std::string description) {
  Alert a;
  a.labels = {{"alertname", std::string(alert_text(name))}, {"severity", severity}};
  a.annotations = {{"summary", std::move(summary)}, {"description", std::move(description)}, {"runbook_url", base_url(w.settings) + "/"}};
  w.add(a);
}

void find_wanted(Wanted& w) {
  // Incidents in the order of their ids, which begin with the minute of their opening.
  for (const auto& [id, incident] : w.state.record.incidents)
    if (incident.state == IncidentState::open) of_incident(w, incident);
  for (const auto& [id, drill] : w.state.record.drilling.held)
    if (drill.work.live()) of_drill(w, drill);
  for (const auto& [id, scenario] : w.settings.scenarios) of_overdue(w, scenario);
  for (const auto& [name, component] : w.settings.components)
    for (DisasterClass c : all_classes)
      if (w.settings.rpo_of(name, c)) of_objective(w, name, c);
  for (const auto& [key, finding] : w.state.record.findings)
    if (finding.finding == "sources-disagree") of_disagreement(w, finding);
  if (w.state.record.blind_since && late_loop(w.state.record))
    add_own(
        w, AlertName::blind, "critical", "drwatch is blind: it is late itself",
        "The fault is drwatch's own: its machine is too busy, or does not run it. Nothing is called down and no scenario opens until it "
        "is on time. Blind since " +
            time_words(*w.state.record.blind_since) + ".");
  else if (w.state.record.blind_since)
    add_own(w, AlertName::blind, "critical", "drwatch is blind: most of its witnesses fail",
            "The fault is drwatch's own: its network, its resolver or its machine. Nothing is called down and no scenario opens until it "
            "can see "
            "again. Blind since " +
                time_words(*w.state.record.blind_since) + ".");
  if (w.state.record.journal_failing)
    add_own(w, AlertName::journal_failing, "critical", "drwatch cannot write its journal",
            "Watching and paging go on, but what is decided now would be lost with the process. Free or mend the disk of [journal] path.");
  add_own(w, AlertName::watchdog, "none", "drwatch is alive", "Always firing: its absence pages.");
}

}  // namespace

namespace {
// It is firing already, with the same labels.
bool stands(const Record& record, const std::string& key, const Alert& alert) {
  auto standing = record.alerts.find(key);
  return standing != record.alerts.end() && !standing->second.resolved_at && standing->second.labels == alert.labels;
}
}  // namespace

namespace {
// What a resolved alert says: who took the incident, and how it ended, is known only now.
std::map<std::string, std::string> last_words(const Deciding& d, const std::string& key) {
  auto words = d.record().alerts.at(key).annotations;
  const auto id = words.find("incident");
  const auto incident = id == words.end() ? d.record().incidents.end() : d.record().incidents.find(id->second);
  if (incident == d.record().incidents.end()) return words;
  words["description"] = describe(d.state, d.settings, incident->second, d.now);
  words["runbook"] = first_steps(incident->second);
  return words;
}
}  // namespace

// Fires what is wanted and not standing, then resolves what stands and is not wanted: a wide alert is sent before a narrow one ends. The
// words are composed only when something is to be fired, because they cost far more than the rest.
void judge_alerts(Deciding& d) {
  Wanted w{&d, d.state, d.settings, d.now, false, {}, {}};
  find_wanted(w);
  if (std::any_of(w.order.begin(), w.order.end(), [&](const std::string& key) { return !stands(d.record(), key, w.alerts.at(key)); })) {
    w.with_words = true;
    w.alerts.clear();
    w.order.clear();
    find_wanted(w);
  }
  for (const std::string& key : w.order) {
    const Alert& alert = w.alerts.at(key);
    if (stands(d.record(), key, alert)) continue;
    Time starts_at = alert.starts_at == Time{} ? d.now : alert.starts_at;
    About about;
    if (auto i = alert.annotations.find("incident"); i != alert.annotations.end()) about.incident = i->second;
    if (auto s = alert.labels.find("scenario"); s != alert.labels.end()) about.scenario = s->second;
    if (auto c = alert.labels.find("component"); c != alert.labels.end()) about.component = c->second;
    d.emit("alert.fired", about, key + ": " + alert.annotations.at("summary"),
           Body{{"alert", key}, {"labels", alert.labels}, {"annotations", alert.annotations}, {"starts_at", starts_at}});
  }
  std::vector<std::string> over;
  for (const auto& [key, alert] : d.record().alerts)
    if (!alert.resolved_at && !w.alerts.count(key)) over.push_back(key);
  for (const std::string& key : over)
    d.emit("alert.resolved", {}, key + " is resolved", Body{{"alert", key}, {"annotations", last_words(d, key)}});
}

// For sending again: what stands is taken from the record, and its words are those of now.
std::vector<Alert> standing_alerts(const State& state, const Settings& settings, Time now) {
  Wanted w{nullptr, state, settings, now, true, {}, {}};
  find_wanted(w);
  std::vector<Alert> all;
  for (const auto& [key, record] : state.record.alerts) {
    Alert alert;
    alert.labels = record.labels;
    auto fresh = w.alerts.find(key);
    alert.annotations = !record.resolved_at && fresh != w.alerts.end() ? fresh->second.annotations : record.annotations;
    alert.starts_at = record.starts_at;
    alert.resolved_at = record.resolved_at;
    alert.order = record.order;
    all.push_back(std::move(alert));
  }
  std::sort(all.begin(), all.end(), [](const Alert& a, const Alert& b) { return a.order < b.order; });
  return all;
}

}  // namespace drwatch
