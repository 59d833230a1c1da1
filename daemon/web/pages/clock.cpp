// SPDX-License-Identifier: Apache-2.0
// An incident's clock: how long it has run, when it has to be over, when it probably will be, and until when a way out can be chosen.
#include "daemon/recovery/outlook/projection.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/web/pages/incident.hpp"
#include "daemon/web/pages/wording.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch::web {
namespace {

// The picture's width in its own units; nothing touches its edges.
constexpr double left_edge = 6, right_edge = 994;

struct Scale {
  Time from{};
  Duration span{1};
  int operator()(Time t) const {
    const double part = static_cast<double>((t - from).count()) / static_cast<double>(span.count());
    return static_cast<int>(std::lround(left_edge + std::clamp(part, 0.0, 1.0) * (right_edge - left_edge)));
  }
};

Time after(const Incident& incident, double seconds_after) { return incident.started_at + of_seconds(seconds_after); }

bool projected(const Incident& incident) { return incident.projection && incident.state == IncidentState::open; }

// Where things lie in the picture.
View picture_of(const Incident& incident, Time now, const std::string& said) {
  const Time ended = incident.started_at + incident.elapsed(now);
  Time last = std::max(incident.deadline(), ended);
  if (projected(incident)) last = std::max(last, after(incident, incident.projection->p90_seconds));
  const Scale at{incident.started_at, std::max(Duration{1}, (last - incident.started_at) * 103 / 100)};
  View picture;
  picture["said"] = said;
  picture["gone"] = std::max(2, at(ended) - static_cast<int>(left_edge));
  picture["deadline"] = at(incident.deadline());
  picture["likely"] = nullptr;
  picture["decide"] = nullptr;
  if (projected(incident)) {
    const int from = at(after(incident, incident.projection->p50_seconds)), until = at(after(incident, incident.projection->p90_seconds));
    picture["likely"]["x"] = from;
    picture["likely"]["width"] = std::max(3, until - from);
    picture["decide"]["x"] = at(incident.projection->decide_by);
  }
  return picture;
}

std::string sentence_of(const Incident& incident, Time now) {
  const std::string objective = duration_words(incident.rto), deadline = clock_words(incident.deadline(), now);
  const Duration elapsed = incident.elapsed(now);
  if (incident.state == IncidentState::absorbed) return "It ran for " + duration_words(elapsed) + " here and goes on elsewhere.";
  if (incident.recovery_said)
    return "Called over after " + duration_words(elapsed) + ", never seen to recover; the objective was " + objective + ".";
  if (incident.recovered_at)
    return "Recovered after " + duration_words(elapsed) + ", " + clock_verdict(incident, now) + ": the objective is " + objective + ".";
  const std::string verdict = clock_verdict(incident, now);
  if (verdict == "missed") return "Missed: it had to be over by " + deadline + ", " + duration_words(now - incident.deadline()) + " ago.";
  return (verdict == "on track" ? "On track: " : "At risk: ") + duration_words(incident.deadline() - now) + " left until " + deadline + ".";
}

// "But Database is down again since 02:12 UTC; ..." of an incident that has recovered; empty: nothing is.
std::string again_of(const View& down, const Seen& seen, const Incident& incident) {
  if (down.empty()) return "";
  std::string text;
  for (const auto& each : down)
    text += (text.empty() ? " But " : ", and ") + each["title"].get<std::string>() + " is down again since " + moment_words(each["since"]);
  const auto pending = seen.state.record.pending.find(incident.scenario);
  if (pending == seen.state.record.pending.end()) return text + "; if it is not over, open it again.";
  return text + "; the incident opens again at " + clock_words(pending->second.opens_at, seen.now) + " if that lasts.";
}

// When it will be over, while it is open; and beside "at risk" how likely it is to be missed, if there is a figure that says so.
View outlook_of(const View& projection, const Incident& incident, Time now) {
  if (!projected(incident)) return nullptr;
  const Projection& p = *incident.projection;
  View outlook;
  const auto missing = std::lround(p.missing * 100);
  outlook["words"] =
      "Likely over at " + clock_words(after(incident, p.p50_seconds), now) + ", nine in ten by " +
      clock_words(after(incident, p.p90_seconds), now) + (p.way.empty() ? "" : " by '" + p.way + "'") + " (" + basis_words(p) + ")" +
      (clock_verdict(incident, now) == "at risk" && missing > 0 ? "; " + std::to_string(missing) + " % to miss it" : "") + doubts(p) + ".";
  outlook["path_words"] = text_or_null(words_of(projection["critical_path"]));
  const bool passed = now > p.decide_by;
  outlook["decide_words"] = clock_words(p.decide_by, now) + (passed ? ", which has passed" : ", in " + duration_words(p.decide_by - now));
  outlook["options"] = View::array();
  for (const auto& way : p.ways)
    if (!way.option.empty())
      outlook["options"].push_back("'" + way.option + "': nine in ten by " + clock_words(after(incident, way.p90_seconds), now) +
                                   ", to be chosen by " + clock_words(way.decide_by, now));
  return outlook;
}

}  // namespace

std::string clock_verdict(const Incident& incident, Time now) {
  if (incident.recovered_at || incident.state != IncidentState::open) return incident.elapsed(now) <= incident.rto ? "in time" : "too late";
  switch (judge_rto(incident, now).standing) {
    case Standing::at_risk:
      return "at risk";
    case Standing::breached:
      return "missed";
    case Standing::met:
    case Standing::unproven:
      break;
  }
  return "on track";
}

void word_clock(View& view, const Seen& seen, const Incident& incident) {
  const Time now = seen.now;
  View clock;
  const bool runs = incident.state == IncidentState::open;
  clock["elapsed_label"] = runs ? "running for" : incident.state == IncidentState::absorbed ? "ran for" : "took";
  clock["elapsed_words"] = duration_words(incident.elapsed(now));
  clock["rto_words"] = duration_words(incident.rto);
  clock["runs"] = runs;
  clock["left_words"] = runs ? left_words(incident.deadline(), now) : clock_verdict(incident, now);
  if (incident.recovery_said) clock["left_words"] = "called over, never seen to recover";
  clock["deadline_words"] = clock_words(incident.deadline(), now);
  const std::string verdict = clock_verdict(incident, now);
  const std::string again = again_of(view["down_again"], seen, incident);
  clock["verdict"] = again.empty() ? verdict : "down again";
  clock["verdict_class"] = !again.empty()                                  ? "down"
                           : verdict == "on track" || verdict == "in time" ? "up"
                           : verdict == "at risk"                          ? "degraded"
                                                                           : "down";
  const std::string said = sentence_of(incident, now) + again;
  clock["sentence"] = said;
  clock["outlook"] = outlook_of(view["projection"], incident, now);
  std::string picture = said;
  if (!clock["outlook"].is_null()) picture += " " + clock["outlook"]["words"].get<std::string>();
  clock["picture"] = picture_of(incident, now, picture);
  view["clock"] = std::move(clock);
}

}  // namespace drwatch::web
