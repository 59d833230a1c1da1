// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/routing/matcher.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace drwatch::routing {
namespace {

constexpr const char* spaces = " \t\r\n";

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of(spaces);
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(spaces) - from + 1);
}

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw std::invalid_argument("the matcher '" + text + "' " + why + "; write it as severity=\"critical\"");
}

// A value with or without quotes. Inside, \n, \" and \\ are understood, and any other backslash stands for itself.
std::string value_of(const std::string& matcher, std::string raw) {
  const bool quoted = raw.starts_with('"');
  if (quoted) raw.erase(0, 1);
  std::string value;
  bool closed = !quoted;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool last = i + 1 == raw.size();
    if (raw[i] == '\\' && !last) {
      const char next = raw[++i];
      if (next != 'n' && next != '"' && next != '\\') value += '\\';
      value += next == 'n' ? '\n' : next;
    } else if (raw[i] == '"') {
      if (closed || !last) refuse(matcher, "has a quote inside its value");
      closed = true;
    } else {
      value += raw[i];
    }
  }
  if (!closed) refuse(matcher, "has a quote that is not closed");
  return value;
}

Matcher parse_one(const std::string& text) {
  static const re2::RE2 form(R"((?s)\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*)");
  std::string name, sign, raw;
  if (!re2::RE2::FullMatch(text, form, &name, &sign, &raw)) refuse(trimmed(text), "is none");
  return make_matcher(std::move(name), value_of(trimmed(text), std::move(raw)), sign.ends_with('~'), sign.starts_with('!'));
}

}  // namespace

Matcher make_matcher(std::string name, std::string value, bool regex, bool negative) {
  Matcher made{std::move(name), std::move(value), regex, negative, nullptr};
  if (!regex) return made;
  auto pattern = std::make_shared<re2::RE2>("^(?:" + made.value + ")$", re2::RE2::Quiet);
  if (!pattern->ok()) throw std::invalid_argument("the pattern of " + made.text() + " cannot be read: " + pattern->error() + "; mend it");
  made.pattern = std::move(pattern);
  return made;
}

Matchers parse_matchers(const std::string& text) {
  std::string inside = text;
  if (inside.starts_with('{')) inside.erase(0, 1);
  if (inside.ends_with('}')) inside.pop_back();
  Matchers found;
  std::string token;
  bool quoted = false, escaped = false;
  for (const char c : inside) {
    if (c == ',' && !quoted) {
      found.push_back(parse_one(token));
      token.clear();
      continue;
    }
    if (c == '"' && !escaped) quoted = !quoted;
    escaped = c == '\\' && !escaped;
    token += c;
  }
  if (!trimmed(token).empty()) found.push_back(parse_one(token));
  return found;
}

bool Matcher::matches(const Labels& labels) const {
  const auto label = labels.find(name);
  const std::string found = label == labels.end() ? "" : label->second;
  return (regex ? re2::RE2::PartialMatch(found, *pattern) : found == value) != negative;
}

std::string Matcher::text() const { return name + (negative ? "!" : regex ? "=" : "") + (regex ? "~" : "=") + "\"" + value + "\""; }

bool all_match(const Matchers& matchers, const Labels& labels) {
  return std::ranges::all_of(matchers, [&](const Matcher& matcher) { return matcher.matches(labels); });
}

std::string matchers_text(const Matchers& matchers) {
  std::string text;
  for (const Matcher& matcher : matchers) text += (text.empty() ? "" : ", ") + matcher.text();
  return "{" + text + "}";
}

}  // namespace drwatch::routing
