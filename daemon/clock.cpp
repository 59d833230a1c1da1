// SPDX-License-Identifier: Apache-2.0
#include "daemon/clock.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr Duration tolerated_drift = seconds{2};  // of the wall's clock between two looks: what NTP does without setting it
constexpr Duration a_pause = minutes{1};

}  // namespace

OwnClock::OwnClock(Reading reading, Time last_event, std::optional<Time> alive_at) : seen_(reading) {
  const Time known = std::max(last_event, alive_at.value_or(Time{}));
  if (known > reading.wall) ahead_ = known - reading.wall;
  last_ = reading.wall + ahead_;
}

Time OwnClock::now(Time wall) const { return std::max(wall + ahead_, last_); }

OwnClock::Seen OwnClock::look(Reading reading) {
  const auto passed = std::chrono::duration_cast<Duration>(reading.boot - seen_.boot);
  const Duration drift = (reading.wall - seen_.wall) - passed;
  const Time before = last_;
  seen_ = reading;
  Seen seen;
  if (drift < -tolerated_drift) {
    ahead_ -= drift;
    twice_ = {reading.wall, reading.wall - drift, -drift};
    seen.jumped = ClockJumped{drift, before};
  } else if (drift > tolerated_drift) {
    // Set right again after it was set back: then the two only come together again, and own time does not jump.
    const Duration caught_up = std::min(ahead_, drift);
    ahead_ -= caught_up;
    seen.forward = drift - caught_up;
    seen.jumped = ClockJumped{seen.forward > Duration{0} ? seen.forward : drift, before};
  } else if (passed > a_pause) {
    seen.jumped = ClockJumped{passed, before};
  }
  last_ = now(reading.wall);
  if (drift < -tolerated_drift || drift > tolerated_drift) set_at_ = last_;
  return seen;
}

Duration OwnClock::ahead_of(Time told) const {
  const bool twice = told > twice_.from && told <= twice_.until;
  return twice ? std::max(ahead_ - twice_.by, Duration{0}) : ahead_;
}

}  // namespace drwatch
