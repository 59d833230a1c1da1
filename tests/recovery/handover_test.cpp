// SPDX-License-Identifier: Apache-2.0
// An incident goes from hand to hand.
#include <doctest/doctest.h>

#include "platform.hpp"

namespace handover_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

Settings worked() {
  Settings s = platform();
  s.scenarios["work"] = scenario(s, "work", {}, {"database"});
  Step scope, restore, tidy;
  scope.id = "scope";
  scope.title = "Find the scope";
  scope.critical = restore.critical = true;
  restore.id = "restore";
  restore.title = "Restore it";
  tidy.id = "tidy";
  tidy.title = "Tidy up";
  s.scenarios["work"].steps = {scope, restore, tidy};
  return s;
}
bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("an incident is handed with what is open, and is the other's when they take it; each is done once") {
  Stage stage(worked());
  const std::string id = stage.feed(OpenIncident{"work", "lena", ""}).subject;
  const auto incident = [&]() -> const Incident& { return stage.state.record.incidents.at(id); };
  CHECK(incident().owner().empty());
  stage.feed(Acknowledge{id, "lena", ""});
  CHECK(incident().owner() == "lena");
  stage.feed(StepAction{id, "scope", OnStep::done, "lena", "one table"});
  stage.feed(StepAction{id, "restore", OnStep::start, "lena", ""});
  stage.feed(AddNote{id, "the vendor calls back at four", "lena"});
  stage.pass(minutes{30});

  const Decision handed = stage.feed(HandOver{id, "mara", "lena", "end of my shift"});
  REQUIRE_FALSE(handed.events.empty());
  CHECK(handed.events.front().kind == "incident.handed");
  CHECK(says(handed.events.front().message, "was handed to mara by lena: end of my shift; lena has it until it is taken"));
  CHECK(incident().handed_to == "mara");
  CHECK(incident().owner() == "lena");
  const std::string summary = incident().handover;
  CHECK(says(summary, "30 min of "));
  CHECK(says(summary, "- Restore it (restore): started, lena, since "));
  CHECK_FALSE(says(summary, "Find the scope"));
  CHECK_FALSE(says(summary, "Tidy up"));
  CHECK(says(summary, "lena: the vendor calls back at four"));
  CHECK(stage.feed(HandOver{id, "mara", "lena", ""}).events.empty());
  CHECK(stage.feed(HandOver{id, "  ", "lena", ""}).refused->status == 422);

  const Decision taken = stage.feed(TakeOver{id, "mara", ""});
  REQUIRE_FALSE(taken.events.empty());
  CHECK(taken.events.front().kind == "incident.taken");
  CHECK(says(taken.events.front().message, "was taken by mara from lena"));
  CHECK(incident().owner() == "mara");
  CHECK(incident().acknowledged_by == "lena");
  CHECK(incident().handed_to.empty());
  CHECK(stage.feed(TakeOver{id, "mara", ""}).events.empty());
  CHECK(stage.feed(HandOver{id, "mara", "lena", ""}).events.empty());  // she has it
}

TEST_CASE("what was handed to one may be taken by another, and by who had it; who takes what nobody has, acknowledges it") {
  Stage stage(worked());
  const std::string id = stage.feed(OpenIncident{"work", "lena", ""}).subject;
  const auto incident = [&]() -> const Incident& { return stage.state.record.incidents.at(id); };
  stage.feed(TakeOver{id, "lena", ""});
  CHECK(incident().acknowledged_by == "lena");
  stage.feed(HandOver{id, "mara", "lena", ""});
  const Decision other = stage.feed(TakeOver{id, "nico", ""});
  CHECK(says(other.events.front().message, "was taken by nico from lena; it had been handed to mara"));
  stage.feed(HandOver{id, "mara", "nico", ""});
  CHECK(says(stage.feed(TakeOver{id, "nico", ""}).events.front().message, "stays with nico; it had been handed to mara"));
  CHECK(incident().handed_to.empty());
  stage.feed(Resolve{id, true, false, "nico", "moved"});
  CHECK(stage.feed(HandOver{id, "mara", "nico", ""}).refused->status == 409);
  CHECK(stage.feed(TakeOver{id, "mara", ""}).refused->status == 409);
}

TEST_CASE("what drwatch did not see of an incident stays known when its end is long ago") {
  Stage stage(worked());
  const std::string id = stage.feed(OpenIncident{"work", "lena", ""}).subject;
  stage.pass(minutes{10});
  const Time alive = stage.now;
  stage.state.kept.alive_at = alive;
  stage.now += minutes{7};
  stage.feed(DaemonStarted{"test"});
  const Time back = stage.now;
  stage.pass(minutes{5});
  stage.feed(Resolve{id, true, false, "lena", "moved"});
  const auto& unwatched = stage.state.record.incidents.at(id).unwatched;
  REQUIRE(unwatched.size() == 1);
  CHECK(unwatched.front() == std::pair{alive, back});
}

}  // namespace handover_test
