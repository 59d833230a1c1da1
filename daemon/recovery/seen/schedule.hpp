// SPDX-License-Identifier: Apache-2.0
// When each probe runs: spread over its interval in shared slots, retried while a change of health is being confirmed, never overlapping
// itself. Pure: it is told the time and says what is due.
#pragma once

#include "config/rows/time.hpp"
#include "config/settings.hpp"
#include "probes/outcome.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace drwatch {

// For how long a target is left alone after a run, besides its turn.
struct LeftAlone {
  // It refused drwatch itself: `refusal_wait`, growing from run to run, but never longer than this.
  std::optional<Duration> refused_at_most;
  Duration asked{0};  // it asked for so long, from the end of the run
};
// What the outcome means for the next run. Who turns drwatch away for asking too often is asked again after five minutes at the latest, and
// so is who asks for more: else a target would decide for how long nobody looks at it.
LeftAlone left_alone(const Outcome& outcome);

class Schedule {
 public:
  // `spread` false: every probe runs at `start` and each interval after (scenario tests).
  explicit Schedule(bool spread = true) : spread_(spread) {}

  // Takes over the settings. New and changed probes start within the shorter of their interval and 30 s; an unchanged one keeps its phase.
  void load(const Settings& settings, Time now);

  std::optional<Time> next() const;             // when take_due will have something
  std::vector<std::string> take_due(Time now);  // starts them: they are running until `finished`
  // confirming: run again after `retry`, else at the next point of its grid; in either case not before `alone` is over.
  void finished(const std::string& probe, Time now, bool confirming, LeftAlone alone = {});
  void run_now(const std::string& probe, Time now);  // out of turn; when it is running, once more after it
  void shift(Duration by);                           // the wall clock jumped: keep the distances
  std::optional<Time> next_run(const std::string& probe) const;
  int refusals(const std::string& probe) const;  // in a row, up to its last run

 private:
  struct Entry {
    Duration interval{0}, retry{0}, phase{0}, slot{0};
    std::string fingerprint;
    std::optional<Time> due;  // nullopt while running
    Time started{};
    bool running = false, again = false;
    int refusals = 0;
  };
  void set_due(const std::string& probe, Entry& entry, std::optional<Time> due);
  Time grid_after(const Entry& entry, Time t) const;

  bool spread_;
  Time origin_{};
  std::map<std::string, Entry> entries_;
  std::set<std::pair<Time, std::string>> queue_;
};

// How long a target that has refused drwatch `times` in a row (wrong password, rejected token, too many requests) is left alone, from the
// start of the run: 20 s, twice as long each time, at most 10 minutes. Poolers and identity providers lock out who goes on asking, and
// often whoever else uses the same credentials or address.
Duration refusal_wait(int times);
// The same, bounded by what `alone` allows, and not shorter than it asks.
Duration wait_of(const LeftAlone& alone, int times);

// 64-bit FNV-1a: a probe's place in its interval is derived from its name, the same on every start.
std::uint64_t stable_hash(std::string_view text);

}  // namespace drwatch
