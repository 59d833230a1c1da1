// SPDX-License-Identifier: Apache-2.0
#include "month.hpp"

#include "probes/probe.hpp"

#include <algorithm>
#include <array>

namespace drwatch::sim {
namespace {

constexpr Duration day = hours{24};
constexpr std::uint64_t runs_per_time_out = 400;

bool is_one_of(const std::string& kind, std::initializer_list<std::string_view> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}
// What an application serves, new with every deploy and slow when many come at once.
bool served(const std::string& kind) { return is_one_of(kind, {"http", "auth"}); }
bool asks_database(const std::string& kind) { return is_one_of(kind, {"postgres", "pg_cron"}); }

Outcome refused() { return outcome_of(Health::down, Reason::connect, "ECONNREFUSED", "connection refused"); }
Outcome timed_out() { return outcome_of(Health::down, Reason::timeout, "", "no answer within its timeout"); }
Outcome slow() { return outcome_of(Health::degraded, Reason::timeout, "", "slower than it should be"); }

// A source's ordinary rhythm: whoever promised an hour has chosen one that is renewed every three minutes.
Duration shortest_promise(const Settings& settings, const ProbeSettings& probe) {
  Duration shortest = hours{24};
  for (DisasterClass c : probe.backup->survives)
    if (auto rpo = settings.rpo_of(probe.backup->protects, c)) shortest = std::min(shortest, *rpo);
  return shortest;
}

}  // namespace

Month::Month(const Settings& settings, Time start, Duration length, std::uint64_t seed)
    : settings_(settings), start_(start), end_(start + length), chance_(seed) {
  for (const auto& [name, probe] : settings_.probes) {
    if (probe.calls_in()) continue;
    if (make_probe(probe)->when_late() == Health::unknown) told_nothing_.insert(name);
    fair(probe);
  }
  deploys();
  slow_mornings();
  renewals();
  flickers();
  restarts();
  own_network();
  maintenance();
  for (auto& [name, sky] : skies_)
    std::sort(sky.spells.begin(), sky.spells.end(), [](const Spell& a, const Spell& b) { return a.from < b.from; });
}

// A probe that reads what others know, or asks whether something is let in, is told nothing when it cannot ask: that is unknown, not down.
bool Month::answers(const ProbeSettings& probe) const {
  return !is_one_of(probe.kind, {"backup", "statuspage", "pg_cron", "prometheus", "command"}) && !told_nothing_.contains(probe.name);
}

void Month::spell(const std::string& probe, Time from, Duration lasts, Outcome sees, std::uint64_t one_in) {
  auto sky = skies_.find(probe);
  if (sky == skies_.end()) return;  // a job: nobody looks at it
  if (sees.outcome == Health::down && !answers(settings_.probes.at(probe))) sees.outcome = Health::unknown;
  sky->second.spells.push_back({from, from + lasts, std::move(sees), one_in});
}

Time Month::some_time() { return start_ + chance_.between(hours{1}, (end_ - start_) - hours{2}); }

void Month::fair(const ProbeSettings& probe) {
  Sky& sky = skies_[probe.name];
  sky.fine = outcome_of(Health::up, Reason::none, "", "fine");
  for (Phase phase : {Phase::connect, Phase::total}) sky.fine.phases[phase] = std::chrono::microseconds{900};
  sky.fine.facts["address"] = "192.0.2.1";
  if (probe.backup) archive(probe);
}

// On working days, up to three: half a minute of connections that are refused or answered with 503.
void Month::deploys() {
  for (Time at = start_; at < end_; at += day)
    for (std::uint64_t n = chance_.roll() % 4; n > 0; --n) {
      Time from = at + chance_.between(hours{8}, hours{18});
      Duration lasts = chance_.between(seconds{2}, seconds{40});
      for (const auto& [name, probe] : settings_.probes) {
        if (probe.witness || !served(probe.kind) || chance_.one_in(4)) continue;
        spell(name, from, lasts, outcome_of(Health::down, Reason::assertion, "503", "503 instead of 200"));
        spell(name, from + lasts, minutes{1}, slow(), 2);  // cold
      }
    }
}

// Half an hour or two in which a third of the answers is slow, and minutes in which all are.
void Month::slow_mornings() {
  for (Time at = start_; at < end_; at += day) {
    if (chance_.one_in(2)) continue;
    Time from = at + chance_.between(hours{7}, hours{9});
    for (const auto& [name, probe] : settings_.probes) {
      if (probe.witness || !(served(probe.kind) || asks_database(probe.kind) || probe.kind == "prometheus")) continue;
      spell(name, from, chance_.between(minutes{30}, hours{2}), slow(), 3);
      if (chance_.one_in(2)) spell(name, from + minutes{10}, chance_.between(minutes{1}, minutes{4}), slow());
    }
  }
}

// The server takes up its new certificate: a handshake or two is cut off.
void Month::renewals() {
  for (const auto& [name, probe] : settings_.probes)
    if (is_one_of(probe.kind, {"tls", "http", "auth"}) && !probe.witness)
      spell(name, some_time(), seconds{5}, outcome_of(Health::down, Reason::tls, "", "the handshake was cut off"));
}

// Providers say that something of theirs is slow, or say nothing at all; now and then for a moment that all of it is gone.
void Month::flickers() {
  for (const auto& [name, probe] : settings_.probes) {
    if (probe.kind != "statuspage") continue;
    for (int n = 0; n < 4; ++n)
      spell(name, some_time(), chance_.between(minutes{5}, minutes{45}),
            outcome_of(Health::degraded, Reason::assertion, "minor", "minor incident"));
    for (int n = 0; n < 3; ++n)
      spell(name, some_time(), chance_.between(minutes{1}, minutes{10}),
            outcome_of(Health::unknown, Reason::timeout, "", "the page does not answer"));
    if (auto sky = skies_.find(name); sky != skies_.end()) {
      Time at = some_time();
      sky->second.spells.push_back({at, at + probe.retry, outcome_of(Health::down, Reason::assertion, "critical", "major outage"), 1});
    }
  }
}

// Of several that stand for one, one is started anew; a source of recovery points is for a moment not there.
void Month::restarts() {
  for (const auto& [name, component] : settings_.components) {
    bool spare = component.probes.size() > 1 && component.down_when.rule != DownWhen::Rule::any;
    for (int week = 0; spare && week < 4; ++week)
      spell(component.probes[chance_.roll() % component.probes.size()], some_time(), chance_.between(seconds{20}, minutes{3}), refused());
    for (const std::string& source : component.protected_by)
      spell(source, some_time(), chance_.between(seconds{20}, seconds{90}), refused());
  }
}

// Our own line is gone for less than it takes to say so.
void Month::own_network() {
  for (int n = 0; n < 4; ++n) {
    Time from = some_time();
    Duration lasts = std::min(chance_.between(seconds{3}, seconds{25}), settings_.witness.hold_for / 2);
    for (const auto& [name, probe] : settings_.probes)
      spell(name, from, lasts, outcome_of(Health::down, Reason::connect, "ENETUNREACH", "network is unreachable"));
  }
}

// As the configuration plans it; without a plan a person announces one a week. The work itself takes less than was announced.
void Month::maintenance() {
  for (const auto& [name, plan] : settings_.maintenance) {
    if (!plan.schedule) continue;
    for (Time at = plan.schedule->next_after(start_); at < end_ - plan.lasts; at = plan.schedule->next_after(at))
      for (const std::string& component : plan.components)
        away(component, at + plan.lasts / 10, at + plan.lasts / 10 + std::min(Duration{minutes{12}}, plan.lasts / 2));
  }
  if (!settings_.maintenance.empty()) return;
  for (const auto& [name, component] : settings_.components) {
    if (component.protected_by.empty()) continue;
    for (Time at = start_ + day * 6; at < end_; at += day * 7) {
      Work work{name, at + hours{3}, hours{1}};
      announced_.push_back(work);
      away(name, work.from + minutes{5}, work.from + minutes{15});
    }
  }
}

void Month::away(const std::string& component, Time from, Time until) {
  for (const std::string& probe : settings_.components.at(component).probes) {
    Outcome gone = refused();
    gone.takes_no_writes = settings_.probes.at(probe).kind == "postgres";
    spell(probe, from, until - from, gone);
  }
  for (const std::string& source : settings_.components.at(component).protected_by) spell(source, from, until - from, refused());
  for (const auto& [name, other] : settings_.components) {
    bool child = std::find(other.depends_on.begin(), other.depends_on.end(), component) != other.depends_on.end();
    if (child) away(name, from + seconds{3}, until + seconds{5});
  }
}

void Month::outage(const std::string& component, Time from, Time until) {
  away(component, from, until);
  for (auto& [name, sky] : skies_)
    std::sort(sky.spells.begin(), sky.spells.end(), [](const Spell& a, const Spell& b) { return a.from < b.from; });
}

// Pieces of the archive come one by one, a little late, and a few of them much later.
void Month::archive(const ProbeSettings& probe) {
  const Duration promise = shortest_promise(settings_, probe), period = std::max(promise / 20, Duration{seconds{1}});
  std::array<Time, 3> held_up{};
  for (Time& at : held_up) at = some_time();
  Time last = start_;
  auto& copies = skies_[probe.name].copies;
  for (Time until = start_ - period; until < end_; until += period) {
    Time there_at = until + chance_.between(seconds{1}, std::max(Duration{seconds{1}}, period / 20));
    for (Time at : held_up)
      if (until <= at && at < until + period) there_at = at + chance_.between(promise / 12, promise / 6);
    last = std::max(last, there_at);
    copies.push_back({until, last});
  }
}

Time Month::held_by(const std::string& source, Time now) {
  Sky& sky = skies_.at(source);
  while (sky.there + 1 < sky.copies.size() && sky.copies[sky.there + 1].there_at <= now) ++sky.there;
  return sky.copies[sky.there].until;
}

// ---- jobs and people

void Month::plan(Rehearsal& rehearsal) {
  for (const auto& [name, probe] : settings_.probes)
    if (probe.calls_in()) work(rehearsal, probe);
  for (const Work& work : announced_) rehearsal.at(work.from, StartMaintenance{{work.component}, work.lasts, "somebody", ""});
}

// Begins a little late, sometimes nearly too late; takes now long, now short; is repeated once in a while.
void Month::work(Rehearsal& rehearsal, const ProbeSettings& probe) {
  const JobSettings& job = *probe.job;
  Time due = start_ + seconds{1};  // it has just worked
  rehearsal.at(due, Pinged{probe.name, Pinged::What::success, "", 0, ""});
  const Duration longest = job.max_runtime.value_or(job.period ? *job.period / 3 : Duration{minutes{30}});
  for (int run = 0;; ++run) {
    due = job.schedule ? job.schedule->next_after(due) : due + *job.period;
    if (due >= end_) break;
    Duration late =
        chance_.one_in(10) ? chance_.between(Duration{0}, job.start_grace * 9 / 10) : chance_.between(Duration{0}, job.start_grace / 20);
    Time begins = due + late, ends = begins + chance_.between(longest / 20, longest * 9 / 10);
    if (job.period) {  // the time between two calls is what was promised
      begins = due - chance_.between(Duration{0}, *job.period / 10);
      ends = std::min(ends, begins + *job.period / 4);
      due = begins;
    }
    std::string rid = std::to_string(run);
    rehearsal.at(begins, Pinged{probe.name, Pinged::What::start, rid, 0, ""});
    rehearsal.at(ends, Pinged{probe.name, Pinged::What::success, rid, 0, ""});
    if (chance_.one_in(20)) rehearsal.at(ends + seconds{1}, Pinged{probe.name, Pinged::What::success, "", 0, "again"});
  }
}

// ---- what a run sees

Rehearsal::Seen Month::look(const ProbeSettings& probe, Time now) {
  Sky& sky = skies_.at(probe.name);
  Rehearsal::Seen seen{sky.fine, chance_.between(milliseconds{2}, milliseconds{120})};
  auto rank = [](Health h) { return h == Health::down ? 3 : h == Health::unknown ? 2 : h == Health::degraded ? 1 : 0; };
  auto see = [&](Outcome what) {
    if (what.outcome == Health::down && !answers(probe)) what.outcome = Health::unknown;
    if (rank(what.outcome) > rank(seen.outcome.outcome)) seen.outcome = std::move(what);
  };
  if (chance_.one_in(runs_per_time_out)) see(timed_out());
  while (sky.passed < sky.spells.size() && sky.spells[sky.passed].until <= now) ++sky.passed;
  for (std::size_t i = sky.passed; i < sky.spells.size() && sky.spells[i].from <= now; ++i) {
    const Spell& spell = sky.spells[i];
    if (now >= spell.until || (spell.one_in > 1 && !chance_.one_in(spell.one_in))) continue;
    if (rank(spell.sees.outcome) > rank(seen.outcome.outcome)) seen.outcome = spell.sees;
  }
  const bool asked = seen.outcome.outcome == Health::up || seen.outcome.outcome == Health::degraded;
  if (seen.outcome.reason == Reason::timeout) seen.took = asked ? probe.timeout / 3 : probe.timeout;
  if (!asked) return seen;
  auto position = [&](Time t) { return WalPosition{1, static_cast<std::uint64_t>((t - start_ + day).count())}; };
  auto component = settings_.components.find(probe.component);
  bool canary = probe.kind == "postgres" && component != settings_.components.end() && !component->second.protected_by.empty();
  if (canary) seen.outcome.canary = CanaryBeat{position(now), now};
  if (probe.backup) seen.outcome.recovery = RecoveryReading{position(held_by(probe.name, now)), held_by(probe.name, now), false};
  return seen;
}

}  // namespace drwatch::sim
