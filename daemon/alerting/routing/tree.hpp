// SPDX-License-Identifier: Apache-2.0
// Alertmanager's configuration, as far as it decides whom an alert reaches. Only this folder knows YAML.
#pragma once

#include "daemon/alerting/routing/matcher.hpp"

#include <string>
#include <vector>

namespace drwatch::routing {

struct Receiver {
  std::string name;
  std::vector<std::string> integrations;  // pagerduty, slack, email, ...; empty: it reaches nobody
};

struct Route {
  std::string receiver;  // its own, or that of the route above it
  Matchers matchers;
  bool go_on = false;                       // `continue`
  std::vector<std::string> muted, only_in;  // names of time intervals
  int line = 0;                             // in the file
  std::vector<Route> routes;
};

// While an alert stands that the source matches, with the same values of `equal`, what the target matches is told to nobody.
struct Inhibition {
  Matchers source, target;
  std::vector<std::string> equal;
  // Whether `source` while it stands silences `target`.
  bool silences(const Labels& source_alert, const Labels& target_alert) const;
};

struct Tree {
  Route root;
  std::vector<Receiver> receivers;
  std::vector<Inhibition> inhibitions;

  const Receiver& receiver(const std::string& name) const;
  // The routes that an alert takes, in their order: one, or more where a route goes on. Never none.
  std::vector<const Route*> taken(const Labels& alert) const;
};

// Throws std::invalid_argument: "LINE:COLUMN: what; what to do".
Tree parse_tree(const std::string& yaml);

}  // namespace drwatch::routing
