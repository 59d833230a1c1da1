// SPDX-License-Identifier: Apache-2.0
// The graph of an incident's remaining steps, each with how long it takes: what a projection draws from. Only projection.cpp includes it.
#pragma once

#include "daemon/recovery/outlook/spread.hpp"
#include "daemon/recovery/record/state.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch {

struct Node {
  const IncidentStep* step = nullptr;
  std::vector<std::size_t> after;  // nodes; always earlier in the list
  Spread spread{std::nullopt, {}};
  std::uint64_t stream = 0;
  double elapsed = 0;             // it is being worked on, or could be, for so long
  std::optional<double> holding;  // verified, and holds: what is left of its `hold`
  bool waits_for_people = false;  // nobody has taken the incident yet
  bool gates = false;             // the incident is not over before it ends
  bool by_the_hour = false;       // measured at such an hour as it is
};

struct Source {  // what a graph is made from
  const State& state;
  const Settings& settings;
  const Incident& incident;
  Time now;
  std::optional<double> bytes = {};  // of the data that it has to bring back
  bool begun = true;                 // false: nothing of it has happened, it is asked what would
};

using Options = std::set<std::string>;  // ways out that are taken together

class Graph {
 public:
  Graph(const Source& from, const Options& options);
  std::vector<Node>& nodes() { return nodes_; }
  bool by_health() const { return from_.incident.exit.by != Exit::By::steps; }
  bool known() const;  // of some step it is known how long it takes

 private:
  std::optional<std::size_t> add(const IncidentStep& step);
  void mark_gates();

  const Source& from_;
  const Options& options_;
  std::vector<Node> nodes_;
  std::map<std::string, std::size_t> at_;
  std::set<std::string> adding_;
};

}  // namespace drwatch
