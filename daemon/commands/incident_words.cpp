// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/incident_words.hpp"

#include "config/rows/document.hpp"

#include <algorithm>

namespace drwatch::commands {
namespace {

constexpr std::size_t most_named = 8;  // candidates in a sentence; --json has all

std::string line_of(const std::string& command, const std::vector<std::string>& names) {
  std::string line = "drwatch incident " + command + " [ID]";
  for (const auto& name : names) line += " " + name;
  return line;
}

// A refusal of the command line itself, with a problem document of its own for --json.
[[noreturn]] void refuse(const std::string& title, const std::string& detail, const std::vector<std::string>& list = {}) {
  const Json document{{"type", "about:blank"}, {"title", title}, {"status", nullptr}, {"detail", detail}, {"list", list}};
  throw CommandRefused(one_line(title + "; " + detail), document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string named(const std::vector<std::string>& ids) {
  std::string text;
  for (std::size_t n = 0; n < ids.size() && n < most_named; ++n) text += (n == 0 ? "" : ", ") + ids[n];
  return text + (ids.size() > most_named ? " and " + std::to_string(ids.size() - most_named) + " more" : "");
}

template <class Wanted>
std::vector<std::string> ids_of(const Json& incidents, const Wanted& wanted) {
  std::vector<std::string> ids;
  for (const Json& each : incidents)
    if (wanted(each)) ids.push_back(text_at(each, "id"));
  return ids;
}

std::string only_one(const std::vector<std::string>& ids, const std::string& what) {
  if (ids.size() > 1) refuse(std::to_string(ids.size()) + " incidents " + what, "say which one is meant: " + named(ids), ids);
  return ids.front();
}

bool all_digits(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

constexpr std::size_t day = 8, minute = 4;  // "20260301-0211-database-outage"

const std::string of_drill = "drill-";  // before the id of a drill, which is worked like an incident

std::string without_drill(const std::string& word) { return word.starts_with(of_drill) ? word.substr(of_drill.size()) : word; }

// Every page of the list, which is "incidents" or "drills": a thousand may be kept.
Json read_all(Client& client, const std::string& of, const std::string& query = "") {
  Json all = Json::array();
  std::string after;
  do {
    const Json page = client.get("/api/v1/" + of + "?limit=1000" + query + (after.empty() ? "" : "&after=" + path_element(after)));
    for (const Json& each : list_at(page, of.c_str())) all.push_back(each);
    after = text_at(page, "next");
  } while (!after.empty());
  return all;
}

// What a scenario is named for is the incident of it: a drill is meant by its own id alone.
void add_drills(Client& client, Json& incidents) {
  for (const Json& each : read_all(client, "drills"))
    if (const std::string id = text_at(each, "id"); !id.empty())
      incidents.push_back({{"id", id}, {"scenario", ""}, {"state", text_at(each, "state")}});
}

bool none_of_that_id(const CommandRefused& refused) {
  const Json problem = Json::parse(refused.problem, nullptr, false);
  return problem.is_object() && number_at(problem, "status") == 404 && text_at(problem, "detail").starts_with("there is no incident '");
}

}  // namespace

IncidentWords incident_words(const std::string& command, const std::vector<std::string>& words, const std::vector<std::string>& names) {
  if (words.size() == names.size()) return {"", words};
  if (words.size() == names.size() + 1) return {words.front(), {words.begin() + 1, words.end()}};
  refuse(words.size() < names.size() ? "words are missing" : "too many words",
         "write " + line_of(command, names) + "; the ID may be left out where only one is open");
}

IncidentWords incident_words_and_text(const std::string& command, const std::vector<std::string>& words) {
  if (words.empty()) refuse("the text is missing", "write " + line_of(command, {"TEXT"}) + ", the text in quotes");
  if (words.size() == 1) {
    if (begins_like_an_id(words.front()))
      refuse("the text is missing", "'" + words.front() + "' is an incident; write " + line_of(command, {"TEXT"}) + ", the text in quotes");
    return {"", words};
  }
  std::string text;
  for (auto word = words.begin() + 1; word != words.end(); ++word) text += (text.empty() ? "" : " ") + *word;
  return {words.front(), {text}};
}

bool begins_like_an_id(const std::string& typed) {
  const std::string word = without_drill(typed);
  if (word.size() < day || !all_digits(word.substr(0, day))) return false;
  if (word.size() == day) return true;
  return word[day] == '-' && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", day) == std::string::npos &&
         all_digits(word.substr(day + 1, std::min(minute, word.size() - day - 1)));
}

bool looks_like_an_id(const std::string& typed) {
  const std::string word = without_drill(typed);
  constexpr std::size_t scenario = day + 1 + minute + 1;
  return word.size() > scenario && begins_like_an_id(word) && word[scenario - 1] == '-';
}

std::string pick_incident(const Json& incidents, const std::string& word, const std::vector<std::string>& states) {
  if (word.empty()) {
    for (const std::string& state : states)
      if (const auto ids = ids_of(incidents, [&](const Json& i) { return text_at(i, "state") == state; }); !ids.empty())
        return only_one(ids, "are " + state);
    refuse("no incident is " + (states.size() == 1 ? states.front() : "open"), "name one: drwatch incident list has them");
  }
  if (!ids_of(incidents, [&](const Json& i) { return text_at(i, "id") == word; }).empty()) return word;
  const auto of_scenario = [&](const Json& i) { return text_at(i, "scenario") == word; };
  if (const auto all = ids_of(incidents, of_scenario); !all.empty()) {
    for (const char* state : {"open", "recovered"})
      if (const auto ids = ids_of(incidents, [&](const Json& i) { return of_scenario(i) && text_at(i, "state") == state; }); !ids.empty())
        return only_one(ids, "of '" + word + "' are " + state);
    return only_one(all, "were filed under '" + word + "'");
  }
  if (const auto ids = ids_of(incidents, [&](const Json& i) { return text_at(i, "id").starts_with(word); }); !ids.empty())
    return only_one(ids, "begin with '" + word + "'");
  std::vector<std::string> known = ids_of(incidents, [](const Json&) { return true; });
  for (const Json& each : incidents) known.push_back(text_at(each, "scenario"));
  const auto near = config::nearest(word, known);
  refuse("there is no incident '" + word + "'", near ? "did you mean '" + *near + "'?" : "drwatch incident list has them",
         near ? std::vector{*near} : std::vector<std::string>{});
}

Json with_incident(Client& client, const std::string& word, const std::function<Json(const std::string& id)>& does,
                   const std::vector<std::string>& states) {
  if (looks_like_an_id(word)) {
    try {
      return does(word);
    } catch (const CommandRefused& refused) {
      if (!none_of_that_id(refused)) throw;
    }
  }
  Json incidents = Json::array();
  if (word.empty()) {
    for (const std::string& state : states)
      for (const Json& each : read_all(client, "incidents", "&state=" + state)) incidents.push_back(each);
  } else {
    incidents = read_all(client, "incidents");
    if (word.starts_with(of_drill)) add_drills(client, incidents);
  }
  return does(pick_incident(incidents, word, states));
}

}  // namespace drwatch::commands
