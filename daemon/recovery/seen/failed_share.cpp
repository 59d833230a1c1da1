// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/failed_share.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch {
namespace {

std::ptrdiff_t downs(const ShareSight& share) {
  return std::count_if(share.runs.begin(), share.runs.end(), [](const auto& run) { return run.down; });
}

}  // namespace

void note_run(ShareSight& share, const ProbeSettings& probe, const Outcome& outcome) {
  if (outcome.outcome == Health::unknown) return;
  share.runs.push_back({outcome.at, outcome.outcome == Health::down});
  const auto window = static_cast<std::size_t>(std::max(probe.window, 1));
  if (share.runs.size() > window) share.runs.erase(share.runs.begin(), share.runs.end() - static_cast<std::ptrdiff_t>(window));
}

void forget_all_but_newest(ShareSight& share) {
  share.holds = false;
  if (!share.runs.empty()) share.runs.erase(share.runs.begin(), share.runs.end() - 1);
}

std::optional<double> failed_share(const ShareSight& share, const ProbeSettings& probe) {
  if (share.runs.empty() || share.runs.size() < static_cast<std::size_t>(probe.window)) return std::nullopt;
  return static_cast<double>(downs(share)) / static_cast<double>(share.runs.size());
}

bool share_holds(ShareSight& share, const ProbeSettings& probe, bool was) {
  was = was || share.holds;
  const auto is = failed_share(share, probe);
  // Not known anew (drwatch was restarted): as it was.
  share.holds = is ? *is >= probe.failed_share || (was && *is >= probe.failed_share / 2) : was;
  return share.holds;
}

std::string share_words(const ShareSight& share) {
  if (share.runs.empty()) return "";
  const auto n = static_cast<std::ptrdiff_t>(share.runs.size());
  return std::to_string(downs(share)) + " of the last " + std::to_string(n) + " runs were down (" +
         std::to_string(std::lround(100.0 * static_cast<double>(downs(share)) / static_cast<double>(n))) + " %)";
}

std::optional<Time> first_down(const ShareSight& share) {
  const auto first = std::find_if(share.runs.begin(), share.runs.end(), [](const auto& run) { return run.down; });
  return first == share.runs.end() ? std::nullopt : std::optional(first->at);
}

}  // namespace drwatch
