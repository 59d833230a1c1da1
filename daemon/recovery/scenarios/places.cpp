// SPDX-License-Identifier: Apache-2.0
// Sentences about what shares a fate (places, sets), and about why something is bad. Contract: "Conditions".
#include "daemon/recovery/scenarios/sentences.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// Why the newest bad run of the probe says that it is bad. Before a run of it was seen, only the reason is in the record.
bool bad_by(const State& state, const std::string& name, const std::string& why) {
  auto sight = state.sight.probes.find(name);
  if (sight != state.sight.probes.end()) {
    const auto& recent = sight->second.recent;
    const auto bad = std::find_if(recent.rbegin(), recent.rend(),
                                  [](const PastRun& run) { return run.outcome == Health::degraded || run.outcome == Health::down; });
    if (bad != recent.rend()) return reason_name(bad->reason) == why || (bad->whole ? bad->whole->code : bad->code) == why;
  }
  auto probe = state.record.probes.find(name);
  return probe != state.record.probes.end() && reason_name(probe->second.reason) == why;
}

// Each member of a place or set, as a sentence.
using LeftOut = std::function<bool(const std::string& component)>;
bool nobody(const std::string&) { return false; }
std::vector<Sentence> of_members(const State& state, const Settings& settings, const PlaceSettings& place, Condition::Holds holds,
                                 Words words, const LeftOut& left_out = nobody) {
  std::vector<Sentence> parts;
  for (const std::string& name : place.components)
    if (!left_out(name)) parts.push_back(of_component(state, settings, name, holds, words));
  for (const std::string& name : place.probes) {
    const auto probe = settings.probes.find(name);
    if (!speaks_against(name) && (probe == settings.probes.end() || !left_out(probe->second.component)))
      parts.push_back(of_probe(state, settings, name, holds, words));
  }
  return parts;
}

// What speaks against the set is in trouble: nothing is true of it, since then. nullopt: it is not.
std::optional<Sentence> spoken_against(const State& state, const Settings& settings, const PlaceSettings& place) {
  for (const std::string& name : place.probes) {
    const auto against = speaks_against(name);
    if (!against) continue;
    const Sentence s = of_probe(state, settings, *against, Condition::Holds::degraded, Words::left_out);
    if (s.truth == Truth::yes) return Sentence{Truth::no, s.since, ""};
  }
  return std::nullopt;
}

struct Count {
  std::size_t yes = 0, no = 0, unknown = 0, of = 0;
};
Count count(const std::vector<Sentence>& parts) {
  Count n;
  n.of = parts.size();
  for (const Sentence& part : parts) ++(part.truth == Truth::yes ? n.yes : part.truth == Truth::no ? n.no : n.unknown);
  return n;
}

// True when at least `enough` parts are, since the last of the first `enough` became so; not known when those that are not known could make
// it so; else false, since the last of them became so.
Sentence at_least(std::size_t enough, const std::vector<Sentence>& parts) {
  Sentence whole;
  const Count n = count(parts);
  if (enough == 0 || parts.empty()) return whole;
  whole.truth = n.yes >= enough ? Truth::yes : n.yes + n.unknown >= enough ? Truth::unknown : Truth::no;
  std::vector<Time> since;
  for (const Sentence& part : parts) {
    if (part.truth != whole.truth) continue;
    since.push_back(part.since);
    if (!part.evidence.empty()) whole.evidence += (whole.evidence.empty() ? "" : "; ") + part.evidence;
  }
  std::sort(since.begin(), since.end());
  whole.since = whole.truth == Truth::yes ? since[enough - 1] : since.empty() ? Time{} : since.back();
  return whole;
}

}  // namespace

std::optional<std::string> speaks_against(const std::string& member) {
  return member.starts_with("not ") ? std::optional(member.substr(4)) : std::nullopt;
}

// "... by WHY" of a component: as many of its probes as make it down (or degraded) are so for that reason. A probe that is down for another
// reason does not speak for it; one that is not known might.
Sentence of_component_by(const State& state, const Settings& settings, const Condition& c, Words words) {
  Sentence s = of_component(state, settings, c.name, c.holds, words);
  const ComponentSettings* of = component_in(settings, c.name);
  if (!of || s.truth == Truth::no) return s;
  std::size_t yes = 0, unknown = 0;
  for (const std::string& probe : of->probes) {
    const Truth t = of_probe(state, settings, probe, c.holds, Words::left_out).truth;
    if (t == Truth::yes && bad_by(state, probe, c.by)) ++yes;
    if (t == Truth::unknown) ++unknown;
  }
  const std::size_t enough = c.holds == Condition::Holds::down ? enough_of(*of) : 1;
  s.truth = yes >= enough ? Truth::yes : yes + unknown >= enough ? Truth::unknown : Truth::no;
  return s;
}

Sentence of_probe_by(const State& state, const Settings& settings, const Condition& c, Words words) {
  Sentence s = of_probe(state, settings, c.name, c.holds, words);
  if (s.truth == Truth::yes && !bad_by(state, c.name, c.by)) s.truth = Truth::no;
  return s;
}

// Contract, "Conditions": a place is down when every component in it is, degraded when any is degraded or down, unknown when it cannot be
// told which of these it is.
Sentence of_place(const State& state, const Settings& settings, const Condition& c, Words words) {
  auto found = settings.places.find(c.name);
  if (found == settings.places.end()) return no_longer(c.name);
  const PlaceSettings& place = found->second;
  std::size_t all = place.components.size();
  for (const std::string& name : place.probes)
    if (!speaks_against(name)) ++all;
  if (auto against = spoken_against(state, settings, place)) return *against;
  const auto members = [&](Condition::Holds holds) { return of_members(state, settings, place, holds, words); };
  if (c.share == Condition::Share::most) return at_least(all / 2 + 1, members(c.holds));
  if (c.share == Condition::Share::all || c.holds == Condition::Holds::down || c.holds == Condition::Holds::up)
    return at_least(all, members(c.holds));
  if (c.holds == Condition::Holds::degraded) return at_least(1, members(Condition::Holds::degraded));
  const Count down = count(members(Condition::Holds::down)), bad = count(members(Condition::Holds::degraded));
  Sentence s = at_least(1, members(Condition::Holds::unknown));
  const bool down_or_degraded = bad.yes > 0 && down.no == 0, up_or_worse = bad.yes == 0;
  if (s.truth == Truth::yes && !down_or_degraded && !up_or_worse) s.truth = Truth::no;
  return s;
}

Sentence evaluate_without(const State& state, const Settings& settings, const Condition& c, Time now,
                          const std::function<bool(const std::string& component)>& left_out) {
  const auto found = settings.places.find(c.name);
  const bool bad = c.holds == Condition::Holds::down || c.holds == Condition::Holds::degraded;
  if (c.subject != Condition::Subject::place || found == settings.places.end() || !bad || c.negated)
    return evaluate_without_words(state, settings, c, now);
  const PlaceSettings& place = found->second;
  if (auto against = spoken_against(state, settings, place)) return *against;
  const std::size_t all = of_members(state, settings, place, c.holds, Words::left_out).size();
  const auto left = of_members(state, settings, place, c.holds, Words::left_out, left_out);
  if (c.share == Condition::Share::most) return lasting(at_least(all / 2 + 1, left), c, now);
  if (c.share == Condition::Share::whole && c.holds == Condition::Holds::degraded) return lasting(at_least(1, left), c, now);
  if (left.size() * 2 <= all) return {Truth::no, now, ""};
  return lasting(at_least(left.size(), left), c, now);
}

}  // namespace drwatch
