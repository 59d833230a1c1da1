// SPDX-License-Identifier: Apache-2.0
// What one run of a probe saw. Plain values: the heart reads them, the journal and the API carry them.
#pragma once

#include "config/rows/time.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace drwatch {

enum class Health { up, degraded, down, unknown };  // of an outcome, a probe, a component
inline constexpr Health all_healths[] = {Health::up, Health::degraded, Health::down, Health::unknown};
std::string_view health_name(Health h);
// How bad a health is among several, larger is worse. There are two orders, and both are meant. Of what was seen: up < unknown < degraded <
// down: a fault that was found outweighs a look that failed. Of what may be: up < degraded < unknown < down: what could not be looked at
// may be worse than what was found to be merely slow.
int severity_seen(Health h);
int severity_possible(Health h);
// nullopt: no such word.
std::optional<Health> parse_health(std::string_view text);

// Why an outcome is not up. A closed list: it is a metric's label. `none` only when up.
enum class Reason { none, dns, connect, tls, auth, timeout, protocol, assertion, stale, absent, own_fault, internal };
std::string_view reason_name(Reason r);  // "own-fault"; "" for none
std::optional<Reason> parse_reason(std::string_view text);
inline constexpr Reason all_reasons[] = {Reason::dns,     Reason::connect,   Reason::tls,       Reason::auth,
                                         Reason::timeout, Reason::protocol,  Reason::assertion, Reason::stale,
                                         Reason::absent,  Reason::own_fault, Reason::internal};

enum class Phase { resolve, connect, tls, auth, request, response, total };
inline constexpr int phase_count = 7;
std::string_view phase_name(Phase p);

struct Phases {
  std::optional<std::chrono::microseconds> took[phase_count];  // absent where a kind has none or it was not reached
  std::optional<std::chrono::microseconds>& operator[](Phase p) { return took[static_cast<int>(p)]; }
  const std::optional<std::chrono::microseconds>& operator[](Phase p) const { return took[static_cast<int>(p)]; }
};

// A position in the write-ahead log; only positions of one timeline can be compared.
struct WalPosition {
  std::uint32_t timeline = 0;
  std::uint64_t lsn = 0;
  friend bool operator==(const WalPosition&, const WalPosition&) = default;
};

// Facts that the heart acts on, typed; anything else a kind wants to show goes into Outcome::facts.
struct CanaryBeat {  // written and committed by this run: everything up to `at` includes what was committed by `db_time`
  WalPosition at;
  Time db_time;
};
struct RecoveryReading {
  // What the source durably holds, as a position (the heart turns it into a time through the ledger) ...
  std::optional<WalPosition> safe;
  // ... and as the source's own time: what counts when there is no position, and a coarse stand-in while the ledger is younger than `safe`.
  std::optional<Time> time;
  bool failing = false;  // the source itself says that it fails now
  // Every moment up to the point can be restored to (WAL archive, point-in-time recovery), not only the point itself (dump, daily
  // backup)...
  bool continuous = false;
  std::optional<Time> oldest;  // ... but none before this one (its retention, its first base backup); nullopt: not known
  // The store was read to its end and this is all that it can restore: what it proved before and does not show any more is gone. Without a
  // point: it holds nothing. The heart believes it when a second such run in a row says so.
  bool whole = false;
};

// What a scheduler's own record says of one job.
struct JobRunSeen {
  enum class State { running, succeeded, failed };
  std::int64_t id = 0;  // rising; one run after the other
  State state = State::running;
  std::optional<Time> started, ended;  // by the scheduler's clock; absent when it never came to that, or nobody wrote it down
  std::string message;
};
struct JobReading {
  std::int64_t job = 0;          // the scheduler's id: another one is another job under the old name
  Time now{};                    // of the scheduler's clock
  Time server_started{};         // what was waiting in its memory before is lost
  std::string schedule, zone;    // as the scheduler has it: a cron expression, or "30 seconds"
  std::vector<JobRunSeen> runs;  // oldest first: those not told before, and those that were not over then
  bool complete = true;          // false: there are older ones that were never told
};

// Something that happened once and a person must look at, however well later runs look (corrupt pages read, a table emptied): the probe is
// down from then on until somebody acknowledges it. The heart remembers.
struct Latch {
  std::string key;  // what it is about, of all that this probe may latch: "checksums", "rows public.orders"
  Time at{};        // when it happened, by the target's clock; what is acknowledged is so up to here
  std::string message;
  friend bool operator==(const Latch&, const Latch&) = default;
};

// One thing that a run did outside, for a person: what was asked and what came back, cut short, nothing secret in it.
struct Exchange {
  std::chrono::microseconds at{0};                // since the run began
  std::optional<std::chrono::microseconds> took;  // nullopt: it had not ended when the run did
  std::string asked, answered;
  bool failed = false;
};
struct Trace {
  std::vector<Exchange> exchanges;  // as they began
  std::size_t left_off = 0;         // in their middle
};

struct Outcome {
  Time at{};  // the start of the run
  std::string vantage = "here";
  Health outcome = Health::unknown;
  Reason reason = Reason::none;
  std::string code;     // SQLSTATE, HTTP status, rcode, exit code, errno name; empty: none
  std::string message;  // one sentence for a person
  Phases phases;
  std::map<std::string, std::string> facts;  // shown; never secret
  // The target itself said that it takes no writes (refused on its own address, shutting down, read-only).
  bool takes_no_writes = false;
  // The target turns drwatch away for asking too often: nothing is known of it, for as long as that goes on.
  bool rate_limited = false;
  // The target asks not to be asked again before so long has passed (Retry-After), from the end of the run.
  std::optional<Duration> wait;
  // Of that, whatever it says: a target may not decide for how long nobody looks at it.
  static constexpr Duration longest_wait = minutes{5};
  std::optional<CanaryBeat> canary;
  std::optional<RecoveryReading> recovery;
  std::optional<JobReading> job;
  std::optional<double> data_bytes;  // how much there is to bring back, were it lost
  std::vector<Latch> latches;
  std::shared_ptr<const Trace> trace;  // null: not kept (any more), or nobody kept one
  // What the probe is given back after a restart of drwatch (Probe::recall); nullopt: what was kept before stays. Without secrets, at most
  // `most_memory` bytes; only the probe understands it.
  std::optional<std::string> memory;
  static constexpr std::size_t most_memory = 64 * 1024;

  bool bad() const { return outcome == Health::degraded || outcome == Health::down; }
  // The target refused drwatch itself (its login, or for asking too often). Asking again at the same pace can only make that worse, so the
  // schedule waits longer each time.
  bool refused() const { return outcome != Health::up && (reason == Reason::auth || code == "401" || code == "429" || rate_limited); }
};

// `outcome`, made down for as long as one of `latches` holds. Its message tells the latches first, and then what this run saw if that was
// not up.
Outcome held_down(Outcome outcome, const std::vector<Latch>& latches);

Outcome outcome_of(Health h, Reason r, std::string code, std::string message);

}  // namespace drwatch
