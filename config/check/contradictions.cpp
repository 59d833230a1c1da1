// SPDX-License-Identifier: Apache-2.0
// Conditions that exclude each other: a trigger that can never hold, an exit that can never be reached, a step that nobody can begin.
#include "config/check/contradictions.hpp"

#include <algorithm>

namespace drwatch::config {
namespace {

using Subject = Condition::Subject;
using Holds = Condition::Holds;

// Each state that a subject can be in is a bit: up, degraded, down, unknown; met, at-risk, breached, unproven; raised, clear.
using States = unsigned;
constexpr States up = 1, degraded = 2, down = 4, known = up | degraded | down, unknown = 8;
constexpr States met = 1, at_risk = 2, breached = 4, unproven = 8;

States states_of(Holds holds) {
  switch (holds) {
    case Holds::up:
      return up;
    case Holds::degraded:
      return degraded | down;  // worse includes
    case Holds::down:
      return down;
    case Holds::unknown:
      return unknown;
    case Holds::met:
      return met;
    case Holds::at_risk:
      return at_risk | breached;
    case Holds::breached:
      return breached;
    case Holds::unproven:
      return unproven;
    case Holds::raised:
      return 1;
    case Holds::clear:
      return 2;
  }
  return 0;
}

// The states in which a sentence about the subject can be known at all. Health that is unknown makes every sentence but "is unknown" not
// known.
States all_of(Subject subject) {
  if (subject == Subject::component || subject == Subject::probe || subject == Subject::any_component || subject == Subject::place)
    return known;
  return subject == Subject::signal ? 3 : met | at_risk | breached | unproven;
}

// The states in which the condition is true. "is not down" is not true of something unknown, so it says less than it seems to.
States true_in(const Condition& c) { return c.negated ? all_of(c.subject) & ~states_of(c.holds) : states_of(c.holds); }

bool about_one(const Condition& c) {
  return c.subject != Subject::any_component && c.subject != Subject::any_rpo && c.subject != Subject::any_rto &&
         c.subject != Subject::place;
}
bool same_subject(const Condition& a, const Condition& b) {
  return a.subject == b.subject && a.name == b.name && a.of_class == b.of_class && a.share == b.share;
}

}  // namespace

bool implies(const Condition& a, const Condition& b) {
  // "any component is not up" and "any component is down" may be true of two different ones. Of "any" with and without "not", nothing can
  // be concluded from the states.
  if (!same_subject(a, b) || (!about_one(a) && a.negated != b.negated)) return a == b;
  if (a.subject == Subject::place) return a == b;  // of which members it is true is not said
  if (!b.by.empty() && a.by != b.by) return false;
  if (b.lasting > a.lasting) return false;
  return (true_in(a) & ~true_in(b)) == 0;
}

// No state makes both true. Never said of "any ...": two components can be in two states.
bool exclude_each_other(const Condition& a, const Condition& b) {
  return about_one(a) && same_subject(a, b) && (true_in(a) & true_in(b)) == 0;
}

namespace {

struct Contradictions {
  const ScenarioFile& file;
  Problems& problems;

  void tell(const std::vector<std::string>& path, const std::string& key, std::string message, std::string hint) const {
    problems.error(place_at(file.document.table(), {file.document.file, 1, 1}, path), key, std::move(message), std::move(hint));
  }

  // `none` forbids what `any` or `all` asks for, as it stands or because the one implies the other.
  void forbidden(const std::vector<Condition>& asked, const std::string& list) const {
    const auto& none = file.scenario.trigger.none;
    for (std::size_t i = 0; i < none.size(); ++i)
      for (const auto& condition : asked)
        if (implies(condition, none[i]))
          tell({"trigger", "none", std::to_string(i)}, "trigger.none",
               "forbids " + shown(condition.text) + ", which '" + list + "' asks for" +
                   (condition == none[i] ? "" : ": then " + shown(none[i].text) + " holds as well"),
               "take one of them out");
  }

