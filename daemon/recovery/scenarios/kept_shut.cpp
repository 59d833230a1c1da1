// SPDX-License-Identifier: Apache-2.0
// What keeps a scenario shut whose trigger holds. Contract: "Opening", "Absorption", "Dependencies".
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace drwatch {

bool every_cause(const Deciding& d, const Match& found, const std::function<bool(const std::string&, const Condition&)>& excused) {
  return std::all_of(found.causes.begin(), found.causes.end(), [&](const Condition* c) {
    auto components = components_of(d.state, d.settings, *c);
    return !components.empty() &&
           std::all_of(components.begin(), components.end(), [&](const std::string& component) { return excused(component, *c); });
  });
}

// Work announced on most of a place, and one more of it fails: that is not the place's failure. Each of its members still has its own
// scenarios.
bool only_by_work(const Deciding& d, const Condition& c, std::optional<Time>* turns_at) {
  if (c.subject != Condition::Subject::place || d.record().maintenance.empty()) return false;
  const Sentence s =
      evaluate_without(d.state, d.settings, c, d.now, [&](const std::string& name) { return in_maintenance(d.record(), name); });
  if (turns_at) *turns_at = s.turns_at;
  return s.truth != Truth::yes;
}

// The `for` is over, but it is not known whether what the trigger is about fails by itself or because of a parent. The incident waits for
// the runs that can tell. Parents that were not asked since the failure began are run at once, as witnesses are. What is behind a parent
// that has just come back is only waited for: run at once, it would be caught before it has found its way back. `ask_again` names the
// probes whose next run needs a new decision. True: it waits.
bool asks_first(Deciding& d, const Match& found) {
  Sight& sight = d.state.sight;
  std::set<std::string> parents;
  const bool waits = every_cause(d, found, [&](const std::string& c, const Condition& of) {
    const auto unasked = parents_not_asked(d, c);
    parents.insert(unasked.begin(), unasked.end());
    const bool untold = !speaks_for_itself(of) && (!unasked.empty() || not_asked_again(d, c));
    return untold || in_maintenance(d.record(), c) || only_by_work(d, of) || explained_by(d, c, of).has_value();
  });
  if (!waits) return false;
  d.decision.run_now.insert(d.decision.run_now.end(), parents.begin(), parents.end());
  sight.ask_again.insert(parents.begin(), parents.end());
  for (const std::string& c : found.components) {
    const auto& probes = d.settings.components.at(c).probes;
    sight.ask_again.insert(probes.begin(), probes.end());
  }
  return true;
}

namespace {

// The open incident that supersedes the scenario, by its own trigger or by that of an incident that it absorbed: what the narrow one kept
// shut stays shut when the narrow one goes on in the wide one. nullptr: none.
const Incident* taken_over(const Deciding& d, const std::string& scenario) {
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::open) continue;
    for (const Incident* part : with_absorbed(d.record(), incident))
      if (has(part->trigger.supersedes, scenario)) return &incident;
  }
  return nullptr;
}

// The scenario is the incident's, or was before a person filed it elsewhere.
bool was_filed_under(const Incident& incident, const std::string& scenario) {
  return incident.scenario == scenario ||
         std::any_of(incident.filed.begin(), incident.filed.end(), [&](const Filed& filed) { return filed.scenario == scenario; });
}

}  // namespace

Time raised_at(const Deciding& d, const Condition& c) {
  const auto signal = d.record().signals.find(c.name);
  return signal == d.record().signals.end() ? Time{} : signal->second.raised_at;
}

