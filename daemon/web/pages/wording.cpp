// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/pages/wording.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch::web {

std::string sign(std::string_view word) {
  if (word == "up" || word == "met") return "✓";
  if (word == "degraded" || word == "at-risk") return "▲";
  if (word == "down" || word == "breached") return "✕";
  return "?";
}

std::string ago_words(const Seen& seen, const View& time) {
  if (!time.is_string()) return {};
  const auto at = parse_time(time.get<std::string>());
  return at ? duration_words(seen.now - *at) + " ago" : std::string();
}

std::string moment_words(const View& time) {
  const auto at = time.is_string() ? parse_time(time.get<std::string>()) : std::nullopt;
  return at ? time_words(*at) : std::string();
}

std::string words_of(const View& list, std::string_view between) {
  std::string text;
  for (const auto& word : list) text += (text.empty() ? std::string() : std::string(between)) + word.get<std::string>();
  return text;
}

std::string seconds_words(const View& seconds) {
  return seconds.is_number() ? duration_words(Duration(std::llround(seconds.get<double>() * 1000))) : std::string();
}

std::string left_words(Time deadline, Time now) {
  return now <= deadline ? duration_words(deadline - now) : "over by " + duration_words(now - deadline);
}

int percent_of(Duration part, Duration whole) {
  if (whole <= Duration{0}) return 100;
  return static_cast<int>(std::clamp<std::int64_t>(part.count() * 100 / whole.count(), 0, 100));
}

std::string counted(std::size_t n, std::string_view noun) { return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s"); }

View text_or_null(std::string text) { return text.empty() ? View(nullptr) : View(std::move(text)); }

}  // namespace drwatch::web
