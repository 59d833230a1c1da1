// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/routing/judge.hpp"

#include "daemon/recovery/alerts/names.hpp"
#include "daemon/recovery/record/incident.hpp"

#include <algorithm>

namespace drwatch::routing {
namespace {

std::string label(const Labels& labels, const std::string& name) {
  const auto found = labels.find(name);
  return found == labels.end() ? "" : found->second;
}
bool is(const Labels& alert, AlertName name) { return label(alert, "alertname") == alert_text(name); }
bool drill(const Labels& alert) { return !label(alert, "drill").empty(); }
// A drill, the watchdog and a test alert are meant to wake nobody at night.
bool wakes(const Labels& alert) { return label(alert, "severity") == "critical" || label(alert, "severity") == "warning"; }

Labels labels_of(AlertName name, std::string severity, Labels more = {}) {
  more["alertname"] = alert_text(name);
  more["severity"] = std::move(severity);
  return more;
}

void of_scenario(const Scenario& scenario, std::vector<Labels>& into) {
  const std::string severity(severity_name(scenario.severity));
  const Labels about = {{"scenario", scenario.id}};
  into.push_back(labels_of(AlertName::incident, severity, about));
  if (scenario.severity == Severity::critical) into.push_back(labels_of(AlertName::unacknowledged, severity, about));
  into.push_back(labels_of(AlertName::rto_at_risk, severity, about));
  into.push_back(labels_of(AlertName::rto_breached, severity, about));
  if (std::ranges::any_of(scenario.messages, [](const Message& message) { return message.when == Message::When::update; }))
    into.push_back(labels_of(AlertName::update_due, "warning", about));
  if (scenario.drill) into.push_back(labels_of(AlertName::drill_overdue, "warning", about));
  // Everything can be drilled, also without a date.
  into.push_back(labels_of(AlertName::incident, "info", {{"scenario", scenario.id}, {"drill", "true"}}));
}

void of_component(const Settings& settings, const ComponentSettings& component, std::vector<Labels>& into) {
  for (const DisasterClass of : all_classes) {
    if (!settings.rpo_of(component.name, of)) continue;
    const Labels about = {{"component", component.name}, {"class", std::string(class_name(of))}};
    into.push_back(labels_of(AlertName::rpo_at_risk, "warning", about));
    into.push_back(labels_of(AlertName::rpo_breached, "critical", about));
  }
  if (!component.protected_by.empty()) into.push_back(labels_of(AlertName::sources_disagree, "warning", {{"component", component.name}}));
}

std::string name_of(const Labels& alert) {
  std::string name = label(alert, "alertname");
  if (const std::string scenario = label(alert, "scenario"); !scenario.empty()) name += " of " + scenario;
  if (const std::string component = label(alert, "component"); !component.empty()) name += " of " + component;
  if (const std::string of_class = label(alert, "class"); !of_class.empty()) name += "/" + of_class;
  return name + (drill(alert) ? " in a drill" : "");
}

// Whether an alert speaks of another thing: what silences it then hides a disaster behind a different one.
bool about_another(const Labels& one, const Labels& other) {
  return std::ranges::any_of(std::vector<std::string>{"scenario", "component", "class", "drill"},
                             [&](const std::string& name) { return label(one, name) != label(other, name); });
}

bool reaches_somebody(const Routed& routed) {
  return std::ranges::any_of(routed.reaches, [](const Reached& one) { return !one.integrations.empty(); });
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string receivers_of(const Routed& routed) {
  std::vector<std::string> names;
  for (const Reached& one : routed.reaches) names.push_back("'" + one.receiver + "'");
  return joined(names);
}

std::string intervals_of(const Reached& one) {
  return (one.muted.empty() ? "" : " not in " + joined(one.muted)) + (one.only_in.empty() ? "" : " only in " + joined(one.only_in));
}

struct Judging {
  const Settings& settings;
  const std::vector<Routed>& all;
  const Tree& tree;
  std::string file;
  config::Problems& into;

  config::Place at(const Routed& routed) const {
    const Route& route = *tree.taken(routed.alert).front();
    return {file, route.line, 1};
  }

  void nobody(const Routed& routed) const {
    const std::string what = routed.name + " reaches nobody: " +
                             (routed.reaches.size() == 1 ? "receiver " + receivers_of(routed) + " has no integration"
                                                         : "receivers " + receivers_of(routed) + " have no integration");
    const std::string how = "give it one (pagerduty_configs, slack_configs, email_configs, ...) or a route to a receiver that has one";
    if (wakes(routed.alert))
      into.error(at(routed), "", what, how);
    else if (is(routed.alert, AlertName::test))
      into.warning(at(routed), "", what, "let it go where pages go, or 'drwatch alert test' shows nothing of the way to people");
    else if (is(routed.alert, AlertName::watchdog) && !settings.deadman)
      into.warning(at(routed), "", what, "let something outside page when it falls silent, or configure [deadman]");
  }

  // A drill on the phone of whoever is on call teaches them to go on sleeping.
  void of_drill(const Routed& routed) const {
    const auto real = std::ranges::find_if(all, [&](const Routed& one) {
      return is(one.alert, AlertName::incident) && !drill(one.alert) && label(one.alert, "scenario") == label(routed.alert, "scenario");
    });
    if (real == all.end() || label(real->alert, "severity") != "critical") return;
    for (const Reached& one : routed.reaches)
      if (!one.integrations.empty() &&
          std::ranges::any_of(real->reaches, [&](const Reached& other) { return other.receiver == one.receiver; }))
        into.warning(at(routed), "", routed.name + " reaches receiver '" + one.receiver + "', as the real one does",
                     "put a route with drill=\"true\" before it, to a receiver that wakes nobody");
  }

  void silence(const Routed& routed) const {
    std::vector<std::string> of_others;
    for (const Routed& other : all) {
      const bool silences =
          std::ranges::any_of(tree.inhibitions, [&](const Inhibition& rule) { return rule.silences(other.alert, routed.alert); });
      if (!silences) continue;
      if (is(other.alert, AlertName::watchdog)) {
        into.error(at(routed), "", routed.name + " is always silenced: an inhibit rule lets Watchdog silence it, which always fires",
                   "narrow that rule's source_matchers");
        return;
      }
      if (about_another(other.alert, routed.alert)) of_others.push_back(other.name);
    }
    if (of_others.empty()) return;
    const std::string more = of_others.size() > 1 ? " and " + std::to_string(of_others.size() - 1) + " more" : "";
    into.warning(at(routed), "", routed.name + " is silenced by what is about something else: " + of_others.front() + more,
                 "name scenario, component, class and drill in 'equal' of the inhibit rule");
  }

  void times(const Routed& routed) const {
    std::string when;
    for (const Reached& one : routed.reaches) {
      if (one.integrations.empty()) continue;
      if (intervals_of(one).empty()) return;
      when += (when.empty() ? "" : ";") + intervals_of(one);
    }
    if (!when.empty() && label(routed.alert, "severity") == "critical")
      into.warning(at(routed), "", routed.name + " is told to somebody" + when,
                   "take the time intervals off a route that critical alerts take");
  }
};

}  // namespace

std::vector<Labels> possible_alerts(const Settings& settings) {
  std::vector<Labels> found;
  for (const auto& [id, scenario] : settings.scenarios) of_scenario(scenario, found);
  for (const auto& [name, component] : settings.components) of_component(settings, component, found);
  found.push_back(labels_of(AlertName::blind, "critical"));
  found.push_back(labels_of(AlertName::journal_failing, "critical"));
  found.push_back(labels_of(AlertName::watchdog, "none"));
  found.push_back(labels_of(AlertName::test, "info"));
  return found;
}

std::vector<Routed> route_all(const Settings& settings, const Tree& tree) {
  std::vector<Routed> all;
  const std::vector<Labels> possible = possible_alerts(settings);
  for (const Labels& alert : possible) {
    Routed routed{alert, name_of(alert), {}, {}};
    for (const Route* route : tree.taken(alert)) {
      const Receiver& receiver = tree.receiver(route->receiver);
      routed.reaches.push_back({receiver.name, receiver.integrations, route->muted, route->only_in});
    }
    for (const Labels& other : possible) {
      const bool silences = std::ranges::any_of(tree.inhibitions, [&](const Inhibition& rule) { return rule.silences(other, alert); });
      const std::string name = label(other, "alertname");
      if (silences && std::ranges::find(routed.silenced_by, name) == routed.silenced_by.end()) routed.silenced_by.push_back(name);
    }
    all.push_back(std::move(routed));
  }
  return all;
}

void judge_routes(const Settings& settings, const Tree& tree, const std::vector<Routed>& routed, const std::string& file,
                  config::Problems& problems) {
  const Judging judging{settings, routed, tree, file, problems};
  for (const Routed& one : routed) {
    if (!reaches_somebody(one)) judging.nobody(one);
    if (drill(one.alert)) judging.of_drill(one);
    if (!wakes(one.alert)) continue;
    judging.silence(one);
    judging.times(one);
  }
}

std::string routes_text(const std::vector<Routed>& routed) {
  std::string text;
  for (const Routed& one : routed) {
    std::string where;
    for (const Reached& reached : one.reaches)
      where += (where.empty() ? "receiver " : ", receiver ") + reached.receiver + " (" +
               (reached.integrations.empty() ? "nobody" : joined(reached.integrations)) + ")" + intervals_of(reached);
    text += one.name + " (" + label(one.alert, "severity") + ") -> " + where +
            (one.silenced_by.empty() ? "" : "; not while " + joined(one.silenced_by) + " fires") + "\n";
  }
  return text;
}

}  // namespace drwatch::routing
