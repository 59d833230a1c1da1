// SPDX-License-Identifier: Apache-2.0
// What runs, but not as an operator may think it does.
#include "config/check/plan.hpp"
#include "config/load/loading.hpp"

#include <algorithm>
#include <set>

namespace drwatch::config {
namespace {

using Subject = Condition::Subject;

struct MainAdvice {
  const Table& root;
  Place top;
  const Settings& settings;
  Problems& problems;

  Place key_of(std::string_view section, const std::string& name) const {
    const auto* tables = find(root, section);
    const auto* entry = tables && tables->value.table() ? find(*tables->value.table(), name) : nullptr;
    return entry ? entry->place : top;
  }

  // What a first configuration often lacks, and what it then cannot do.
  void what_is_missing() const {
    if (settings.witness.probes.empty())
      problems.warning(top, "", "there is no witness: a fault of drwatch's own network will look like an outage",
                       "list probes of something outside the platform in [witness] probes");
    if (settings.alertmanager.urls.empty())
      problems.warning(top, "", "there is no Alertmanager: nobody will be paged", "set urls in [alertmanager]");
    if (settings.components.empty())
      problems.warning(top, "", "there are no components: nothing is watched for anybody", "write [component.NAME] tables");
  }

  // Two people with one token: everything that both do is recorded under one name.
  void equal_tokens() const {
    std::map<std::string, std::string> owners;
    for (const auto& [name, token] : settings.server.tokens) {
      if (!token.secret.present()) continue;
      const auto [first, is_new] = owners.emplace(token.secret.reveal(), name);
      if (!is_new)
        problems.warning(place_at(root, top, {"server", "tokens", name, "secret"}), "server.tokens." + name + ".secret",
                         "the same token as " + shown(first->second), "give each its own: what is done with it is recorded under one name");
    }
  }

  void components() const {
    for (const auto& [name, component] : settings.components) {
      const std::string key = "component." + name;
      if (component.probes.empty())
        problems.warning(key_of("component", name), key, "no probe watches it: its health stays unknown", "give it a probe");
      const auto is_page = [&](const std::string& probe) { return settings.probes.at(probe).traits.attributes_only; };
      const auto pages = std::count_if(component.probes.begin(), component.probes.end(), is_page);
      if (pages > 0 && pages < std::ssize(component.probes))
        problems.warning(key_of("component", name), key, "a provider's status page is among the probes that make its health",
                         "give the page a component of its own: it attributes, it proves nothing");
      if (pages > 0 && pages == std::ssize(component.probes) && !component.lies_in.empty())
        problems.warning(place_at(root, key_of("component", name), {"component", name, "lies_in"}), key + ".lies_in",
                         "a status page tells of a place and stands elsewhere: while it is green the place would never be down",
                         "leave it out");
      for (const auto& [of_class, rpo] : component.rpo) {
        too_seldom(name, component, of_class, rpo);
        only_with_more(name, component, of_class, rpo);
        too_slow_to_mend(name, component, of_class, rpo);
        if (!survived(component, of_class))
          problems.warning(place_at(root, key_of("component", name), {"component", name, "rpo"}), key + ".rpo",
                           "no source survives the class '" + std::string(class_name(of_class)) + "': this RPO cannot be met",
                           "add a backup probe that protects it and survives that");
      }
    }
  }

