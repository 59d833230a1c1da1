// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/text.hpp"

#include "config/rows/text.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace drwatch::commands {

Paint Paint::for_output() {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return Paint(::isatty(STDOUT_FILENO) == 1 && !(refused && *refused) && terminal && std::string_view(terminal) != "dumb");
}

std::string Paint::operator()(Ink ink, const std::string& text) const {
  static constexpr const char* codes[] = {"", "1", "2", "32", "33", "1;31"};
  if (!colours_ || ink == Ink::plain || text.empty()) return text;
  return std::string("\x1b[") + codes[static_cast<int>(ink)] + "m" + text + "\x1b[0m";
}

Ink Paint::health(std::string_view health) const { return health == "up" ? Ink::good : health == "down" ? Ink::bad : Ink::warn; }
Ink Paint::standing(std::string_view standing) const {
  return standing == "met" ? Ink::good : standing == "breached" ? Ink::bad : standing == "at-risk" ? Ink::warn : Ink::dim;
}

namespace {

// Code points: near enough to columns for what drwatch prints.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string Columns::print(const Paint& paint) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i].text));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line = indent_;
    std::size_t owed = 0;  // blanks that are only written when something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i].text.empty()) line += std::string(owed, ' ') + paint(row[i].ink, row[i].text);
      const std::size_t rest = widths[i] > width(row[i].text) ? widths[i] - width(row[i].text) : 0;
      owed = row[i].text.empty() ? owed + widths[i] + 2 : rest + 2;
    }
    out += line + "\n";
  }
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                    static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    out += c1 || (c < 0x20 && c != '\n') || c == 0x7f ? '?' : text[i];
  }
  return out;
}

std::string one_line(std::string_view text) {
  std::string out = printable(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string indented(std::string_view text, const std::string& by) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    out += (line.empty() ? "" : by + std::string(line)) + "\n";
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  return out;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string text_at(const Json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_string() ? printable(found->get<std::string>()) : "";
}
std::optional<Time> time_at(const Json& document, const char* key) { return parse_time(text_at(document, key)); }
std::optional<double> number_at(const Json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}
bool flag_at(const Json& document, const char* key) {
  const auto found = document.find(key);
  return found != document.end() && found->is_boolean() && found->get<bool>();
}
const Json& list_at(const Json& document, const char* key) {
  static const Json none = Json::array();
  const auto found = document.find(key);
  return found != document.end() && found->is_array() ? *found : none;
}
std::string joined(const Json& list, std::string_view between) {
  std::vector<std::string> words;
  for (const Json& each : list)
    if (each.is_string()) words.push_back(one_line(each.get<std::string>()));
  return drwatch::joined(words, between);
}

std::string words(double duration_seconds) { return duration_words(Duration(static_cast<std::int64_t>(duration_seconds * 1000))); }

std::string clock_text(Time t, Time now) {
  const std::string text = time_text(std::chrono::floor<seconds>(t));  // 2026-03-01T02:13:05Z
  const bool same_day = std::chrono::floor<std::chrono::days>(t) == std::chrono::floor<std::chrono::days>(now);
  return same_day ? text.substr(11, 8) : text.substr(0, 10) + " " + text.substr(11, 5);
}

std::string ago(std::optional<Time> t, Time now) {
  if (!t) return "";
  return duration_words(std::max(std::chrono::floor<seconds>(now - *t), seconds{0}));
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace drwatch::commands
