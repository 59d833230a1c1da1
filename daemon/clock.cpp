// SPDX-License-Identifier: Apache-2.0
#include "daemon/clock.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr Duration tolerated_drift = seconds{2};  // of the wall's clock between two looks: what NTP does without setting it
constexpr Duration a_pause = seconds{2};          // a daemon that looks twice a second has not run for a while
constexpr Duration most_ahead = hours{1};         // more is not caught up with

}  // namespace

OwnClock::OwnClock(Reading reading, Time last_event, std::optional<Time> alive_at) : seen_(reading), last_(reading.wall) {
  const Time known = std::max(last_event, alive_at.value_or(Time{}));
  if (known <= reading.wall) return;
  if (known - reading.wall > most_ahead) {
    turned_back_ = ClockJumped{.by = reading.wall - known, .from = known, .back = known - reading.wall};
    set_at_ = last_;
    return;
  }
  be_ahead(known - reading.wall);
  last_ = known;
  // Which of the moments before this start were told before that, nobody remembers: any of them may have been.
  set_back_ = {{reading.wall, ahead_}};
}

void OwnClock::be_ahead(Duration by) {
  ahead_ = ahead_then_ = by;
  then_ = seen_.boot;
}

Time OwnClock::now(Time wall) const {
  const auto since = std::chrono::duration_cast<Duration>(seen_.boot - then_);
  return std::max(wall + ahead_after(ahead_then_, since + std::max(wall - seen_.wall, Duration{0})), last_);
}

Time OwnClock::wall_at(Time own) const {
  if (own <= seen_.wall + ahead_) return own - ahead_;
  // While it catches up, own time goes on by 1 - 1/catching_up for each 1 of the wall's.
  const Duration way = own - seen_.wall - ahead_;
  const Duration passed = way + way / (catching_up - 1) + Duration{2};  // rounded so that who waits for it does not wake too early
  return passed < ahead_ * catching_up ? seen_.wall + passed : own;
}

OwnClock::Seen OwnClock::look(Reading reading) {
  const auto passed = std::chrono::duration_cast<Duration>(reading.boot - seen_.boot);
  const Duration drift = (reading.wall - seen_.wall) - passed;
  const Time before = last_;
  seen_ = reading;
  ahead_ = ahead_after(ahead_then_, std::chrono::duration_cast<Duration>(reading.boot - then_));
  Seen seen;
  if (drift < -tolerated_drift) {
    be_ahead(ahead_ - drift);
    set_back_.push_back({reading.wall - drift, -drift});
    seen.jumped = ClockJumped{.by = drift, .from = before};
    if (ahead_ > most_ahead) {
      seen.jumped->back = ahead_;
      seen.moved = -ahead_;
      be_ahead(Duration{0});
      last_ = reading.wall;
      set_back_.clear();
    }
  } else if (drift > tolerated_drift) {
    // Set right again after it was set back: then the two only come together again, and own time does not jump.
    const Duration caught_up = std::min(ahead_, drift);
    be_ahead(ahead_ - caught_up);
    seen.moved = drift - caught_up;
    seen.jumped = ClockJumped{.by = seen.moved > Duration{0} ? seen.moved : drift, .from = before};
  } else if (passed > a_pause) {
    seen.jumped = ClockJumped{.by = passed, .from = before, .pause = true};
  }
  if (ahead_ == Duration{0}) set_back_.clear();
  last_ = now(reading.wall);
  if (drift < -tolerated_drift || drift > tolerated_drift) set_at_ = last_;
  return seen;
}

Duration OwnClock::ahead_of(Time told) const {
  Duration ahead = ahead_;
  bool before = false;  // also before whatever came later
  for (const SetBack& set : set_back_) {
    before = before || told <= set.until;
    if (before) ahead -= set.by;
  }
  ahead = std::max(ahead, Duration{0});
  if (told + ahead <= last_ + tolerated_drift) return ahead;
  return std::min(last_ - told, Duration{0});
}

}  // namespace drwatch
