// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/outlook/measured.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t samples_kept = 32;  // by step and scenario: one that opens every week must not push out one that opens once a year
constexpr std::size_t scores_kept = 100;
constexpr Duration four_quarters = hours{24 * 365};
constexpr const char* notice_key = "(notice)";
constexpr const char* acknowledge_key = "(acknowledge)";
constexpr const char* fixing = "(fix)";

// Keeps the newest samples of each step and scenario, of the last four quarters.
void add(Measured& measured, const std::string& step, Sample sample) {
  auto& list = measured.samples[step];
  std::erase_if(list, [&](const Sample& s) { return s.at < sample.at - four_quarters; });
  const auto same = [&](const Sample& s) { return s.scenario == sample.scenario; };
  if (std::count_if(list.begin(), list.end(), same) >= static_cast<std::ptrdiff_t>(samples_kept))
    list.erase(std::find_if(list.begin(), list.end(), same));
  list.push_back(std::move(sample));
  ++measured.version;
}

template <class Fits>
// The samples of the step that are not too old and fit; what is kept may be older than `now` allows, since it is cleared only when
// something is learned.
std::vector<Sample> chosen(const Measured& measured, const std::string& step, Time now, Fits fits) {
  std::vector<Sample> those;
  auto found = measured.samples.find(step);
  if (found == measured.samples.end()) return those;
  for (const Sample& s : found->second)
    if (s.at >= now - four_quarters && fits(s)) those.push_back(s);
  return those;
}

// A step that was done teaches how long it takes. One that held all along (`proves` is false) took no work, so it teaches nothing; nor does
// one of which a person said so while the platform said the opposite.
void learn_step(Measured& measured, const Incident& incident, const IncidentStep& step) {
  if (step.state != StepState::done || !step.counts() || !step.ended_at || (step.proves && !*step.proves)) return;
  auto begin = step.started_at ? step.started_at : could_begin(incident, step);
  if (!begin || *begin > *step.ended_at) return;
  add(measured, step.plan.id,
      {*step.ended_at, in_seconds(*step.ended_at - *begin), incident.scenario, step.plan.title, incident.data_bytes.value_or(0)});
}

// How good the first projection of the incident was, against what its recovery really took. Of one that a person called over before it was
// seen to recover, nobody knows what it took.
void score(Measured& measured, const Incident& incident) {
  auto first = std::find_if(incident.timeline.begin(), incident.timeline.end(),
                            [&](const Event& e) { return e.kind == "incident.projected" && e.incident == incident.id; });
  if (first == incident.timeline.end() || !incident.recovered_at || incident.recovery_said) return;
  Score s{incident.id, incident.scenario, first->body.number("p50_seconds").value_or(0), first->body.number("p90_seconds").value_or(0),
          in_seconds(*incident.recovered_at - incident.started_at)};
  ++measured.scored;
  measured.within_p50 += s.actual_seconds <= s.p50_seconds;
  measured.within_p90 += s.actual_seconds <= s.p90_seconds;
  measured.scores.push_back(std::move(s));
  if (measured.scores.size() > scores_kept) measured.scores.erase(measured.scores.begin());
}

}  // namespace

std::optional<Time> could_begin(const Incident& incident, const IncidentStep& step) {
  Time begin = incident.opened_at;
  // The first steps of people can begin when somebody has taken the incident; what verifies itself or starts by itself does not wait for
  // that.
  bool waits_for_people = !step.plan.verify && !(step.plan.automatic && !step.plan.run.empty());
  if (waits_for_people && step.plan.after.empty()) {
    if (!incident.acknowledged_at && step.state == StepState::open) return std::nullopt;
    begin = std::max(begin, incident.acknowledged_at.value_or(begin));
  }
  for (const std::string& id : step.plan.after) {
    const IncidentStep* before = incident.step(id);
    if (!before || !incident.needed(*before)) continue;
    if (!before->closed() || !before->ended_at) return std::nullopt;
    begin = std::max(begin, *before->ended_at);
  }
  return begin;
}

void learn(Measured& measured, const Incident& incident) {
  if (incident.false_alarm) return;
  for (const IncidentStep& step : incident.steps) learn_step(measured, incident, step);
  // An incident that a person opened says nothing about how fast drwatch notices.
  if (incident.opened_by == "drwatch")
    add(measured, notice_key, {incident.opened_at, in_seconds(incident.opened_at - incident.started_at), incident.scenario, ""});
  if (incident.acknowledged_at && *incident.acknowledged_at >= incident.opened_at)
    add(measured, acknowledge_key,
        {*incident.acknowledged_at, in_seconds(*incident.acknowledged_at - incident.opened_at), incident.scenario, ""});
  if (incident.recovered_at && !incident.recovery_said)
    add(measured, fixing,
        {*incident.recovered_at, std::max(in_seconds(*incident.recovered_at - incident.detected_at), 0.0), incident.scenario, ""});
  score(measured, incident);
}

void learn(Measured& measured, const DrillTook& drill) {
  for (const auto& [id, took] : drill.steps)
    if (took >= 0) add(measured, id, {drill.at, took, drill.scenario, "", drill.bytes});
  if (drill.recovery) add(measured, fixing, {drill.at, *drill.recovery, drill.scenario, ""});
  ++measured.version;  // that it passed or failed is news as well
}

std::vector<Sample> Measured::of_step(const std::string& scenario, const std::string& step, const std::string& title, Time now) const {
  return chosen(*this, step, now, [&](const Sample& s) { return s.scenario == scenario || (!title.empty() && s.title == title); });
}
std::vector<Sample> Measured::of_noticing(const std::string& scenario, Time now) const {
  return chosen(*this, notice_key, now, [&](const Sample& s) { return s.scenario == scenario; });
}
std::vector<Sample> Measured::of_acknowledging(Time now) const {
  return chosen(*this, acknowledge_key, now, [](const Sample&) { return true; });
}
std::vector<Sample> Measured::of_fixing(Time now) const {
  return chosen(*this, fixing, now, [](const Sample&) { return true; });
}

}  // namespace drwatch
