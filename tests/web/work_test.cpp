// SPDX-License-Identifier: Apache-2.0
// The incident's page as the place to work: what it offers, what its forms ask of the daemon, and how a refusal is told.
#include "browser.hpp"
#include "daemon/recovery/input.hpp"

#include <doctest/doctest.h>

#include <functional>

namespace work_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

const std::string page_of_it = "/incidents/" + incident_id;

struct OnCall {
  explicit OnCall(const std::function<void(State&)>& change = {}) : phone(server.port()) {
    if (change) server.on_loop([&] { change(server.desk().state_); });
    phone.sign_in("oncall-secret", page_of_it);
    body = phone.get(page_of_it).body;
  }
  Reply press(std::map<std::string, std::string> fields) {
    fields.emplace("form", hidden_field(body, "form"));
    fields.emplace("key", hidden_field(body, "key"));
    return phone.post(page_of_it, fields);
  }
  template <class What>
  What asked() {
    What what;
    server.on_loop([&] {
      REQUIRE(!server.desk().inputs_.empty());
      REQUIRE(std::holds_alternative<What>(server.desk().inputs_.back()));
      what = std::get<What>(server.desk().inputs_.back());
    });
    return what;
  }
  std::string key() {
    std::string key;
    server.on_loop([&] { key = server.desk().keys_.back(); });
    return key;
  }
  Running server;
  Browser phone;
  std::string body;
};

Incident& incident_in(State& state) { return *state.record.incidents.edit(incident_id); }

void taken(State& state) {
  incident_in(state).acknowledged_at = now_there;
  incident_in(state).acknowledged_by = "oncall";
}

std::string next_of(const std::string& body) {
  const auto at = body.find("<section id=\"next\"");
  return body.substr(at, body.find("</section>", at) - at);
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what is to be done next stands on top: to take it, then the step with its guide") {
  OnCall untouched;
  CHECK(has(next_of(untouched.body), "Somebody has to take it"));
  CHECK(has(next_of(untouched.body), "value=\"ack\""));
  CHECK(untouched.body.find("id=\"next\"") < untouched.body.find("id=\"checklist\""));
  OnCall at_work(taken);
  const std::string next = next_of(at_work.body);
  CHECK(!has(next, "value=\"ack\""));
  CHECK(has(next, "Initiate point-in-time recovery"));  // scope is done; what drwatch verifies is not a person's
  CHECK(has(next, "Run the command"));
  CHECK(has(next, "<li><code>2026-03-01T02:09:18Z</code></li>"));  // the confirmation repeats each argument
  OnCall verifying([](State& state) {
    taken(state);
    incident_in(state).steps[2].state = StepState::done;
  });
  CHECK(has(next_of(verifying.body), "Verify database connectivity"));
  CHECK(has(next_of(verifying.body), "drwatch ticks it off when"));
  OnCall finished([](State& state) {
    taken(state);
    for (auto& step : incident_in(state).steps) step.state = StepState::done;
  });
  CHECK(has(next_of(finished.body), "Nothing is left to do"));
  CHECK(has(next_of(finished.body), "value=\"resolve\""));
}

TEST_CASE("each form is the API's command, by whoever is signed in, and leads back to the page") {
  OnCall at(taken);
  const Reply ack = at.press({{"do", "ack"}});
  CHECK(ack.status == 303);
  CHECK(ack.headers.at("location") == page_of_it + "#next");
  CHECK(at.asked<Acknowledge>().by == "oncall");
  at.press({{"do", "done"}, {"step", "restore"}, {"note", "took\r\nlong"}});
  CHECK(at.asked<StepAction>().action == OnStep::done);
  CHECK(at.asked<StepAction>().step == "restore");
  CHECK(at.asked<StepAction>().note == "took\nlong");
  CHECK(!at.asked<StepAction>().force);
  at.press({{"do", "skip"}, {"step", "connectivity"}, {"note", "no"}, {"force", "yes"}});
  CHECK(at.asked<StepAction>().action == OnStep::skip);
  CHECK(at.asked<StepAction>().force);
  at.press({{"do", "undo"}, {"step", "scope"}});
  CHECK(at.asked<StepAction>().action == OnStep::undo);
  at.press({{"do", "note"}, {"note", "<b>&\"'"}});
  CHECK(at.asked<AddNote>().text == "<b>&\"'");
  at.press({{"do", "approve"}, {"message", "customers-investigating"}});
  CHECK(at.asked<MessageAction>().action == OnMessage::approve);
  at.press({{"do", "sent"}, {"message", "customers-investigating"}});
  CHECK(at.asked<MessageAction>().action == OnMessage::sent);
  at.press({{"do", "refile"}, {"scenario", "security-breach"}});
  CHECK(at.asked<Refile>().scenario == "security-breach");
  at.press({{"do", "reopen"}, {"note", "it is not"}});
  CHECK(at.asked<Reopen>().note == "it is not");
  at.press({{"do", "bad-change"}, {"at", "2026-03-01T01:30"}});
  CHECK(at.asked<SayBadChange>().at == *parse_time("2026-03-01T01:30:00Z"));
}

