// SPDX-License-Identifier: Apache-2.0
#include "config/rows/cron.hpp"
#include "config/rows/document.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>
#include <vector>

namespace drwatch {
namespace {

constexpr std::string_view months[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  int low, high;
  std::span<const std::string_view> names = {};  // the first stands for `low`
};
constexpr Field fields[] = {
    {"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12, months}, {"day of the week", 0, 7, weekdays}};

struct Nickname {
  std::string_view name, means;
};
// crontab(5). @reboot is not among them: it is no time.
constexpr Nickname nicknames[] = {{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
                                  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators, bool keep_empty) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find_first_of(separators);
    if (keep_empty || !text.substr(0, end).empty()) parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || text[0] == '-' || error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

std::optional<int> value_of(std::string_view text, const Field& field) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto named = std::find(field.names.begin(), field.names.end(), low);
  if (named != field.names.end()) return field.low + static_cast<int>(named - field.names.begin());
  const auto value = number(text);
  return value && *value >= field.low && *value <= field.high ? value : std::nullopt;
}

std::string complaint(const Field& field, std::string_view part, std::string_view what) {
  return "the " + std::string(field.name) + " " + config::shown(part.substr(0, 40)) + ": " + std::string(what);
}

// One element of a list: "*", "5", "1-5", "*/15", "8-18/2". Sets bits in `mask`; returns what is wrong, or "".
std::string read_part(std::string_view part, const Field& field, std::uint64_t& mask) {
  const auto slash = part.find('/');
  const auto range = part.substr(0, slash);
  int step = 1;
  if (slash != part.npos) {
    const auto given = number(part.substr(slash + 1));
    if (!given || *given < 1) return complaint(field, part, "a step is a number from 1");
    step = std::min(*given, field.high + 1);  // beyond the field it is all the same, and the sum must not overflow
  }
  int from = field.low, to = field.high;
  if (range != "*") {
    const auto dash = range.find('-');
    const auto first = value_of(range.substr(0, dash), field);
    const auto last = dash == range.npos ? first : value_of(range.substr(dash + 1), field);
    if (!first || !last)
      return complaint(field, part,
                       "use " + std::to_string(field.low) + " to " + std::to_string(field.high) +
                           (field.names.empty() ? "" : " or names like " + std::string(field.names[0])));
    // "5/15" means different things to different crons, so it is refused.
    if (dash == range.npos && slash != part.npos) return complaint(field, part, "a step needs a range, like */15 or 8-18/2");
    if (*first > *last) return complaint(field, part, "a range runs upwards; write two, with a comma");
    from = *first, to = *last;
  }
  for (int value = from; value <= to; value += step) mask |= std::uint64_t{1} << value;
  return "";
}

std::string read_field(std::string_view text, const Field& field, std::uint64_t& mask) {
  for (auto part : split(text, ",", true))
    if (auto wrong = read_part(part, field, mask); !wrong.empty()) return wrong;
  return "";
}

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

std::optional<int> within(std::string_view text, int low, int high) {
  const auto value = number(text);
  return value && *value >= low && *value <= high ? value : std::nullopt;
}

}  // namespace

// "L", "L-3", "$", "LW", "15W": days that the calendar moves. False: it is none of them.
bool Cron::read_moving_day(std::string_view part) {
  const std::string text = lowered(part);
  if (text == "lw") return last_working_ = true;
  if (text == "l" || text == "$") {
    before_end_.set(0);
    return true;
  }
  if (text.starts_with("l-")) {
    const auto before = within(std::string_view(text).substr(2), 1, 30);
    if (before) before_end_.set(static_cast<std::size_t>(*before));
    return before.has_value();
  }
  const auto near = text.ends_with('w') ? within(std::string_view(text).substr(0, text.size() - 1), 1, 31) : std::nullopt;
  if (near) near_.set(static_cast<std::size_t>(*near));
  return near.has_value();
}

// "5L", "friL", "5#2", "fri#2".
bool Cron::read_moving_weekday(std::string_view part) {
  const Field& field = fields[4];
  const auto hash = part.find('#');
  const bool last = hash == part.npos && part.size() > 1 && (part.back() == 'L' || part.back() == 'l');
  if (hash == part.npos && !last) return false;
  const auto weekday = value_of(last ? part.substr(0, part.size() - 1) : part.substr(0, hash), field);
  const auto nth = last ? std::optional(1) : within(part.substr(hash + 1), 1, 5);
  if (!weekday || !nth) return false;
  const auto of_week = static_cast<std::size_t>(*weekday % 7);
  if (last)
    last_weekday_.set(of_week);
  else
    nth_weekday_[of_week].set(static_cast<std::size_t>(*nth - 1));
  return true;
}

// Takes out of a day field what only the calendar can tell; the rest is left to the masks.
std::string Cron::without_moving(std::string_view text, bool weekday) {
  std::string rest;
  for (auto part : split(text, ",", true)) {
    if (weekday ? read_moving_weekday(part) : read_moving_day(part)) continue;
    rest += (rest.empty() ? "" : ",") + std::string(part);
    if (part.empty()) rest += ",";  // an empty element is complained of below
  }
  return rest;
}

std::optional<Cron> Cron::parse(std::string_view expression, std::string_view zone, std::string* error) {
  const auto refuse = [&](std::string what) {
    if (error) *error = std::move(what);
    return std::nullopt;
  };
  Cron cron;
  cron.text_ = expression;
  cron.zone_ = zone.empty() ? "UTC" : zone;
  if (!known_zone(cron.zone_)) return refuse(config::shown(cron.zone_) + " is not a time zone of the IANA data base");
  if (expression.starts_with('@')) {
    const auto named = std::find_if(std::begin(nicknames), std::end(nicknames), [&](const Nickname& n) { return n.name == expression; });
    if (named == std::end(nicknames)) return refuse("use five fields, or @hourly, @daily, @weekly, @monthly or @yearly");
    expression = named->means;
  }
  const auto texts = split(expression, " \t", false);
  if (texts.size() != std::size(fields))
    return refuse("found " + std::to_string(texts.size()) + " fields, not five: minute hour day month weekday");
  std::uint64_t masks[std::size(fields)] = {};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string fixed = i == 2 || i == 4 ? cron.without_moving(texts[i], i == 4) : std::string(texts[i]);
    if (fixed.empty()) continue;  // nothing but days that move
    if (auto wrong = read_field(fixed, fields[i], masks[i]); !wrong.empty()) return refuse(std::move(wrong));
  }
  cron.minute_ = masks[0];
  cron.hour_ = masks[1];
  cron.day_ = masks[2];
  cron.month_ = masks[3];
  cron.weekday_ = (masks[4] | masks[4] >> 7) & 0x7f;  // 7 is Sunday as well
  cron.minute_any_ = texts[0].starts_with('*');
  cron.hour_any_ = texts[1].starts_with('*');
  cron.day_any_ = texts[2].starts_with('*');
  cron.weekday_any_ = texts[4].starts_with('*');
  return cron;
}

}  // namespace drwatch
