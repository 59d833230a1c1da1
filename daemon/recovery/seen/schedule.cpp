// SPDX-License-Identifier: Apache-2.0
#include "daemon/recovery/seen/schedule.hpp"

#include <algorithm>

namespace drwatch {

// FNV-1a, 64 bits (Fowler, Noll, Vo): its offset basis and its prime.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t h = 14695981039346656037ull;
  for (unsigned char c : text) {
    h ^= c;
    h *= 1099511628211ull;
  }
  return h;
}

namespace {
// Waking up is what costs, so starts share slots of a hundredth of the interval, 20 to 100 ms.
Duration slot_for(Duration interval) { return std::clamp(interval / 100, Duration{20}, Duration{100}); }

Duration floor_to(Duration d, Duration slot) { return d - d % slot; }
}  // namespace

// 20 s, 40 s, 80 s, ... 10 minutes.
Duration refusal_wait(int times) {
  constexpr Duration first = seconds{20}, longest = minutes{10};
  Duration wait = first;
  for (int i = 1; i < times && wait < longest; ++i) wait *= 2;
  return std::min(wait, longest);
}

LeftAlone left_alone(const Outcome& outcome) {
  LeftAlone alone;
  const bool too_often = outcome.rate_limited || outcome.code == "429";
  if (outcome.outcome != Health::up && outcome.wait) alone.asked = std::clamp(*outcome.wait, Duration{0}, Outcome::longest_wait);
  // Who says when to come again is not asked later than that.
  if (outcome.refused() && !(too_often && alone.asked > Duration{0}))
    alone.refused_at_most = too_often ? Outcome::longest_wait : Duration{hours{1}};
  return alone;
}

Duration wait_of(const LeftAlone& alone, int times) {
  const Duration refused = alone.refused_at_most ? std::min(refusal_wait(times), *alone.refused_at_most) : Duration{0};
  return std::max(refused, alone.asked);
}

// The one place where `due` changes, so that the queue and the entries agree.
void Schedule::set_due(const std::string& probe, Entry& entry, std::optional<Time> due) {
  if (entry.due) queue_.erase({*entry.due, probe});
  entry.due = due;
  if (due) queue_.insert({*due, probe});
}

// The first point of the probe's grid (origin + phase + k * interval) strictly after t.
Time Schedule::grid_after(const Entry& entry, Time t) const {
  Duration since = t - (origin_ + entry.phase);
  auto k = since.count() < 0 ? -1 : since / entry.interval;
  return origin_ + entry.phase + entry.interval * (k + 1);
}

void Schedule::load(const Settings& settings, Time now) {
  if (entries_.empty()) origin_ = now;
  for (auto it = entries_.begin(); it != entries_.end();) {
    auto probe = settings.probes.find(it->first);
    bool gone = probe == settings.probes.end() || probe->second.calls_in();
    if (gone) set_due(it->first, it->second, std::nullopt);
    it = gone ? entries_.erase(it) : std::next(it);
  }
  for (const auto& [name, probe] : settings.probes) {
    if (probe.calls_in()) continue;  // it calls in
    auto [it, fresh] = entries_.try_emplace(name);
    Entry& entry = it->second;
    if (!fresh && entry.fingerprint == probe.fingerprint) continue;
    entry.fingerprint = probe.fingerprint;
    entry.refusals = 0;
    entry.interval = std::max(probe.interval, Duration{1});
    entry.retry = std::max(probe.retry, Duration{1});
    entry.slot = spread_ ? slot_for(entry.interval) : Duration{1};
    std::uint64_t place = stable_hash(name);
    entry.phase =
        spread_ ? floor_to(Duration{static_cast<std::int64_t>(place % static_cast<std::uint64_t>(entry.interval.count()))}, entry.slot)
                : Duration{0};
    if (entry.running) continue;  // the run that is on its way ends first
    Duration window = std::min(entry.interval, Duration{seconds{30}});
    Duration first = spread_ ? floor_to(Duration{static_cast<std::int64_t>(place % static_cast<std::uint64_t>(window.count()))}, entry.slot)
                             : Duration{0};
    set_due(name, entry, now + first);
  }
}

// When the next probe is due; nullopt: none is, or all are running.
std::optional<Time> Schedule::next() const {
  if (queue_.empty()) return std::nullopt;
  return queue_.begin()->first;
}

std::vector<std::string> Schedule::take_due(Time now) {
  std::vector<std::string> due;
  while (!queue_.empty() && queue_.begin()->first <= now) {
    auto [due_at, probe] = *queue_.begin();
    Entry& entry = entries_.at(probe);
    set_due(probe, entry, std::nullopt);
    entry.running = true;
    entry.again = false;
    entry.started = due_at;  // not `now`: a late loop must not shift the turns
    due.push_back(std::move(probe));
  }
  return due;
}

// The next run is at the next point of the probe's grid, or after `retry` while a change of health is being confirmed, and never before a
// refusal's wait, or the one that the target asked for, is over.
void Schedule::finished(const std::string& probe, Time now, bool confirming, LeftAlone alone) {
  auto it = entries_.find(probe);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  entry.running = false;
  entry.refusals = alone.refused_at_most ? entry.refusals + 1 : 0;
  if (entry.again) return set_due(probe, entry, now);
  Time due = grid_after(entry, entry.started);
  if (confirming) {
    Time retry = entry.started + entry.retry;
    if (entry.retry < entry.interval) due = retry;
  }
  // A run that took longer than its turn skips to the next point of the grid instead of running late for ever.
  if (due <= now) due = confirming ? now : grid_after(entry, now);
  if (alone.refused_at_most) due = std::max(due, entry.started + std::min(refusal_wait(entry.refusals), *alone.refused_at_most));
  if (alone.asked > Duration{0}) due = std::max(due, now + alone.asked);
  set_due(probe, entry, due);
}

// A probe that is running is run once more afterwards: the run under way may have begun before what is asked about.
void Schedule::run_now(const std::string& probe, Time now) {
  auto it = entries_.find(probe);
  if (it == entries_.end()) return;
  Entry& entry = it->second;
  if (entry.running) {
    entry.again = true;
  } else if (!entry.due || *entry.due > now) {
    set_due(probe, entry, now);
  }
}

// The wall clock jumped: everything that is due moves along, so that nothing is run twice or hours late.
void Schedule::shift(Duration by) {
  origin_ += by;
  queue_.clear();
  for (auto& [name, entry] : entries_) {
    entry.started += by;
    if (entry.due) {
      entry.due = *entry.due + by;
      queue_.insert({*entry.due, name});
    }
  }
}

std::optional<Time> Schedule::next_run(const std::string& probe) const {
  auto it = entries_.find(probe);
  if (it == entries_.end()) return std::nullopt;
  return it->second.due;
}

int Schedule::refusals(const std::string& probe) const {
  auto it = entries_.find(probe);
  return it == entries_.end() ? 0 : it->second.refusals;
}

}  // namespace drwatch