  // An RPO that the best source of its class cannot meet even when it works: a daily dump against an RPO of an hour.
  void too_seldom(const std::string& name, const ComponentSettings& component, DisasterClass of_class, Duration rpo) const {
    const ProbeSettings* best = nullptr;
    for (const auto& probe_name : component.protected_by) {
      const auto& probe = settings.probes.at(probe_name);
      const auto& classes = probe.backup->survives;
      if (std::find(classes.begin(), classes.end(), of_class) == classes.end()) continue;
      if (!best || apart(probe) < apart(*best)) best = &probe;
    }
    if (!best || apart(*best) <= rpo) return;
    const bool read = best->backup->every.value_or(Duration{0}) <= rpo;
    problems.warning(place_at(root, key_of("component", name), {"component", name, "rpo"}), "component." + name + ".rpo",
                     "cannot be met for the class '" + std::string(class_name(of_class)) + "': " + best->name + ", the best source, " +
                         (read ? "is read" : "brings a new point") + " every " + duration_text(apart(*best)) + ", the RPO is " +
                         duration_text(rpo),
                     read ? "read it more often than that"
                          : "add a source that brings points more often (WAL archiving, PITR), or accept an RPO of more than " +
                                duration_text(apart(*best)));
  }
  // By how much the points of such a source lie apart by its nature, when that is more than the RPO; nullptr otherwise. A source with
  // `every` says itself how often it brings points, and is judged by that (too_seldom).
  static const PointsApart* too_far_apart(const ProbeSettings& probe, Duration rpo) {
    const auto& role = *probe.backup;
    return !role.every && role.by_nature && role.by_nature->apart > rpo ? &*role.by_nature : nullptr;
  }
  // An RPO that no source of the class can meet by its nature (a provider's daily backups, say), with what would have to be added. Silent
  // as soon as one source can meet it.
  void only_with_more(const std::string& name, const ComponentSettings& component, DisasterClass of_class, Duration rpo) const {
    const PointsApart* first = nullptr;
    std::string sources;
    for (const auto& probe_name : component.protected_by) {
      const auto& probe = settings.probes.at(probe_name);
      const auto& classes = probe.backup->survives;
      if (std::find(classes.begin(), classes.end(), of_class) == classes.end()) continue;
      const PointsApart* reason = too_far_apart(probe, rpo);
      if (!reason && apart(probe) <= rpo) return;
      if (!reason || (first && *reason != *first)) continue;
      first = reason;
      sources += (sources.empty() ? "" : ", ") + probe_name;
    }
    if (!first) return;
    problems.warning(place_at(root, key_of("component", name), {"component", name, "rpo"}), "component." + name + ".rpo",
                     "cannot be met for the class '" + std::string(class_name(of_class)) + "' by " + first->what + ": " + sources + " " +
                         first->why + ", the RPO is " + duration_text(rpo),
                     first->remedy + ", or accept an RPO of more than " + duration_text(first->apart));
  }
  // With only one source the RPO is over when that source cannot be mended in time. A second source would have to fail as well.
  void too_slow_to_mend(const std::string& name, const ComponentSettings& component, DisasterClass of_class, Duration rpo) const {
    if (settings.recovery.time_to_fix < rpo) return;
    const ProbeSettings* only = nullptr;
    for (const auto& probe_name : component.protected_by) {
      const auto& probe = settings.probes.at(probe_name);
      const auto& classes = probe.backup->survives;
      if (std::find(classes.begin(), classes.end(), of_class) == classes.end()) continue;
      if (only) return;
      only = &probe;
    }
    if (!only) return;
    problems.warning(place_at(root, key_of("component", name), {"component", name, "rpo"}), "component." + name + ".rpo",
                     "is over before " + only->name + " could be mended, the only source that survives the class '" +
                         std::string(class_name(of_class)) + "': time_to_fix is " + duration_text(settings.recovery.time_to_fix) +
                         ", the RPO is " + duration_text(rpo),
                     "add a second source, accept a longer RPO, or set [recovery] time_to_fix if mending is quicker");
  }
  // How far apart a source's points are seen: no closer than it brings them, and no closer than it is read.
  static Duration apart(const ProbeSettings& probe) { return std::max(probe.backup->every.value_or(Duration{0}), probe.interval); }

