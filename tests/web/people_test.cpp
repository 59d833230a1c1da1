// SPDX-License-Identifier: Apache-2.0
// What people need beside the commands themselves: asking again, handing over, taking the record away, watching a command.
#include "fixture.hpp"

#include <doctest/doctest.h>

namespace people_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

const std::string incident = "/api/v1/incidents/" + incident_id;

Reply post(Running& server, const std::string& path, const std::string& body, const std::string& who = as_oncall) {
  return ask(server.port(), "POST", path, {who, of_json}, body);
}

template <class T>
T last_input(Running& server) {
  T input;
  server.on_loop([&] {
    REQUIRE(!server.desk().inputs_.empty());
    REQUIRE(std::holds_alternative<T>(server.desk().inputs_.back()));
    input = std::get<T>(server.desk().inputs_.back());
    server.desk().inputs_.clear();
  });
  return input;
}

}  // namespace

TEST_CASE("a request that is sent again with its key is answered with the status and the keys of the first time") {
  Running server;
  const auto send = [&](const std::string& path, const std::string& body, const std::string& key) {
    return ask(server.port(), "POST", path, {as_oncall, of_json, "Idempotency-Key: " + key}, body);
  };
  const auto keys = [](const Reply& reply) {
    std::vector<std::string> all;
    const Json document = reply.json();
    for (const auto& [key, value] : document.items()) all.push_back(key);
    return all;
  };
  const std::string opens = R"({"scenario": "security-breach"})";
  const Reply opened = send("/api/v1/incidents", opens, "a"), again = send("/api/v1/incidents", opens, "a");
  CHECK(opened.status == 201);
  CHECK(again.status == 201);
  CHECK(again.headers.at("location") == opened.headers.at("location"));
  CHECK(keys(again) == keys(opened));
  CHECK(send("/api/v1/incidents", opens, "b").status == 200);  // it was open already

  const std::string works = R"({"components": ["database"], "for": "1h", "note": "patching"})";
  const Reply begun = send("/api/v1/maintenance", works, "c");
  CHECK(begun.status == 201);
  CHECK(begun.json()["note"] == "patching");
  const Reply ended = send("/api/v1/maintenance/m-1/end", "", "d");
  CHECK(ended.status == 200);
  CHECK(keys(ended) == keys(begun));
  // It has ended meanwhile; its events tell what it was.
  server.on_loop([&] {
    server.desk().state_.record.first_seen["maintenance-ended/m-1"] = now_there;
    auto event = std::make_shared<Event>();
    event->seq = 1;
    event->kind = "maintenance.began";
    event->by = "oncall";
    event->body = Body{{"id", "m-1"}, {"components", std::vector<std::string>{"database"}}, {"note", "patching"}};
    server.desk().events_.push_back(event);
  });
  const Reply begun_again = send("/api/v1/maintenance", works, "c"), ended_again = send("/api/v1/maintenance/m-1/end", "", "d");
  CHECK(begun_again.status == 201);
  CHECK(keys(begun_again) == keys(begun));
  CHECK(begun_again.json()["components"] == begun.json()["components"]);
  CHECK(ended_again.status == 200);
  CHECK(keys(ended_again) == keys(begun));
  CHECK(ended_again.json()["note"] == "patching");
  CHECK(ended_again.json()["until"] == "2026-03-01T02:13:00Z");
}

TEST_CASE("an incident is handed over and taken in the name of a token") {
  Running server;
  const Reply handed = post(server, incident + "/handover", R"({"to": "lena", "note": "end of my shift"})");
  CHECK(handed.status == 200);
  const auto hand = last_input<HandOver>(server);
  CHECK(hand.to == "lena");
  CHECK(hand.by == "oncall");
  CHECK(hand.note == "end of my shift");
  CHECK(post(server, incident + "/handover", "{}").status == 400);
  CHECK(post(server, incident + "/take", "", as_boss).status == 200);
  CHECK(last_input<TakeOver>(server).by == "boss");
  for (const char* key : {"owner", "taken_at", "taken_by", "handed_at", "handed_to", "handed_by", "handover"})
    CHECK(handed.json().contains(key));
  server.on_loop([&] {
    Incident& now = *server.desk().state_.record.incidents.edit(incident_id);
    now.taken_by = "boss";
    now.handed_to = "lena";
  });
  const Reply shown = ask(server.port(), "GET", incident, {});
  CHECK(shown.json()["owner"] == "boss");
  CHECK(shown.json()["handed_to"] == "lena");
}

TEST_CASE("an incident's events and the journal are taken away as files, by who may") {
  Running server;
  CHECK(ask(server.port(), "GET", incident + "/export", {}).status == 401);
  const Reply file = ask(server.port(), "GET", incident + "/export", {as_oncall});
  CHECK(file.status == 200);
  CHECK(file.body == "SQLite format 3");
  CHECK(file.headers.at("content-disposition") == "attachment; filename=\"" + incident_id + ".journal\"");
  CHECK(ask(server.port(), "GET", "/api/v1/incidents/none/export", {as_oncall}).status == 404);
  CHECK(ask(server.port(), "GET", "/api/v1/journal", {as_oncall}).status == 403);
  CHECK(ask(server.port(), "GET", "/api/v1/journal", {as_boss}).body == "SQLite format 3");
}

TEST_CASE("what a step's command prints is read as it comes, from where a reader is") {
  Running server;
  server.on_loop([&] {
    auto& its = *server.desk().state_.record.incidents.edit(incident_id);
    IncidentStep step;
    step.plan.id = "rebuild";
    step.plan.run = {"/bin/restore"};
    step.state = StepState::running;
    its.steps.push_back(step);
    server.desk().heard_[incident_id + "/rebuild"] = "one\ntwo\n";
  });
  const auto read = [&](const std::string& query) { return ask(server.port(), "GET", incident + "/steps/rebuild/output" + query, {}); };
  CHECK(read("").json()["output"] == "one\ntwo\n");
  CHECK(read("").json()["state"] == "running");
  CHECK(read("?after=4").json()["output"] == "two\n");
  CHECK(read("?after=4").json()["bytes"] == 8);
  CHECK(read("?after=8").json()["output"] == "");
  CHECK(read("?after=99").json()["output"] == "");
  CHECK(read("?after=x").status == 400);
  CHECK(ask(server.port(), "GET", incident + "/steps/rebuil/output", {}).json()["list"][0] == "rebuild");
  // Of one that ended before this start, the end of what it printed is what was kept.
  server.on_loop([&] {
    server.desk().heard_.clear();
    server.desk().state_.record.incidents.edit(incident_id)->steps.back().evidence = "40 of 40 tables\n";
  });
  CHECK(read("").json()["output"] == "40 of 40 tables\n");
}

}  // namespace people_test
