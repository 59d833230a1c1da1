// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/api/fields.hpp"

#include "config/rows/document.hpp"

#include <algorithm>
#include <cmath>

namespace drwatch::web {
namespace {

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

// A web page elsewhere can make a browser send text/plain to us, but not application/json without asking first.
bool is_json(const Request& request) {
  const std::string* type = request.header("content-type");
  if (!type) return false;
  std::string word = type->substr(0, type->find(';'));
  while (!word.empty() && word.back() == ' ') word.pop_back();
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word == "application/json";
}

}  // namespace

Fields::Fields(const Request& request) {
  if (blank(request.body)) return;
  if (!is_json(request)) {
    wrong_ = problem(415, "wrong type", "the body must be JSON, sent with 'Content-Type: application/json'");
    return;
  }
  // Depth is bounded before parsing: a body of brackets must not become a deep recursion.
  int depth = 0, deepest = 0;
  for (const char c : request.body) {
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  if (deepest > 64) {
    refuse("the body is nested too deeply");
    return;
  }
  body_ = nlohmann::json::parse(request.body, nullptr, false);
  if (!body_.is_object()) {
    body_ = nlohmann::json::object();
    refuse("the body is not a JSON object");
  }
}

void Fields::refuse(std::string detail) {
  if (!wrong_) wrong_ = problem(400, "not understood", std::move(detail));
}
void Fields::refuse_type(const std::string& key, const std::string& wanted) { refuse("'" + key + "' must be " + wanted); }

// The value of a key; nullptr when it is absent or null. The key counts as known from now on.
const nlohmann::json* Fields::find(const std::string& key) {
  asked_.push_back(key);
  const auto found = body_.find(key);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::text(const std::string& key, bool required) {
  const auto* value = find(key);
  if (value && !value->is_string())
    refuse_type(key, "a string");
  else if (value && value->get_ref<const std::string&>().size() > most_text)
    refuse("'" + key + "' is longer than " + std::to_string(most_text) + " bytes");
  else if (value && !(required && blank(value->get_ref<const std::string&>())))
    return value->get<std::string>();
  else if (required)
    refuse("'" + key + "' is required: a string that says something");
  return {};
}

std::string Fields::one_of(const std::string& key, const std::vector<std::string>& words) {
  const std::string given = text(key, true);
  if (wrong_ || std::find(words.begin(), words.end(), given) != words.end()) return given;
  std::string detail = "'" + key + "' is one of";
  for (const auto& word : words) detail += " " + word;
  if (const auto near = config::nearest(given, words)) detail += "; did you mean '" + *near + "'?";
  refuse(detail);
  return {};
}

bool Fields::flag(const std::string& key) {
  const auto* value = find(key);
  if (!value) return false;
  if (!value->is_boolean()) {
    refuse_type(key, "true or false");
    return false;
  }
  return value->get<bool>();
}

std::string Fields::document(const std::string& key) {
  const auto* value = find(key);
  if (!value) return {};
  if (!value->is_object()) {
    refuse_type(key, "a JSON object");
    return {};
  }
  return value->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> Fields::texts(const std::string& key) {
  const auto* value = find(key);
  std::vector<std::string> list;
  const bool well = value && value->is_array() && !value->empty() &&
                    std::all_of(value->begin(), value->end(), [](const auto& each) { return each.is_string(); });
  if (well)
    list = value->get<std::vector<std::string>>();
  else
    refuse_type(key, "a list of at least one string");
  return list;
}

std::optional<Time> Fields::time(const std::string& key) {
  const std::string given = text(key, true);
  if (wrong_) return std::nullopt;
  const auto time = parse_time(given);
  if (!time) refuse_type(key, "a time as in 2026-03-01T02:09:30Z");
  return time;
}

std::optional<Duration> Fields::duration(const std::string& text_key, const std::string& seconds_key, bool required) {
  const auto* words = find(text_key);
  const auto* number = find(seconds_key);
  if (!required && !words && !number) return std::nullopt;
  if (words && words->is_string() && !number) {
    const auto given = parse_duration(words->get<std::string>());
    if (given && (*given > Duration{0} || !required)) return given;
  } else if (number && number->is_number() && !words) {
    const double given = number->get<double>();
    if ((given > 0 || (given == 0 && !required)) && given < 1e9) return Duration(static_cast<std::int64_t>(std::llround(given * 1000)));
  }
  refuse("one of '" + text_key + "' (a duration as in \"1h30m\") and '" + seconds_key + "' (a number above 0) is required");
  return std::nullopt;
}

// A key that no field asked for is an error: a misspelt "force" must not be ignored silently.
std::optional<Response> Fields::wrong() const {
  if (wrong_) return wrong_;
  for (const auto& [key, value] : body_.items()) {
    if (std::find(asked_.begin(), asked_.end(), key) != asked_.end()) continue;
    std::string detail = "'" + key.substr(0, 100) + "' is not known here";
    if (const auto near = config::nearest(key, asked_)) detail += "; did you mean '" + *near + "'?";
    return problem(400, "not understood", detail);
  }
  return std::nullopt;
}

}  // namespace drwatch::web
