// SPDX-License-Identifier: Apache-2.0
// Scenario tests: a runbook's unit tests in virtual time, on the production code. Contract: "Scenario tests".
#pragma once

#include "config/rows/document.hpp"
#include "config/settings.hpp"
#include "daemon/recovery/input.hpp"
#include "probes/outcome.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace drwatch {

// From `at` on (to `until`, if given), runs of these probes see this.
struct StoryChange {
  Duration at{0};
  int line = 0;
  std::optional<Duration> until;
  std::vector<std::string> probes;
  std::optional<std::string> outcome, reason, code, message;
  std::optional<std::string> recovery_point;  // "follows" | "stalls" | "none" | a time
  std::optional<Duration> lag;                // 30 s
  std::optional<double> data_gib;             // how much data there is, as they read it
  std::optional<double> share;                // only so many of the runs of each probe see it, evenly spread; nullopt: all
};
constexpr Duration story_lag = seconds{30};
// What a person, a job or another system does.
struct StoryDeed {
  Duration at{0};
  int line = 0;
  std::optional<Duration> every, until;  // repeated each `every`, up to `until`
  std::vector<Input> inputs;             // they name incidents by their scenario; the id is put in when the deed is done
  bool restart = false;
  std::optional<Duration> clock;  // the wall clock is set forward, or back
  std::optional<Duration> late;   // drwatch's own loop is late at every turn, for so long
  bool refused = false;           // the story expects that the heart refuses it
};
// What has to be true at this moment, after everything that happens at it. Empty maps and nullopt: not asked.
struct StoryExpectation {
  Duration at{0};
  int line = 0;
  std::map<std::string, std::string> health, states, standing, drills;
  std::map<std::string, Duration> started, recovered;
  // "database host" = "5m", "about 5m", "everything", "not known"; breach and restores_to: from `start`, or "none".
  // projected: what nine in ten recoveries would take, "under 3h" or "over 3h".
  std::map<std::string, std::string> exposure, breach, loss, restores_to, time_to_fix, projected;
  std::optional<std::vector<std::string>> findings;
  std::map<std::string, std::map<std::string, std::string>> steps;
  std::optional<std::vector<std::string>> incidents, alerts, pending;
  std::optional<bool> blind;
};
struct Story {
  std::string file, config;
  Time start{};
  std::vector<StoryChange> changes;
  std::vector<StoryDeed> deeds;
  std::vector<StoryExpectation> expectations;
};
// Reads and checks a story. nullopt when one of the problems is an error.
std::optional<Story> read_story(const std::string& file, config::Problems& problems);
// Adds what can never happen or never fail in the story, whatever the configuration is. read_story() does this.
void check_sense(const Story& story, config::Problems& problems);
// Adds the probes, components, scenarios and steps that the story names and the configuration under test does not have.
void check_story(const Story& story, const Settings& settings, config::Problems& problems);

struct StoryFailure {
  Duration at{0};
  int line = 0;
  std::string what, expected, actual;  // "health of database", "down", "up"
};
struct StoryResult {
  std::vector<StoryFailure> failures;
  std::vector<Event> events;  // all of them, for the timeline
  std::size_t runs = 0;
};
// points.cpp: how an expectation writes what stands about recovery points at the moment.
std::vector<StoryFailure> judge_points(const StoryExpectation& e, const Story& story, const State& state, const Settings& settings,
                                       Time now);
// What a backup probe reads in a story that says nothing else: `lag` behind now; with `every`, a point each `every` from `start` on.
RecoveryReading story_reading(const Story& story, const ProbeSettings& probe, Time now, Duration lag);

// outcome.cpp: what a run sees of a change that has an `outcome`.
Outcome story_outcome(const StoryChange& change, bool of_a_database);
// Whether the run of this number (from 0, since the change began) is one of the `share` that sees it. The first always is; with 0.5 every
// other one.
bool in_share(double share, std::uint64_t run);

// Plays the story in virtual time and returns what was not as expected. It waits for nothing and touches nothing outside.
StoryResult run_story(const Story& story, const Settings& settings);

}  // namespace drwatch
