// SPDX-License-Identifier: Apache-2.0
// A scenario test as a file: read, with every problem and its place.
#include "daemon/story/story.hpp"

#include "config/rows/schema.hpp"
#include "daemon/story/words.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace drwatch {
namespace {

using config::Meta;
using config::Reading;
using config::Row;
using config::row;
using config::row_with;
using config::Table;
using config::Value;

std::string text_in(const Table& table, const char* key, const char* otherwise = "") {
  const config::Entry* entry = config::find(table, key);
  return entry && entry->value.text() ? *entry->value.text() : otherwise;
}
bool flag_in(const Table& table, const char* key) {
  const config::Entry* entry = config::find(table, key);
  const bool* flag = entry ? std::get_if<bool>(&entry->value.is) : nullptr;
  return flag && *flag;
}

// Every value of a deed's table is text, but for three flags, a number and two lists of texts; other keys are mistakes.
std::string_view not_as_it_should_be(const config::Entry& entry) {
  if (entry.key == "code") return std::holds_alternative<std::int64_t>(entry.value.is) ? "" : "write a whole number, as 3";
  if (entry.key == "force" || entry.key == "false_alarm" || entry.key == "failed")
    return std::holds_alternative<bool>(entry.value.is) ? "" : "write true or false";
  if (entry.key != "components" && entry.key != "ids") return entry.value.text() ? "" : "write a text in quotes";
  const auto* list = entry.value.array();
  bool texts = list && !list->empty() && std::all_of(list->begin(), list->end(), [](const Value& one) { return one.text() != nullptr; });
  return texts ? "" : "write a list of names";
}
bool known_keys(const Value& value, std::initializer_list<std::string_view> keys, std::initializer_list<std::string_view> required,
                const Reading& reading) {
  const Table* table = value.table();
  if (!table) {
    reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table");
    return false;
  }
  std::vector<std::string> names(keys.begin(), keys.end());
  bool good = true;
  for (const config::Entry& entry : *table)
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      auto near = config::nearest(entry.key, names);
      reading.problems.error(entry.place, reading.key + "." + entry.key, "unknown key '" + entry.key + "'",
                             near ? "did you mean '" + *near + "'?" : "remove it");
      good = false;
    }
  for (const config::Entry& entry : *table)
    if (auto wish = not_as_it_should_be(entry); !wish.empty()) {
      reading.problems.error(entry.value.place, reading.key + "." + entry.key, "this is " + std::string(entry.value.type_name()),
                             std::string(wish));
      good = false;
    }
  for (std::string_view key : required)
    if (!config::find(*table, key)) {
      reading.problems.error(value.place, reading.key, "'" + std::string(key) + "' is missing", "add it");
      good = false;
    }
  return good;
}

constexpr const char* person = "story";

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> texts;
  if (const auto* list = value.array())
    for (const Value& one : *list)
      if (one.text()) texts.push_back(*one.text());
  return texts;
}

// What a word of the deed's table stands for; nullopt: it is none of `words`, and that is said.
template <class Meaning>
std::optional<Meaning> meant(const Value& deed, const char* key, const std::string& what, std::optional<Meaning> (*parse)(std::string_view),
                             const std::vector<std::string>& words, const Reading& reading) {
  const std::string word = text_in(*deed.table(), key);
  auto meaning = parse(word);
  if (meaning) return meaning;
  auto near = config::nearest(word, words);
  reading.problems.error(deed.place, reading.key + "." + key, "'" + word + "' is no " + what,
                         near ? "did you mean '" + *near + "'?" : "one of " + as_list(words));
  return std::nullopt;
}

