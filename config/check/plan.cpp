// SPDX-License-Identifier: Apache-2.0
#include "config/check/plan.hpp"

#include "config/check/noticing.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace drwatch::config {
namespace {

// Of two paths that take as long, the one that also waits for a person is the longer one: somebody has to take the incident first.
bool takes_longer(const PlannedPath& a, const PlannedPath& b) { return std::tie(a.takes, a.by_people) > std::tie(b.takes, b.by_people); }

// One way out of the scenario: the steps that belong to no option, and those of one option.
class Way {
 public:
  Way(const Scenario& scenario, bool by_health, const std::string& option) : by_health_(by_health) {
    for (const Step& step : scenario.steps)
      if (step.option.empty() || step.option == option) steps_[step.id] = &step;
  }

  // The longest path to a step that the recovery has to wait for, by the steps' `expect`.
  PlannedPath longest() {
    PlannedPath longest;
    for (const auto& [id, step] : steps_) {
      const Reached& reached = reach(*step);
      // The platform is back with its critical verified steps: what comes after one of them is no part of the recovery.
      const bool gates = step->critical && (!by_health_ || step->verify || !reached.behind_verified);
      if (gates && takes_longer(reached.path, longest)) longest = reached.path;
    }
    return longest;
  }

 private:
  struct Reached {
    PlannedPath path;              // up to the end of the step
    bool behind_verified = false;  // a critical verified step comes before it
  };

  const Reached& reach(const Step& step) {
    if (const auto at = reached_.find(step.id); at != reached_.end()) return at->second;
    reached_[step.id] = {};  // a circle finds this and ends; it is reported as an error elsewhere
    Reached reached;
    for (const std::string& id : step.after) {
      const auto before = steps_.find(id);
      if (before == steps_.end()) continue;
      const Reached& through = reach(*before->second);
      if (through.path.takes >= reached.path.takes) reached.path = through.path;
      reached.behind_verified |= through.behind_verified || (before->second->critical && before->second->verify);
    }
    const Duration takes = step.expect.value_or(Duration{0});
    reached.path.takes += takes;
    if (takes > Duration{0}) reached.path.steps.push_back(step.id);
    reached.path.by_people |= step.kind() == Step::Kind::person;
    return reached_[step.id] = std::move(reached);
  }

  bool by_health_;
  std::map<std::string, const Step*> steps_;
  std::map<std::string, Reached> reached_;
};

struct Plan {
  const ScenarioFile& file;
  const Settings& settings;
  Problems& problems;

  const Scenario& scenario() const { return file.scenario; }
  Place at(const std::vector<std::string>& path) const { return place_at(file.document.table(), {file.document.file, 1, 1}, path); }

  // Warns when the plan alone cannot keep the RTO: noticing, acknowledging (where people have something to do), and the longest path.
  void against_rto(bool by_health) const {
    const PlannedPath path = planned_path(scenario(), by_health);
    const Duration notice = noticing(settings, scenario().trigger).value_or(Duration{0});
    const Duration taken = path.by_people ? scenario().ack_within : Duration{0};
    if (notice + taken + path.takes <= scenario().rto) return;
    std::vector<std::string> parts;
    if (notice > Duration{0}) parts.push_back("noticing " + duration_text(notice));
    if (taken > Duration{0}) parts.push_back("acknowledging up to " + duration_text(taken));
    if (path.takes > Duration{0}) parts.push_back(list_text(path.steps) + " " + duration_text(path.takes));
    problems.warning(at({"rto"}), "rto",
                     "cannot be kept by the plan: " + list_text(parts) + " make " + duration_text(notice + taken + path.takes) +
                         ", the RTO is " + duration_text(scenario().rto),
                     "make it quicker, or promise no less than that");
  }

  // Whether some probe of the component could read how much data there is. Whether it does depends on settings of its kind that are not
  // looked at here.
  bool may_be_sized(const std::string& name) const {
    const auto component = settings.components.find(name);
    if (component == settings.components.end()) return false;
    const auto reads = [&](const std::string& probe) {
      const auto found = settings.probes.find(probe);
      return found != settings.probes.end() && found->second.traits.tells_size;
    };
    const auto& [probes, sources] = std::tie(component->second.probes, component->second.protected_by);
    return std::any_of(probes.begin(), probes.end(), reads) || std::any_of(sources.begin(), sources.end(), reads);
  }

  void sizes() const {
    const auto& affects = scenario().affects;
    if (std::any_of(affects.begin(), affects.end(), [&](const std::string& name) { return may_be_sized(name); })) return;
    for (const Step& step : scenario().steps)
      if (step.per_gib)
        problems.warning(at({"step"}), "step." + step.id + ".per_gib", "no probe reads how much data there is: 'expect' alone is the plan",
                         "give a component in 'affects' a postgres probe with size = true, or a backup probe that knows it");
  }
};

}  // namespace

// Of several options the quickest counts: the plan can be kept when one of them keeps it.
PlannedPath planned_path(const Scenario& scenario, bool by_health) {
  std::set<std::string> options;
  for (const Step& step : scenario.steps)
    if (!step.option.empty()) options.insert(step.option);
  if (options.empty()) return Way(scenario, by_health, "").longest();
  std::optional<PlannedPath> quickest;
  for (const std::string& option : options) {
    PlannedPath path = Way(scenario, by_health, option).longest();
    if (!quickest || path.takes < quickest->takes) quickest = std::move(path);
  }
  return *quickest;
}

void warn_of_plan(const ScenarioFile& file, const Settings& settings, bool by_health, Problems& problems) {
  const Plan plan{file, settings, problems};
  plan.against_rto(by_health);
  plan.sizes();
}

}  // namespace drwatch::config
