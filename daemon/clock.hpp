// SPDX-License-Identifier: Apache-2.0
// The time that drwatch decides by: the wall's, but never earlier than what was decided before. It asks no clock itself; it is told what
// the wall's shows and how much time really passed, and says what time it is for deciding.
#pragma once

#include "daemon/recovery/input.hpp"

#include <chrono>
#include <optional>

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
    Duration forward{0};                // drwatch's own time jumped by this much: what is planned keeps its distance
  };

  OwnClock() = default;  // as long as nobody told it anything, nothing has begun
  // At a start. `last_event` and `alive_at` are what was decided and seen before it: time does not go back behind them, even when the
  // wall's clock was set back meanwhile.
  OwnClock(Reading reading, Time last_event, std::optional<Time> alive_at);

  // To be asked often: what happened since the last look is told by how far wall time and boot time parted in it.
  Seen look(Reading reading);
  // What time it was at the last look.
  Time last() const { return last_; }
  // What time it is when the wall's clock shows this.
  Time now(Time wall) const;

  // By how much own time is ahead of the wall's, after that was set back.
  Duration ahead() const { return ahead_; }
  // The same for what another's clock, which is right, says of a moment. One that the wall's clock told twice is taken for the older of the
  // two: an exposure is never said smaller than it may be.
  Duration ahead_of(Time told) const;
  // The wall's clock was set since then: of two times that were told under way, nobody can say on which side of that each lies.
  bool was_set_since(Time began) const { return began < set_at_; }

 private:
  Reading seen_;
  Time last_{};
  Duration ahead_{0};
  Time set_at_{};  // own time when it was noticed last that the wall's clock had been set
  // What the wall's clock told twice when it was set back last: after `from`, up to `until`. The first time was `by` ago.
  struct {
    Time from{}, until{};
    Duration by{0};
  } twice_;
};

}  // namespace drwatch