namespace {

// Every cause belongs to what a person filed: it is about components that had failed by then or that the incident is about, a signal that
// was raised by then, an objective that spoke for it.
bool belongs_to(const Deciding& d, const Match& found, const Incident& incident, const Filed& filed) {
  return std::all_of(found.causes.begin(), found.causes.end(), [&](const Condition* c) {
    if (asks_for_raised(*c)) return raised_at(d, *c) <= filed.at;
    const auto components = components_of(d.state, d.settings, *c);
    if (components.empty()) return has(filed.conditions, c->text);
    return std::all_of(components.begin(), components.end(),
                       [&](const std::string& name) { return has(filed.components, name) || has(incident.affects, name); });
  });
}

// A person filed what makes the trigger true under another scenario, in this incident or in one that it absorbed.
bool filed_in(const Deciding& d, const std::string& scenario, const Match& found, const Incident& incident) {
  for (const Incident* part : with_absorbed(d.record(), incident))
    for (const Filed& filed : part->filed)
      if (filed.scenario == scenario && belongs_to(d, found, incident, filed)) return true;
  return false;
}

// The open incident in which it is; nullptr: none.
const Incident* filed_elsewhere(const Deciding& d, const std::string& scenario, const Match& found) {
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open && filed_in(d, scenario, found, incident)) return &incident;
  return nullptr;
}

// The last incident of the scenario that is over; nullptr: none.
const Incident* last_over(const Deciding& d, const std::string& scenario) {
  const Incident* last = nullptr;
  for (const auto& [id, incident] : d.record().incidents) {
    const bool over = incident.state == IncidentState::recovered || incident.state == IncidentState::resolved;
    if (over && incident.recovered_at && was_filed_under(incident, scenario) && (!last || incident.opened_at > last->opened_at))
      last = &incident;
  }
  return last;
}

// The last incident of the scenario was closed by people, and every cause has held without a break since before that. It is still the same
// occurrence: opening it again would page somebody for what they have just dealt with. While it is `recovered` this goes for every cause,
// if its exit is by steps; after it is `resolved` only for signals, since a signal that was left raised is no new fact, but a component
// that is still down is, and so is a signal that somebody has raised anew.
bool said_to_be_over(const Deciding& d, const std::string& scenario, const Match& found) {
  const Incident* last = last_over(d, scenario);
  if (!last) return false;
  return std::all_of(found.causes.begin(), found.causes.end(), [&](const Condition* c) {
    if (asks_for_raised(*c)) return raised_at(d, *c) <= *last->recovered_at;
    const bool asked =
        last->exit.by == Exit::By::steps && (last->state == IncidentState::recovered || c->subject == Condition::Subject::signal);
    return asked && evaluate_without_words(d.state, d.settings, *c, d.now).since <= *last->recovered_at;
  });
}

// An open incident that affects the component; nullptr: none.
const Incident* open_about(const Deciding& d, const std::string& component) {
  for (const auto& [id, incident] : d.record().incidents)
    if (incident.state == IncidentState::open && has(incident.affects, component)) return &incident;
  return nullptr;
}

// Contract, "Dependencies": the parent's incident lists the components that it explains. Of several parents above each other, it is that of
// the nearest one that has an open incident. Each component is listed once.
void explain(Deciding& d, const Match& found) {
  std::set<std::string> components(found.components.begin(), found.components.end());
  for (const std::string& component : components) {
    auto parent = explained_by(d, component);
    const Incident* incident = nullptr;
    for (; parent; parent = explained_by(d, *parent))
      if ((incident = open_about(d, *parent))) break;
    if (!incident || has(incident->explains, component)) continue;
    About about = d.about(*incident);
    about.component = component;
    d.emit("incident.explains", about, component + " fails because " + *parent + " does", Body{{"parent", *parent}});
  }
}

// "database is in maintenance; api fails as database does": why nothing of what makes it true counts.
std::string excuses(const Deciding& d, const Match& found) {
  std::vector<std::string> words;
  for (const Condition* c : found.causes) {
    if (only_by_work(d, *c)) words.push_back("'" + c->text + "' only with what is in maintenance");
    for (const std::string& name : components_of(d.state, d.settings, *c)) {
      const auto parent = explained_by(d, name, *c);
      const bool work = in_maintenance(d.record(), name);
      std::string each = name + (work ? " is in maintenance" : parent ? " fails as " + *parent + " does" : "");
      if ((work || parent) && !has(words, each)) words.push_back(std::move(each));
    }
  }
  return joined(words, "; ");
}

}  // namespace