  bool survived(const ComponentSettings& component, DisasterClass of_class) const {
    return std::any_of(component.protected_by.begin(), component.protected_by.end(), [&](const std::string& probe) {
      const auto& survives = settings.probes.at(probe).backup->survives;
      return std::find(survives.begin(), survives.end(), of_class) != survives.end();
    });
  }
};

std::set<std::string> texts(const std::vector<Condition>& conditions) {
  std::set<std::string> all;
  for (const auto& condition : conditions) all.insert(condition.text);
  return all;
}

// The condition is about a provider's status page, or a component made of such pages alone. What a provider says about itself attributes a
// failure to it, but proves none.
bool told_by_a_provider(const Condition& condition, const Settings& settings) {
  const auto is_page = [&](const std::string& probe) { return settings.probes.at(probe).traits.attributes_only; };
  if (condition.subject == Subject::probe) return settings.probes.contains(condition.name) && is_page(condition.name);
  const auto component = settings.components.find(condition.name);
  if (condition.subject != Subject::component || component == settings.components.end()) return false;
  const auto& probes = component->second.probes;
  return !probes.empty() && std::all_of(probes.begin(), probes.end(), is_page);
}

bool same_conditions(const Trigger& a, const Trigger& b) {
  return texts(a.any) == texts(b.any) && texts(a.all) == texts(b.all) && texts(a.none) == texts(b.none);
}

struct ScenarioAdvice {
  const ScenarioFile& file;
  const Settings& settings;
  Problems& problems;

  const Scenario& scenario() const { return file.scenario; }
  Place at(const std::vector<std::string>& path) const { return place_at(file.document.table(), {file.document.file, 1, 1}, path); }

  void trigger() const {
    if (scenario().trigger.empty())
      problems.warning(at({"trigger"}), "trigger", "nothing opens this scenario but a person",
                       "give [trigger] a condition in 'any' or 'all'");
    if (scenario().affects.empty())
      problems.warning(at({}), "affects", "it affects nothing: no component's RTO stands on it", "name components in 'affects'");
  }

  // A signal that expires before the `for` is over: the trigger would never hold long enough.
  void gone_too_soon(const std::vector<Condition>& conditions) const {
    const Duration hold_for = scenario().trigger.hold_for;
    for (const auto& condition : conditions) {
      const auto signal = settings.signals.find(condition.name);
      if (condition.subject != Subject::signal || signal == settings.signals.end() || !signal->second.expires) continue;
      const bool asks_for_it = (condition.holds == Condition::Holds::raised) != condition.negated;
      if (!asks_for_it || hold_for < *signal->second.expires) continue;
      problems.warning(at({"trigger", "for"}), "trigger.for",
                       shown(condition.text) + " never holds for " + duration_text(hold_for) + ": the signal expires after " +
                           duration_text(*signal->second.expires) + ", unless it is raised again before that",
                       "make it shorter than that, or 'expires' longer");
    }
  }

  // Whether status pages alone could open the scenario: all of `all`, and one of `any`, are about them.
  void providers() const {
    const auto told = [&](const Condition& c) { return told_by_a_provider(c, settings); };
    const auto& t = scenario().trigger;
    const bool any = t.any.empty() || std::any_of(t.any.begin(), t.any.end(), told);
    if (!t.empty() && any && std::all_of(t.all.begin(), t.all.end(), told))
      problems.warning(at({"trigger"}), "trigger", "a provider's status page alone opens this scenario",
                       "add to 'all' what drwatch has to see itself; a page attributes, it proves nothing");
  }

  // Whether the scenario can be over by health: not when only signals and people open it, unless the file says otherwise.
  bool by_health() const {
    if (scenario().exit.by != Exit::By::automatic) return scenario().exit.by == Exit::By::health;
    const auto is_health = [](const Condition& c) { return c.subject != Subject::signal; };
    const auto& t = scenario().trigger;
    return std::any_of(t.any.begin(), t.any.end(), is_health) || std::any_of(t.all.begin(), t.all.end(), is_health);
  }

