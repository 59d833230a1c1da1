// SPDX-License-Identifier: Apache-2.0
// Wrong scenario tests: each is refused with a sentence, and none passes because it asked for nothing.
#include "daemon/story/story.hpp"
#include "probes/probe.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace story_test {

using namespace drwatch;

namespace {

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("drwatch-story-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

// The problems of a story with this body, against the small platform; "" when there is none. `played`: what became of it then.
std::string problems_of(const std::string& body, StoryResult* played = nullptr) {
  Folder folder;
  std::string file = (folder.path / "story.toml").string();
  std::ofstream(file) << "config = \"" << drwatch::testing::source_dir()
                      << "/tests/stories/small/drwatch.toml\"\nstart = \"2026-03-01T10:00:00Z\"\n"
                      << body << "\n";
  config::Problems problems;
  auto story = read_story(file, problems);
  if (story) {
    static const std::vector<config::KindSchema> kinds = kind_schemas();
    config::Problems of_settings;
    auto settings = config::load(story->config, kinds, {}, of_settings);
    REQUIRE(settings);
    check_story(*story, *settings, problems);
    if (played) *played = run_story(*story, *settings);
  }
  std::string text;
  for (const config::Problem& p : problems.all()) text += config::problem_text(p) + "\n";
  return text;
}

const std::string expected = "\n[[expect]]\nat = \"1m\"\nincidents = []";

}  // namespace

TEST_CASE("what is wrong with a story is said, and where") {
  struct Case {
    const char* body;
    const char* says;
  };
  const Case cases[] = {
      {"foo = 1", "unknown key 'foo'"},
      {"[[change]]\nat = \"1m\"\nprobes = [\"primray\"]\noutcome = \"down\"", "did you mean 'primary'?"},
      {"[[change]]\nat = \"1m\"\nprobes = [\"primary\"]", "changes nothing"},
      {"[[change]]\nat = \"1m\"\nprobes = []\noutcome = \"down\"", "is empty"},
      {"[[change]]\nat = \"5m\"\nuntil = \"1m\"\nprobes = [\"primary\"]\noutcome = \"down\"", "ends before it begins"},
      {"[[change]]\nat = \"1m\"\nprobes = [\"wal\"]\nrecovery_point = \"stall\"", "is no recovery point"},
      {"[[change]]\nat = \"1m\"\nprobes = [\"primary\"]\nrecovery_point = \"stalls\"", "reads no recovery point"},
      {"[[change]]\nat = \"1m\"\nprobes = [\"beat\"]\noutcome = \"down\"", "is a heartbeat"},
      {"change = [1]", "this is an integer"},
      {"[[do]]\nat = \"1m\"", "nothing is done here"},
      {"[[do]]\nat = \"1m\"\nevery = \"0s\"\nrestart = true", "no time at all"},
      {"[[do]]\nat = \"1m\"\nack = { scenario = \"nope\" }", "no scenario 'nope'"},
      {"[[do]]\nat = \"1m\"\nack = { scenario = 5 }", "write a text in quotes"},
      {"[[do]]\nat = \"1m\"\nresolve = { scenario = \"wide\", force = \"yes\" }", "write true or false"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", id = \"lok\", action = \"done\" }", "no step 'lok'"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", id = \"look\", action = \"dnoe\" }", "did you mean 'done'?"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", action = \"done\" }", "a step is named by 'id', several by 'ids'"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", id = \"look\", ids = [\"look\"], action = \"done\" }", "give one of the two"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", ids = [\"look\", \"lok\"], action = \"done\" }", "no step 'lok'"},
      {"[[do]]\nat = \"1m\"\nstep = { scenario = \"wide\", ids = \"look\", action = \"done\" }", "write a list of names"},
      {"[[do]]\nat = \"1m\"\nping = { probe = \"primary\", what = \"success\" }", "no heartbeat 'primary'"},
      {"[[do]]\nat = \"1m\"\nping = { probe = \"beat\", what = \"start\", code = 3 }", "this is no exit code of such a ping"},
      {"[[do]]\nat = \"1m\"\nping = { probe = \"beat\", what = \"fail\", code = 256 }", "write 1 to 255 with `fail`"},
      {"[[do]]\nat = \"1m\"\nping = { probe = \"beat\", what = \"fail\", code = \"3\" }", "write a whole number"},
      {"[[do]]\nat = \"1m\"\nack = { scenario = \"wide\", force = true }", "unknown key 'force'"},
      {"[[do]]\nat = \"1m\"\nrefile = { scenario = \"wide\" }", "'to' is missing"},
      {"[[do]]\nat = \"1m\"\ndrill = { action = \"abort\", scenario = \"wide\", lost = \"1m\" }", "unknown key 'lost'"},
      {"[[do]]\nat = \"1m\"\nclock = \"1h\"", "this is no change of a clock"},
      {"[[do]]\nat = \"1m\"\nclock = \"+0s\"", "write \"+1h\" or \"-10m\""},
      {"[[do]]\nat = \"1m\"\nclock = 5", "this is no change of a clock"},
      {"[[do]]\nat = \"1m\"\nmaintenance = { components = [\"nope\"], for = \"1h\" }", "no component or place 'nope'"},
      {"[[expect]]\nat = \"1m\"", "nothing is expected here"},
      {"[[expect]]\nat = 5\nincidents = []", "expected a duration"},
      {"[[expect]]\nat = \"1m\"\nincidents = [5]", "write names in quotes"},
      {"[[expect]]\nat = \"1m\"\npending = [\"nope\"]", "no scenario 'nope'"},
      {"[[expect]]\nat = \"1m\"\nhealth = { database = \"dwon\" }", "did you mean 'down'?"},
      {"[[expect]]\nat = \"1m\"\nsteps = { wide = { look = 5 } }", "write the step's state"},
      {"[[expect]]\nat = \"1m\"\nsteps = { wide = { lok = \"open\" } }", "no step 'lok'"},
      {"[[expect]]\nat = \"1m\"\nstanding = { \"datbase rpo\" = \"met\" }", "did you mean 'database'?"},
      {"[[expect]]\nat = \"1m\"\nstanding = { \"database rpo\" = \"fine\" }", "is no standing"},
      {"[[expect]]\nat = \"1m\"\nalerts = [\"DrwatchIncdent/wide\"]", "did you mean 'DrwatchIncident'?"},
      {"[[expect]]\nat = \"1m\"\nbreach = { \"database host\" = \"69\" }", "is no moment"},
      {"[[expect]]\nat = \"1m\"\nexposure = { \"database host\" = \"about\" }", "is no exposure"},
      {"[[expect]]\nat = \"1m\"\nloss = { wide = \"all\" }", "is no loss"},
      {"[[expect]]\nat = \"1m\"\ntime_to_fix = { database = \"plan\" }", "is no time to fix"},
      {"[[expect]]\nat = \"1m\"\nrecovered = { nope = \"1m\" }", "no scenario 'nope'"},
  };
  for (const Case& c : cases) {
    const std::string body = c.body;
    CAPTURE(body);
    std::string said = problems_of(body + expected);
    CAPTURE(said);
    CHECK(said.find(c.says) != std::string::npos);
  }
  CHECK(problems_of(expected) == "");
  CHECK(problems_of("").find("a test that cannot fail proves nothing") != std::string::npos);
}

TEST_CASE("the exit code of a ping is what the job says") {
  StoryResult played;
  CHECK(problems_of("[[do]]\nat = \"10s\"\nping = { probe = \"beat\", what = \"fail\", code = 3, message = \"disk full\" }" + expected,
                    &played) == "");
  CHECK(std::any_of(played.events.begin(), played.events.end(),
                    [](const Event& e) { return e.message.find("exit code 3, disk full") != std::string::npos; }));
}

}  // namespace story_test
