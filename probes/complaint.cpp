// SPDX-License-Identifier: Apache-2.0
#include "probes/complaint.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// What could not be looked at may be worse than what was found to be merely slow.
int weight(Health h) { return h == Health::down ? 3 : h == Health::unknown ? 2 : h == Health::degraded ? 1 : 0; }

}  // namespace

Outcome verdict(Complaints complaints, const std::string& good) {
  if (complaints.empty()) return outcome_of(Health::up, Reason::none, "", good);
  std::stable_sort(complaints.begin(), complaints.end(),
                   [](const Complaint& a, const Complaint& b) { return weight(a.health) > weight(b.health); });
  std::string text;
  for (const Complaint& c : complaints) text += (text.empty() ? "" : "; ") + c.text;
  return outcome_of(complaints.front().health, complaints.front().reason, "", text);
}

}  // namespace drwatch
