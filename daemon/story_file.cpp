// SPDX-License-Identifier: Apache-2.0
// A scenario test as a file: read, with every problem and its place.
#include "daemon/story.hpp"

#include "config/schema.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace drwatch {
namespace {

using config::Entry;
using config::Meta;
using config::Reading;
using config::Row;
using config::row;
using config::row_with;
using config::Table;
using config::Value;

std::string text_in(const Table& table, const char* key, const char* otherwise = "") {
  const Entry* entry = config::find(table, key);
  return entry && entry->value.text() ? *entry->value.text() : otherwise;
}
bool flag_in(const Table& table, const char* key) {
  const Entry* entry = config::find(table, key);
  const bool* flag = entry ? std::get_if<bool>(&entry->value.is) : nullptr;
  return flag && *flag;
}

// Every value of a deed's table is text or a flag; other keys are mistakes.
bool known_keys(const Value& value, std::initializer_list<std::string_view> keys, std::initializer_list<std::string_view> required, const Reading& reading) {
  const Table* table = value.table();
  if (!table) {
    reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table");
    return false;
  }
  std::vector<std::string> names(keys.begin(), keys.end());
  bool good = true;
  for (const Entry& entry : *table)
    if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
      auto near = config::nearest(entry.key, names);
      reading.problems.error(entry.place, reading.key + "." + entry.key, "unknown key '" + entry.key + "'", near ? "did you mean '" + *near + "'?" : "remove it");
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

void read_ping(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"probe", "what", "rid", "code", "message"}, {"probe", "what"}, reading)) return;
  const Table& table = *value.table();
  Pinged ping;
  ping.probe = text_in(table, "probe");
  ping.rid = text_in(table, "rid");
  ping.message = text_in(table, "message");
  std::string what = text_in(table, "what");
  if (what == "success") ping.what = Pinged::What::success;
  else if (what == "start") ping.what = Pinged::What::start;
  else if (what == "fail") ping.what = Pinged::What::fail;
  else if (what == "log") ping.what = Pinged::What::log;
  else return reading.problems.error(value.place, reading.key + ".what", "'" + what + "' is no ping", "one of start, success, fail, log");
  deed.inputs.push_back(ping);
}
void read_step(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"scenario", "id", "action", "note"}, {"scenario", "id", "action"}, reading)) return;
  const Table& t = *value.table();
  deed.inputs.push_back(StepAction{text_in(t, "scenario"), text_in(t, "id"), text_in(t, "action"), person, text_in(t, "note")});
}
void read_signal(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"name", "state", "note"}, {"name", "state"}, reading)) return;
  const Table& t = *value.table();
  std::string state = text_in(t, "state");
  if (state != "raised" && state != "clear") return reading.problems.error(value.place, reading.key + ".state", "'" + state + "' is no state of a signal", "one of raised, clear");
  deed.inputs.push_back(SetSignal{text_in(t, "name"), state == "raised", person, text_in(t, "note")});
}
void read_maintenance(StoryDeed& deed, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"components", "for"}, {"components", "for"}, reading)) return;
  StartMaintenance start;
  start.by = person;
  const Value& components = config::find(*value.table(), "components")->value;
  if (const auto* list = components.array())
    for (const Value& one : *list)
      if (one.text()) start.components.push_back(*one.text());
  auto lasts = parse_duration(text_in(*value.table(), "for"));
  if (!lasts) return reading.problems.error(value.place, reading.key + ".for", "this is no duration", "write something like \"1h\"");
  start.lasts = *lasts;
  deed.inputs.push_back(start);
}
// ack, open, resolve, reopen, note, refile, start-time: about one scenario.
void read_scenario_deed(StoryDeed& deed, const std::string& what, const Value& value, const Reading& reading) {
  if (!known_keys(value, {"scenario", "note", "text", "force", "false_alarm", "to", "at"}, {"scenario"}, reading)) return;
  const Table& t = *value.table();
  std::string scenario = text_in(t, "scenario"), note = text_in(t, "note");
  if (what == "ack") deed.inputs.push_back(Acknowledge{scenario, person, note});
  if (what == "open") deed.inputs.push_back(OpenIncident{scenario, person, note});
  if (what == "resolve") deed.inputs.push_back(Resolve{scenario, flag_in(t, "force"), flag_in(t, "false_alarm"), person, note});
  if (what == "reopen") deed.inputs.push_back(Reopen{scenario, person, note});
  if (what == "note") deed.inputs.push_back(AddNote{scenario, note.empty() ? text_in(t, "text") : note, person});
  if (what == "refile") deed.inputs.push_back(Refile{scenario, text_in(t, "to"), person, note});
}

