// SPDX-License-Identifier: Apache-2.0
// Everything that can be done to a step, in every state that it can be in.
#include <doctest/doctest.h>

#include "platform.hpp"

#include "daemon/recovery/incidents/commands.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace steps_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

enum class Kind { person, command, verified };  // verified: what it asks is not seen

Step step_of(Kind kind, const Settings& settings) {
  Step step;
  step.id = step.title = "it";
  step.critical = true;
  if (kind == Kind::command) step.run = {"/bin/it"};
  if (kind == Kind::verified) step.verify = condition(settings, "database is up");
  return step;
}

struct Row {
  Kind kind;
  const char* state;
  // "ran": done, because its command ended well. What each action leads to, in the order of OnStep: start, done, skip, undo, run, cancel.
  // "": as it was, and no refusal; a number: refused.
  const char* after[6];
};
constexpr Row rows[] = {
    {Kind::person, "open", {"started", "done", "skipped", "", "409", "409"}},
    {Kind::person, "started", {"", "done", "skipped", "open", "409", "409"}},
    {Kind::person, "done", {"", "", "409", "open", "409", "409"}},
    {Kind::person, "skipped", {"", "done", "", "open", "409", "409"}},
    {Kind::command, "open", {"started", "done", "skipped", "", "running", ""}},
    {Kind::command, "started", {"", "done", "skipped", "open", "running", ""}},
    {Kind::command, "running", {"409", "409", "409", "409", "", ""}},
    {Kind::command, "done", {"", "", "409", "open", "409", ""}},
    {Kind::command, "ran", {"", "", "409", "open", "", ""}},
    {Kind::command, "skipped", {"", "done", "", "open", "409", ""}},
    {Kind::command, "failed", {"started", "done", "skipped", "open", "running", ""}},
    {Kind::command, "interrupted", {"started", "done", "skipped", "open", "running", ""}},
    {Kind::verified, "open", {"started", "409", "409", "", "409", "409"}},
    {Kind::verified, "started", {"", "409", "409", "open", "409", "409"}},
};

class Work {
 public:
  explicit Work(std::vector<Step> steps) : stage(with(std::move(steps))) { id = stage.feed(OpenIncident{"work", "lena", ""}).subject; }
  Decision act(OnStep action, const std::string& step = "it", const std::string& by = "lena") {
    return stage.feed(StepAction{id, step, action, by, "because"});
  }
  // Leads the step `it` there.
  void into(const std::string& state) {
    if (state == "started") act(OnStep::start);
    if (state == "done") act(OnStep::done);
    if (state == "skipped") act(OnStep::skip);
    if (state != "running" && state != "ran" && state != "failed" && state != "interrupted") return;
    act(OnStep::run);
    if (state == "ran") stage.feed(CommandEnded{id, "it", 0, "yes"});
    if (state == "failed") stage.feed(CommandEnded{id, "it", 1, "no"});
    if (state == "interrupted") stage.feed(DaemonStarted{"test"});
  }
  const Incident& incident() { return stage.state.record.incidents.at(id); }
  const IncidentStep& step(const std::string& name = "it") { return *incident().step(name); }

  Stage stage;
  std::string id;

 private:
  static Settings with(std::vector<Step> steps) {
    Settings settings = platform();
    settings.scenarios["work"] = scenario(settings, "work", {}, {"database"});
    settings.scenarios["work"].steps = std::move(steps);
    return settings;
  }
};

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("every action in every state of a step: what it leads to, and what is refused") {
  constexpr OnStep actions[] = {OnStep::start, OnStep::done, OnStep::skip, OnStep::undo, OnStep::run, OnStep::cancel};
  for (const Row& row : rows)
    for (const OnStep action : actions) {
      Work work({step_of(row.kind, platform())});
      work.into(row.state);
      const std::string was(state_name(work.step().state)), wanted = row.after[static_cast<int>(action)];
      CAPTURE(static_cast<int>(row.kind));
      CAPTURE(row.state);
      CAPTURE(action_name(action));
      REQUIRE(was == (std::string(row.state) == "ran" ? "done" : row.state));
      const bool unacknowledged = !work.incident().acknowledged_at;
      const Decision decision = work.act(action);
      CHECK((decision.refused ? std::to_string(decision.refused->status) : "") == (wanted == "409" ? wanted : ""));
      CHECK(state_name(work.step().state) == (wanted.empty() || wanted == "409" ? was : wanted));
      const bool told =
          std::any_of(decision.events.begin(), decision.events.end(), [](const Event& e) { return e.kind.starts_with("step."); });
      CHECK(told == !(wanted.empty() || wanted == "409"));
      // Whoever works on a step has taken the incident.
      if (unacknowledged && told) CHECK(work.incident().acknowledged_at.has_value() == (action != OnStep::undo));
      // The same once more is the same.
      if (!told) continue;
      CHECK_FALSE(work.act(action).refused);
      CHECK(state_name(work.step().state) == wanted);
    }
}

