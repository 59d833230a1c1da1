// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/scenarios/follows.hpp"

#include "config/rows/text.hpp"
#include "daemon/recovery/deciding.hpp"

#include <algorithm>

namespace drwatch {
namespace {

bool asks_for(const Trigger& trigger, const std::string& signal) {
  const auto it = [&](const Condition& c) { return c.name == signal && asks_for_raised(c); };
  return std::any_of(trigger.any.begin(), trigger.any.end(), it) || std::any_of(trigger.all.begin(), trigger.all.end(), it);
}

// Why the trigger does not hold although the signal is raised.
std::string lacks(const State& state, const Settings& settings, const Trigger& trigger) {
  std::vector<std::string> words;
  const auto truth = [&](const Condition& c) { return evaluate_without_words(state, settings, c, state.record.at).truth; };
  for (const Condition& c : trigger.all)
    if (truth(c) != Truth::yes) words.push_back("it asks for '" + c.text + "' as well");
  if (!trigger.any.empty() &&
      std::none_of(trigger.any.begin(), trigger.any.end(), [&](const Condition& c) { return truth(c) == Truth::yes; })) {
    std::vector<std::string> one;
    for (const Condition& c : trigger.any) one.push_back("'" + c.text + "'");
    words.push_back("it asks for one of " + joined(one) + " as well");
  }
  for (const Condition& c : trigger.none)
    if (words.empty() && truth(c) == Truth::yes) words.push_back("'" + c.text + "' forbids it");
  return joined(words, "; ");
}

Follows follow(const State& state, const Settings& settings, const Scenario& scenario) {
  Follows f{scenario.id};
  const auto pending = state.record.pending.find(scenario.id);
  const auto shut = state.sight.kept_shut.find(scenario.id);
  if (const Incident* open = open_of(state.record, scenario.id)) {
    f.what = Follows::What::open;
    f.incident = open->id;
  } else if (pending != state.record.pending.end()) {
    f.what = Follows::What::pending;
    f.opens_at = pending->second.opens_at;
    if (pending->second.held_at)
      f.why = state.record.blind_since ? "drwatch is blind: it opens when drwatch can see again"
                                       : "what else it asks for cannot be seen: its time stands still";
  } else if (shut != state.sight.kept_shut.end()) {
    f.what = Follows::What::kept_shut;
    f.why = shut->second;
  } else {
    f.why = lacks(state, settings, scenario.trigger);
    if (f.why.empty() && state.record.blind_since) f.why = "drwatch is blind: it opens when drwatch can see again, if it is still raised";
  }
  return f;
}

}  // namespace

std::string_view follows_name(Follows::What what) {
  switch (what) {
    case Follows::What::open:
      return "open";
    case Follows::What::pending:
      return "pending";
    case Follows::What::kept_shut:
      return "kept-shut";
    case Follows::What::waits:
      break;
  }
  return "waits";
}

std::vector<Follows> follows_from(const State& state, const Settings& settings, const std::string& signal) {
  std::vector<Follows> all;
  for (const auto& [id, scenario] : settings.scenarios)
    if (asks_for(scenario.trigger, signal)) all.push_back(follow(state, settings, scenario));
  return all;
}

}  // namespace drwatch
