// SPDX-License-Identifier: Apache-2.0
// The simulated databases: what was committed when, what each source of recovery points durably holds of it, and what drwatch was told of
// that. Times are drwatch's own (the wall's, but never set back), so that what is true and what is said can be compared.
#pragma once

#include "chance.hpp"
#include "daemon/recovery/record/state.hpp"
#include "sim_world.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace drwatch::sim {

struct Commit {
  Time at{};
  WalPosition position;
};
// A commit of drwatch's own, as it was told. Doubtful: the clock was set meanwhile, and drwatch may leave it out.
struct Beat {
  Time at{};
  WalPosition position;
  bool doubtful = false;
};
// A run that asked whether the database takes writes.
struct Asked {
  Time at{};  // its start
  bool takes_none = false;
  bool doubtful = false;
};
// A run that could read its source.
struct Read {
  Time at{};                        // its start
  std::size_t holds = 0;            // so much of the database's history could have been restored then (of a claim: was said to)
  std::optional<Time> least, most;  // the point that it comes to lies between; nullopt: it comes to none
  bool coarse = false;              // the source's own time, for want of a commit that it can be compared with
  bool doubtful = false;
  std::optional<WalPosition> position;
  bool unconfirmed = false;  // it shows less than the one before: only the second such read in a row counts
};

struct SimSource {
  enum class Way {
    streams,  // a standby: all but the last second
    claims,   // what the archiver says of the archive
    walks,    // what is there of it, unbroken
    dumps     // whole copies, now and then
  };
  std::string probe;
  Way way = Way::streams;
  bool positions = true;  // tells what it holds as a position
  bool own_time = false;  // ... or beside it as a time of its own clock
  std::size_t holds = 0;  // streams
  WalPosition position;
  struct Dump {
    Time at{}, wall{};
    std::size_t holds = 0;
    bool undated = false;  // seen with a time that lay in the future
  };
  std::vector<Dump> dumps;  // newest last
  int every = 0;            // s, dumps
  // What drwatch was told.
  std::vector<Read> reads;
  bool read_last = false;  // the newest run since drwatch's start could read it
};

struct SimDatabase {
  std::string component, asked_by;  // the probe that writes the canary; empty: none
  int pace = 0;                     // s between commits; 0: nothing but the canary
  bool writable = true;
  std::uint32_t timeline = 1;
  std::vector<Commit> history;  // what a failover lost is not in it
  struct Archive {
    std::size_t stored = 0, claimed = 0;
    WalPosition stored_to, claimed_to;
    Time claimed_wall{};
    bool lies = false;    // says that it stores, and does not
    bool broken = false;  // what is missing in it makes all behind it worthless, until a base backup
  } archive;
  std::vector<SimSource> sources;
  std::vector<Beat> beats;
  std::vector<Asked> asked;
  std::size_t asked_before = 0;  // as many of them before drwatch's start
};

class SimPlatform {
 public:
  SimPlatform(Clock& clock, Truth& truth, std::function<Time()> said);

  bool knows(const std::string& probe) const { return places_.count(probe) > 0; }
  const std::map<std::string, SimDatabase>& databases() const { return databases_; }
  std::map<std::string, SimDatabase>& databases() { return databases_; }

  // All that happened by itself until now.
  void advance();
  // A run of one of its probes, which began at `begun`, and whose target is seen as `seen`.
  Outcome look(const std::string& probe, Health seen, Time said_at, std::chrono::nanoseconds begun);
  void no_answer(const std::string& probe, Time said_at, int life);
  int life() const { return life_; }

  void trouble(Chance& chance);
  void mend();
  void clock_set();  // before it is
  void daemon_died() { ++life_; }
  void daemon_began(const std::map<std::string, std::string>& kept);  // with what was on its disk

 private:
  struct Place {
    std::string component;
    std::size_t source = 0;
    bool asks = false;
  };
  void tick(SimDatabase& database, std::int64_t second, Time at, Time wall);
  void archive(SimDatabase& database, Time wall);
  void commit(SimDatabase& database, Time at);
  void fail_over(SimDatabase& database);
  void lose_segments(SimDatabase& database, Chance& chance);
  void remember(SimDatabase& database, SimSource& source, const RecoveryReading& reading, Read read);
  void forget(SimDatabase& database, const std::map<std::string, std::string>& kept);
  Outcome ask(SimDatabase& database, Outcome outcome, Asked asked);
  Outcome read(SimDatabase& database, SimSource& source, Outcome outcome, Read read);
  bool works(const std::string& probe) const { return truth_.targets[probe].archiving; }

  Clock& clock_;
  Truth& truth_;
  std::function<Time()> said_;
  std::map<std::string, SimDatabase> databases_;  // by component
  std::map<std::string, Place> places_;           // by probe
  std::int64_t second_ = 0;
  std::chrono::nanoseconds clock_set_at_{-std::chrono::hours{1}};
  int life_ = 0;  // of the daemon
};

// What a probe of one of the databases sees.
class PlatformProbe : public Probe {
 public:
  PlatformProbe(std::string name, SimPlatform& platform, Truth& truth, Chance& chance, RunLedger& runs, std::function<Time()> said)
      : name_(std::move(name)), platform_(platform), truth_(truth), chance_(chance), runs_(runs), said_(std::move(said)) {}
  Task<Outcome> run(World& world) override;

 private:
  std::string name_;
  SimPlatform& platform_;
  Truth& truth_;
  Chance& chance_;
  RunLedger& runs_;
  std::function<Time()> said_;
};

}  // namespace drwatch::sim