std::vector<Row> deed_rows() {
  std::vector<Row> rows = {
      row("at", &StoryDeed::at, {.doc = "When, from `start`.", .required = true}),
      row("every", &StoryDeed::every, {.doc = "Again and again, this far apart."}),
      row("until", &StoryDeed::until, {.doc = "The end of `every`."}),
      row("restart", &StoryDeed::restart, {.doc = "drwatch is killed and starts again."}),
      row_with<StoryDeed>("ping", "table", {.doc = "A job calls in."}, read_ping),
      row_with<StoryDeed>("step", "table", {.doc = "Somebody works on a step."}, read_step),
      row_with<StoryDeed>("signal", "table", {.doc = "A signal is raised or cleared."}, read_signal),
      row_with<StoryDeed>("maintenance", "table", {.doc = "Maintenance begins."}, read_maintenance),
  };
  for (const char* what : {"ack", "open", "resolve", "reopen", "note", "refile"})
    rows.push_back(row_with<StoryDeed>(what, "table", {.doc = "About the incident of a scenario."},
                                       [what](StoryDeed& deed, const Value& value, const Reading& reading) { read_scenario_deed(deed, what, value, reading); }));
  return rows;
}

std::vector<Row> change_rows() {
  return {
      row("at", &StoryChange::at, {.doc = "From when on.", .required = true}),
      row("until", &StoryChange::until, {.doc = "Up to when."}),
      row("probes", &StoryChange::probes, {.doc = "Whose runs see it.", .required = true}),
      row("outcome", &StoryChange::outcome, {.doc = "What they see.", .one_of = {"up", "degraded", "down", "unknown"}}),
      row("reason", &StoryChange::reason, {.doc = "Why.", .one_of = {"dns", "connect", "tls", "auth", "timeout", "protocol", "assertion", "stale", "absent", "own-fault", "internal"}}),
      row("code", &StoryChange::code, {.doc = "SQLSTATE, HTTP status, errno name."}),
      row("message", &StoryChange::message, {.doc = "The sentence."}),
      row("recovery_point", &StoryChange::recovery_point, {.doc = "`follows`, `stalls`, or a time."}),
      row("lag", &StoryChange::lag, {.doc = "How far behind now it follows.", .fallback = "30s"}),
  };
}

void read_steps(StoryExpectation& e, const Value& value, const Reading& reading) {
  const Table* scenarios = value.table();
  if (!scenarios) return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table of tables");
  for (const Entry& scenario : *scenarios) {
    const Table* steps = scenario.value.table();
    if (!steps) return reading.problems.error(scenario.place, reading.key, "this is " + std::string(scenario.value.type_name()), "write a table of steps");
    for (const Entry& step : *steps)
      if (step.value.text()) e.steps[scenario.key][step.key] = *step.value.text();
  }
}
void read_started(StoryExpectation& e, const Value& value, const Reading& reading) {
  const Table* table = value.table();
  if (!table) return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a table");
  for (const Entry& entry : *table) {
    auto at = entry.value.text() ? parse_duration(*entry.value.text()) : std::nullopt;
    if (!at) return reading.problems.error(entry.place, reading.key, "this is no duration", "write the time from `start`, as \"9m30s\"");
    e.started[entry.key] = *at;
  }
}

std::vector<Row> expect_rows() {
  auto list = [](std::optional<std::vector<std::string>> StoryExpectation::* member, const char* key) {
    return row_with<StoryExpectation>(key, "list of strings", {.doc = "Exactly these."}, [member](StoryExpectation& e, const Value& value, const Reading& reading) {
      const auto* items = value.array();
      if (!items) return reading.problems.error(value.place, reading.key, "this is " + std::string(value.type_name()), "write a list");
      std::vector<std::string> all;
      for (const Value& item : *items)
        if (item.text()) all.push_back(*item.text());
      e.*member = all;
    });
  };
  return {
      row("at", &StoryExpectation::at, {.doc = "When.", .required = true}),
      row("health", &StoryExpectation::health, {.doc = "Of components and probes."}),
      row("states", &StoryExpectation::states, {.doc = "Of the newest incident of a scenario."}),
      row("standing", &StoryExpectation::standing, {.doc = "`NAME rpo`, `NAME rpo CLASS`, `NAME rto`."}),
      row_with<StoryExpectation>("steps", "table", {.doc = "By scenario and step."}, read_steps),
      row_with<StoryExpectation>("started", "table", {.doc = "The clock's start, from `start`."}, read_started),
      list(&StoryExpectation::incidents, "incidents"),
      list(&StoryExpectation::alerts, "alerts"),
      list(&StoryExpectation::pending, "pending"),
      row("blind", &StoryExpectation::blind, {.doc = "Whether drwatch is blind."}),
  };
}

