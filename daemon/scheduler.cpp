// SPDX-License-Identifier: Apache-2.0
#include "daemon/scheduler.hpp"

#include "probes/seams/tracer.hpp"
#include "probes/seams/within.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

namespace drwatch {

Scheduler::Scheduler(World world, TaskGroup& tasks, Make make, Hooks hooks)
    : world_(world),
      tasks_(tasks),
      make_(std::move(make)),
      hooks_(std::move(hooks)),
      change_(world.executor),
      ended_change_(world.executor) {}

void Scheduler::load(std::shared_ptr<const Settings> settings) {
  for (auto it = watched_.begin(); it != watched_.end();) {
    Watched& w = *it->second;
    auto probe = settings->probes.find(w.name);
    bool stays = probe != settings->probes.end() && probe->second.fingerprint == w.fingerprint;
    // A probe whose settings changed is a new one: its run under the old settings is cancelled, and neither its outcome nor a time-out is
    // told.
    if (!stays && w.running) {
      deadlines_.erase(w.deadline);
      w.late = false;  // whatever it still comes to is not to be told
      tasks_.cancel(*w.running);
    }
    it = stays ? std::next(it) : watched_.erase(it);
  }
  // Many probes share their secrets (a database's password), and then share what was made of them.
  std::map<std::vector<std::string>, Redaction> made;
  const auto secrets_of = [&made](const ProbeSettings& probe) {
    std::vector<std::string> values;
    for (const Secret& secret : probe.secrets) values.push_back(secret.reveal());
    auto [redaction, fresh] = made.try_emplace(std::move(values));
    if (fresh) redaction->second = Redaction(probe.secrets);
    return redaction->second;
  };
  for (const auto& [name, probe] : settings->probes) {
    // A kind that is called in (heartbeat) has no runs to start.
    if (probe.calls_in() || watched_.count(name)) continue;
    auto w = std::make_shared<Watched>();
    w->name = name;
    w->fingerprint = probe.fingerprint;
    w->probe = make_(probe);
    w->timeout = probe.timeout;
    w->secrets = secrets_of(probe);
    watched_[name] = std::move(w);
  }
  schedule_.load(*settings, hooks_.now());
  wake();
}

// The earlier of the next run and of what the heart asked to be woken for; nullopt: nothing is planned.
std::optional<Time> Scheduler::next_turn() const {
  std::optional<Time> next = schedule_.next();
  if (auto due = hooks_.due(); due && (!next || *due < *next)) next = due;
  return next;
}

// Wakes the loop only for something that is due before it would wake anyway. Waking it at the end of every run would be a good part of what
// a run costs.
void Scheduler::wake() {
  if (!asleep_until_) return;
  auto next = next_turn();
  if (!next || *next >= *asleep_until_) return;
  asleep_until_.reset();
  change_.made();
}

void Scheduler::start() { tasks_.spawn("scheduler", loop()); }

Task<void> Scheduler::loop() {
  // Looks again at least once a minute, should a wake-up ever be missed.
  constexpr Duration longest = minutes{1};
  for (;;) {
    Time now = hooks_.now();
    end_late_runs();
    // Late runs are ended first: a probe whose run is over may be due again.
    for (const std::string& name : schedule_.take_due(now)) begin(name);
    if (auto due = hooks_.due(); due && *due <= now) hooks_.tick();
    now = hooks_.now();
    Time next = std::min(next_turn().value_or(now + longest), now + longest);
    std::chrono::nanoseconds wait = std::max(next - now, Duration{0});
    if (!deadlines_.empty()) wait = std::min(wait, deadlines_.begin()->first.first - world_.clock.boottime());
    asleep_until_ = next;
    co_await within(world_.clock, std::max(wait, std::chrono::nanoseconds{0}), change_.wait());
    asleep_until_.reset();
  }
}

// The deadlines of all runs stand in one ordered map, and the loop ends those that have passed. A timer and a second task for each run
// (within) would cost more than everything else about a run that ends in time.
void Scheduler::end_late_runs() {
  auto now = world_.clock.boottime();
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
    std::shared_ptr<Watched> w = std::move(deadlines_.begin()->second);
    deadlines_.erase(deadlines_.begin());
    w->late = true;
    tasks_.cancel(*w->running);
  }
}

