// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/complaint.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr Duration tolerated_skew = minutes{5};

}  // namespace

bool is_future(Time point, Time now) { return point > now + tolerated_skew; }

Outcome verdict(Complaints complaints, const std::string& good) {
  if (complaints.empty()) return outcome_of(Health::up, Reason::none, "", good);
  std::stable_sort(complaints.begin(), complaints.end(),
                   [](const Complaint& a, const Complaint& b) { return severity_possible(a.health) > severity_possible(b.health); });
  std::string text;
  for (const Complaint& c : complaints) text += (text.empty() ? "" : "; ") + c.text;
  return outcome_of(complaints.front().health, complaints.front().reason, "", text);
}

}  // namespace drwatch
