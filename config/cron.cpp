// SPDX-License-Identifier: Apache-2.0
// When a cron expression is due. It goes from day to day of the local calendar; only on a day that matches does it look at hours and
// minutes, and only on the two days a year on which the clocks change does it ask the time zone about single minutes.
#include "config/cron.hpp"

#include <date/tz.h>

#include <stdexcept>

namespace drwatch {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;

constexpr days looks_ahead{8 * 366};  // the longest way between two leap days

// nullptr: UTC, which needs no data base.
const date::time_zone* zone_named(std::string_view name) {
  if (name == "UTC") return nullptr;
  return date::locate_zone(name);
}

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
    even_ = there.result == date::local_info::unique && there.first.end.time_since_epoch() + east_ >= midnight.time_since_epoch() + days{1};
  }

  // nullopt: the clocks leave this minute out. Of one that comes twice, the first.
  std::optional<Time> at(minutes of_day) const {
    if (even_) return Time{day_ + of_day - east_};
    const auto there = zone_->get_info(local(of_day));
    if (there.result == date::local_info::nonexistent) return {};
    return Time{day_ + of_day - there.first.offset};
  }

  // Whether a whole hour is known to lie before or behind `t` without a look at its minutes.
  bool over(hours hour, Time t) const { return even_ && Time{day_ + hour + hours{1} - east_} <= t; }
  bool ahead(hours hour, Time t) const { return even_ && Time{day_ + hour - east_} > t; }

 private:
  date::local_seconds local(minutes of_day) const { return date::local_seconds{day_.time_since_epoch() + of_day}; }

  const date::time_zone* zone_;
  sys_days day_;
  seconds east_{0};
  bool even_ = true;  // one offset all day
};

}  // namespace

bool Cron::due_on(sys_days day) const {
  const std::chrono::year_month_day date{day};
  if (!month_[unsigned(date.month())]) return false;
  const bool day_matches = day_[unsigned(date.day())];
  const bool weekday_matches = weekday_[std::chrono::weekday{day}.c_encoding()];
  return day_any_ || weekday_any_ ? day_matches && weekday_matches : day_matches || weekday_matches;
}

std::optional<Time> Cron::first_on(sys_days day, Time after) const {
  const LocalDay local(zone_named(zone_), day);
  for (int h = 0; h < 24; ++h) {
    if (!hour_[static_cast<std::size_t>(h)]) continue;
    if (local.over(hours{h}, after)) continue;
    for (int m = 0; m < 60; ++m) {
      if (!minute_[static_cast<std::size_t>(m)]) continue;
      if (const auto due = local.at(hours{h} + minutes{m}); due && *due > after) return due;
    }
  }
  return {};
}

std::optional<Time> Cron::last_on(sys_days day, Time until) const {
  const LocalDay local(zone_named(zone_), day);
  for (int h = 23; h >= 0; --h) {
    if (!hour_[static_cast<std::size_t>(h)]) continue;
    if (local.ahead(hours{h}, until)) continue;
    for (int m = 59; m >= 0; --m) {
      if (!minute_[static_cast<std::size_t>(m)]) continue;
      if (const auto due = local.at(hours{h} + minutes{m}); due && *due <= until) return due;
    }
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