void Scheduler::begin(const std::string& name) {
  auto it = watched_.find(name);
  // Not watched any more: the schedule must still hear that its turn is over.
  if (it == watched_.end()) return schedule_.finished(name, hooks_.now(), false);
  const std::shared_ptr<Watched>& w = it->second;
  ++w->runs_begun;
  w->late = false;
  w->deadline = {world_.clock.boottime() + w->timeout, ++last_run_};
  deadlines_.emplace(w->deadline, w);
  w->running = tasks_.spawn(name, run(w), [this, w] { ended(*w); });
}

Task<void> Scheduler::run(std::shared_ptr<Watched> w) {
  Time at = hooks_.now();
  auto began = world_.clock.boottime();
  std::optional<Outcome> outcome;
  std::exception_ptr thrown;
  // Every run is traced, since only its end tells whether somebody will want to know.
  TracedWorld traced(world_, w->secrets, w->timeout);
  try {
    outcome = co_await w->probe->run(traced.world());
  } catch (const boost::system::system_error& e) {
    bool cancelled = e.code() == boost::asio::error::operation_aborted;
    // Cancelled by a reload or by the end of the daemon: no outcome. Cancelled because it was late: an outcome, below.
    if (cancelled && !w->late) throw;
    if (!cancelled) thrown = std::current_exception();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    hooks_.failed(w->name, thrown);
    // A bug of ours says nothing about the platform: unknown, never down.
    outcome = outcome_of(Health::unknown, Reason::internal, "", "drwatch itself failed while looking");
  } else if (w->late) {  // what came after the deadline does not count
    outcome = traced.ended_by_deadline(w->probe->when_late(), w->timeout);
  }
  // `ended` tells the schedule.
  w->alone = left_alone(*outcome);
  const int times = schedule_.refusals(w->name) + 1;
  if (w->alone.refused_at_most)
    outcome->facts["backs_off"] = "refused " + std::to_string(times) + (times == 1 ? " time" : " times in a row") +
                                  ": not asked again for " + duration_words(wait_of(w->alone, times));
  else if (w->alone.asked > Duration{0})
    outcome->facts["backs_off"] = "it asks for that: not asked again for " + duration_words(w->alone.asked);
  outcome->at = at;
  traced.conclude(*outcome);
  outcome->phases[Phase::total] = std::chrono::duration_cast<std::chrono::microseconds>(world_.clock.boottime() - began);
  const Duration late = hooks_.late_since ? hooks_.late_since(began) : Duration{0};
  w->repeat = late > Duration{0} && outcome->bad();
  if (w->awaited > 0) w->last = outcome;
  hooks_.ran(w->name, std::move(*outcome), late);
}

// By the task group, whichever way the run ended, also cancelled or thrown out of.
void Scheduler::ended(Watched& w) {
  deadlines_.erase(w.deadline);
  w.running.reset();
  ++w.runs_ended;
  schedule_.finished(w.name, hooks_.now(), hooks_.confirming(w.name), w.alone);
  ended_change_.made();
  wake();
}

void Scheduler::run_now(const std::string& probe) {
  schedule_.run_now(probe, hooks_.now());
  wake();
}

void Scheduler::on_time_again() {
  for (const auto& [name, w] : watched_)
    if (std::exchange(w->repeat, false)) run_now(name);
}

void Scheduler::shift(Duration by) {
  schedule_.shift(by);
  if (asleep_until_) *asleep_until_ += by;
  wake();
}

bool Scheduler::on_schedule() const {
  auto next = schedule_.next();
  // Due runs are begun at once, so a turn that is thirty seconds late means that the loop does not turn, or the clock was set.
  return !next || *next > hooks_.now() - seconds{30};
}

Task<std::optional<Outcome>> Scheduler::next_outcome(std::string name) {
  auto it = watched_.find(name);
  if (it == watched_.end()) co_return std::nullopt;
  const std::shared_ptr<Watched> w = it->second;
  const auto leave = [](Watched* awaited) {
    if (--awaited->awaited == 0) awaited->last.reset();
  };
  // The outcome is kept only while somebody waits for it; the unique_ptr counts down however the waiting ends.
  ++w->awaited;
  const std::unique_ptr<Watched, decltype(leave)> waiting(w.get(), leave);
  const std::uint64_t wanted = w->runs_begun + 1;
  run_now(name);
  for (;;) {
    co_await ended_change_.wait();
    it = watched_.find(name);
    if (it == watched_.end()) co_return std::nullopt;
    if (it->second != w) co_return co_await next_outcome(name);  // configured anew meanwhile
    if (w->runs_ended >= wanted) co_return w->last;
  }
}

}  // namespace drwatch
