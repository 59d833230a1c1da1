// SPDX-License-Identifier: Apache-2.0
// What a story sees and expects of recovery points: exposure, the predicted breach, what a logical failure costs, findings.
#include "daemon/recovery/points/exposure.hpp"
#include "daemon/recovery/points/loss.hpp"
#include "daemon/story/story.hpp"
#include "daemon/story/words.hpp"

#include <algorithm>

namespace drwatch {
namespace {

struct Points {
  const Story& story;
  const State& state;
  const Settings& settings;
  Time now;

  // As the time from the story's start; what was before the start has a minus.
  std::string moment(const std::optional<Time>& at) const {
    if (!at) return "none";
    return *at < story.start ? "-" + duration_text(story.start - *at) : duration_text(*at - story.start);
  }

  static std::pair<std::string, std::optional<DisasterClass>> named(const std::string& text) {
    auto space = text.find(' ');
    return {text.substr(0, space), space == std::string::npos ? std::nullopt : parse_class(text.substr(space + 1))};
  }

  std::string exposure(const std::string& name) const {
    auto [component, c] = named(name);
    if (!c || !settings.components.count(component)) return "no such component or class";
    Exposure e = exposure_of(state, settings, component, *c, now);
    if (e.no_source) return "everything";
    if (!e.exposure) return "not known";
    return (e.estimated ? "about " : "") + duration_text(*e.exposure);
  }

  std::string breach(const std::string& name) const {
    auto [component, c] = named(name);
    if (!c || !settings.components.count(component)) return "no such component or class";
    return moment(judge_rpo(state, settings, component, *c, now).breach_at);
  }

  std::string time_to_fix(const std::string& component) const {
    if (!settings.components.count(component)) return "no such component";
    TimeToFix fix = drwatch::time_to_fix(state, settings, component, now);
    return duration_text(fix.is) + " " + std::string(fix.basis());
  }

  const Incident* newest(const std::string& scenario) const { return newest_incident(state.record, scenario); }

  std::string loss(const std::string& scenario) const {
    const Incident* incident = newest(scenario);
    auto its = incident ? loss_of(state, settings, *incident, now) : std::nullopt;
    if (!its) return "none";
    if (!its->lost) return "everything";
    return (its->estimated ? "about " : "") + duration_text(*its->lost);
  }

  // The expectation itself when it holds ("over 3h"), and otherwise what the projection really is, so that the failure shows it.
  std::string projected(const std::string& scenario, const std::string& expected) const {
    const Incident* incident = newest(scenario);
    std::optional<double> p90;
    if (incident && incident->state == IncidentState::open) {
      if (incident->projection) p90 = incident->projection->p90_seconds;
    } else if (auto judged = state.record.scenarios.find(scenario); judged != state.record.scenarios.end()) {
      p90 = judged->second.p90_seconds;
    }
    if (!p90) return "nothing";
    const auto space = expected.find(' ');
    const bool under = *p90 < in_seconds(parse_duration(expected.substr(space + 1)).value_or(Duration{0}));
    if (under == (expected.substr(0, space) == "under")) return expected;
    return duration_text(Duration{static_cast<std::int64_t>(*p90) * 1000});
  }

  std::string restores_to(const std::string& scenario) const {
    const Incident* incident = newest(scenario);
    auto point = incident ? restore_point(state, settings, *incident, now) : std::nullopt;
    return moment(point ? std::optional(point->at) : std::nullopt);
  }

  // nullopt: they are as expected. Warnings about the configuration are findings as well, but no part of a story.
  std::optional<std::string> findings(const std::vector<std::string>& expected) const {
    std::vector<std::string> standing;
    for (const auto& [key, finding] : state.record.findings)
      if (finding.finding != "configuration") standing.push_back(key);
    return same_keys(expected, standing) ? std::nullopt : std::optional(as_list(standing));
  }
};

// "about 69m30s" as "about 1h9m30s": every duration in it as this file writes it.
std::string written_shortest(const std::string& text) {
  std::string shortest;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    std::string word = text.substr(begin, end - begin);
    const std::string sign = word.starts_with('-') ? "-" : "";
    if (const auto duration = parse_duration(word.substr(sign.size()))) word = sign + duration_text(*duration);
    shortest += (begin > 0 ? " " : "") + word;
    begin = end + 1;
  }
  return shortest;
}

}  // namespace

std::vector<StoryFailure> judge_points(const StoryExpectation& e, const Story& story, const State& state, const Settings& settings,
                                       Time now) {
  const Points points{story, state, settings, now};
  std::vector<StoryFailure> failures;
  auto equal = [&](const std::string& what, const std::string& expected, const std::string& actual) {
    if (written_shortest(expected) != actual) failures.push_back({e.at, e.line, what, expected, actual});
  };
  for (const auto& [name, text] : e.exposure) equal("exposure of " + name, text, points.exposure(name));
  for (const auto& [name, text] : e.breach) equal("breach of " + name, text, points.breach(name));
  for (const auto& [name, text] : e.time_to_fix) equal("time to fix of " + name, text, points.time_to_fix(name));
  for (const auto& [name, text] : e.loss) equal("loss of " + name, text, points.loss(name));
  for (const auto& [name, text] : e.restores_to) equal("moment that " + name + " restores to", text, points.restores_to(name));
  for (const auto& [name, text] : e.projected) equal("nine in ten of " + name, text, points.projected(name, text));
  if (e.findings)
    if (auto actual = points.findings(*e.findings)) equal("findings", as_list(*e.findings), *actual);
  return failures;
}

RecoveryReading story_reading(const Story& story, const ProbeSettings& probe, Time now, Duration lag) {
  RecoveryReading reading;
  const auto& every = probe.backup->every;
  reading.continuous = !every;
  reading.whole = true;
  reading.time = now - lag;
  if (every) reading.time = story.start - lag + std::max(now - story.start, Duration{0}) / *every * *every;
  return reading;
}

}  // namespace drwatch
