// SPDX-License-Identifier: Apache-2.0
// What keeps a scenario shut whose trigger holds. Contract: "Opening", "Absorption", "Dependencies".
#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace drwatch {
namespace {

// Every condition that makes the trigger true is about components, and all of these are excused. One cause without a component (a signal,
// an objective) is enough for the scenario to open.
bool every_cause(const Deciding& d, const Match& found, const std::function<bool(const std::string&, const Condition&)>& excused) {
  return std::all_of(found.causes.begin(), found.causes.end(), [&](const Condition* c) {
    auto components = components_of(d.state, d.settings, *c);
    return !components.empty() &&
           std::all_of(components.begin(), components.end(), [&](const std::string& component) { return excused(component, *c); });
  });
}

}  // namespace

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
    return untold || in_maintenance(d.record(), c) || explained_by(d, c, of).has_value();
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

// An open incident supersedes the scenario, by its own trigger or by that of an incident that it absorbed: what the narrow one kept shut
// stays shut when the narrow one goes on in the wide one.
bool taken_over(Deciding& d, const std::string& scenario) {
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::open) continue;
    for (const Incident* part : with_absorbed(d.record(), incident))
      if (has(part->trigger.supersedes, scenario)) return true;
  }
  return false;
}

// The scenario is the incident's, or was before a person filed it elsewhere.
bool was_filed_under(const Incident& incident, const std::string& scenario) {
  return incident.scenario == scenario ||
         std::any_of(incident.filed.begin(), incident.filed.end(), [&](const Filed& filed) { return filed.scenario == scenario; });
}

// When the signal of the condition was last raised anew: a new call, another alert, the same one having started again.
Time raised_at(const Deciding& d, const Condition& c) {
  const auto signal = d.record().signals.find(c.name);
  return signal == d.record().signals.end() ? Time{} : signal->second.raised_at;
}

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

bool filed_elsewhere(const Deciding& d, const std::string& scenario, const Match& found) {
  return std::any_of(d.record().incidents.begin(), d.record().incidents.end(), [&](const auto& entry) {
    return entry.second.state == IncidentState::open && filed_in(d, scenario, found, entry.second);
  });
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

// What a step switches off is seen to fail while somebody works on it, or soon after it was ticked.
constexpr Duration soon_after = minutes{15};

// People or a command were at work on a step of the incident when something began to fail.
bool at_work_on(const Incident& incident, Time since) {
  return std::any_of(incident.steps.begin(), incident.steps.end(), [&](const IncidentStep& step) {
    const bool verified = step.plan.kind() == Step::Kind::verified;  // to look changes nothing
    if (verified || step.state == StepState::open || step.state == StepState::skipped) return false;
    const auto begun = step.started_at ? step.started_at : step.ended_at;
    return begun && *begun <= since && (!step.ended_at || since <= *step.ended_at + soon_after);
  });
}

// Of an open incident only what it affects fails, and began to while a step was worked on, or was latched: that is what its steps switch
// off, stop and rewrite, and who would be woken is there already. Not what is wider, or worse, than that incident.
const Incident* own_work(const Deciding& d, const Scenario& scenario, const Match& found) {
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::open || has(scenario.trigger.supersedes, incident.scenario)) continue;
    if (scenario.severity == Severity::critical && incident.severity != Severity::critical) continue;
    const bool all = every_cause(d, found, [&, &work = incident](const std::string& component, const Condition&) {
      if (!has(work.affects, component)) return false;
      const auto since = fails_since(d, component);
      return latched_at_work(d, component) || (since && at_work_on(work, *since));
    });
    if (all) return &incident;
  }
  return nullptr;
}

// Shown with the incident, each component once.
void tell_own_work(Deciding& d, const Match& found, const std::string& id) {
  for (const std::string& component : std::set<std::string>(found.components.begin(), found.components.end())) {
    const Incident& incident = d.record().incidents.at(id);
    if (has(incident.explains, component)) continue;
    About about = d.about(incident);
    about.component = component;
    d.emit("incident.explains", about, component + " fails while people work on it: it opens nothing of its own", {});
  }
}

}  // namespace

// Why a scenario whose trigger holds does not open: maintenance or a parent excuses every cause, a wider incident is open, or people have
// said that this occurrence is over, or is another scenario's. A signal that was raised opens an incident of its own beside a wider one.
bool kept_shut(Deciding& d, const Scenario& scenario, const Match& found) {
  // Both excuses in one question: work announced on the database, and the services that fail because of that work, may be two causes of one
  // trigger.
  if (every_cause(d, found, [&](const std::string& c, const Condition& of) {
        return in_maintenance(d.record(), c) || explained_by(d, c, of).has_value();
      })) {
    explain(d, found);
    return true;
  }
  if (!found.by_signal && taken_over(d, scenario.id)) return true;
  if (const Incident* work = own_work(d, scenario, found)) {
    tell_own_work(d, found, work->id);
    return true;
  }
  return filed_elsewhere(d, scenario.id, found) || said_to_be_over(d, scenario.id, found);
}

// Within `reopen_within` of its recovery an incident goes on; before that of the scenario itself, one that a person filed under another
// when what fails again is what was filed.
const Incident* to_be_reopened(const Deciding& d, const std::string& scenario, const Match& found) {
  const Incident *own = nullptr, *filed = nullptr;
  for (const auto& [id, incident] : d.record().incidents) {
    if (incident.state != IncidentState::recovered || d.now > incident.recovered_at.value_or(d.now) + incident.reopen_within) continue;
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
