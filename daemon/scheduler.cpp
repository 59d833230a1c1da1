// SPDX-License-Identifier: Apache-2.0
#include "daemon/scheduler.hpp"

#include "daemon/within.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace drwatch {

Scheduler::Scheduler(World world, TaskGroup& tasks, Make make, Hooks hooks)
    : world_(world), tasks_(tasks), make_(std::move(make)), hooks_(std::move(hooks)), change_(world.executor), ended_change_(world.executor) {}

void Scheduler::load(std::shared_ptr<const Settings> settings) {
  for (auto it = watched_.begin(); it != watched_.end();) {
    auto probe = settings->probes.find(it->first);
    bool stays = probe != settings->probes.end() && probe->second.fingerprint == it->second.fingerprint;
    if (!stays && it->second.running) tasks_.cancel(*it->second.running);
    it = stays ? std::next(it) : watched_.erase(it);
  }
  for (const auto& [name, probe] : settings->probes) {
    if (probe.job || watched_.count(name)) continue;
    Watched& w = watched_[name];
    w.fingerprint = probe.fingerprint;
    w.probe = make_(probe);
    w.timeout = probe.timeout;
  }
  schedule_.load(*settings, hooks_.now());
  wake();
}

void Scheduler::start() { tasks_.spawn("scheduler", loop()); }

Task<void> Scheduler::loop() {
  for (;;) {
    Time now = hooks_.now();
    for (const std::string& name : schedule_.take_due(now)) begin(name);
    if (auto due = hooks_.due(); due && *due <= now) hooks_.tick();
    std::optional<Time> next = schedule_.next();
    if (auto due = hooks_.due(); due && (!next || *due < *next)) next = due;
    Duration wait = next ? std::clamp(*next - hooks_.now(), Duration{0}, Duration{minutes{1}}) : Duration{minutes{1}};
    co_await within(world_.clock, wait, change_.wait());
  }
}

void Scheduler::begin(const std::string& name) {
  auto it = watched_.find(name);
  if (it == watched_.end()) return schedule_.finished(name, hooks_.now(), false);
  Watched& w = it->second;
  ++w.runs_begun;
  w.running = tasks_.spawn(name, run(name, w.probe, w.timeout), [this, name] { ended(name); });
}

Task<void> Scheduler::run(std::string name, std::shared_ptr<Probe> probe, Duration timeout) {
  Time at = hooks_.now();
  auto began = world_.clock.boottime();
  std::optional<Outcome> outcome;
  std::exception_ptr thrown;
  try {
    outcome = co_await within(world_.clock, timeout, probe->run(world_));
    if (!outcome) outcome = outcome_of(Health::down, Reason::timeout, "", "no answer within " + duration_words(timeout));
  } catch (const boost::system::system_error& e) {
    if (e.code() == boost::asio::error::operation_aborted) throw;
    thrown = std::current_exception();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    hooks_.failed(name, thrown);
    outcome = outcome_of(Health::unknown, Reason::internal, "", "drwatch itself failed while looking");
  }
  outcome->at = at;
  outcome->phases[Phase::total] = std::chrono::duration_cast<std::chrono::microseconds>(world_.clock.boottime() - began);
  if (auto it = watched_.find(name); it != watched_.end()) it->second.last = outcome;
  hooks_.ran(name, std::move(*outcome));
}

void Scheduler::ended(const std::string& name) {
  if (auto it = watched_.find(name); it != watched_.end()) {
    it->second.running.reset();
    ++it->second.runs_ended;
  }
  schedule_.finished(name, hooks_.now(), hooks_.confirming(name));
  ended_change_.made();
  wake();
}

void Scheduler::run_now(const std::string& probe) {
  schedule_.run_now(probe, hooks_.now());
  wake();
}

void Scheduler::shift(Duration by) {
  schedule_.shift(by);
  wake();
}

bool Scheduler::on_schedule() const {
  auto next = schedule_.next();
  return !next || *next > hooks_.now() - seconds{30};
}

Task<std::optional<Outcome>> Scheduler::next_outcome(std::string name) {
  auto it = watched_.find(name);
  if (it == watched_.end()) co_return std::nullopt;
  std::uint64_t wanted = it->second.runs_begun + 1;
  run_now(name);
  for (;;) {
    co_await ended_change_.wait();
    it = watched_.find(name);
    if (it == watched_.end()) co_return std::nullopt;
    if (it->second.runs_ended >= wanted) co_return it->second.last;
  }
}

}  // namespace drwatch
