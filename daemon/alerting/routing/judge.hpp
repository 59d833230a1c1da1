// SPDX-License-Identifier: Apache-2.0
// Whom each alert that drwatch may send would reach by a tree of routes. Pure.
#pragma once

#include "config/settings.hpp"
#include "daemon/alerting/routing/tree.hpp"

#include <string>
#include <vector>

namespace drwatch::routing {

// The labels of every alert that this configuration may bring about, in the order of the scenarios and components.
std::vector<Labels> possible_alerts(const Settings& settings);

struct Reached {
  std::string receiver;
  std::vector<std::string> integrations;    // empty: nobody is behind it
  std::vector<std::string> muted, only_in;  // names of the route's time intervals
};
struct Routed {
  Labels alert;
  std::string name;  // "DrwatchRtoBreached of database-outage"
  std::vector<Reached> reaches;
  std::vector<std::string> silenced_by;  // names of alerts that silence it while they fire
};
std::vector<Routed> route_all(const Settings& settings, const Tree& tree);

// Errors: what should wake people and reaches nobody. Warnings: what wakes them when it should not, or may be kept from them.
void judge_routes(const Settings& settings, const Tree& tree, const std::vector<Routed>& routed, const std::string& file,
                  config::Problems& problems);

// "DrwatchRtoBreached of database-outage (critical) -> receiver pager (pagerduty)", a line each.
std::string routes_text(const std::vector<Routed>& routed);

}  // namespace drwatch::routing
