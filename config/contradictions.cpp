// SPDX-License-Identifier: Apache-2.0
// Conditions that exclude each other: a trigger that can never hold, an exit that can never be reached, a step that nobody can begin.
#include "config/contradictions.hpp"

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

States all_of(Subject subject) {
  if (subject == Subject::component || subject == Subject::probe || subject == Subject::any_component) return known;
  return subject == Subject::signal ? 3 : met | at_risk | breached | unproven;
}

// In which states the sentence is true. Of something unknown only `is unknown` is: `is not down` says less than it seems to.
States true_in(const Condition& c) { return c.negated ? all_of(c.subject) & ~states_of(c.holds) : states_of(c.holds); }

bool about_one(const Condition& c) {
  return c.subject != Subject::any_component && c.subject != Subject::any_rpo && c.subject != Subject::any_rto;
}
bool same_subject(const Condition& a, const Condition& b) { return a.subject == b.subject && a.name == b.name && a.of_class == b.of_class; }

}  // namespace

bool implies(const Condition& a, const Condition& b) {
  // "any component is not up" and "any component is down" may be about two of them; then only what holds of the worse one helps.
  if (!same_subject(a, b) || (!about_one(a) && a.negated != b.negated)) return a == b;
  return (true_in(a) & ~true_in(b)) == 0;
}

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

  // It is recovered when all that it affects is up: an exit that asks for the opposite is never reached.
  void exit_against_affects() const {
    const auto& all = file.scenario.exit.all;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].subject == Subject::component && !(true_in(all[i]) & up) &&
          std::find(file.scenario.affects.begin(), file.scenario.affects.end(), all[i].name) != file.scenario.affects.end())
        tell({"exit", "all", std::to_string(i)}, "exit.all",
             "asks for " + shown(all[i].text) + ", and all that it affects has to be up: it could never be recovered",
             "take it out, or " + shown(all[i].name) + " out of 'affects'");
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
  check.exit_against_affects();
}

}  // namespace drwatch::config
