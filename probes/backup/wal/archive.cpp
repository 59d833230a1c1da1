// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/wal/archive.hpp"

#include <algorithm>

namespace drwatch {
namespace {

// The timelines that lead to a target, oldest first, each with the number of its first segment.
struct Line {
  struct Part {
    std::uint32_t timeline;
    std::uint64_t first_number;
    std::uint64_t left_at;  // position
  };
  std::vector<Part> parts;

  // Where a switch lies within a segment, the child has a copy of its beginning: recovery reads the child's file.
  Segment at(std::uint64_t number) const {
    auto part = std::find_if(parts.rbegin(), parts.rend(), [&](const Part& p) { return p.first_number <= number; });
    return {part->timeline, number};
  }
  bool includes(const BaseBackup& backup) const {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const Part& p) { return p.timeline == backup.start.timeline && backup.stop_lsn <= p.left_at; });
  }
};

// Without a history file the target stands alone, as after an initdb.
Line line_to(std::uint32_t target, const std::map<std::uint32_t, std::vector<Ancestor>>& histories, std::uint64_t size) {
  Line line;
  std::uint64_t from = 0;
  if (const auto history = histories.find(target); history != histories.end())
    for (const Ancestor& ancestor : history->second) {
      line.parts.push_back({ancestor.timeline, from, ancestor.left_at});
      from = ancestor.left_at / size;
    }
  line.parts.push_back({target, from, UINT64_MAX});
  // `at` asks for numbers from 0 on: the oldest part begins there by construction.
  return line;
}

// Stretches of segments that were walked along a line, by the first one's number: the last one's.
using Walked = std::map<std::uint64_t, std::uint64_t>;

// From segment `number` on, along the line, as far as no segment is missing. nullopt: the first one is not there. What was walked before
// is not walked again: a hundred base backups over the same segments would otherwise cost a hundred times as much as one.
std::optional<Chain> walk(const ArchiveListing& listing, const Line& line, std::uint64_t number, Walked& walked) {
  if (!listing.held.contains(line.at(number))) return std::nullopt;
  Chain chain;
  chain.first = line.at(number);
  const auto behind = walked.upper_bound(number);
  if (behind != walked.begin() && std::prev(behind)->second >= number) {
    number = std::prev(behind)->second;
  } else {
    const auto first = number;
    while (listing.held.contains(line.at(number + 1)))
      if (const auto known = walked.find(++number); known != walked.end()) number = known->second;
    walked[first] = number;
  }
  chain.last = line.at(number);
  chain.written = listing.held.at(chain.last);
  return chain;
}

std::optional<Chain> best_from_backups(const ArchiveListing& listing, const std::vector<BaseBackup>& backups, const Line& line) {
  std::optional<Chain> best;
  Walked walked;
  for (const BaseBackup& backup : backups) {
    if (!line.includes(backup)) continue;
    auto chain = walk(listing, line, backup.start.number, walked);
    // A backup is consistent only when everything up to its stop is replayed (PostgreSQL documentation, Continuous Archiving).
    if (!chain || chain->last.number < backup.stop.number) continue;
    // Of two that reach as far, the newer one: replay is shorter.
    if (best && std::pair(best->last.number, best->first.number) >= std::pair(chain->last.number, chain->first.number)) continue;
    chain->base = backup;
    best = std::move(chain);
  }
  return best;
}

std::optional<Chain> from_oldest(const ArchiveListing& listing, const Line& line) {
  std::optional<std::uint64_t> oldest;
  for (const auto& [segment, written] : listing.held)
    if (line.at(segment.number) == segment && (!oldest || segment.number < *oldest)) oldest = segment.number;
  Walked none;
  return oldest ? walk(listing, line, *oldest, none) : std::nullopt;
}

std::optional<Segment> newest_on(const ArchiveListing& listing, const Line& line) {
  std::optional<Segment> newest;
  for (const auto& [segment, written] : listing.held)
    if (line.at(segment.number) == segment && (!newest || segment.number > newest->number)) newest = segment;
  return newest;
}

}  // namespace

ArchiveReading read_archive(const ArchiveListing& listing, const std::vector<BaseBackup>& backups,
                            const std::map<std::uint32_t, std::vector<Ancestor>>& histories, std::uint64_t size,
                            std::optional<std::uint32_t> timeline) {
  // Recovery follows the newest timeline by default (recovery_target_timeline = latest).
  std::set<std::uint32_t, std::greater<>> targets;  // newest first
  for (const auto& [segment, written] : listing.held)
    if (!timeline || segment.timeline <= *timeline) targets.insert(segment.timeline);

  ArchiveReading reading;
  std::optional<Line> chosen;
  for (const std::uint32_t target : targets) {
    const Line line = line_to(target, histories, size);
    reading.chain = best_from_backups(listing, backups, line);
    if (!reading.chain) continue;
    chosen = line;
    if (target != *targets.begin()) reading.orphan = *targets.begin();
    break;
  }
  if (!chosen && !targets.empty()) {
    chosen = line_to(*targets.begin(), histories, size);
    reading.chain = from_oldest(listing, *chosen);
  }
  if (!reading.chain) return reading;
  reading.newest = newest_on(listing, *chosen);
  for (auto number = reading.chain->last.number + 1; number < reading.newest->number && reading.missing.size() < most_missing; ++number)
    if (!listing.held.contains(chosen->at(number))) reading.missing.push_back(chosen->at(number));
  return reading;
}

}  // namespace drwatch
