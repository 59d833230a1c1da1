// SPDX-License-Identifier: Apache-2.0
// What the two ends of streaming replication say together. Pure.
#pragma once

#include "probes/backup/standby/account.hpp"
#include "probes/probe.hpp"

#include <deque>
#include <optional>

namespace drwatch {

// Both ends as they were asked, the primary first; nullopt: that end is not configured.
struct StandbySight {
  std::optional<Result<SenderAccount>> primary;
  std::optional<Result<StandbyAccount>> standby;
};

// Where the primary stood when: a standby that holds a position holds everything up to the moment at which the primary stood there. A
// ledger of the probe's own, so that the time is exact without a canary.
class PrimaryPositions {
 public:
  // Positions of another timeline, or that go backwards, empty the ledger: the primary is another one.
  void add(WalPosition at, Time when);
  // The newest moment at which the primary stood at or before `held`; nullopt: not known.
  std::optional<Time> newest_within(WalPosition held) const;

 private:
  struct Entry {
    WalPosition at;
    Time when;
  };
  std::deque<Entry> entries_;  // oldest first, one timeline
};

struct StandbyWanted {
  std::string name, slot;  // as in pg_stat_replication and pg_replication_slots; no slot: empty
  Duration behind;         // more is degraded
};
// Down: the standby is off, cut off, of another cluster, or no standby any more. Degraded: it lags, or its replay does. The recovery
// reading has the position that it holds and the moment up to which that is proven.
Outcome judge_standby(const StandbySight& sight, const PrimaryPositions& positions, const StandbyWanted& wanted, Time now);

}  // namespace drwatch
