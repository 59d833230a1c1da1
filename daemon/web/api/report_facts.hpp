// SPDX-License-Identifier: Apache-2.0
// What the report says of an incident, in Markdown and in JSON, worked out once.
#pragma once

#include "daemon/web/api/view.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace drwatch::web {

// How one objective was kept. `actual` of an RPO is what a loss would have cost, as it stands when the report is drafted.
struct KeptObjective {
  std::string component;  // empty: the incident's RTO
  DisasterClass of_class = DisasterClass::host;
  std::optional<Duration> target, actual;
  std::optional<Time> recovery_point;
  std::string source, why_none;  // `why_none`: there is no recovery point, and this is why
  bool estimated = false;
};

struct ReportFacts {
  // The first step after the opening that people, or a command, closed; nullopt: none was.
  std::optional<Time> mitigated_at;
  std::string mitigated_by_step;
  std::vector<std::pair<Time, Time>> unwatched;  // drwatch was blind, or did not run
  std::vector<const Event*> deviations;          // steps skipped, failed, interrupted, begun early, said against the evidence, failed again
  std::vector<const Event*> hands;               // who had it: taken, handed on
  std::vector<const Event*> projections;
  std::vector<KeptObjective> points;  // of what it affects, by class
};
// Must not outlive the incident.
ReportFacts report_facts(const Seen& seen, const Incident& incident);

// The facts as a document.
View report_view(const Seen& seen, const Incident& incident);

}  // namespace drwatch::web