  // A scenario that is over by health without a verified step, or by steps without a critical one, ends too early or never.
  void exit() const {
    const auto& steps = scenario().steps;
    const bool verified =
        std::any_of(steps.begin(), steps.end(), [](const Step& s) { return s.critical && s.kind() == Step::Kind::verified; });
    const bool critical = std::any_of(steps.begin(), steps.end(), [](const Step& s) { return s.critical; });
    if (by_health() && !verified)
      problems.warning(at({"exit"}), "exit", "no critical step is verified: the end of the trigger alone will look like recovery",
                       "give a critical step a 'verify'");
    if (!by_health() && !critical && !steps.empty())
      problems.warning(at({"exit"}), "exit", "no step is critical: only a person can say that it is over",
                       "mark the steps that matter as critical");
    if (steps.empty())
      problems.warning(at({}), "step", "it has no steps: the page that wakes somebody says nothing", "write [[step]] tables");
  }

  // `reopen_within` counts from when the exit began to hold. When that is over before the exit's `for` is, it opens nothing again.
  void reopening() const {
    const Duration hold_for = scenario().exit.hold_for;
    if (scenario().reopen_within > hold_for) return;
    problems.warning(
        at({"reopen_within"}), "reopen_within",
        "it opens nothing again: it counts from when the exit began to hold, and is over when that has held for " + duration_text(hold_for),
        "make it longer than [exit] for");
  }

  // A condition about an RPO that the component does not have never holds.
  void objectives(const std::vector<Condition>& conditions, const std::vector<std::string>& path, const std::string& key) const {
    for (const auto& condition : conditions) {
      if (condition.subject != Subject::rpo) continue;
      const auto component = settings.components.find(condition.name);
      if (component == settings.components.end()) continue;
      const auto& rpo = component->second.rpo;
      if (condition.of_class ? rpo.contains(*condition.of_class) : !rpo.empty()) continue;
      problems.warning(at(path), key, "'" + condition.text + "' never holds: there is no such objective",
                       "set component." + condition.name + ".rpo");
    }
  }

  // The same of a critical step: it is never ticked, and only a person can say that the incident is over.
  void steps_about_objectives() const {
    for (const Step& step : scenario().steps) {
      if (!step.verify || !step.critical || step.verify->subject != Subject::rpo) continue;
      const auto component = settings.components.find(step.verify->name);
      if (component == settings.components.end()) continue;
      const auto& rpo = component->second.rpo;
      if (step.verify->of_class ? rpo.contains(*step.verify->of_class) : !rpo.empty()) continue;
      problems.warning(at({}), "step." + step.id + ".verify", "'" + step.verify->text + "' never holds: there is no such objective",
                       "give " + step.verify->name + " a backup probe that protects it, or an rpo of its own, or take the step out");
    }
  }
};

}  // namespace

void warn_of_main(const Document& main, const Settings& settings, Problems& problems) {
  const MainAdvice advice{main.table(), {main.file, 1, 1}, settings, problems};
  advice.what_is_missing();
  advice.equal_tokens();
  advice.components();
}

void warn_of_scenarios(const std::vector<ScenarioFile>& files, const Settings& settings, Problems& problems) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    const ScenarioAdvice advice{files[i], settings, problems};
    advice.trigger();
    advice.gone_too_soon(files[i].scenario.trigger.any);
    advice.gone_too_soon(files[i].scenario.trigger.all);
    advice.providers();
    advice.exit();
    advice.reopening();
    advice.steps_about_objectives();
    warn_of_plan(files[i], settings, advice.by_health(), problems);
    advice.objectives(files[i].scenario.trigger.any, {"trigger", "any"}, "trigger.any");
    advice.objectives(files[i].scenario.trigger.all, {"trigger", "all"}, "trigger.all");
    for (std::size_t j = 0; j < i; ++j)
      if (!files[i].scenario.trigger.empty() && same_conditions(files[i].scenario.trigger, files[j].scenario.trigger))
        problems.warning(advice.at({"trigger"}), "trigger", "opens on the same conditions as " + shown(files[j].scenario.id),
                         "make one of them narrower, or one scenario of both");
  }
}

}  // namespace drwatch::config