// Maintenance or a parent excuses every cause, a wider incident is open, or people have said that this occurrence is over, no alarm, or
// another scenario's. A signal that was raised opens an incident of its own beside a wider one.
std::optional<std::string> kept_shut(Deciding& d, const Scenario& scenario, const Match& found) {
  // All excuses in one question: work announced on the database, and the services that fail because of that work, may be two causes of one
  // trigger.
  if (every_cause(d, found, [&](const std::string& c, const Condition& of) {
        return in_maintenance(d.record(), c) || only_by_work(d, of) || explained_by(d, c, of).has_value();
      })) {
    explain(d, found);
    return excuses(d, found);
  }
  if (const Incident* wide = found.by_signal ? nullptr : taken_over(d, scenario.id)) return wide->id + " is open and takes its place";
  std::optional<Time> until;
  if (const Incident* work = own_work(d, scenario, found, until)) {
    const std::string id = work->id;
    tell_own_work(d, found, id, until);
    return "people are at work on it in " + id + (until ? "; what begins to fail after " + time_words(*until) + " opens" : "");
  }
  if (const Incident* filed = filed_elsewhere(d, scenario.id, found)) return "a person filed it elsewhere: " + filed->id;
  if (const FalseAlarm* alarm = false_alarm(d, scenario.id, found))
    return alarm->by + " said that " + alarm->incident + " was a false alarm: it opens when its trigger has once been false";
  if (said_to_be_over(d, scenario.id, found)) return last_over(d, scenario.id)->id + " is over, and nobody has said it again since";
  return std::nullopt;
}

// Time in which nobody watched is no part of it: nothing is well because nobody looked.
Time reopens_until(const Record& record, const Incident& incident) {
  return after_watching(record, incident.recovered_at.value_or(record.at), incident.reopen_within);
}

// Within `reopen_within` of its recovery an incident goes on; before that of the scenario itself, one that a person filed under another
// when what fails again is what was filed.
const Incident* to_be_reopened(const Deciding& d, const std::string& scenario, const Match& found) {
  const Incident *own = nullptr, *filed = nullptr;
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::recovered || d.now > reopens_until(d.record(), incident)) continue;
    const Incident*& newest = filed_in(d, scenario, found, incident) ? filed : own;
    if (&newest == &own && incident.scenario != scenario) continue;
    if (!newest || incident.opened_at > newest->opened_at) newest = &incident;
  }
  return filed ? filed : own;
}

// What a person filed elsewhere is no part of what opens now.
void leave_out_filed(const Deciding& d, const std::string& scenario, Match& found) {
  Match left = found;
  left.because.clear(), left.causes.clear(), left.components.clear();
  std::optional<Start> first;
  for (std::size_t i = 0; i < found.causes.size(); ++i) {
    const Condition& c = *found.causes[i];
    Match alone;
    alone.causes = {&c};
    if (filed_elsewhere(d, scenario, alone)) continue;
    left.causes.push_back(&c);
    left.because.push_back(found.because[i]);
    for (const std::string& component : components_of(d.state, d.settings, c)) left.components.push_back(component);
    if (auto start = started(d.state, d.settings, c); start && (!first || start->at < first->at)) first = start;
  }
  if (left.causes.size() == found.causes.size() || left.causes.empty()) return;
  left.started_at = first ? first->at : d.now;
  left.start_words = first ? first->by : "the trigger";
  found = std::move(left);
}

// A signal that was left raised when its last incident was over, and raised anew since: what opens now began with that.
void date_anew(const Deciding& d, const std::string& scenario, Match& found) {
  const Incident* last = found.by_signal ? last_over(d, scenario) : nullptr;
  if (!last || found.started_at > *last->recovered_at) return;
  std::optional<Start> first;
  for (const Condition* c : found.causes) {
    auto start = started(d.state, d.settings, *c);
    if (start && asks_for_raised(*c) && start->at <= *last->recovered_at) start = Start{raised_at(d, *c), start->by + " again"};
    if (start && (!first || start->at < first->at)) first = start;
  }
  if (!first) return;
  found.started_at = first->at;
  found.start_words = first->by;
}

}  // namespace drwatch
