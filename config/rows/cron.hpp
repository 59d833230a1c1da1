// SPDX-License-Identifier: Apache-2.0
// Cron expressions in a time zone, in the dialect of Debian's cron: five fields, names, ranges, lists, steps; @hourly, @daily, @weekly,
// @monthly, @yearly. When both day fields are restricted either matches; one that begins with '*' is no restriction.
// Beyond it, as other schedulers have them: day of the month L (the last), L-3, LW (the last from Monday to Friday), 15W (that nearest to
// the 15th, in the same month), $ (pg_cron's L); day of the week 5L or friL (the last Friday), 5#2 or fri#2 (the second). Daylight saving,
// as Debian's cron has it: a time that the clocks leave out (by less than 3 h) is due when they have changed, one that comes twice is due
// once, the first time; where the minute or the hour begins with '*' nothing is made up for or left out: it is due whenever the clock shows
// it.
#pragma once

#include "config/rows/time.hpp"

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drwatch {

class Cron {
 public:
  // nullopt: `*error` says which field is wrong and why.
  static std::optional<Cron> parse(std::string_view expression, std::string_view zone, std::string* error);

  Time next_after(Time t) const;                 // the first due time strictly later; Time::max() when there is none within 8 years
  std::optional<Time> last_until(Time t) const;  // the newest due time at or before t (looking back 8 years at most)

  // Whether a clock on the wall shows a due time in that minute. No due time is moved for a change of the clocks.
  bool due_in_minute_of(Time t) const;

  const std::string& text() const { return text_; }
  const std::string& zone() const { return zone_; }
  friend bool operator==(const Cron& a, const Cron& b) { return a.text_ == b.text_ && a.zone_ == b.zone_; }

 private:
  bool due_on(std::chrono::sys_days day) const;                               // of the local calendar
  bool day_matches(std::chrono::year_month_day date) const;                   // by the day of the month
  bool weekday_matches(std::chrono::year_month_day date) const;               // by the day of the week
  std::vector<Time> times_on(std::chrono::sys_days day) const;                // all, in order
  std::optional<Time> first_on(std::chrono::sys_days day, Time after) const;  // strictly later
  std::optional<Time> last_on(std::chrono::sys_days day, Time until) const;   // or at it
  bool moves() const { return !minute_any_ && !hour_any_; }                   // with the clocks, as Debian's cron moves it

  // Parsing (cron_parse.cpp).
  bool read_moving_day(std::string_view part);
  bool read_moving_weekday(std::string_view part);
  std::string without_moving(std::string_view text, bool weekday);

  std::string text_, zone_;
  std::bitset<60> minute_;
  std::bitset<24> hour_;
  std::bitset<32> day_;            // 1..31
  std::bitset<13> month_;          // 1..12
  std::bitset<7> weekday_;         // 0 = Sunday
  std::bitset<32> before_end_;     // days before the last of the month: 0 is L
  std::bitset<32> near_;           // 15W
  bool last_working_ = false;      // LW
  std::bitset<7> last_weekday_;    // 5L
  std::bitset<5> nth_weekday_[7];  // [5][1]: 5#2
  // The field began with '*'.
  bool minute_any_ = false, hour_any_ = false, day_any_ = false, weekday_any_ = false;
};

// "Sun 2026-03-29 03:00 CEST": as a clock on the wall there shows it; seconds are left out.
std::string wall_text(Time t, std::string_view zone);

bool known_zone(std::string_view zone);  // of the IANA data base installed here
std::vector<std::string> zone_names();

}  // namespace drwatch