  void never_both(const std::vector<Condition>& all, const std::vector<std::string>& path, const std::string& key) const {
    for (std::size_t i = 0; i < all.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (exclude_each_other(all[i], all[j])) {
          auto element = path;
          element.push_back(std::to_string(i));
          tell(element, key, shown(all[i].text) + " and " + shown(all[j].text) + " never hold together", "take one of them out");
        }
  }

  // A condition of `any` that `all` excludes can never open anything.
  void any_against_all() const {
    const Trigger& trigger = file.scenario.trigger;
    for (std::size_t i = 0; i < trigger.any.size(); ++i)
      for (const auto& condition : trigger.all)
        if (exclude_each_other(trigger.any[i], condition))
          tell({"trigger", "any", std::to_string(i)}, "trigger.any",
               shown(trigger.any[i].text) + " and " + shown(condition.text) + ", which 'all' asks for, never hold together",
               "take one of them out");
  }

  // What has to hold before it is recovered: the exit's conditions, and critical verified steps that no option excuses.
  struct Asked {
    const Condition& condition;
    std::vector<std::string> path;
    std::string key;
    bool step;
  };
  std::vector<Asked> asked_at_the_end() const {
    std::vector<Asked> asked;
    const Scenario& scenario = file.scenario;
    for (std::size_t i = 0; i < scenario.exit.all.size(); ++i)
      asked.push_back({scenario.exit.all[i], {"exit", "all", std::to_string(i)}, "exit.all", false});
    for (const Step& step : scenario.steps)
      if (step.critical && step.verify && step.option.empty())
        asked.push_back({*step.verify, path_of(step), "step." + step.id + ".verify", true});
    return asked;
  }
  // Where the step stands in the scenario's own file. A shared step is written elsewhere, so the place is the `include` that brings it in.
  std::vector<std::string> path_of(const Step& step) const {
    const auto* entry = find(file.document.table(), "step");
    const auto* steps = entry ? entry->value.array() : nullptr;
    for (std::size_t i = 0; steps && i < steps->size(); ++i) {
      const auto* id = (*steps)[i].table() ? find(*(*steps)[i].table(), "id") : nullptr;
      if (id && id->value.text() && *id->value.text() == step.id) return {"step", std::to_string(i), "verify"};
    }
    return {"include"};
  }

  // By health, an incident recovers only when all that it affects is up: a step or an exit that asks for the opposite could never be
  // reached. With `exit.by = "steps"` a step may ask for it.
  void end_against_affects() const {
    const auto& affects = file.scenario.affects;
    for (const Asked& asked : asked_at_the_end()) {
      const Condition& c = asked.condition;
      if (asked.step && file.scenario.exit.by == Exit::By::steps) continue;
      if (c.subject == Subject::component && !(true_in(c) & up) && std::find(affects.begin(), affects.end(), c.name) != affects.end())
        tell(asked.path, asked.key, "asks for " + shown(c.text) + ", and all that it affects has to be up: it could never be recovered",
             "take it out, or " + shown(c.name) + " out of 'affects'");
    }
  }

  // Two things that have to hold at the end, and never hold together.
  void end_against_itself() const {
    const auto asked = asked_at_the_end();
    for (std::size_t i = 0; i < asked.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (asked[i].step && exclude_each_other(asked[i].condition, asked[j].condition))
          tell(asked[i].path, asked[i].key,
               "asks for " + shown(asked[i].condition.text) + ", and " + asked[j].key + " for " + shown(asked[j].condition.text) +
                   ": never both, so it could never be recovered",
               "take one of them out");
  }

  // By health, the trigger has to be over at the end. If what the end asks for makes the trigger hold, that never happens.
  void end_against_trigger() const {
    const Trigger& trigger = file.scenario.trigger;
    if (trigger.empty() || !trigger.none.empty() || !by_health()) return;
    const auto asked = asked_at_the_end();
    const Asked* last = nullptr;  // without it the trigger could be over
    const auto holds_then = [&](const Condition& c) {
      for (const Asked& each : asked)
        if (implies(each.condition, c)) {
          if (!last || &each > last) last = &each;
          return true;
        }
      return false;
    };
    if (!std::all_of(trigger.all.begin(), trigger.all.end(), holds_then) ||
        (!trigger.any.empty() && std::none_of(trigger.any.begin(), trigger.any.end(), holds_then)))
      return;
    tell(last->step ? last->path : std::vector<std::string>{"exit", "all"}, last->key,
         "asks for what opens it, and it is over when that no longer holds: it could never be recovered",
         last->step ? "ask for the opposite, or let the step not be critical" : "ask for the opposite, or leave it out");
  }
  // Whether an incident of the scenario can be over by health. What a signal opens is over by its steps, unless the file says otherwise.
  bool by_health() const {
    const Exit::By by = file.scenario.exit.by;
    if (by != Exit::By::automatic) return by == Exit::By::health;
    const auto is_signal = [](const Condition& c) { return c.subject == Subject::signal; };
    const Trigger& trigger = file.scenario.trigger;
    return std::none_of(trigger.all.begin(), trigger.all.end(), is_signal) &&
           (trigger.any.empty() || !std::all_of(trigger.any.begin(), trigger.any.end(), is_signal));
  }
};

}  // namespace

void check_contradictions(const ScenarioFile& file, Problems& problems) {
  const Contradictions check{file, problems};
  const Trigger& trigger = file.scenario.trigger;
  check.forbidden(trigger.any, "any");
  check.forbidden(trigger.all, "all");
  check.never_both(trigger.all, {"trigger", "all"}, "trigger.all");
  check.never_both(file.scenario.exit.all, {"exit", "all"}, "exit.all");
  check.any_against_all();
  check.end_against_affects();
  check.end_against_itself();
  check.end_against_trigger();
}

}  // namespace drwatch::config
