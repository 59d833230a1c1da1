// SPDX-License-Identifier: Apache-2.0
// The production schedule and heart in virtual time, fed as the daemon feeds them (daemon/scheduler, daemon/daemon), with nothing else of
// the daemon around: months pass in seconds. What a run sees and how long it takes is the world's; everything is a function of its seed.
#pragma once

#include "daemon/recovery/input.hpp"
#include "daemon/recovery/seen/schedule.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace drwatch::sim {

class Rehearsal {
 public:
  struct Seen {
    Outcome outcome;
    Duration took{0};  // at most the probe's timeout
  };
  using Look = std::function<Seen(const ProbeSettings&, Time)>;  // a run that begins now
  using Hear = std::function<void(const Event&)>;

  Rehearsal(const Settings& settings, Time start, Look look, Hear hear = {});

  void at(Time when, Input input);  // what a job, a person or another system does
  void run_until(Time end);
  // Asks after every run whether nothing is left to decide, and hands on the answer: a heart that looks only at what can have changed must
  // come to what one that looks at everything comes to.
  struct Doubt {
    std::string probe;
    std::optional<Time> known_due;  // when the heart had wanted to be asked again
    Decision answer;
  };
  void doubt(std::function<void(const Doubt&)> hear) { doubt_ = std::move(hear); }
  Decision feed(const Input& input);
  // What happened elsewhere, as it comes by the journal.
  void add(const std::string& kind, const std::string& scenario, Body body);

  const State& state() const { return state_; }
  Time now() const { return now_; }
  std::size_t runs() const { return runs_; }

 private:
  void begin_runs();
  void end_runs();

  const Settings& settings_;
  Look look_;
  Hear hear_;
  std::function<void(const Doubt&)> doubt_;
  Time now_;
  Schedule schedule_;
  State state_;
  std::optional<Time> due_;
  std::multimap<Time, Input> deeds_;
  std::map<std::pair<Time, std::uint64_t>, std::pair<std::string, Outcome>> running_;  // by when they end, then by when they began
  std::uint64_t order_ = 0;
  std::size_t runs_ = 0;
};

}  // namespace drwatch::sim