void read_ping(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"probe", "what", "rid", "code", "message"}, {"probe", "what"}, reading)) return;
  const Table& table = *value.table();
  Pinged ping;
  ping.probe = text_in(table, "probe");
  ping.rid = text_in(table, "rid");
  ping.message = text_in(table, "message");
  auto what = meant(value, "what", "ping", parse_ping, pings(), reading);
  if (!what) return;
  ping.what = *what;
  // As jobs send it: with success it is 0, and only what failed has another.
  if (const config::Entry* code = config::find(table, "code")) {
    const std::int64_t number = std::get<std::int64_t>(code->value.is);
    const bool fits = ping.what == Ping::fail ? number >= 1 && number <= 255 : ping.what == Ping::success && number == 0;
    if (!fits)
      return reading.problems.error(code->value.place, reading.key + ".code", "this is no exit code of such a ping",
                                    "write 1 to 255 with `fail`, or leave it out");
    ping.exit_code = static_cast<int>(number);
  }
  deed.inputs.push_back(ping);
}
void read_step(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"scenario", "id", "ids", "action", "note", "force"}, {"scenario", "action"}, reading)) return;
  const Table& t = *value.table();
  const config::Entry* ids = config::find(t, "ids");
  if ((ids != nullptr) == (config::find(t, "id") != nullptr))
    return reading.problems.error(value.place, reading.key, "a step is named by 'id', several by 'ids'", "give one of the two");
  auto action = meant(value, "action", "action on a step", parse_step_action, step_actions(), reading);
  if (!action) return;
  for (const std::string& id : ids ? texts_of(ids->value) : std::vector<std::string>{text_in(t, "id")})
    deed.inputs.push_back(StepAction{text_in(t, "scenario"), id, *action, person, text_in(t, "note"), flag_in(t, "force")});
}
void read_signal(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"name", "state", "note", "alert", "force"}, {"name", "state"}, reading)) return;
  const Table& t = *value.table();
  auto raised = meant(value, "state", "state of a signal", parse_signal_state, signal_states(), reading);
  if (raised)
    deed.inputs.push_back(SetSignal{text_in(t, "name"), *raised, person, text_in(t, "note"), text_in(t, "alert"), flag_in(t, "force")});
}
void read_maintenance(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"components", "for"}, {"components", "for"}, reading)) return;
  StartMaintenance start;
  start.by = person;
  start.components = texts_of(config::find(*value.table(), "components")->value);
  auto lasts = parse_duration(text_in(*value.table(), "for"));
  if (!lasts) return reading.problems.error(value.place, reading.key + ".for", "this is no duration", "write something like \"1h\"");
  start.lasts = *lasts;
  deed.inputs.push_back(start);
}
// Led by drwatch: what its person does. The drill is named by its scenario; run_story puts the id in.
void read_led_drill(StoryDeed& deed, const Table& t, const Value& value, const Reading& reading) {
  const std::string scenario = text_in(t, "scenario"), note = text_in(t, "note"), action = text_in(t, "action");
  if (action == "start") return deed.inputs.push_back(StartDrill{scenario, person, note, text_in(t, "type")});
  if (action == "abort") return deed.inputs.push_back(AbortDrill{scenario, person, note});
  if (action == "hold" || action == "release") return deed.inputs.push_back(HoldDrills{action == "hold", person, note});
  if (action == "finish")
    return deed.inputs.push_back(FinishDrill{scenario, !flag_in(t, "failed"), parse_duration(text_in(t, "lost")), person, note});
  reading.problems.error(value.place, reading.key + ".action", "there is no action '" + action + "' on a drill",
                         "write start, finish, abort, hold or release; without `action` it took place");
}
// Each act takes its own keys: one that it does not take would be left out without a word.
bool known_keys_of_drill(const Value& value, const std::string& action, const Reading& reading) {
  if (action == "start") return known_keys(value, {"scenario", "action", "type", "note"}, {}, reading);
  if (action == "finish") return known_keys(value, {"scenario", "action", "lost", "failed", "note"}, {}, reading);
  if (action == "abort") return known_keys(value, {"scenario", "action", "note"}, {}, reading);
  if (action == "hold" || action == "release") return known_keys(value, {"action", "note"}, {}, reading);
  return known_keys(value, {"scenario", "action", "type", "took", "lost", "failed", "note"}, {}, reading);
}
void read_drill(StoryDeed& deed, const Value& value, const Reading& reading) {
  const std::string action = value.table() ? text_in(*value.table(), "action") : "";
  if (!known_keys_of_drill(value, action, reading)) return;
  const Table& t = *value.table();
  if (!config::find(t, "scenario") && action != "hold" && action != "release")
    return reading.problems.error(value.place, reading.key, "'scenario' is missing", "say which is drilled");
  if (!action.empty()) return read_led_drill(deed, t, value, reading);
  RecordDrill drill;
  drill.type = text_in(t, "type");
  drill.scenario = text_in(t, "scenario");
  drill.passed = !flag_in(t, "failed");
  drill.by = person;
  drill.note = text_in(t, "note");
  for (auto [key, into] : {std::pair{"took", &drill.took}, std::pair{"lost", &drill.lost}}) {
    if (!config::find(t, key)) continue;
    *into = parse_duration(text_in(t, key));
    if (!*into) return reading.problems.error(value.place, reading.key + "." + key, "this is no duration", "write something like \"50m\"");
  }
  deed.inputs.push_back(drill);
}
// ack, open, resolve, reopen, note, refile: about one scenario, each with its own keys.
bool known_keys_of(const std::string& what, const Value& value, const Reading& reading) {
  if (what == "resolve") return known_keys(value, {"scenario", "note", "force", "false_alarm"}, {"scenario"}, reading);
  if (what == "note") return known_keys(value, {"scenario", "note", "text"}, {"scenario"}, reading);
  if (what == "refile") return known_keys(value, {"scenario", "note", "to"}, {"scenario", "to"}, reading);
  return known_keys(value, {"scenario", "note"}, {"scenario"}, reading);
}
void read_scenario_deed(StoryDeed& deed, const std::string& what, const Value& value, const Reading& reading) {
  if (!known_keys_of(what, value, reading)) return;
  const Table& t = *value.table();
  std::string scenario = text_in(t, "scenario"), note = text_in(t, "note");
  if (what == "ack") deed.inputs.push_back(Acknowledge{scenario, person, note});
  if (what == "open") deed.inputs.push_back(OpenIncident{scenario, person, note});
  if (what == "resolve") deed.inputs.push_back(Resolve{scenario, flag_in(t, "force"), flag_in(t, "false_alarm"), person, note});
  if (what == "reopen") deed.inputs.push_back(Reopen{scenario, person, note});
  if (what == "note") deed.inputs.push_back(AddNote{scenario, note.empty() ? text_in(t, "text") : note, person});
  if (what == "refile") deed.inputs.push_back(Refile{scenario, text_in(t, "to"), person, note});
}