TEST_CASE("a command runs only when what was confirmed is what would run") {
  OnCall at(taken);
  const std::string confirm = hidden_field(at.body, "confirm");
  CHECK(!confirm.empty());
  const Reply other = at.press({{"do", "run"}, {"step", "restore"}, {"confirm", "0000000000000000"}});
  CHECK(other.status == 409);
  CHECK(has(other.body, "arguments have changed"));
  CHECK(at.press({{"do", "run"}, {"step", "restore"}}).status == 409);
  at.server.on_loop([&] { CHECK(at.server.desk().inputs_.empty()); });
  CHECK(at.press({{"do", "run"}, {"step", "restore"}, {"confirm", confirm}}).status == 303);
  CHECK(at.asked<StepAction>().action == OnStep::run);
}

TEST_CASE("what is refused is said on the page, as a sentence, and what was written is not lost") {
  OnCall at(taken);
  const Reply refused = at.press({{"do", "resolve"}, {"note", "it <works>"}});
  CHECK(refused.status == 409);
  CHECK(refused.headers.at("content-type") == "text/html; charset=utf-8");
  CHECK(has(refused.body, "<strong>Not done.</strong> Steps are open: finish or skip them, or force with a note."));
  CHECK(has(refused.body, "You wrote: it &lt;works&gt;"));
  CHECK(has(refused.body, "data-live=\"" + page_of_it + "\""));
  CHECK(has(at.body, "Although critical steps are open"));
  at.press({{"do", "false-alarm"}, {"note", "a test"}, {"force", "yes"}});
  CHECK(at.asked<Resolve>().false_alarm);
  CHECK(at.asked<Resolve>().force);
}

TEST_CASE("a form that is sent twice is one command; two forms of one page are two") {
  OnCall at(taken);
  at.press({{"do", "note"}, {"note", "one"}});
  const std::string first = at.key();
  CHECK(first.starts_with("oncall/form-"));
  at.press({{"do", "note"}, {"note", "one"}});
  CHECK(at.key() == first);
  at.press({{"do", "note"}, {"note", "two"}});
  CHECK(at.key() != first);
  at.server.on_loop([&] {
    Event noted;
    noted.seq = 4712;
    incident_in(at.server.desk().state_).timeline.push_back(noted);
  });
  at.body = at.phone.get(page_of_it).body;
  at.press({{"do", "note"}, {"note", "one"}});  // once more, and meant
  CHECK(at.key() != first);
}

TEST_CASE("another site's form, a form of another session and a form that says nothing do nothing") {
  OnCall at(taken);
  CHECK(at.phone.post(page_of_it, {{"do", "ack"}}).status == 403);
  CHECK(at.phone.post(page_of_it, {{"do", "ack"}, {"form", "0123456789abcdef0123456789abcdef"}}).status == 403);
  Browser other(at.server.port());
  other.sign_in("oncall-secret");
  CHECK(other.post(page_of_it, {{"do", "ack"}, {"form", hidden_field(at.body, "form")}}).status == 403);
  CHECK(at.press({{"do", "everything"}}).status == 400);
  CHECK(at.press({}).status == 400);
  CHECK(at.phone.post("/incidents/20260301-0211-databas", {{"do", "ack"}, {"form", hidden_field(at.body, "form")}}).status == 404);
  CHECK(at.press({{"do", "start"}, {"step", "scpe"}}).status == 404);
  // A bearer token is sent by no browser by itself: it needs no form's token.
  CHECK(ask(at.server.port(), "POST", page_of_it, {as_viewer, "Content-Type: application/x-www-form-urlencoded"}, "do=ack").status == 403);
  at.server.on_loop([&] { CHECK(at.server.desk().inputs_.empty()); });
  CHECK(ask(at.server.port(), "POST", page_of_it, {as_oncall, "Content-Type: application/x-www-form-urlencoded"}, "do=ack").status == 303);
}

