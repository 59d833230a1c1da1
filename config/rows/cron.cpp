// SPDX-License-Identifier: Apache-2.0
// When a cron expression is due. It goes from day to day of the local calendar; only on a day that matches does it look at hours and
// minutes, and only on the two days a year on which the clocks change does it ask the time zone about every single one.
#include "config/rows/cron.hpp"

#include <date/tz.h>

#include <algorithm>
#include <stdexcept>

namespace drwatch {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr days looks_ahead{8 * 366};  // the longest way between two leap days

// nullptr: UTC, which needs no data base.
// Throws std::runtime_error for an unknown name.
const date::time_zone* zone_named(std::string_view name) {
  if (name == "UTC") return nullptr;
  return date::locate_zone(name);
}

// The local calendar's day at `t`; a day here is a date and no stretch of time.
sys_days local_day(const date::time_zone* zone, Time t) {
  const seconds east = zone ? zone->get_info(floor<seconds>(t)).offset : seconds{0};
  return floor<days>(t + east);
}

// How the minutes of one local day lie in UTC.
class LocalDay {
 public:
  LocalDay(const date::time_zone* zone, sys_days day) : zone_(zone), day_(day) {
    if (!zone) return;
    const auto midnight = local(minutes{0});
    const auto there = zone->get_info(midnight);
    east_ = there.first.offset;
    // No change of the clocks between this midnight and the next.
    even_ = there.result == date::local_info::unique && there.first.end.time_since_epoch() + east_ >= midnight.time_since_epoch() + days{1};
  }

  bool even() const { return even_; }                                    // one offset all day
  Time at(minutes of_day) const { return Time{day_ + of_day - east_}; }  // on an even day

  // On any day, into `due`: none, one or two times. `moves`: as Debian's cron moves what has a fixed minute and hour.
  void add(minutes of_day, bool moves, std::vector<Time>& due) const {
    if (even_) return due.push_back(at(of_day));
    const auto there = zone_->get_info(local(of_day));
    const Time first{day_ + of_day - there.first.offset};
    if (there.result == date::local_info::nonexistent) {
      const auto left_out = there.second.offset - there.first.offset;
      // Debian's cron(8): jobs in an hour that is left out run right after the change. Larger jumps are corrections of the clock, not
      // daylight saving.
      if (moves && left_out < hours{3}) due.push_back(Time{there.first.end.time_since_epoch()});
      return;
    }
    due.push_back(first);
    // A job at a fixed time runs once, the first time; one that begins with '*' runs in both hours.
    if (there.result == date::local_info::ambiguous && !moves) due.push_back(Time{day_ + of_day - there.second.offset});
  }

 private:
  date::local_seconds local(minutes of_day) const { return date::local_seconds{day_.time_since_epoch() + of_day}; }

  const date::time_zone* zone_;
  sys_days day_;
  seconds east_{0};
  bool even_ = true;
};

unsigned last_day(std::chrono::year_month_day date) {
  return unsigned(std::chrono::year_month_day_last{date.year(), std::chrono::month_day_last{date.month()}}.day());
}

unsigned weekday_of(std::chrono::year_month_day date) { return std::chrono::weekday{sys_days{date}}.c_encoding(); }

// The day from Monday to Friday that is nearest to `day`, without leaving the month.
unsigned nearest_working(std::chrono::year_month_day date, unsigned day) {
  const unsigned end = last_day(date);
  if (day > end) return 0;
  const unsigned weekday = weekday_of(date.year() / date.month() / std::chrono::day{day});
  // Saturday: the Friday before; in front of the first of the month lies another month, so it is the Monday after. Sunday: the other way
  // round.
  if (weekday == 6) return day > 1 ? day - 1 : day + 2;
  if (weekday == 0) return day < end ? day + 1 : day - 2;
  return day;
}

}  // namespace

bool Cron::day_matches(std::chrono::year_month_day date) const {
  const unsigned day = unsigned(date.day()), end = last_day(date);
  if (day_[day] || before_end_[end - day]) return true;
  for (unsigned wanted = 1; near_.any() && wanted <= 31; ++wanted)
    if (near_[wanted] && nearest_working(date, wanted) == day) return true;
  return last_working_ && nearest_working(date, end) == day;
}