void read_clock(StoryDeed& deed, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  const char sign = text && !text->empty() ? text->front() : ' ';
  auto by = sign == '+' || sign == '-' ? parse_duration(text->substr(1)) : std::nullopt;
  if (!by || *by == Duration{0})
    return reading.problems.error(value.place, reading.key, "this is no change of a clock", "write \"+1h\" or \"-10m\"");
  deed.clock = sign == '-' ? -*by : *by;
}

// The moment is written from `start`, as all times of a story; run_story adds that.
void read_bad_change(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"scenario", "at", "note"}, {"scenario", "at"}, reading)) return;
  const Table& t = *value.table();
  auto at = parse_duration(text_in(t, "at"));
  if (!at)
    return reading.problems.error(value.place, reading.key + ".at", "this is no duration", "write the time from `start`, as \"9m30s\"");
  deed.inputs.push_back(SayBadChange{text_in(t, "scenario"), Time{*at}, person, text_in(t, "note")});
}

std::vector<Row> deed_rows() {
  std::vector<Row> rows = {
      row("at", &StoryDeed::at, {.doc = "When, from `start`.", .required = true}),
      row("every", &StoryDeed::every, {.doc = "Again and again, this far apart."}),
      row("until", &StoryDeed::until, {.doc = "The end of `every`."}),
      row("restart", &StoryDeed::restart, {.doc = "drwatch is killed and starts again."}),
      row_with<StoryDeed>("clock", "duration with its sign", {.doc = "drwatch's wall clock is set: forward (`+1h`) or back (`-10m`)."},
                          read_clock),
      row("late", &StoryDeed::late, {.doc = "drwatch's own loop is late, at every turn, for so long."}),
      row("refused", &StoryDeed::refused, {.doc = "It has to be refused."}),
      row_with<StoryDeed>("ping", "table", {.doc = "A job calls in."}, read_ping),
      row_with<StoryDeed>("step", "table", {.doc = "Somebody works on a step, or on several (`ids`)."}, read_step),
      row_with<StoryDeed>("signal", "table",
                          {.doc = "A signal is raised or cleared: by a person, or by an Alertmanager's `alert` (any name for it)."},
                          read_signal),
      row_with<StoryDeed>("bad_change", "table", {.doc = "Somebody says when the change was made that has to be undone."}, read_bad_change),
      row_with<StoryDeed>("maintenance", "table", {.doc = "Maintenance begins."}, read_maintenance),
      row_with<StoryDeed>("drill", "table",
                          {.doc = "A drill took place; with `action` (`start`, `finish`, `abort`, `hold`, `release`) drwatch leads it."},
                          read_drill),
  };
  for (const char* what : {"ack", "open", "resolve", "reopen", "note", "refile"})
    rows.push_back(row_with<StoryDeed>(
        what, "table", {.doc = "About the incident of a scenario."},
        [what](StoryDeed& deed, const Value& value, const Reading& reading) { read_scenario_deed(deed, what, value, reading); }));
  return rows;
}

