// SPDX-License-Identifier: Apache-2.0
// What a provider's status page says, and what of it concerns us. Two shapes are read: Atlassian Statuspage (/api/v2/summary.json) and
// incident.io (its widget's JSON).
#pragma once

#include "probes/seams/world.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

// In the order of badness.
enum class Trouble { none, maintenance, degraded, partial_outage, major_outage };
std::string_view trouble_name(Trouble t);  // "major_outage"

struct PageComponent {
  std::string name, group;
  std::optional<Trouble> trouble;  // nullopt: the page gives no status
};
struct PageIncident {
  std::string name, status, url;
  std::string text;                     // of its updates
  std::vector<std::string> components;  // as the page names them; empty: it names none
  Trouble trouble = Trouble::degraded;
};
struct PageReport {
  std::string shape;            // "statuspage" | "incident.io"
  std::string name, indicator;  // may be empty
  std::optional<Time> updated;
  std::vector<PageComponent> components;
  std::vector<PageIncident> incidents;  // open ones, and maintenance in progress
  std::string unread;                   // what of it was not read, in words; empty: all was
};

// By the shape, not by the host. Fails with protocol when it is neither.
Result<PageReport> read_status_page(std::string_view body);

struct PageInterest {
  std::vector<std::string> components, regions;  // empty: all
};

struct PageVerdict {
  Trouble worst = Trouble::none;
  std::string message;                // what is said of what concerns us
  std::vector<std::string> affected;  // components, and incidents by name
  std::string url;                    // of the worst incident; may be empty
  std::vector<std::string> missing;   // components that the page should list and does not
  std::string unread;                 // why "nothing" can't be said, in words; empty: it can
};

// The global indicator has no say: `none` was measured beside an open incident. An incident counts when it names a component of ours, or
// none at all, and unless it names regions of which none is ours (and does not say that all are affected).
PageVerdict judge(const PageReport& report, const PageInterest& interest);

}  // namespace drwatch