bool Cron::weekday_matches(std::chrono::year_month_day date) const {
  const unsigned weekday = weekday_of(date), day = unsigned(date.day());
  return weekday_[weekday] || (last_weekday_[weekday] && day + 7 > last_day(date)) || nth_weekday_[weekday][(day - 1) / 7];
}

bool Cron::due_on(sys_days day) const {
  const std::chrono::year_month_day date{day};
  if (!month_[unsigned(date.month())]) return false;
  if (day_any_ || weekday_any_) return day_matches(date) && weekday_matches(date);
  return day_matches(date) || weekday_matches(date);
}

std::vector<Time> Cron::times_on(sys_days day) const {
  const LocalDay local(zone_named(zone_), day);
  std::vector<Time> due;
  for (int h = 0; h < 24; ++h)
    for (int m = 0; hour_[static_cast<std::size_t>(h)] && m < 60; ++m)
      if (minute_[static_cast<std::size_t>(m)]) local.add(hours{h} + minutes{m}, moves(), due);
  std::sort(due.begin(), due.end());  // the hour that comes twice
  return due;
}

std::optional<Time> Cron::first_on(sys_days day, Time after) const {
  const LocalDay local(zone_named(zone_), day);
  if (!local.even()) {
    const auto due = times_on(day);
    const auto found = std::upper_bound(due.begin(), due.end(), after);
    return found == due.end() ? std::nullopt : std::optional(*found);
  }
  for (int h = 0; h < 24; ++h) {
    if (!hour_[static_cast<std::size_t>(h)] || local.at(hours{h + 1}) <= after) continue;
    for (int m = 0; m < 60; ++m)
      if (minute_[static_cast<std::size_t>(m)] && local.at(hours{h} + minutes{m}) > after) return local.at(hours{h} + minutes{m});
  }
  return {};
}

std::optional<Time> Cron::last_on(sys_days day, Time until) const {
  const LocalDay local(zone_named(zone_), day);
  if (!local.even()) {
    const auto due = times_on(day);
    const auto found = std::upper_bound(due.begin(), due.end(), until);
    return found == due.begin() ? std::nullopt : std::optional(*std::prev(found));
  }
  for (int h = 23; h >= 0; --h) {
    if (!hour_[static_cast<std::size_t>(h)] || local.at(hours{h}) > until) continue;
    for (int m = 59; m >= 0; --m)
      if (minute_[static_cast<std::size_t>(m)] && local.at(hours{h} + minutes{m}) <= until) return local.at(hours{h} + minutes{m});
  }
  return {};
}

Time Cron::next_after(Time t) const {
  const sys_days first = local_day(zone_named(zone_), t);
  for (sys_days day = first; day <= first + looks_ahead; day += days{1})
    if (due_on(day))
      if (const auto due = first_on(day, t)) return *due;
  return Time::max();
}

std::optional<Time> Cron::last_until(Time t) const {
  const sys_days last = local_day(zone_named(zone_), t);
  for (sys_days day = last; day >= last - looks_ahead; day -= days{1})
    if (due_on(day))
      if (const auto due = last_on(day, t)) return due;
  return {};
}

bool Cron::due_in_minute_of(Time t) const {
  const auto* zone = zone_named(zone_);
  const auto wall = floor<minutes>(t + (zone ? zone->get_info(floor<seconds>(t)).offset : seconds{0}));
  const sys_days day = floor<days>(wall);
  const auto of_day = static_cast<std::size_t>((wall - day).count());
  return hour_[of_day / 60] && minute_[of_day % 60] && due_on(day);
}

std::string wall_text(Time t, std::string_view zone) {
  const auto* there = zone_named(zone);
  const auto offset = there ? there->get_info(floor<seconds>(t)).offset : seconds{0};
  return date::format("%a %F %H:%M ", date::local_seconds{floor<seconds>(t).time_since_epoch() + offset}) +
         (there ? there->get_info(floor<seconds>(t)).abbrev : "UTC");
}

bool known_zone(std::string_view zone) {
  try {
    zone_named(zone);
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

std::vector<std::string> zone_names() {
  std::vector<std::string> names;
  try {
    for (const auto& zone : date::get_tzdb().zones) names.push_back(zone.name());
  } catch (const std::runtime_error&) {
    // There is no data base here: UTC is all there is.
  }
  return names;
}

}  // namespace drwatch
