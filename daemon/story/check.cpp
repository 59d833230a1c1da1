// SPDX-License-Identifier: Apache-2.0
// What is wrong with a story although it can be read: what can never happen or never fail, and names that the configuration under test does
// not have.
#include "config/components.hpp"
#include "daemon/recovery/alerts/names.hpp"
#include "daemon/story/story.hpp"
#include "daemon/story/words.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

// Every problem is an error with its line: a story that is silently wrong would pass for ever.
struct Checking {
  const Story& story;
  config::Problems& problems;

  void error(int line, const std::string& what, const std::string& hint) const { problems.error({story.file, line, 1}, "", what, hint); }

  void one_of(int line, const std::string& word, const Words& words, const std::string& what) const {
    if (std::find(words.begin(), words.end(), word) != words.end()) return;
    auto near = config::nearest(word, words);
    error(line, "'" + word + "' is no " + what, near ? "did you mean '" + *near + "'?" : "one of " + as_list(words));
  }

  void known(int line, const std::string& name, const Words& names, const std::string& what) const {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    auto near = config::nearest(name, names);
    error(line, "no " + what + " '" + name + "' in the configuration", near ? "did you mean '" + *near + "'?" : "check the name");
  }
};

// Of an incident or a step that is not there.
// An expectation may also say that there is no such incident or step: "none".
Words or_none(Words words) {
  words.insert(words.begin(), "none");
  return words;
}
const auto name_of = [](auto state) { return state_name(state); };
const Words healths = words_of(all_healths, health_name);
const Words standings = words_of(all_standings, standing_name);
const Words drill_states = {"open", "passed", "failed", "partial", "aborted", "none"};
const Words incident_states = or_none(words_of(all_incident_states, name_of));
const Words step_states = or_none(words_of(all_step_states, name_of));
const Words classes = words_of(all_classes, class_name);

// What can be expected to fire: the watchdog always does.
Words alert_names() {
  Words names;
  for (const AlertKind& kind : alert_kinds)
    if (kind.stands && kind.name != AlertName::watchdog) names.emplace_back(kind.text);
  return names;
}
// What can stand about a component or a scenario.
Words objectives() {
  Words all = {"rpo"};
  for (const std::string& c : classes) all.push_back("rpo " + c);
  all.push_back("rto");
  return all;
}

// ---- without a configuration

// A change that can never show, or that has a part which means nothing by itself.
void check_change(const Checking& c, const StoryChange& change) {
  if (change.until && *change.until <= change.at)
    c.error(change.line, "this change ends before it begins", "let 'until' be later than 'at'");
  if (!change.outcome && !change.recovery_point && !change.data_gib)
    c.error(change.line, "this change changes nothing", "give it an outcome, a recovery_point or data_gib");
  if (!change.outcome && (change.reason || change.code || change.message))
    c.error(change.line, "a reason, code or message belongs to an outcome", "give 'outcome' as well");
  if (change.lag && !change.recovery_point)
    c.error(change.line, "'lag' says nothing by itself", "write recovery_point = \"follows\" as well");
  const auto& point = change.recovery_point;
  if (point && *point != "follows" && *point != "stalls" && *point != "none" && !parse_time(*point))
    c.error(change.line, "'" + *point + "' is no recovery point", "write follows, stalls, none, or a time such as 2026-03-01T02:00:00Z");
}

void check_deed(const Checking& c, const StoryDeed& deed) {
  if (deed.inputs.empty() && !deed.restart && !deed.clock && !deed.late)
    c.error(deed.line, "nothing is done here", "say what: step, ack, signal, ping, maintenance, restart, clock, late, ...");
  if (deed.every && *deed.every <= Duration{0}) c.error(deed.line, "'every' is no time at all", "write something like \"10m\"");
  if (deed.until && !deed.every) c.error(deed.line, "'until' ends 'every', and there is none", "give 'every' as well, or leave it out");
}

bool duration_or(const std::string& text, const std::string& before, const Words& otherwise) {
  if (std::find(otherwise.begin(), otherwise.end(), text) != otherwise.end()) return true;
  return parse_duration(text.starts_with(before) ? text.substr(before.size()) : text).has_value();
}

