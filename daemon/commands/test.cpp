// SPDX-License-Identifier: Apache-2.0
// drwatch test: runs scenario tests and says what was expected, what held, and how it came to that.
#include "daemon/commands/commands.hpp"
#include "daemon/story/story.hpp"
#include "probes/probe.hpp"

#include <nlohmann/json.hpp>

#include <iostream>
#include <map>

namespace drwatch::commands {
namespace {

constexpr std::size_t timeline_shown = 25;

struct Told {
  Json document;  // {"file", "passed", "problems", "failures", "timeline"}
  std::string text;
  bool passed = false;
};

std::string offset(Time at, Time start) { return duration_text(std::max(at - start, Duration{0})); }

Json problems_json(const config::Problems& problems) {
  Json list = Json::array();
  for (const config::Problem& p : problems.all())
    if (p.level == config::Problem::Level::error)
      list.push_back(
          {{"file", p.place.file}, {"line", p.place.line}, {"column", p.place.column}, {"message", p.message}, {"hint", p.hint}});
  return list;
}

Told unreadable(const std::string& file, const config::Problems& problems) {
  Told told;
  told.text = "FAIL " + file + "\n";
  for (const config::Problem& p : problems.all())
    if (p.level == config::Problem::Level::error) told.text += "  " + config::problem_text(p) + "\n";
  told.document = {
      {"file", file}, {"passed", false}, {"problems", problems_json(problems)}, {"failures", Json::array()}, {"timeline", Json::array()}};
  return told;
}

Told tell(const Story& story, const StoryResult& result) {
  Told told;
  told.passed = result.failures.empty();
  Json failures = Json::array(), timeline = Json::array();
  told.text = (told.passed ? "ok   " : "FAIL ") + story.file + "\n";
  for (const StoryFailure& f : result.failures) {
    told.text += "  at " + duration_text(f.at) + (f.line ? " (line " + std::to_string(f.line) + ")" : "") + ": " + f.what +
                 "\n    expected: " + f.expected + "\n    actual:   " + f.actual + "\n";
    failures.push_back(
        {{"at_seconds", in_seconds(f.at)}, {"line", f.line}, {"what", f.what}, {"expected", f.expected}, {"actual", f.actual}});
  }
  std::vector<Event> led;  // to the first failure
  for (const Event& e : result.events)
    if (result.failures.empty() || e.at <= story.start + result.failures.front().at) led.push_back(e);
  std::size_t from = led.size() > timeline_shown ? led.size() - timeline_shown : 0;
  if (!told.passed) told.text += "  what led there:\n";
  for (std::size_t i = from; i < led.size(); ++i) {
    if (!told.passed) told.text += "    " + offset(led[i].at, story.start) + "  " + led[i].kind + ": " + led[i].message + "\n";
    timeline.push_back({{"at_seconds", in_seconds(led[i].at - story.start)}, {"kind", led[i].kind}, {"message", led[i].message}});
  }
  told.document = {
      {"file", story.file}, {"passed", told.passed}, {"problems", Json::array()}, {"failures", failures}, {"timeline", timeline}};
  return told;
}

using Loaded = std::map<std::string, std::shared_ptr<const Settings>>;  // by configuration file: many stories share one

Told run(const std::string& file, Loaded& loaded) {
  config::Problems problems;
  auto story = read_story(file, problems);
  if (!story) return unreadable(file, problems);
  auto settings = loaded.find(story->config);
  if (settings == loaded.end()) {
    auto schemas = kind_schemas();
    settings = loaded.emplace(story->config, config::load(story->config, schemas, {}, problems)).first;
  }
  if (!settings->second) return unreadable(file, problems);
  check_story(*story, *settings->second, problems);
  if (problems.any_error()) return unreadable(file, problems);
  return tell(*story, run_story(*story, *settings->second));
}

}  // namespace

int test(const TestOptions& options) {
  Json tests = Json::array();
  std::size_t failed = 0;
  Loaded loaded;
  for (const std::string& file : options.files) {
    Told told = run(file, loaded);
    failed += !told.passed;
    tests.push_back(std::move(told.document));
    if (!options.json) std::cout << told.text;
  }
  if (options.json)
    std::cout << Json{{"tests", tests}}.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  else
    std::cout << options.files.size() - failed << " of " << options.files.size() << " passed\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace drwatch::commands