std::vector<Row> change_rows() {
  return {
      row("at", &StoryChange::at, {.doc = "From when on.", .required = true}),
      row("until", &StoryChange::until, {.doc = "Up to when."}),
      row("probes", &StoryChange::probes, {.doc = "Whose runs see it.", .required = true}),
      row("outcome", &StoryChange::outcome, {.doc = "What they see.", .one_of = words_of(all_healths, health_name)}),
      row("reason", &StoryChange::reason, {.doc = "Why.", .one_of = words_of(all_reasons, reason_name)}),
      row("code", &StoryChange::code, {.doc = "SQLSTATE, HTTP status, errno name."}),
      row("message", &StoryChange::message, {.doc = "The sentence."}),
      row("recovery_point", &StoryChange::recovery_point, {.doc = "`follows`, `stalls`, `none` (the store is read and empty), or a time."}),
      row("data_gib", &StoryChange::data_gib, {.doc = "How much data there is to bring back.", .min = 0}),
      row("share", &StoryChange::share,
          {.doc = "Only this share of the runs of each probe sees it, evenly spread, the first one first: `0.5` for every other one.",
           .min = 0.01,
           .max = 1}),
      row("lag", &StoryChange::lag, {.doc = "How far behind now it follows, or behind `at` it stalls.", .fallback = "30s"}),
  };
}

void read_steps(StoryExpectation& e, const Value& value, const Reading& reading) {
  const Table* scenarios = value.table();
  if (!scenarios)
    return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table of tables");
  for (const config::Entry& scenario : *scenarios) {
    const Table* steps = scenario.value.table();
    if (!steps)
      return reading.problems.error(scenario.place, reading.key, "this is " + std::string(scenario.value.type_name()),
                                    "write a table of steps");
    for (const config::Entry& step : *steps) {
      if (step.value.text())
        e.steps[scenario.key][step.key] = *step.value.text();
      else
        reading.problems.error(step.value.place, reading.key, "this is " + std::string(step.value.type_name()),
                               "write the step's state, as \"open\"");
    }
  }
}
void read_times(std::map<std::string, Duration>& times, const Value& value, const Reading& reading) {
  const Table* table = value.table();
  if (!table) return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table");
  for (const config::Entry& entry : *table) {
    auto at = entry.value.text() ? parse_duration(*entry.value.text()) : std::nullopt;
    if (!at) return reading.problems.error(entry.place, reading.key, "this is no duration", "write the time from `start`, as \"9m30s\"");
    times[entry.key] = *at;
  }
}

