// SPDX-License-Identifier: Apache-2.0
// What drwatch is told of the simulated databases, and the account of it.
#include "platform.hpp"

#include <algorithm>

namespace drwatch::sim {
namespace {

using Json = nlohmann::json;

constexpr auto unnoticed = seconds{1};  // a clock that was set is noticed within that

// The newest commit that was told and that everything up to `position` includes.
std::optional<Time> newest_beat(const SimDatabase& d, WalPosition position, bool with_doubtful) {
  std::optional<Time> newest;
  for (const Beat& b : d.beats) {
    const bool counts = (with_doubtful || !b.doubtful) && b.position.timeline == position.timeline && b.position.lsn <= position.lsn;
    if (counts && (!newest || b.at > *newest)) newest = b.at;
  }
  return newest;
}

// A point that is later than now was noted under a clock that has been set back since: drwatch forgets it.
bool surely_ahead(const Read& read, Time now) { return read.least && *read.least > now; }
bool perhaps_ahead(const Read& read, Time now) { return read.most && *read.most > now; }

// One odd read proves no loss: what stood stands until a second one in a row shows less as well.
bool shows_less_at_first(const SimSource& s, const RecoveryReading& reading, const Read& read, Time now) {
  const auto stood = std::find_if(s.reads.rbegin(), s.reads.rend(), [](const Read& r) { return !r.unconfirmed && r.most; });
  if (stood == s.reads.rend() || !read.most || *read.most >= *stood->most || surely_ahead(*stood, now)) return false;
  const bool other_history = read.position && stood->position && read.position->timeline != stood->position->timeline;
  const bool second = s.reads.back().unconfirmed && !s.reads.back().doubtful && !read.doubtful;
  return !(second && (reading.whole || other_history));
}

}  // namespace

Task<Outcome> PlatformProbe::run(World& world) {
  struct Counted {
    RunLedger& runs;
    SimPlatform& platform;
    std::string name;
    Time said_at;
    int life;
    bool answered = false;
    Counted(RunLedger& r, SimPlatform& p, std::string n, Time said, std::chrono::nanoseconds now)
        : runs(r), platform(p), name(std::move(n)), said_at(said), life(p.life()) {
      if (++runs.running[name] > 1) runs.overlapped = true;
      runs.last_begun[name] = now;
    }
    ~Counted() {
      --runs.running[name];
      if (!answered) platform.no_answer(name, said_at, life);
    }
  } counted(runs_, platform_, name_, said_(), world.clock.boottime());
  const auto begun = world.clock.boottime();
  const Truth::Target& target = truth_.targets[name_];
  if (target.stalls) co_await world.clock.sleep_for(hours{1});
  co_await world.clock.sleep_for(chance_.between(milliseconds{1}, milliseconds{200}));
  counted.answered = true;
  co_return platform_.look(name_, target.lies && chance_.one_in(2) ? Health::down : target.health, counted.said_at, begun);
}

Outcome SimPlatform::look(const std::string& probe, Health seen, Time said_at, std::chrono::nanoseconds begun) {
  advance();
  const Place& place = places_.at(probe);
  SimDatabase& d = databases_.at(place.component);
  const bool doubtful = clock_set_at_ >= begun - unnoticed;
  Outcome o = outcome_of(seen, seen == Health::up ? Reason::none : Reason::timeout, "", "as simulated");
  if (place.asks) return ask(d, std::move(o), {said_at, false, doubtful});
  SimSource& s = d.sources[place.source];
  s.read_last = false;
  return seen == Health::unknown ? o : read(d, s, std::move(o), {said_at, 0, {}, {}, false, doubtful});
}

// Cut off by its deadline: the run is over, and told nothing.
void SimPlatform::no_answer(const std::string& probe, Time said_at, int life) {
  if (life != life_) return;
  const Place& place = places_.at(probe);
  SimDatabase& d = databases_.at(place.component);
  if (place.asks)
    d.asked.push_back({said_at, false, false});
  else
    d.sources[place.source].read_last = false;
}

// Whoever does not answer says nothing about writes; a database that refuses them says so itself.
Outcome SimPlatform::ask(SimDatabase& d, Outcome o, Asked asked) {
  if (o.outcome == Health::up && !d.writable) {
    o = outcome_of(Health::down, Reason::assertion, "25006", "it takes no writes");
    o.takes_no_writes = asked.takes_none = true;
  } else if (o.outcome == Health::up || o.outcome == Health::degraded) {
    if (d.writable) {
      commit(d, said_());
      d.beats.push_back({said_(), d.history.back().position, asked.doubtful});
      o.canary = CanaryBeat{d.history.back().position, clock_.now()};
    }
  }
  d.asked.push_back(asked);
  return o;
}

Outcome SimPlatform::read(SimDatabase& d, SimSource& s, Outcome o, Read read) {
  RecoveryReading reading;
  reading.failing = o.outcome == Health::down || !works(s.probe);
  const auto& a = d.archive;
  switch (s.way) {
    case SimSource::Way::streams:
      reading.safe = s.position;
      read.holds = s.holds;
      break;
    case SimSource::Way::claims:
      reading.safe = a.claimed_to;
      read.holds = a.claimed;
      break;
    case SimSource::Way::walks:
      reading.safe = a.stored_to;
      read.holds = a.stored;
      break;
    case SimSource::Way::dumps:
      if (s.dumps.empty()) return outcome_of(Health::down, Reason::absent, "", "there is none");
      reading.time = s.dumps.back().wall;
      read.holds = s.dumps.back().holds;
  }
  if (s.positions && reading.safe->lsn == 0) return outcome_of(Health::down, Reason::absent, "", "it holds nothing");
  if (s.positions && s.own_time) reading.time = a.claimed_wall;
  s.read_last = true;
  reading.whole = s.way != SimSource::Way::claims;
  remember(d, s, reading, read);
  o.recovery = reading;
  return o;
}

void SimPlatform::remember(SimDatabase& d, SimSource& s, const RecoveryReading& reading, Read read) {
  const Duration ahead = said_() - clock_.now();
  if (reading.safe) {
    read.least = newest_beat(d, *reading.safe, false);
    read.most = newest_beat(d, *reading.safe, true);
    if (read.most) read.doubtful = !read.least;  // a position is one whatever the clocks do
  } else {
    SimSource::Dump& dump = s.dumps.back();
    dump.undated = dump.undated || *reading.time > said_() + seconds{2};
    read.least = std::min(dump.at, *reading.time);
    read.most = dump.undated ? said_() : dump.at;
    read.coarse = dump.undated;
  }
  if (!read.most) {
    if (!reading.time) return;  // it comes to nothing
    read.coarse = true;
    // Under which of two clocks it was written nobody can tell; drwatch's own is never behind the wall's.
    read.least = std::min(*reading.time, said_());
    read.most = std::min(*reading.time + ahead, said_());
    if (const Read* stood = s.reads.empty() ? nullptr : &s.reads.back(); stood && stood->most && !surely_ahead(*stood, said_())) {
      // A guess does not take the place of what is newer.
      if (*stood->most >= *read.most && !perhaps_ahead(*stood, said_())) return;
      // Nor of what is newer under one of the two clocks: what stood before may count.
      read.doubtful = read.doubtful || *stood->most >= *read.least;
    }
  }
  read.position = reading.safe;
  read.unconfirmed = shows_less_at_first(s, reading, read, said_());
  s.reads.push_back(read);
}

// ---- crashes

// Of what it was told it has what was on the disk.
void SimPlatform::forget(SimDatabase& d, const std::map<std::string, std::string>& kept) {
  for (SimSource& s : d.sources) {
    auto text = kept.find("source/" + s.probe);
    std::optional<Time> read_at;
    if (text != kept.end())
      if (Json j = Json::parse(text->second); j.at("read_at").is_string()) read_at = parse_time(j["read_at"].get<std::string>());
    std::erase_if(s.reads, [&](const Read& r) { return !read_at || r.at > *read_at + seconds{1}; });
    s.read_last = false;
  }
  auto text = kept.find("ledger/" + d.component);
  Json rows = text == kept.end() ? Json::array() : Json::parse(text->second);
  const Json last = rows.empty() ? Json() : rows.back();
  auto known = std::find_if(d.beats.begin(), d.beats.end(), [&](const Beat& b) {
    return !last.is_null() && b.position == WalPosition{last.at(0).get<std::uint32_t>(), last.at(1).get<std::uint64_t>()};
  });
  d.beats.erase(known == d.beats.end() ? d.beats.begin() : std::next(known), d.beats.end());
  d.asked_before = d.asked.size();
}

void SimPlatform::daemon_began(const std::map<std::string, std::string>& kept) {
  // A clock that was set back, and a disk that did not take how far drwatch was: it begins again before what it had lived through. What
  // happened then happened now, as far as it can know.
  const Time now = said_();
  for (auto& [component, d] : databases_) {
    for (Commit& c : d.history) c.at = std::min(c.at, now);
    for (SimSource& s : d.sources)
      for (SimSource::Dump& dump : s.dumps) dump.at = std::min(dump.at, now);
    forget(d, kept);
  }
}

}  // namespace drwatch::sim