void check_points(const Checking& c, const StoryExpectation& e) {
  for (const auto& [name, text] : e.exposure)
    if (!duration_or(text, "about ", {"everything", "not known"}))
      c.error(e.line, "'" + text + "' is no exposure", "write a duration, \"about 5m\", \"everything\" or \"not known\"");
  for (const auto& [name, text] : e.loss)
    if (!duration_or(text, "about ", {"everything", "none"}))
      c.error(e.line, "'" + text + "' is no loss", "write a duration, \"about 5m\", \"everything\" or \"none\"");
  for (const auto* moments : {&e.breach, &e.restores_to})
    for (const auto& [name, text] : *moments)
      if (!duration_or(text, "-", {"none"}))
        c.error(e.line, "'" + text + "' is no moment", "write the time from `start`, as \"9m30s\" or \"-30s\", or \"none\"");
  for (const auto& [name, text] : e.time_to_fix)
    if (!parse_duration(text.substr(0, text.find(' '))))
      c.error(e.line, "'" + text + "' is no time to fix", "write a duration and its basis, as \"30m plan\"");
}

// An expectation that asks nothing, or for a word that can never come true.
void check_expectation(const Checking& c, const StoryExpectation& e) {
  bool asks = !e.health.empty() || !e.drills.empty() || !e.states.empty() || !e.standing.empty() || !e.started.empty() ||
              !e.recovered.empty() || !e.steps.empty() || e.incidents || e.alerts || e.pending || e.blind || e.findings ||
              !e.exposure.empty() || !e.breach.empty() || !e.loss.empty() || !e.restores_to.empty() || !e.time_to_fix.empty() ||
              !e.projected.empty();
  if (!asks) c.error(e.line, "nothing is expected here", "add health, incidents, alerts, ...");
  check_points(c, e);
  for (const auto& [name, bound] : e.projected)
    if (const auto space = bound.find(' '); (bound.substr(0, space) != "under" && bound.substr(0, space) != "over") ||
                                            space == bound.npos || !parse_duration(bound.substr(space + 1)))
      c.error(e.line, "'" + bound + "' bounds no projection", "write \"under 3h\" or \"over 3h\"");
  for (const auto& [name, health] : e.health) c.one_of(e.line, health, healths, "health");
  for (const auto& [name, state] : e.states) c.one_of(e.line, state, incident_states, "state of an incident");
  for (const auto& [name, state] : e.drills) c.one_of(e.line, state, drill_states, "state of a drill");
  for (const auto& [name, standing] : e.standing) c.one_of(e.line, standing, standings, "standing");
  for (const auto& [scenario, steps] : e.steps)
    for (const auto& [id, state] : steps) c.one_of(e.line, state, step_states, "state of a step");
  for (const std::string& alert : e.alerts.value_or(Words{})) c.one_of(e.line, alert.substr(0, alert.find('/')), alert_names(), "alert");
}

// ---- against the configuration

template <class T>
Words names_of(const std::map<std::string, T>& values) {
  Words names;
  for (const auto& [name, value] : values) names.push_back(name);
  return names;
}

// The names that the configuration under test has.
struct Known {
  // watched: components and probes; maintained: components, places and sets
  Words probes, jobs, components, watched, maintained, scenarios, signals, steps;
  std::map<std::string, Words> steps_of;

  explicit Known(const Settings& s)
      : probes(names_of(s.probes)), components(names_of(s.components)), scenarios(names_of(s.scenarios)), signals(names_of(s.signals)) {
    for (const auto& [name, probe] : s.probes)
      if (probe.calls_in()) jobs.push_back(name);
    watched = components;
    maintained = names_of_components(s);
    watched.insert(watched.end(), probes.begin(), probes.end());
    for (const auto& [id, scenario] : s.scenarios)
      for (const Step& step : scenario.steps) steps.push_back(step.id);
  }
};

void check_deed_names(const Checking& c, const StoryDeed& deed, const Known& known) {
  auto scenario = [&](const std::string& name) { c.known(deed.line, name, known.scenarios, "scenario"); };
  for (const Input& input : deed.inputs) {
    if (const auto* i = std::get_if<StepAction>(&input)) scenario(i->incident), c.known(deed.line, i->step, known.steps, "step");
    if (const auto* i = std::get_if<Acknowledge>(&input)) scenario(i->incident);
    if (const auto* i = std::get_if<OpenIncident>(&input)) scenario(i->scenario);
    if (const auto* i = std::get_if<Resolve>(&input)) scenario(i->incident);
    if (const auto* i = std::get_if<Reopen>(&input)) scenario(i->incident);
    if (const auto* i = std::get_if<AddNote>(&input)) scenario(i->incident);
    if (const auto* i = std::get_if<SayBadChange>(&input)) scenario(i->incident);
    if (const auto* i = std::get_if<Refile>(&input)) scenario(i->incident), scenario(i->scenario);
    if (const auto* i = std::get_if<RecordDrill>(&input)) scenario(i->scenario);
    if (const auto* i = std::get_if<StartDrill>(&input)) scenario(i->scenario);
    if (const auto* i = std::get_if<FinishDrill>(&input)) scenario(i->drill);
    if (const auto* i = std::get_if<AbortDrill>(&input)) scenario(i->drill);
    if (const auto* i = std::get_if<Pinged>(&input)) c.known(deed.line, i->probe, known.jobs, "heartbeat");
    if (const auto* i = std::get_if<SetSignal>(&input)) c.known(deed.line, i->signal, known.signals, "signal");
    if (const auto* i = std::get_if<StartMaintenance>(&input))
      for (const std::string& component : i->components) c.known(deed.line, component, known.maintained, "component or place");
  }
}