template <class T>
std::vector<T> read_list(const Table& top, const char* key, const std::vector<Row>& rows, const Reading& reading, void (*also)(T&, const Value&) = nullptr) {
  std::vector<T> all;
  const Entry* entry = config::find(top, key);
  if (!entry) return all;
  const auto* items = entry->value.array();
  if (!items) {
    reading.problems.error(entry->place, key, "this is " + std::string(entry->value.type_name()), "write [[" + std::string(key) + "]]");
    return all;
  }
  for (const Value& item : *items) {
    if (!item.table()) continue;
    T one;
    config::read_table(*item.table(), item.place, rows, &one, reading.at(key));
    if (also) also(one, item);
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
  if (!start && !top.start.empty()) problems.error(document->place, "start", "'" + top.start + "' is not a time", "write it as 2026-03-01T02:00:00Z");
  story.start = start.value_or(Time{});
  story.changes = read_list<StoryChange>(*document->table(), "change", change_rows(), reading);
  story.deeds = read_list<StoryDeed>(*document->table(), "do", deed_rows(), reading);
  story.expectations = read_list<StoryExpectation>(*document->table(), "expect", expect_rows(), reading,
                                                   +[](StoryExpectation& e, const Value& v) { e.line = v.place.line; });
  if (story.expectations.empty()) problems.error({file, 0, 0}, "expect", "nothing is expected", "add [[expect]]: a test that cannot fail proves nothing");
  if (problems.any_error()) return std::nullopt;
  return story;
}

namespace {

template <class T>
void must_have(const std::map<std::string, T>& known, const std::string& name, const char* what, const Story& story, int line, config::Problems& problems) {
  if (known.count(name)) return;
  std::vector<std::string> names;
  for (const auto& [key, value] : known) names.push_back(key);
  auto near = config::nearest(name, names);
  problems.error({story.file, line, 1}, "", std::string("no ") + what + " '" + name + "' in the configuration", near ? "did you mean '" + *near + "'?" : "check the name");
}

}  // namespace

void check_story(const Story& story, const Settings& settings, config::Problems& problems) {
  for (const StoryChange& change : story.changes)
    for (const std::string& probe : change.probes) {
      must_have(settings.probes, probe, "probe", story, 0, problems);
      auto found = settings.probes.find(probe);
      if (found != settings.probes.end() && found->second.job)
        problems.error({story.file, 0, 0}, "change", "'" + probe + "' is a heartbeat: it has no runs to change", "drive it with [[do]] ping");
      if (found != settings.probes.end() && change.recovery_point && !found->second.backup)
        problems.error({story.file, 0, 0}, "change", "'" + probe + "' reads no recovery point", "only a backup probe does");
    }
  for (const StoryDeed& deed : story.deeds)
    for (const Input& input : deed.inputs) {
      if (const auto* step = std::get_if<StepAction>(&input)) must_have(settings.scenarios, step->incident, "scenario", story, 0, problems);
      if (const auto* ping = std::get_if<Pinged>(&input)) must_have(settings.probes, ping->probe, "probe", story, 0, problems);
      if (const auto* signal = std::get_if<SetSignal>(&input)) must_have(settings.signals, signal->signal, "signal", story, 0, problems);
    }
  for (const StoryExpectation& e : story.expectations) {
    for (const auto& [name, health] : e.health)
      if (!settings.components.count(name)) must_have(settings.probes, name, "component or probe", story, e.line, problems);
    for (const auto& [name, state] : e.states) must_have(settings.scenarios, name, "scenario", story, e.line, problems);
    for (const auto& [name, steps] : e.steps) must_have(settings.scenarios, name, "scenario", story, e.line, problems);
    for (const std::string& name : e.incidents.value_or(std::vector<std::string>{})) must_have(settings.scenarios, name, "scenario", story, e.line, problems);
  }
}

}  // namespace drwatch
