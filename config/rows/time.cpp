// SPDX-License-Identifier: Apache-2.0
#include "config/rows/time.hpp"

#include <charconv>

namespace drwatch {
namespace {

struct Unit {
  std::string_view name;
  Duration is;
};
// Largest first: the order in which they are written.
constexpr Unit units[] = {{"d", hours{24}}, {"h", hours{1}}, {"m", minutes{1}}, {"s", seconds{1}}, {"ms", milliseconds{1}}};
constexpr Unit words[] = {{"d", hours{24}}, {"h", hours{1}}, {"min", minutes{1}}, {"s", seconds{1}}, {"ms", milliseconds{1}}};
// A century: longer ones are slips, and sums with times must not overflow.
constexpr Duration longest = hours{24 * 36525};

// Four digits of year is all that RFC 3339 has.
constexpr Time earliest = std::chrono::sys_days{std::chrono::year{0} / 1 / 1};
constexpr Time latest = Time{std::chrono::sys_days{std::chrono::year{10000} / 1 / 1}} - milliseconds{1};

std::optional<int> digits(std::string_view text, std::size_t from, std::size_t count) {
  if (from + count > text.size()) return {};
  int number = 0;
  for (char c : text.substr(from, count)) {
    if (c < '0' || c > '9') return {};
    number = number * 10 + (c - '0');
  }
  return number;
}

// ".123456" → 123 ms; moves `at` behind it.
std::optional<milliseconds> fraction(std::string_view text, std::size_t& at) {
  if (at >= text.size() || text[at] != '.') return milliseconds{0};
  int ms = 0, seen = 0;
  for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++seen)
    if (seen < 3) ms = ms * 10 + (text[at] - '0');
  if (seen == 0) return {};
  // ".5" is 500 ms.
  for (; seen < 3; ++seen) ms *= 10;
  return milliseconds{ms};
}

// "Z" or "+HH:MM", to the end of the text.
std::optional<minutes> offset(std::string_view text) {
  if (text == "Z" || text == "z") return minutes{0};
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return {};
  const auto h = digits(text, 1, 2), m = digits(text, 4, 2);
  if (!h || !m || *h > 23 || *m > 59) return {};
  const minutes east = hours{*h} + minutes{*m};
  return text[0] == '-' ? -east : east;
}

// By hand: every run of every probe writes two times, and printf was a tenth of what a run costs.
void write_digits(std::string& into, std::size_t at, std::size_t count, int number) {
  for (std::size_t i = count; i-- > 0; number /= 10) into[at + i] = static_cast<char>('0' + number % 10);
}

Duration rounded_to(Duration d, Duration unit) { return (d + unit / 2) / unit * unit; }

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return {};
  Duration sum{0};
  std::size_t next_unit = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{} || text[0] == '-') return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const auto name = text.substr(0, text.find_first_of("0123456789"));
    // Units are only looked for onwards, so "30m1h" and "5m5m" are refused.
    while (next_unit < std::size(units) && units[next_unit].name != name) ++next_unit;
    if (next_unit == std::size(units) || count > longest / units[next_unit].is) return {};
    sum += units[next_unit++].is * count;
    text.remove_prefix(name.size());
  }
  if (sum > longest) return {};
  return sum;
}

std::string duration_text(Duration d) {
  if (d == Duration{0}) return "0s";
  std::string text = d < Duration{0} ? "-" : "";
  d = std::chrono::abs(d);
  for (const auto& unit : units) {
    if (d < unit.is) continue;
    text += std::to_string(d / unit.is).append(unit.name);
    d %= unit.is;
  }
  return text;
}

std::string duration_words(Duration d) {
  if (d <= Duration{0}) return "0 s";
  if (d >= hours{24})
    d = rounded_to(d, hours{1});
  else if (d >= hours{1})
    d = rounded_to(d, minutes{1});
  else if (d >= seconds{10})
    d = rounded_to(d, seconds{1});
  else if (d >= seconds{1} && (d = rounded_to(d, milliseconds{100})) < seconds{10} && d % seconds{1} != Duration{0})
    return std::to_string(d / seconds{1}) + "." + std::to_string(d % seconds{1} / milliseconds{100}) + " s";
  std::string text;
  int shown = 0;
  for (const auto& unit : words) {
    const auto count = d / unit.is;
    if (count == 0 && shown == 0) continue;
    if (count != 0) text += (shown != 0 ? " " : "") + std::to_string(count) + " " + std::string(unit.name);
    d %= unit.is;
    if (++shown == 2) break;
  }
  return text;
}

std::optional<Time> parse_time(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') return {};
  if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return {};
  const auto y = digits(text, 0, 4), mon = digits(text, 5, 2), d = digits(text, 8, 2);
  const auto h = digits(text, 11, 2), min = digits(text, 14, 2), s = digits(text, 17, 2);
  if (!y || !mon || !d || !h || !min || !s || *h > 23 || *min > 59 || *s > 60) return {};  // 60: a leap second
  const std::chrono::year_month_day date{std::chrono::year{*y}, std::chrono::month(static_cast<unsigned>(*mon)),
                                         std::chrono::day(static_cast<unsigned>(*d))};
  if (!date.ok()) return {};
  std::size_t at = 19;
  const auto ms = fraction(text, at);
  const auto east = offset(text.substr(at));
  if (!ms || !east) return {};
  const Time made = Time{std::chrono::sys_days{date}} + hours{*h} + minutes{*min} + seconds{*s} + *ms - *east;
  if (made < earliest || made > latest) return {};  // a leap second or an offset leads out of what can be written again
  return made;
}

std::string time_text(Time t) {
  // A Time of the far future (Time::max()) is written as the last that RFC 3339 has.
  t = std::min(std::max(t, earliest), latest);
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{t - day};
  std::string text = "0000-00-00T00:00:00";
  write_digits(text, 0, 4, int(date.year()));
  write_digits(text, 5, 2, int(unsigned(date.month())));
  write_digits(text, 8, 2, int(unsigned(date.day())));
  write_digits(text, 11, 2, int(clock.hours().count()));
  write_digits(text, 14, 2, int(clock.minutes().count()));
  write_digits(text, 17, 2, int(clock.seconds().count()));
  if (const auto ms = clock.subseconds().count(); ms != 0) {
    text += ".000";
    write_digits(text, 20, 3, int(ms));
  }
  return text += 'Z';
}

}  // namespace drwatch