std::vector<Row> expect_rows() {
  auto list = [](std::optional<std::vector<std::string>> StoryExpectation::* member, const char* key) {
    return row_with<StoryExpectation>(
        key, "list of strings", {.doc = "Exactly these."}, [member](StoryExpectation& e, const Value& value, const Reading& reading) {
          const auto* items = value.array();
          if (!items) return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a list");
          std::vector<std::string> all;
          for (const Value& item : *items) {
            if (item.text())
              all.push_back(*item.text());
            else
              reading.problems.error(item.place, reading.key, "this is " + std::string(item.type_name()), "write names in quotes");
          }
          e.*member = all;
        });
  };
  return {
      row("at", &StoryExpectation::at, {.doc = "When.", .required = true}),
      row("health", &StoryExpectation::health, {.doc = "Of components and probes."}),
      row("states", &StoryExpectation::states, {.doc = "Of the newest incident of a scenario."}),
      row("drills", &StoryExpectation::drills, {.doc = "Of the newest drill of a scenario: `open`, its verdict, or `none`."}),
      row("standing", &StoryExpectation::standing, {.doc = "`NAME rpo`, `NAME rpo CLASS`, `NAME rto`."}),
      row_with<StoryExpectation>("steps", "table", {.doc = "By scenario and step."}, read_steps),
      row_with<StoryExpectation>(
          "started", "table", {.doc = "The clock's start, from `start`."},
          [](StoryExpectation& e, const Value& value, const Reading& reading) { read_times(e.started, value, reading); }),
      row_with<StoryExpectation>(
          "recovered", "table", {.doc = "Since when it is recovered, from `start`."},
          [](StoryExpectation& e, const Value& value, const Reading& reading) { read_times(e.recovered, value, reading); }),
      list(&StoryExpectation::incidents, "incidents"),
      list(&StoryExpectation::alerts, "alerts"),
      list(&StoryExpectation::pending, "pending"),
      row("exposure", &StoryExpectation::exposure,
          {.doc = "`COMPONENT CLASS` to a duration, `about DURATION` (estimated), `everything` (no source) or `not known`."}),
      row("breach", &StoryExpectation::breach, {.doc = "`COMPONENT CLASS` to the predicted moment, from `start`, or `none`."}),
      row("loss", &StoryExpectation::loss,
          {.doc = "What a logical failure costs, by scenario: a duration, `about DURATION`, `everything` or `none`."}),
      row("restores_to", &StoryExpectation::restores_to, {.doc = "By scenario: the moment to restore to, from `start`, or `none`."}),
      row("time_to_fix", &StoryExpectation::time_to_fix, {.doc = "By component: a duration and its basis, `30m plan`."}),
      row("projected", &StoryExpectation::projected,
          {.doc =
               "By scenario: within what nine in ten recoveries are over, of the open incident or were it to strike now: `under 3h`, `over "
               "3h`."}),
      list(&StoryExpectation::findings, "findings"),
      row("blind", &StoryExpectation::blind, {.doc = "Whether drwatch is blind."}),
  };
}

template <class T>
std::vector<T> read_list(const Table& top, const char* key, const std::vector<Row>& rows, const Reading& reading) {
  std::vector<T> all;
  const config::Entry* entry = config::find(top, key);
  if (!entry) return all;
  const auto* items = entry->value.array();
  if (!items) {
    reading.problems.error(entry->place, key, "this is " + std::string(entry->value.type_name()), "write [[" + std::string(key) + "]]");
    return all;
  }
  for (const Value& item : *items) {
    if (!item.table()) {
      reading.problems.error(item.place, key, "this is " + std::string(item.type_name()), "write [[" + std::string(key) + "]]");
      continue;
    }
    T one;
    config::read_table(*item.table(), item.place, rows, &one, reading.at(key));
    one.line = item.place.line;
    all.push_back(std::move(one));
  }
  return all;
}

struct Top {
  std::string config, start;
};

}  // namespace

std::optional<Story> read_story(const std::string& file, config::Problems& problems) {
  std::ifstream in(file);
  if (!in) {
    problems.error({file, 0, 0}, "", "cannot read this file", "check its name");
    return std::nullopt;
  }
  std::stringstream text;
  text << in.rdbuf();
  auto document = config::parse_toml(file, text.str(), problems);
  if (!document || !document->table()) return std::nullopt;
  Reading reading{problems, "", std::filesystem::path(file).parent_path().string()};
  Top top;
  std::vector<Row> rows = {config::path_row("config", &Top::config, {.doc = "The configuration under test.", .required = true}),
                           row("start", &Top::start, {.doc = "The time it begins, RFC 3339.", .required = true})};
  const std::string_view lists[] = {"change", "do", "expect"};
  config::read_table(*document->table(), document->place, rows, &top, reading, lists);
  Story story;
  story.file = file;
  story.config = top.config;
  auto start = parse_time(top.start);
  if (!start && !top.start.empty())
    problems.error(document->place, "start", "'" + top.start + "' is not a time", "write it as 2026-03-01T02:00:00Z");
  story.start = start.value_or(Time{});
  story.changes = read_list<StoryChange>(*document->table(), "change", change_rows(), reading);
  story.deeds = read_list<StoryDeed>(*document->table(), "do", deed_rows(), reading);
  story.expectations = read_list<StoryExpectation>(*document->table(), "expect", expect_rows(), reading);
  if (story.expectations.empty())
    problems.error({file, 0, 0}, "expect", "nothing is expected", "add [[expect]]: a test that cannot fail proves nothing");
  if (!problems.any_error()) check_sense(story, problems);
  if (problems.any_error()) return std::nullopt;
  return story;
}

}  // namespace drwatch
