// SPDX-License-Identifier: Apache-2.0
// The one probe loop: starts runs when the schedule says so, gives each its deadline, times it, and hands on what it saw. No kind can
// forget any of it.
#pragma once

#include "config/settings.hpp"
#include "daemon/recovery/seen/schedule.hpp"
#include "daemon/tasks/change.hpp"
#include "daemon/tasks/task_group.hpp"
#include "probes/probe.hpp"
#include "probes/seams/redaction.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace drwatch {

class Scheduler {
 public:
  struct Hooks {
    std::function<Time()> now;
    // A run ended. `late`: by how much the loop was late while it ran; zero: it was on time.
    std::function<void(const std::string&, Outcome, Duration late)> ran;
    std::function<bool(const std::string&)> confirming;  // a change of its health is being confirmed
    std::function<std::optional<Time>()> due;            // when `tick` is wanted
    std::function<void()> tick;
    std::function<void(const std::string&, std::exception_ptr)> failed;  // a run threw: a bug
    // By how much the loop was late since this moment of boottime, at the most. Empty: it never is.
    std::function<Duration(std::chrono::nanoseconds)> late_since;
  };
  using Make = std::function<std::unique_ptr<Probe>(const ProbeSettings&)>;

  // `make` builds a probe from its settings, once per load. The hooks are called on the loop.
  Scheduler(World world, TaskGroup& tasks, Make make, Hooks hooks);

  void load(std::shared_ptr<const Settings> settings);  // start, and reload: unchanged probes (same fingerprint) go on undisturbed
  void start();
  void wake();  // what `due` names may have become earlier
  // Begins a run at the loop's next turn; while one is running, another follows it. Does nothing for an unknown name.
  void run_now(const std::string& probe);
  // The loop is on time again: what looked bad while it was late is looked at once more.
  void on_time_again();
  // Moves every turn by so much, when the clock has jumped (see Schedule).
  void shift(Duration by);
  std::optional<Time> next_run(const std::string& probe) const { return schedule_.next_run(probe); }
  // Whether runs begin when they should: false when the next one is late by thirty seconds or more.
  bool on_schedule() const;
  // Asks for a run and returns the outcome of the first run that began after the call. nullopt: there is no such probe, or it has gone
  // meanwhile.
  Task<std::optional<Outcome>> next_outcome(std::string probe);

 private:
  using Deadline = std::pair<std::chrono::nanoseconds, std::uint64_t>;  // by boottime; of two at once, the run that began first
  struct Watched {
    std::string name, fingerprint;
    std::shared_ptr<Probe> probe;
    Duration timeout{0};
    Redaction secrets;  // what no outcome of it may show
    std::optional<TaskGroup::Id> running;
    Deadline deadline;    // of the run
    bool late = false;    // it has passed: the run was cancelled
    bool repeat = false;  // a run was bad while the loop was late
    LeftAlone alone;      // after the newest run
    std::uint64_t runs_begun = 0, runs_ended = 0;
    int awaited = 0;              // by so many `next_outcome`
    std::optional<Outcome> last;  // while it is awaited
  };
  Task<void> loop();
  Task<void> run(std::shared_ptr<Watched> watched);
  void begin(const std::string& name);
  void ended(Watched& watched);
  void end_late_runs();
  std::optional<Time> next_turn() const;

  World world_;
  TaskGroup& tasks_;
  Make make_;
  Hooks hooks_;
  Schedule schedule_;
  Change change_, ended_change_;
  std::map<std::string, std::shared_ptr<Watched>> watched_;
  std::map<Deadline, std::shared_ptr<Watched>> deadlines_;  // of the running ones
  std::uint64_t last_run_ = 0;
  std::optional<Time> asleep_until_;  // nullopt: the loop is awake
};

}  // namespace drwatch