TEST_CASE("a form that cannot be read is not understood; what is no form is of the wrong type") {
  OnCall at(taken);
  const std::string form = "Content-Type: application/x-www-form-urlencoded";
  CHECK(ask(at.server.port(), "POST", page_of_it, {as_oncall, form}, "do=note&note=50%").status == 400);
  CHECK(ask(at.server.port(), "POST", page_of_it, {as_oncall, form}, "do=note&note=a%00b").status == 400);
  CHECK(ask(at.server.port(), "POST", page_of_it, {as_oncall, of_json}, "{}").status == 415);
  at.server.on_loop([&] { CHECK(at.server.desk().inputs_.empty()); });
}

TEST_CASE("a form that does nothing does not look as if it had done something") {
  OnCall at;
  at.server.on_loop([&] { at.server.desk().decides_ = true; });
  CHECK(at.press({{"do", "ack"}}).status == 303);
  const Reply again = at.press({{"do", "ack"}});
  CHECK(again.status == 409);
  CHECK(has(again.body, "This changed nothing"));
  CHECK(at.press({{"do", "undo"}, {"step", "connectivity"}}).status == 409);
  CHECK(at.press({{"do", "undo"}, {"step", "scope"}}).status == 303);
  CHECK(at.press({{"do", "undo"}, {"step", "scope"}}).status == 409);
}

TEST_CASE("where a way has to be chosen, all of them stand side by side, before what is not critical") {
  OnCall at([](State& state) {
    taken(state);
    Incident& incident = incident_in(state);
    IncidentStep wait = incident.steps[0], asked = incident.steps[0];
    for (IncidentStep* step : {&wait, &asked}) step->state = StepState::open, step->plan.after = {}, step->ended_at = std::nullopt;
    wait.plan.id = "wait", wait.plan.title = "Wait for the provider", wait.plan.option = "wait";
    asked.plan.id = "asked", asked.plan.title = "Ask the replica", asked.plan.critical = false, asked.state = StepState::failed;
    incident.steps[2].plan.option = "restore";
    incident.steps.insert(incident.steps.begin() + 1, {asked, wait});
  });
  const std::string next = next_of(at.body), thumb = at.body.substr(at.body.find("id=\"thumb\""));
  CHECK(has(next, "Choose how to go on: Wait for the provider, or Initiate point-in-time recovery"));
  CHECK(has(next, "id=\"way-wait\""));
  CHECK(has(next, "id=\"way-restore\""));
  CHECK(!has(next, "Ask the replica"));
  CHECK(has(thumb, "class=\"main\">Wait for the provider</button>"));
  CHECK(has(thumb, "href=\"#way-restore\""));
}

TEST_CASE("a command that failed says with what, and who had started it") {
  OnCall at([](State& state) {
    taken(state);
    IncidentStep& step = incident_in(state).steps[2];
    step.state = StepState::failed;
    step.started_at = step.ended_at = now_there;
    step.by = "drwatch";
    Event began, failed;
    began.kind = "step.running", began.by = "lena", began.body = Body{{"step", step.plan.id}};
    failed.kind = "step.failed", failed.body = Body{{"step", step.plan.id}, {"exit_code", 3}};
    for (const Event& event : {began, failed}) incident_in(state).timeline.push_back(event);
  });
  CHECK(has(next_of(at.body), "started at 2026-03-01 02:13:00 UTC by lena; failed with exit code 3"));
}

