// SPDX-License-Identifier: Apache-2.0
// Cron expressions in a time zone, in the dialect of Debian's cron: five fields, names, ranges, lists, steps; @hourly, @daily, @weekly,
// @monthly, @yearly. When both day fields are restricted either matches. Daylight saving: a time that does not exist is skipped, one that
// occurs twice fires once (the first).
#pragma once

#include "config/time.hpp"

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

  const std::string& text() const { return text_; }
  const std::string& zone() const { return zone_; }
  friend bool operator==(const Cron& a, const Cron& b) { return a.text_ == b.text_ && a.zone_ == b.zone_; }

 private:
  bool due_on(std::chrono::sys_days day) const;                               // of the local calendar
  std::optional<Time> first_on(std::chrono::sys_days day, Time after) const;  // strictly later
  std::optional<Time> last_on(std::chrono::sys_days day, Time until) const;   // or at it

  std::string text_, zone_;
  std::bitset<60> minute_;
  std::bitset<24> hour_;
  std::bitset<32> day_;                         // 1..31
  std::bitset<13> month_;                       // 1..12
  std::bitset<7> weekday_;                      // 0 = Sunday
  bool day_any_ = false, weekday_any_ = false;  // the field began with '*'
};

bool known_zone(std::string_view zone);  // of the IANA data base installed here
std::vector<std::string> zone_names();

}  // namespace drwatch
