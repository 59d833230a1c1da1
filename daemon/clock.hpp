// SPDX-License-Identifier: Apache-2.0
// The time that drwatch decides by: the wall's, but not earlier than what was decided before. It asks no clock itself; it is told what
// the wall's shows and how much time really passed, and says what time it is for deciding.
//
// A wall clock that is set back leaves own time ahead of it. Up to an hour, own time then runs slower until the wall's has caught up with
// it. By more, the wall's clock was wrong before or is wrong now, and own time follows it back at once: waiting for it would take a day, or
// a year.
#pragma once

#include "daemon/recovery/input.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace drwatch {

class OwnClock {
 public:
  struct Reading {
    Time wall{};                       // may be set, forward and back
    std::chrono::nanoseconds boot{0};  // CLOCK_BOOTTIME: nobody sets it, and it counts while the machine sleeps
  };
  // What a look at the clocks brought to light.
  struct Seen {
    std::optional<ClockJumped> jumped;  // the wall's clock was set, or drwatch did not run for a while
    Duration moved{0};                  // drwatch's own time jumped by this much, forward or back: what is planned keeps its distance
  };

  OwnClock() = default;  // as long as nobody told it anything, nothing has begun
  // At a start. `last_event` and `alive_at` are what was decided and seen before it: time does not go back behind them because the wall's
  // clock was set back meanwhile, unless by more than an hour: that is `turned_back()`.
  OwnClock(Reading reading, Time last_event, std::optional<Time> alive_at);
  // What is to be told at a start, behind the news of it: own time is the wall's again, and what was decided before it lies in the future.
  const std::optional<ClockJumped>& turned_back() const { return turned_back_; }

  // To be asked often: what happened since the last look is told by how far wall time and boot time parted in it.
  Seen look(Reading reading);
  // What time it was at the last look.
  Time last() const { return last_; }
  // What time it is when the wall's clock shows this.
  Time now(Time wall) const;
  // What the wall's clock shows when own time is this.
  Time wall_at(Time own) const;

  // By how much own time is ahead of the wall's, after that was set back. Everything with a date of its own (jobs, drills, maintenance) is
  // judged by the wall's.
  Duration ahead() const { return std::max(ahead_, last_ - seen_.wall); }
  // What has to be added to `told`, a moment by another's clock that is right, to bring it to own time. Where it may have been told before
  // the wall's clock was set back, it was: an exposure is never said smaller than it may be. Nothing was told in the future: what would lie
  // there was there when it was read, and no more is known (then what is added is negative).
  Duration ahead_of(Time told) const;
  // The wall's clock was set since then: of two times that were told under way, nobody can say on which side of that each lies.
  bool was_set_since(Time began) const { return began < set_at_ || began > last_; }

 private:
  void be_ahead(Duration by);  // from the last look on

  Reading seen_;
  Time last_{};
  Duration ahead_{0};  // at the last look
  // When it was set back, or set right, last: by how much own time was ahead then. What has been caught up with is counted from there: of
  // the moments between two looks alone, an eighth would be nothing.
  Duration ahead_then_{0};
  std::chrono::nanoseconds then_{0};
  Time set_at_{};  // own time when it was noticed last that the wall's clock had been set
  std::optional<ClockJumped> turned_back_;
  // Each time that the wall's clock was set back while it is not caught up with: what it had told until then, and by how much it was set.
  struct SetBack {
    Time until{};
    Duration by{0};
  };
  std::vector<SetBack> set_back_;
};

}  // namespace drwatch