TEST_CASE("what has recovered and is down again says so, and a message of before is out of date") {
  OnCall at([](State& state) {
    taken(state);
    Incident& incident = incident_in(state);
    incident.state = IncidentState::recovered;
    incident.recovered_at = now_there - minutes{1};
    state.record.components["database"].since = now_there - seconds{20};
  });
  CHECK(has(at.body, "But Database is down again since 2026-03-01 02:12:40 UTC"));
  CHECK(has(at.body, ">down again</span>"));
  CHECK(has(at.body, "Why it opened"));
  CHECK(has(at.body, "<strong>Out of date.</strong> it was written while the incident was open"));
  CHECK(!has(at.body, "value=\"approve\""));
}

TEST_CASE("a message is approved as it was read, a note leads back to where it was written, and the end is in reach of a thumb") {
  OnCall at([](State& state) {
    taken(state);
    for (auto& step : incident_in(state).steps) step.state = StepState::done;
  });
  CHECK(has(at.body.substr(at.body.find("id=\"thumb\"")), "href=\"#resolve-here\""));
  const Reply noted = at.press({{"do", "note"}, {"note", "one"}});
  CHECK(noted.headers.at("location") == page_of_it + "#note-fold");
  const std::string message = "customers-investigating", text = hidden_field(at.body, "text");
  CHECK(at.press({{"do", "approve"}, {"message", message}, {"text", text}}).status == 303);
  at.server.on_loop([&] { incident_in(at.server.desk().state_).messages[0].body = "Something else."; });
  const Reply other = at.press({{"do", "approve"}, {"message", message}, {"text", text}});
  CHECK(other.status == 409);
  CHECK(has(other.body, "drafted anew since this page was made"));
}

TEST_CASE("a clock that runs is on track, at risk or missed, and never met") {
  const auto words = [](const std::function<void(Incident&)>& change) {
    OnCall at([&](State& state) { change(incident_in(state)); });
    return at.body;
  };
  const std::string running = words([](Incident&) {});
  CHECK(has(running, "On track: 3 h 57 min left until 06:09 UTC."));
  CHECK(has(running, "<svg class=\"clock-picture\""));
  CHECK(!has(running, ">met<"));
  const std::string late = words([](Incident& incident) { incident.rto = minutes{3}; });
  CHECK(has(late, "Missed: it had to be over by 02:12 UTC, 30 s ago."));
  const std::string risky = words([](Incident& incident) {
    Projection projection;
    projection.p50_seconds = 3 * 3600;
    projection.p90_seconds = 5 * 3600;
    projection.missing = 0.31;
    projection.decide_by = now_there + hours{1};
    incident.projection = projection;
  });
  CHECK(has(risky, "At risk: 3 h 57 min left until 06:09 UTC."));
  CHECK(has(risky, "Likely over at 05:09 UTC, nine in ten by 07:09 UTC"));
  CHECK(has(risky, "31 % to miss it"));
  CHECK(has(risky, "03:13 UTC, in 1 h"));
  const std::string back = words([](Incident& incident) {
    incident.state = IncidentState::recovered;
    incident.recovered_at = now_there - minutes{1};
  });
  CHECK(has(back, "Recovered after 2 min 30 s, in time: the objective is 4 h."));
}

TEST_CASE("done guides fold, hostile notes are text, and a final incident offers nothing but a note") {
  OnCall at([](State& state) {
    taken(state);
    incident_in(state).steps[0].note = "<script>alert(1)</script> \xe2\x80\xae" + std::string(500, 'w');
  });
  CHECK(has(at.body, "<details id=\"guide-scope\"><summary>Guide</summary>"));
  CHECK(has(at.body, "&lt;script&gt;alert(1)"));
  CHECK(!has(at.body, "<script>"));
  OnCall over([](State& state) {
    taken(state);
    incident_in(state).state = IncidentState::resolved;
    incident_in(state).resolved_at = now_there;
  });
  CHECK(has(next_of(over.body), "Nothing is to be done here"));
  CHECK(has(over.body, "value=\"note\""));
  for (const char* button : {"value=\"resolve\"", "value=\"done\"", "value=\"undo\"", "value=\"ack\""}) CHECK(!has(over.body, button));
}

}  // namespace work_test