TEST_CASE("a step that is begun or ticked before what it comes after is closed: it is done, and it is said") {
  Step first = step_of(Kind::person, platform()), second = first, third = first;
  first.id = first.title = "first";
  second.id = second.title = "second";
  third.after = {"first", "second"};
  Work work({first, second, third});
  CHECK(work.incident().waits_for(work.step()) == std::vector<std::string>{"first", "second"});
  const Decision started = work.act(OnStep::start);
  REQUIRE(started.events.front().kind == "step.started");
  CHECK(says(started.events.front().message, "'it' was started by lena, before first and second are closed"));
  CHECK(started.events.front().body.texts("before") == std::vector<std::string>{"first", "second"});
  work.act(OnStep::done, "first");
  const Decision done = work.act(OnStep::done);
  REQUIRE(done.events.front().kind == "step.done");
  CHECK(says(done.events.front().message, "'it' was done by lena, before second is closed: because"));
  work.act(OnStep::skip, "second");
  work.act(OnStep::undo);
  const Decision again = work.act(OnStep::start);
  CHECK(again.events.front().message == "'it' was started by lena");
  CHECK(again.events.front().body.texts("before").empty());
}

TEST_CASE("two responders on one step: the first has it, and the second changes nothing") {
  Work work({step_of(Kind::person, platform())});
  work.act(OnStep::start, "it", "lena");
  CHECK(work.act(OnStep::start, "it", "mara").events.empty());
  CHECK(work.step().by == "lena");
  work.act(OnStep::done, "it", "mara");
  CHECK(work.act(OnStep::done, "it", "lena").events.empty());
  CHECK(work.step().by == "mara");

  Work command({step_of(Kind::command, platform())});
  CHECK(command.act(OnStep::run, "it", "lena").commands.size() == 1);
  CHECK(command.act(OnStep::run, "it", "mara").commands.empty());
  CHECK(command.step().by == "lena");
}

TEST_CASE("what a command would be run as is known before it is") {
  Step command = step_of(Kind::command, platform());
  command.run = {"/bin/it", "--target", "{{recovery_point}}", "{{incident}}"};
  Work work({command});
  const auto filled = [&] { return filled_command(work.stage.state, work.stage.settings, work.incident(), work.step(), work.stage.now); };
  CHECK(filled().missing == std::vector<std::string>{"recovery_point"});
  work.stage.recovery_point(*parse_time("2026-03-01T01:59:00Z"));
  CHECK(filled().missing.empty());
  CHECK(filled().argv == std::vector<std::string>{"/bin/it", "--target", "2026-03-01T01:59:00Z", work.id});
}

TEST_CASE("a guide names the incident in which it is shown, where a command asks for its ID") {
  const std::string id = "20260301-0211-work";
  CHECK(for_incident("1. `drwatch incident ack ID`, then `drwatch incident note ID \"...\"`. ID stands on top.", id) ==
        "1. `drwatch incident ack 20260301-0211-work`, then `drwatch incident note 20260301-0211-work \"...\"`. ID stands on top.");
  CHECK(for_incident("`drwatch incident bad-change ID T_BAD`", id) == "`drwatch incident bad-change 20260301-0211-work T_BAD`");
  for (const char* other : {"drwatch maintenance end ID", "drwatch incident list", "drwatch incident note IDEA", "drwatch incident ID",
                            "drwatch incident ", "kill ID", ""})
    CHECK(for_incident(other, id) == other);
}

}  // namespace steps_test