void check_alert_names(const Checking& c, int line, const std::string& alert, const Known& known) {
  auto slash = alert.find('/');
  if (slash == std::string::npos) return;
  std::string rest = alert.substr(slash + 1), name = rest.substr(0, rest.find('/'));
  const AlertKind* kind = alert_kind(alert.substr(0, slash));
  bool of_component = kind && (kind->about == AlertAbout::component || kind->about == AlertAbout::objective);
  c.known(line, name, of_component ? known.components : known.scenarios, of_component ? "component" : "scenario");
}

void check_expected_names(const Checking& c, const StoryExpectation& e, const Known& known) {
  std::set<std::string> scenarios;
  for (const auto& [name, health] : e.health) c.known(e.line, name, known.watched, "component or probe");
  for (const auto& [name, state] : e.states) scenarios.insert(name);
  for (const auto& [name, state] : e.drills) scenarios.insert(name);
  for (const auto& [name, at] : e.started) scenarios.insert(name);
  for (const auto& [name, at] : e.recovered) scenarios.insert(name);
  for (const auto* by_scenario : {&e.loss, &e.restores_to})
    for (const auto& [name, text] : *by_scenario) scenarios.insert(name);
  for (const auto* by_class : {&e.exposure, &e.breach})
    for (const auto& [name, text] : *by_class) {
      auto space = name.find(' ');
      c.known(e.line, name.substr(0, space), known.components, "component");
      c.one_of(e.line, space == std::string::npos ? "" : name.substr(space + 1), classes, "class");
    }
  for (const auto& [name, text] : e.time_to_fix) c.known(e.line, name, known.components, "component");
  for (const auto* list : {&e.incidents, &e.pending})
    if (*list) scenarios.insert((*list)->begin(), (*list)->end());
  for (const auto& [name, steps] : e.steps) {
    scenarios.insert(name);
    for (const auto& [id, state] : steps) c.known(e.line, id, known.steps, "step");
  }
  for (const std::string& name : scenarios) c.known(e.line, name, known.scenarios, "scenario");
  for (const auto& [objective, standing] : e.standing) {
    auto space = objective.find(' ');
    std::string rest = space == std::string::npos ? "" : objective.substr(space + 1);
    Words names = known.components;
    if (rest == "rto") names.insert(names.end(), known.scenarios.begin(), known.scenarios.end());
    c.known(e.line, objective.substr(0, space), names, "component");
    c.one_of(e.line, rest, objectives(), "objective");
  }
  for (const std::string& alert : e.alerts.value_or(Words{})) check_alert_names(c, e.line, alert, known);
}

}  // namespace

void check_sense(const Story& story, config::Problems& problems) {
  Checking c{story, problems};
  for (const StoryChange& change : story.changes) check_change(c, change);
  for (const StoryDeed& deed : story.deeds) check_deed(c, deed);
  for (const StoryExpectation& e : story.expectations) check_expectation(c, e);
}

void check_story(const Story& story, const Settings& settings, config::Problems& problems) {
  Checking c{story, problems};
  Known known(settings);
  for (const StoryChange& change : story.changes)
    for (const std::string& name : change.probes) {
      c.known(change.line, name, known.probes, "probe");
      auto found = settings.probes.find(name);
      if (found == settings.probes.end()) continue;
      if (found->second.calls_in())
        c.error(change.line, "'" + name + "' is a heartbeat: it has no runs to change", "drive it with [[do]] ping");
      if (change.recovery_point && !found->second.backup)
        c.error(change.line, "'" + name + "' reads no recovery point", "only a backup probe does");
    }
  for (const StoryDeed& deed : story.deeds) check_deed_names(c, deed, known);
  for (const StoryExpectation& e : story.expectations) check_expected_names(c, e, known);
}

}  // namespace drwatch
