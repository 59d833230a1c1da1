// SPDX-License-Identifier: Apache-2.0
#include "rehearsal.hpp"

#include <algorithm>

namespace drwatch::sim {

Rehearsal::Rehearsal(const Settings& settings, Time start, Look look, Hear hear)
    : settings_(settings), look_(std::move(look)), hear_(std::move(hear)), now_(start) {
  feed(DaemonStarted{"rehearsal"});
  feed(ConfigurationLoaded{});
  schedule_.load(settings_, now_);
}

void Rehearsal::at(Time when, Input input) { deeds_.emplace(when, std::move(input)); }

Decision Rehearsal::feed(const Input& input) {
  Decision decision = decide(state_, settings_, input, now_);
  due_ = decision.due;
  for (const std::string& probe : decision.run_now) schedule_.run_now(probe, now_);
  if (hear_)
    for (const Event& event : decision.events) hear_(event);
  return decision;
}

void Rehearsal::add(const std::string& kind, const std::string& scenario, Body body) {
  apply(state_.record, Event{state_.record.seq + 1, now_, kind, 1, "rehearsal", "", scenario, "", "", "", std::move(body)});
  feed(Tick{});
}

void Rehearsal::begin_runs() {
  for (const std::string& name : schedule_.take_due(now_)) {
    const ProbeSettings& probe = settings_.probes.at(name);
    Seen seen = look_(probe, now_);
    seen.outcome.at = now_;
    Time end = now_ + std::clamp(seen.took, Duration{0}, probe.timeout);
    running_.emplace(std::pair{end, ++order_}, std::pair{name, std::move(seen.outcome)});
    ++runs_;
  }
}

void Rehearsal::end_runs() {
  while (!running_.empty() && running_.begin()->first.first <= now_) {
    auto [probe, outcome] = std::move(running_.begin()->second);
    running_.erase(running_.begin());
    feed(Ran{probe, std::move(outcome)});
    schedule_.finished(probe, now_, confirming(state_, probe));
    if (!doubt_) continue;
    auto known_due = due_;
    doubt_({probe, known_due, feed(Tick{})});
  }
}

void Rehearsal::run_until(Time end) {
  for (;;) {
    Time next = Time::max();
    if (auto run = schedule_.next()) next = std::min(next, *run);
    if (due_) next = std::min(next, *due_);
    if (!running_.empty()) next = std::min(next, running_.begin()->first.first);
    if (!deeds_.empty()) next = std::min(next, deeds_.begin()->first);
    if (next > end) break;
    now_ = std::max(now_, next);
    while (!deeds_.empty() && deeds_.begin()->first <= now_) {
      Input input = std::move(deeds_.begin()->second);
      deeds_.erase(deeds_.begin());
      feed(input);
    }
    end_runs();
    begin_runs();
    end_runs();  // those that took no time
    if (due_ && *due_ <= now_) feed(Tick{});
  }
  now_ = std::max(now_, end);
}

}  // namespace drwatch::sim
