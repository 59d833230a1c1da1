// SPDX-License-Identifier: Apache-2.0
// Who decides in an incident, and who may work on it: asked for when nobody has time to look it up.
#include "config/rows/text.hpp"
#include "daemon/web/api/view.hpp"

namespace drwatch::web {
namespace {

// The owners of what comes right before the ways out that people choose from. None: there is nothing to choose.
std::vector<std::string> deciding_roles(const Incident& incident) {
  std::vector<std::string> roles;
  for (const IncidentStep& way : incident.steps) {
    if (way.plan.option.empty()) continue;
    for (const std::string& before : way.plan.after) {
      const IncidentStep* step = incident.step(before);
      if (step && step->plan.option.empty() && step->plan.owner && !has(roles, *step->plan.owner)) roles.push_back(*step->plan.owner);
    }
  }
  return roles;
}

}  // namespace

View deciders_view(const Settings& settings, const Incident& incident) {
  View view{{"roles", deciding_roles(incident)}, {"people", View::array()}};
  for (const char* role : {"responder", "admin"})
    for (const auto& [name, token] : settings.server.tokens)
      if (token.role == role) view["people"].push_back({{"name", name}, {"role", role}});
  return view;
}

}  // namespace drwatch::web
