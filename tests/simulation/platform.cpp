// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include <algorithm>

namespace drwatch::sim {
namespace {

constexpr std::int64_t archived_every = 20;
constexpr std::size_t dumps_kept = 3;

SimSource source(std::string probe, SimSource::Way way, bool positions, bool own_time, int every = 0) {
  SimSource s;
  s.probe = std::move(probe);
  s.way = way;
  s.positions = positions;
  s.own_time = own_time;
  s.every = every;
  return s;
}

SimDatabase database(std::string component, std::string asked_by, int pace, std::vector<SimSource> sources) {
  SimDatabase d;
  d.component = std::move(component);
  d.asked_by = std::move(asked_by);
  d.pace = pace;
  d.sources = std::move(sources);
  return d;
}

}  // namespace

// As tests/simulation/drwatch.toml has it.
SimPlatform::SimPlatform(Clock& clock, Truth& truth, std::function<Time()> said) : clock_(clock), truth_(truth), said_(std::move(said)) {
  using Way = SimSource::Way;
  std::vector<SimDatabase> all = {// Busy, with one source of each kind.
                                  database("database", "primary", 7,
                                           {source("standby", Way::streams, true, false), source("wal-archive", Way::claims, true, true),
                                            source("repository", Way::walks, true, false), source("dump", Way::dumps, false, true, 1200)}),
                                  // Nothing is written but the canary.
                                  database("quiet", "quiet-primary", 0, {source("quiet-archive", Way::walks, true, true)}),
                                  // Without a canary no position means anything.
                                  database("reports", "", 11, {source("reports-archive", Way::walks, true, true)}),
                                  // Files: no positions at all.
                                  database("storage", "", 13, {source("files-copy", Way::dumps, false, true, 600)})};
  for (SimDatabase& d : all) {
    commit(d, clock_.now());
    if (!d.asked_by.empty()) places_[d.asked_by] = {d.component, 0, true};
    for (std::size_t n = 0; n < d.sources.size(); ++n) places_[d.sources[n].probe] = {d.component, n, false};
    databases_[d.component] = std::move(d);
  }
}

// ---- what happens by itself

void SimPlatform::advance() {
  const auto boot = clock_.boottime();
  const Time said = said_(), wall = clock_.now();
  const auto until = std::chrono::duration_cast<seconds>(boot).count();
  for (; second_ < until; ++second_) {
    const auto ago = std::chrono::duration_cast<Duration>(boot - seconds{second_ + 1});
    for (auto& [component, database] : databases_) tick(database, second_ + 1, said - ago, wall - ago);
  }
}

void SimPlatform::tick(SimDatabase& d, std::int64_t second, Time at, Time wall) {
  for (SimSource& s : d.sources) {
    if (s.way == SimSource::Way::streams && works(s.probe) && !d.history.empty()) {
      s.holds = d.history.size();
      s.position = d.history.back().position;
    }
    if (s.way == SimSource::Way::dumps && works(s.probe) && second % s.every == 0) {
      s.dumps.push_back({at, wall, d.history.size()});
      if (s.dumps.size() > dumps_kept) s.dumps.erase(s.dumps.begin());
    }
  }
  if (second % archived_every == 0) archive(d, wall);
  if (d.writable && d.pace > 0 && second % d.pace == 0) commit(d, at);
}

void SimPlatform::archive(SimDatabase& d, Time wall) {
  auto archiver = std::find_if(d.sources.begin(), d.sources.end(),
                               [](const SimSource& s) { return s.way == SimSource::Way::claims || s.way == SimSource::Way::walks; });
  if (archiver == d.sources.end() || !works(archiver->probe)) return;
  auto& a = d.archive;
  a.claimed = d.history.size();
  a.claimed_to = d.history.back().position;
  a.claimed_wall = wall;
  a.broken = a.broken || a.lies;
  if (a.broken) return;
  a.stored = a.claimed;
  a.stored_to = a.claimed_to;
}

// While drwatch's time catches up, what passed without a look at it was longer than it shows: no commit comes before the one before it.
void SimPlatform::commit(SimDatabase& d, Time at) {
  const std::uint64_t lsn = d.history.empty() ? 0 : d.history.back().position.lsn;
  if (!d.history.empty()) at = std::max(at, d.history.back().at);
  d.history.push_back({at, {d.timeline, lsn + 100}});
}

// ---- trouble

// The standby takes over: what it did not hold is no part of history, and the log goes on from there on a timeline of its own.
void SimPlatform::fail_over(SimDatabase& d) {
  const std::size_t fork = d.sources.front().holds;
  if (fork == 0) return;
  d.history.resize(std::min(d.history.size(), fork));
  ++d.timeline;
  d.archive.stored = std::min(d.archive.stored, fork);
  d.archive.claimed = std::min(d.archive.claimed, fork);
  for (SimSource& s : d.sources) {
    for (Read& read : s.reads) read.holds = std::min(read.holds, fork);
    for (SimSource::Dump& dump : s.dumps) dump.holds = std::min(dump.holds, fork);
  }
}

void SimPlatform::lose_segments(SimDatabase& d, Chance& chance) {
  auto& a = d.archive;
  const std::size_t lost = 1 + chance.roll() % 20;
  if (a.stored <= lost + 1) return;
  a.broken = true;
  a.stored -= lost;
  a.stored_to = d.history[a.stored - 1].position;
}

void SimPlatform::trouble(Chance& chance) {
  advance();
  auto which = databases_.begin();
  std::advance(which, static_cast<std::ptrdiff_t>(chance.roll() % databases_.size()));
  SimDatabase& busy = databases_.at("database");
  switch (chance.roll() % 8) {
    case 0:
    case 1:
      which->second.writable = !which->second.writable;
      break;
    case 2:
      busy.archive.lies = !busy.archive.lies;
      break;
    case 3:
      lose_segments(busy, chance);
      break;
    case 4:
      fail_over(busy);
      break;
    case 5:
      busy.archive.broken = busy.archive.lies;
      break;  // a base backup
    case 6:   // a retention that takes too much
      for (SimSource& s : which->second.sources)
        if (!s.dumps.empty()) s.dumps.pop_back();
      break;
    case 7:
      which->second.archive.broken = which->second.archive.lies;
      break;
  }
}

void SimPlatform::mend() {
  advance();
  for (auto& [component, d] : databases_) {
    d.writable = true;
    d.archive.lies = d.archive.broken = false;
  }
}

void SimPlatform::clock_set() {
  advance();
  // What was just read may be told behind it.
  for (auto& [component, d] : databases_)
    for (SimSource& s : d.sources)
      if (!s.reads.empty() && s.reads.back().at >= said_() - seconds{1}) s.reads.back().doubtful = true;
  clock_set_at_ = clock_.boottime();
}

}  // namespace drwatch::sim
