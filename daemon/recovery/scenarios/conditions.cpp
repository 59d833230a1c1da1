// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/scenarios/sentences.hpp"

#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/seen/reasons.hpp"

#include <algorithm>

namespace drwatch {
namespace {

using Holds = Condition::Holds;
using Subject = Condition::Subject;

Truth truth_of(bool b) { return b ? Truth::yes : Truth::no; }
Truth opposite(Truth t) { return t == Truth::yes ? Truth::no : t == Truth::no ? Truth::yes : Truth::unknown; }

// Contract, "Conditions": of something unknown every sentence except "is unknown" is itself not known. "degraded" includes down, so that
// what is true stays true as things get worse.
Truth of_health(Health h, Holds holds) {
  if (holds == Holds::unknown) return truth_of(h == Health::unknown);
  if (h == Health::unknown) return Truth::unknown;
  if (holds == Holds::up) return truth_of(h == Health::up);
  if (holds == Holds::degraded) return truth_of(h == Health::degraded || h == Health::down);
  return truth_of(h == Health::down);
}

// `measured` is true for an RPO: as long as no recovery point could be read, nobody knows how it stands, so the answer is not known. It is
// false for an RTO: there "unproven" is itself knowledge (no drill has shown it), so "is met" is plainly false.
Truth of_standing(Standing s, Holds holds, bool measured) {
  if (holds == Holds::unproven) return truth_of(s == Standing::unproven);
  if (s == Standing::unproven && measured) return Truth::unknown;
  if (holds == Holds::met) return truth_of(s == Standing::met);
  if (holds == Holds::at_risk) return truth_of(s == Standing::at_risk || s == Standing::breached);
  return truth_of(s == Standing::breached);
}

// `since` is when the present state began; the answer is when the sentence about it began to be as true or as false as it is. The two
// differ where a sentence covers several states. Something degraded at 02:00 and down at 02:10 is "degraded" since 02:00, and "not up"
// since 02:00 as well; something down until 02:20 and degraded since is "not down" since 02:20, and stays so however long it takes to be
// up. Without this a `for` would start again with every step from bad to worse.
Time since_of(Truth truth, Holds holds, Time since, const Turns& turns) {
  const bool wide = holds == Holds::degraded || holds == Holds::at_risk, best = holds == Holds::up || holds == Holds::met;
  const bool worst = holds == Holds::down || holds == Holds::breached;
  const Time of_wide = (wide && truth == Truth::yes) || (best && truth == Truth::no) ? turns.bad
                       : worst && truth == Truth::no                                 ? turns.not_down
                                                                                     : Time{};
  return of_wide == Time{} ? since : of_wide;
}

}  // namespace

// nullptr: not configured any more. An incident keeps the conditions that it was opened with, and a reload may have removed the component
// that they name. Such a condition is not known, so nothing opens or recovers by it.
const ComponentSettings* component_in(const Settings& settings, const std::string& name) {
  auto it = settings.components.find(name);
  return it == settings.components.end() ? nullptr : &it->second;
}
Sentence no_longer(const std::string& name) { return {Truth::unknown, {}, name + ": no longer configured"}; }

namespace {

// True when every probe of the component has run since the start. Taken from what judge_components() noted last: with thousands of probes,
// asking each of them again for every sentence would be most of the cost of a decision.
bool all_seen(const State& state, const Settings& settings, const ComponentSettings& component) {
  auto known = state.sight.all_seen.find(component.name);
  return known == state.sight.all_seen.end() ? seen(state, settings, component) : known->second;
}

// "primary: connection refused, 3 runs": the words that an incident and its timeline show.
std::string probe_evidence(const State& state, const std::string& name) {
  auto probe = state.record.probes.find(name);
  if (probe == state.record.probes.end()) return name + ": never seen";
  const Why why = why_of(state, name);
  std::string text = name + ": " + (why.now.empty() ? std::string(health_name(probe->second.health)) : why.now);
  auto sight = state.sight.probes.find(name);
  if (sight != state.sight.probes.end() && sight->second.consecutive_bad > 1)
    text += ", " + std::to_string(sight->second.consecutive_bad) + " runs";
  return text + (why.first.empty() ? "" : " (at first: " + why.first + ")");
}

constexpr std::size_t most_named = 10;  // of a component's probes in one piece of evidence; the others are counted only

}  // namespace

// A probe that has not run since the start is not known, whatever the record says: the record may be hours old.
Sentence of_probe(const State& state, const Settings& settings, const std::string& name, Holds holds, Words words) {
  Sentence s;
  auto probe = state.record.probes.find(name);
  if (probe == state.record.probes.end() || !probe_seen(state, settings, name)) {
    if (words == Words::spoken) s.evidence = name + ": not seen since the start";
    return s;
  }
  s.truth = of_health(probe->second.health, holds);
  const ProbeRecord& p = probe->second;
  s.since = since_of(s.truth, holds, p.health == Health::up ? p.good_since.value_or(p.since) : p.since, p.turns);
  if (words == Words::spoken) s.evidence = probe_evidence(state, name);
  return s;
}

namespace {

// The evidence of its probes: of all of them when it is up, otherwise only of those that are not.
std::string component_evidence(const State& state, const ComponentSettings& of, Health health) {
  std::string text;
  std::size_t named = 0, more = 0;
  for (const std::string& probe : of.probes) {
    auto p = state.record.probes.find(probe);
    bool tells = health == Health::up || (p != state.record.probes.end() && p->second.health != Health::up);
    if (!tells) continue;
    if (named == most_named) {
      ++more;
      continue;
    }
    text += (named++ == 0 ? "" : "; ") + probe_evidence(state, probe);
  }
  if (more > 0) text += "; and " + std::to_string(more) + " more";
  return health == Health::up ? of.name + " is up: " + text : text;
}

}  // namespace

// A component is known only when every one of its probes has run since the start: one of them may be what makes it down.
Sentence of_component(const State& state, const Settings& settings, const std::string& name, Holds holds, Words words) {
  Sentence s;
  const ComponentSettings* of = component_in(settings, name);
  if (!of) return no_longer(name);
  auto component = state.record.components.find(name);
  if (component == state.record.components.end() || !all_seen(state, settings, *of)) {
    if (words == Words::spoken) s.evidence = name + ": not seen since the start";
    return s;
  }
  const ComponentRecord& c = component->second;
  s.truth = of_health(c.health, holds);
  s.since = since_of(s.truth, holds, c.health == Health::up ? c.good_since.value_or(c.since) : c.since, c.turns);
  if (words == Words::spoken) s.evidence = component_evidence(state, *of, c.health);
  return s;
}

namespace {

// The RPO is breached by construction: no source survives the class, or none brings points often enough, and all of them work as they
// always do. Contract, "Exposure and objectives": that is a finding, not a disaster.
bool is_finding(const State& state, const Settings& settings, const std::string& component, DisasterClass c, const ObjectiveRecord& is,
                Time now) {
  return is.standing == Standing::breached && settings.rpo_of(component, c) && judge_rpo(state, settings, component, c, now).structural;
}

// Without a class it is the worst of the component's classes that have an objective; with one, that class alone.
Sentence of_rpo(const State& state, const Settings& settings, std::optional<DisasterClass> of_class, Holds holds,
                const std::string& component, Time now, Words words) {
  Sentence s;
  if (!component_in(settings, component)) return no_longer(component);
  const ComponentSettings& of = *component_in(settings, component);
  bool read =
      std::any_of(of.protected_by.begin(), of.protected_by.end(), [&](const std::string& p) { return probe_seen(state, settings, p); });
  const ObjectiveRecord* worst = nullptr;
  DisasterClass worst_class = DisasterClass::host;
  bool structural = false;
  for (DisasterClass c : all_classes) {
    if (of_class && *of_class != c) continue;
    auto objective = state.record.objectives.find(objective_key(component, c));
    if (objective == state.record.objectives.end()) continue;
    // What can never be met is a finding, also where a condition names the class: no scenario opens by it, and no step waits for it,
    // because neither would ever end.
    if (is_finding(state, settings, component, c, objective->second, now)) {
      structural = true;
      continue;
    }
    if (worst && rank(objective->second.standing) <= rank(worst->standing)) continue;
    worst = &objective->second;
    worst_class = c;
  }
  if (!worst && structural) {  // nobody is woken by it, and nothing is proven by it
    // Only findings are left. "is breached" and "is at-risk" are false, so that nobody is woken; "is met" is not known, so that no exit
    // counts it as proof that all is well.
    s.truth = holds == Holds::met ? Truth::unknown : Truth::no;
    s.finding = true;
    s.evidence = component + " rpo cannot be met: a finding";
    return s;
  }
  // The record holds how the objective stood before the restart. Until one source has been read again, that is not known to hold still.
  if (!worst || (!read && !of.protected_by.empty())) {
    if (words == Words::spoken) s.evidence = component + " rpo: not seen since the start";
    return s;
  }
  s.truth = of_standing(worst->standing, holds, true);
  s.since = since_of(s.truth, holds, worst->since, worst->turns);
  if (words == Words::spoken)  // as it is now, not when it changed
    s.evidence = component + " rpo: " + judge_rpo(state, settings, component, worst_class, now).message;
  return s;
}

// Undated: an RTO's standing follows from incidents, drills and figures together, and none of them says since when.
Sentence of_rto(const State& state, const Settings& settings, const Condition& condition, const std::string& component, Time now) {
  if (!component_in(settings, component)) return no_longer(component);
  Standing standing = component_rto(state, settings, component, now);
  return {of_standing(standing, condition.holds, false), {}, component + " rto is " + std::string(standing_name(standing)), false};
}

// A signal is never unknown: it is raised when somebody raised it, and otherwise it is not.
Sentence of_signal(const State& state, const std::string& name, Holds holds) {
  auto signal = state.record.signals.find(name);
  bool raised = signal != state.record.signals.end() && signal->second.raised;
  Sentence s;
  s.truth = truth_of(raised == (holds == Holds::raised));
  if (signal != state.record.signals.end()) s.since = signal->second.since;
  s.evidence = name + (raised ? " was raised by " + signal->second.by + (signal->second.note.empty() ? "" : ": " + signal->second.note)
                              : " is not raised");
  return s;
}

// True when one part is true, since the first of those that are. Otherwise not known when one part is not known, else false, since the last
// of the parts became so.
Sentence any_of(const std::vector<Sentence>& parts) {
  Sentence whole{Truth::no, {}, {}};
  for (const Sentence& part : parts) {
    if (part.truth == Truth::yes) {
      bool first = whole.truth != Truth::yes;
      whole.since = first ? part.since : std::min(whole.since, part.since);
      whole.evidence = (first ? "" : whole.evidence + "; ") + part.evidence;
      whole.truth = Truth::yes;
      whole.dated = whole.dated && part.dated;
    } else if (whole.truth != Truth::yes) {
      whole.since = std::max(whole.since, part.since);
      whole.dated = whole.dated && part.dated;
      if (part.truth == Truth::unknown) whole.truth = Truth::unknown, whole.evidence = part.evidence;
    }
  }
  return whole;
}

bool judged_rpo(const Settings& settings, const std::string& component) {
  return std::any_of(std::begin(all_classes), std::end(all_classes),
                     [&](DisasterClass c) { return settings.rpo_of(component, c).has_value(); });
}

// Applies the condition's "not" to one sentence. With "any" it belongs to each part: "any component is not up" is true when one is not up.
// The opposite of a finding stays not known; else "rpo is not breached" would count an RPO that can never be met as well.
Sentence said(const Condition& c, Sentence s) {
  if (c.negated) s.truth = s.finding ? Truth::unknown : opposite(s.truth);
  return s;
}

Sentence at_once(const State& state, const Settings& settings, const Condition& c, Time now, Words words) {
  std::vector<Sentence> parts;
  switch (c.subject) {
    case Subject::component:
      if (!c.by.empty()) return of_component_by(state, settings, c, words);
      return said(c, of_component(state, settings, c.name, c.holds, words));
    case Subject::probe:
      if (!c.by.empty()) return of_probe_by(state, settings, c, words);
      return said(c, of_probe(state, settings, c.name, c.holds, words));
    case Subject::place:
      return said(c, of_place(state, settings, c, words));
    case Subject::signal:
      return said(c, of_signal(state, c.name, c.holds));
    case Subject::rpo:
      return said(c, of_rpo(state, settings, c.of_class, c.holds, c.name, now, words));
    case Subject::rto:
      return said(c, of_rto(state, settings, c, c.name, now));
    case Subject::any_component:
      for (const auto& [name, component] : settings.components)
        if (!component.probes.empty()) parts.push_back(said(c, of_component(state, settings, name, c.holds, words)));
      return any_of(parts);
    case Subject::any_rpo:
      // An RPO that can never be met is a finding, and nobody is paged for it: "any rpo" leaves it out.
      for (const auto& [name, component] : settings.components)
        if (judged_rpo(settings, name))
          for (DisasterClass k : all_classes) {
            auto found = state.record.objectives.find(objective_key(name, k));
            if (found == state.record.objectives.end() || is_finding(state, settings, name, k, found->second, now)) continue;
            parts.push_back(said(c, of_rpo(state, settings, k, c.holds, name, now, words)));
          }
      return any_of(parts);
    case Subject::any_rto:
      for (const auto& [name, component] : settings.components) parts.push_back(said(c, of_rto(state, settings, c, name, now)));
      return any_of(parts);
  }
  return {};
}

Sentence sentence(const State& state, const Settings& settings, const Condition& c, Time now, Words words) {
  return lasting(at_once(state, settings, c, now, words), c, now);
}

}  // namespace

// With its own `for`: not yet true before that is over, and true since then.
Sentence lasting(Sentence s, const Condition& c, Time now) {
  if (c.lasting == Duration{0} || s.truth != Truth::yes || !s.dated) return s;
  s.since += c.lasting;
  if (s.since <= now) return s;
  s.turns_at = s.since;
  s.truth = Truth::no;
  s.since = now;
  return s;
}

Sentence evaluate(const State& state, const Settings& settings, const Condition& condition, Time now) {
  return sentence(state, settings, condition, now, Words::spoken);
}

Sentence evaluate_without_words(const State& state, const Settings& settings, const Condition& condition, Time now) {
  return sentence(state, settings, condition, now, Words::left_out);
}

std::vector<Evidence> because_now(const State& state, const Settings& settings, const Incident& incident, Time now) {
  std::vector<Evidence> because = incident.because;
  if (incident.state != IncidentState::open) return because;  // it speaks of what was
  for (Evidence& e : because)
    for (const auto* conditions : {&incident.trigger.any, &incident.trigger.all, &incident.trigger.none})
      for (const Condition& c : *conditions) {
        if (c.text != e.condition) continue;
        const Sentence s = evaluate(state, settings, c, now);
        if (s.truth == Truth::yes && !s.evidence.empty()) e.evidence = s.evidence;
      }
  return because;
}

std::vector<std::string> components_of(const State& state, const Settings& settings, const Condition& condition) {
  if (condition.subject == Subject::component) return {condition.name};
  if (condition.subject == Subject::probe) {
    auto probe = settings.probes.find(condition.name);
    if (probe == settings.probes.end() || probe->second.component.empty()) return {};
    return {probe->second.component};
  }
  std::vector<std::string> all;
  if (condition.subject == Subject::any_component)
    for (const auto& [name, component] : settings.components) {
      if (component.probes.empty()) continue;
      Sentence s = of_component(state, settings, name, condition.holds, Words::left_out);
      if ((condition.negated ? opposite(s.truth) : s.truth) == Truth::yes) all.push_back(name);
    }
  if (auto place = settings.places.find(condition.name); condition.subject == Subject::place && place != settings.places.end()) {
    const auto so = [&](const Sentence& s) { return (condition.negated ? opposite(s.truth) : s.truth) == Truth::yes; };
    for (const std::string& name : place->second.components)
      if (so(of_component(state, settings, name, condition.holds, Words::left_out))) all.push_back(name);
    for (const std::string& name : place->second.probes)
      if (auto probe = settings.probes.find(name); probe != settings.probes.end() && !probe->second.component.empty() &&
                                                   so(of_probe(state, settings, name, condition.holds, Words::left_out)))
        all.push_back(probe->second.component);
  }
  return all;
}

}  // namespace drwatch
