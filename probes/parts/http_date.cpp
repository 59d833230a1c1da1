// SPDX-License-Identifier: Apache-2.0
#include "probes/parts/http_date.hpp"

#include "probes/parts/http_expectation.hpp"

#include <algorithm>
#include <charconv>

namespace drwatch {
namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Time> parse_http_date(std::string_view text) {
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  // The form has fixed places: "Sun, 06 Nov 1994 08:49:37 GMT". The weekday and the separators are not looked at.
  if (text.size() != 29) return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  const auto day = number(text.substr(5, 2)), year = number(text.substr(12, 4)), hour = number(text.substr(17, 2)),
             minute = number(text.substr(20, 2)), second = number(text.substr(23, 2));
  if (month == months.npos || month % 3 != 0 || !day || !year || !hour || !minute || !second || text.substr(26) != "GMT")
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(month / 3 + 1)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return Time{std::chrono::sys_days{date}} + hours{*hour} + minutes{*minute} + seconds{*second};
}

std::optional<Time> http_date(const HttpResponse& answer) {
  const auto values = header_values(answer, "date");
  return values.empty() ? std::nullopt : parse_http_date(values.front());
}

}  // namespace drwatch
