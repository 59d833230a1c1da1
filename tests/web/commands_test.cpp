// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <doctest/doctest.h>

namespace commands_test {

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

TEST_CASE("a command becomes an input in the name of its token, and is answered with what it touched") {
  Running server;
  const Reply opened = post(server, "/api/v1/incidents", R"({"scenario": "security-breach", "note": "mail from legal"})");
  CHECK(opened.status == 201);
  CHECK(opened.headers.at("location") == "/api/v1/incidents/20260301-0213-security-breach");
  CHECK(opened.json()["durable"] == true);
  const auto open = last_input<OpenIncident>(server);
  CHECK(open.by == "oncall");
  CHECK(open.note == "mail from legal");
  CHECK(post(server, "/api/v1/incidents", R"({"scenario": "security-breach"})").status == 200);  // it was open already

  const Reply step = post(server, incident + "/steps/scope", R"({"action": "skip", "note": "not needed"})");
  CHECK(step.status == 200);
  CHECK(step.json()["id"] == incident_id);
  const auto act = last_input<StepAction>(server);
  CHECK(act.step == "scope");
  CHECK(act.action == OnStep::skip);
  CHECK(act.note == "not needed");

  CHECK(post(server, incident + "/notes", R"({"text": "called the provider"})").status == 200);
  CHECK(last_input<AddNote>(server).text == "called the provider");
  CHECK(post(server, incident + "/messages/customers-investigating", R"({"action": "approved"})").status == 200);
  CHECK(last_input<MessageAction>(server).action == OnMessage::approve);
  CHECK(post(server, incident + "/start-time", R"({"at": "2026-03-01T02:00:00Z"})", as_boss).status == 200);
  CHECK(last_input<CorrectStart>(server).at == *parse_time("2026-03-01T02:00:00Z"));
  CHECK(post(server, incident + "/bad-change", R"({"at": "2026-03-01T01:47:00Z", "note": "release 7"})").status == 200);
  const auto change = last_input<SayBadChange>(server);
  CHECK(change.at == *parse_time("2026-03-01T01:47:00Z"));
  CHECK(change.note == "release 7");
  CHECK(post(server, incident + "/bad-change", R"({"note": "yesterday"})").status == 400);
  CHECK(post(server, incident + "/reopen", "").status == 200);
  CHECK(last_input<Reopen>(server).by == "oncall");
}

TEST_CASE("a refusal is a problem with its status and its list") {
  Running server;
  const Reply reply = post(server, incident + "/resolve", R"({"force": false})");
  CHECK(reply.status == 409);
  CHECK(reply.headers.at("content-type") == "application/problem+json");
  CHECK(reply.json()["list"] == Json::parse(R"(["connectivity", "scope"])"));
}

TEST_CASE("a body that is not what the command takes is refused before anything is done") {
  Running server;
  CHECK(post(server, incident + "/steps/scope", "{").status == 400);
  CHECK(post(server, incident + "/steps/scope", "[]").status == 400);
  CHECK(post(server, incident + "/steps/scope", "{}").status == 400);
  CHECK(post(server, incident + "/steps/scope", std::string(30000, '[')).status == 400);
  CHECK(post(server, incident + "/steps/scope", R"({"action": 3})").status == 400);
  const Reply near = post(server, incident + "/steps/scope", R"({"action": "doen"})");
  CHECK(near.status == 400);
  CHECK(near.json()["detail"].get<std::string>().find("did you mean 'done'?") != std::string::npos);
  const Reply key = post(server, incident + "/steps/scope", R"({"action": "done", "notes": "x"})");
  CHECK(key.status == 400);
  CHECK(key.json()["detail"].get<std::string>().find("did you mean 'note'?") != std::string::npos);
  CHECK(post(server, incident + "/resolve", R"({"force": "yes"})").status == 400);
  CHECK(post(server, incident + "/notes", R"({"text": "  "})").status == 400);
  CHECK(post(server, incident + "/notes", R"({"text": ")" + std::string(20000, 'x') + R"("})").status == 400);
  CHECK(post(server, incident + "/start-time", R"({"at": "yesterday"})", as_boss).status == 400);
  CHECK(ask(server.port(), "POST", incident + "/notes", {as_oncall, "Content-Type: text/plain"}, R"({"text": "x"})").status == 415);
  CHECK(post(server, "/api/v1/incidents/none/ack", "").status == 404);
  CHECK(post(server, incident + "/steps/scpe", R"({"action": "done"})").json()["list"][0] == "scope");
  CHECK(post(server, incident + "/messages/none", R"({"action": "sent"})").status == 404);
  CHECK(post(server, "/api/v1/incidents", R"({"scenario": "databse-outage"})").json()["list"][0] == "database-outage");
  CHECK(post(server, "/api/v1/signals/none", R"({"state": "raised"})").status == 404);
  server.on_loop([&] { CHECK(server.desk().inputs_.empty()); });
}

TEST_CASE("the idempotency key goes along, under its owner's name; what is not durable says so") {
  Running server;
  ask(server.port(), "POST", incident + "/ack", {as_oncall, "Idempotency-Key: k1"});
  server.on_loop([&] {
    CHECK(server.desk().keys_.back() == "oncall/k1");
    server.desk().durable_ = false;
  });
  CHECK(post(server, incident + "/ack", "").json()["durable"] == false);
}

TEST_CASE("a drill that took place is written down") {
  Running server;
  const Reply drilled =
      post(server, "/api/v1/drills/record", R"({"scenario": "database-outage", "took": "50m", "lost_seconds": 20, "note": "ticket 7"})");
  CHECK(drilled.status == 201);
  CHECK(drilled.json()["scenario"] == "database-outage");
  const auto input = last_input<RecordDrill>(server);
  CHECK(input.took == minutes{50});
  CHECK(input.lost == seconds{20});
  CHECK(input.passed);
  CHECK(input.by == "oncall");
  CHECK(post(server, "/api/v1/drills/record", R"({"scenario": "databse-outage", "took": "50m"})").status == 404);
  CHECK(post(server, "/api/v1/drills/record", R"({"scenario": "database-outage", "took": "soon"})").status == 400);
  CHECK(post(server, "/api/v1/drills/record", R"({"scenario": "database-outage", "passed": true})").status == 400);
}

TEST_CASE("signals, maintenance, probes, alerts and reload") {
  Running server;
  const Reply raised = post(server, "/api/v1/signals/breach-suspected", R"({"state": "raised", "note": "SIEM"})");
  CHECK(raised.status == 200);
  CHECK(raised.json()["state"] == "raised");
  CHECK(raised.json()["by"] == "oncall");
  CHECK(raised.json()["raised_by"].size() == 1);
  CHECK(raised.json()["raised_by"][0]["alert"].is_null());
  CHECK(post(server, "/api/v1/signals/breach-suspected", R"({"state": "clear", "force": true})").status == 200);
  CHECK(last_input<SetSignal>(server).force);

  const Reply begun = post(server, "/api/v1/maintenance", R"({"components": ["database"], "for": "1h30m", "note": "patching"})", as_boss);
  CHECK(begun.status == 201);
  CHECK(begun.json()["until"] == "2026-03-01T03:43:00Z");
  CHECK(last_input<StartMaintenance>(server).lasts == minutes{90});
  CHECK(post(server, "/api/v1/maintenance", R"({"components": ["database"], "for_seconds": 60})", as_boss).status == 201);
  for (const std::string wrong :
       {R"({"components": ["database"]})", R"({"components": [], "for": "1h"})", R"({"for": "1h"})",
        R"({"components": ["database"], "for": "1h", "for_seconds": 3})", R"({"components": ["database"], "for": "soon"})"})
    CHECK(post(server, "/api/v1/maintenance", wrong, as_boss).status == 400);
  CHECK(post(server, "/api/v1/maintenance", R"({"components": ["databse"], "for": "1h"})", as_boss).status == 404);
  CHECK(post(server, "/api/v1/maintenance/m-1/end", "", as_boss).json()["id"] == "m-1");
  CHECK(post(server, "/api/v1/maintenance/m-1/end", "", as_boss).status == 404);

  CHECK(post(server, "/api/v1/probes/primary/run", "").json()["outcome"]["code"] == "ECONNREFUSED");
  CHECK(post(server, "/api/v1/probes/nightly-billing/run", "").status == 422);
  CHECK(post(server, "/api/v1/probes/none/run", "").status == 404);
  CHECK(post(server, "/api/v1/alerts/test", "").json()["results"].size() == 1);
  CHECK(post(server, "/api/v1/reload", "", as_boss).json()["reloaded"] == true);
  server.on_loop([&] { server.desk().reload_problems_ = {"drwatch.toml:3:1: error: unknown key"}; });
  const Reply refused = post(server, "/api/v1/reload", "", as_boss);
  CHECK(refused.status == 422);
  CHECK(refused.json()["list"][0] == "drwatch.toml:3:1: error: unknown key");
}

TEST_CASE("a step is closed against what drwatch sees only by who says so") {
  Running server;
  const std::string step = "/api/v1/incidents/" + incident_id + "/steps/connectivity";
  CHECK(post(server, step, R"({"action": "done"})").status == 200);
  CHECK_FALSE(last_input<StepAction>(server).force);
  CHECK(post(server, step, R"({"action": "done", "note": "psql answers", "force": true})").status == 200);
  CHECK(last_input<StepAction>(server).force);
  CHECK(post(server, step, R"({"action": "done", "force": "yes"})").status == 400);
}

TEST_CASE("alerts of a webhook are told apart: what one takes back, another still raises") {
  Running server;
  const auto send = [&](const std::string& alerts) {
    return post(server, "/api/v1/alertmanager", R"({"version": "4", "alerts": [)" + alerts + "]}").json()["results"];
  };
  const std::string one = R"("labels": {"drwatch_signal": "breach-suspected", "instance": "a"}, "fingerprint": "aaaa")",
                    other = R"("labels": {"drwatch_signal": "breach-suspected", "instance": "b"})";
  send(R"({"status": "firing", )" + one + R"(}, {"status": "firing", )" + other + "}");
  CHECK(send(R"({"status": "resolved", )" + one + "}")[0]["result"] == "still raised by an alert");
  CHECK(send(R"({"status": "resolved", )" + other + "}")[0]["result"] == "cleared");
  server.on_loop([&] {
    const auto& inputs = server.desk().inputs_;
    REQUIRE(inputs.size() == 4);
    CHECK(std::get<SetSignal>(inputs[0]).alert == "aaaa");
    CHECK(std::get<SetSignal>(inputs[1]).alert == R"({"drwatch_signal":"breach-suspected","instance":"b"})");
    CHECK(std::get<SetSignal>(inputs[3]).alert == std::get<SetSignal>(inputs[1]).alert);
  });
}

TEST_CASE("an Alertmanager's webhook raises and clears the signals that its alerts name") {
  Running server;
  const Reply reply = post(server, "/api/v1/alertmanager", R"({"version": "4", "status": "firing", "alerts": [
      {"status": "firing", "labels": {"alertname": "Odd", "drwatch_signal": "breach-suspected"}, "annotations": {"summary": "many logins"}},
      {"status": "resolved", "labels": {"alertname": "Odd", "drwatch_signal": "breach-suspected"}},
      {"status": "firing", "labels": {"drwatch_signal": "unheard-of"}}, {"status": "firing", "labels": {"alertname": "Other"}}, 7]})");
  CHECK(reply.status == 200);
  const Json results = reply.json()["results"];
  REQUIRE(results.size() == 5);
  CHECK(results[0]["result"] == "raised");
  CHECK(results[1]["result"] == "cleared");
  CHECK(results[2]["result"].get<std::string>().find("no [signal.unheard-of]") != std::string::npos);
  server.on_loop([&] {
    REQUIRE(server.desk().inputs_.size() == 2);
    CHECK(std::get<SetSignal>(server.desk().inputs_[0]).note == "Alertmanager: Odd: many logins");
    CHECK_FALSE(std::get<SetSignal>(server.desk().inputs_[1]).raised);
  });
  CHECK(post(server, "/api/v1/alertmanager", R"({"alerts": 3})").status == 400);
  server.on_loop([&] { server.desk().stopping_ = true; });
  // A 4xx or a 200 would be the last that is heard of it.
  CHECK(post(server, "/api/v1/alertmanager", R"({"alerts": [{"labels": {"drwatch_signal": "breach-suspected"}}]})").status == 503);
  server.on_loop([&] { server.desk().stopping_ = false; });
  CHECK(ask(server.port(), "POST", "/api/v1/alertmanager", {of_json}, R"({"alerts": []})").status == 401);
}

TEST_CASE("a webhook may be large; what is too much of it is refused") {
  Running server;
  const auto bring = [&](std::size_t alerts, std::size_t padding) {
    std::string body = R"({"version": "4", "alerts": [)";
    for (std::size_t i = 0; i < alerts; ++i)
      body += (i == 0 ? "" : ",") + std::string(R"({"status": "firing", "labels": {"drwatch_signal": "breach-suspected", "n": ")") +
              std::to_string(i) + R"("}, "annotations": {"text": ")" + std::string(padding, 'x') + "\"}}";
    return body + "]}";
  };
  const Reply many = post(server, "/api/v1/alertmanager", bring(1000, 3900));
  CHECK(many.status == 200);
  CHECK(many.json()["results"].size() == 1000);
  CHECK(many.json()["durable"] == true);
  server.on_loop([&] {
    CHECK(server.desk().inputs_.size() == 1000);
    CHECK(server.desk().batches_ == 1);  // all of them wait for the disk together
    server.desk().inputs_.clear();
    server.desk().durable_ = false;
  });
  CHECK(post(server, "/api/v1/alertmanager", bring(3, 1)).json()["durable"] == false);
  server.on_loop([&] { server.desk().inputs_.clear(); });
  CHECK(post(server, "/api/v1/alertmanager", bring(1001, 1)).status == 413);
  CHECK(post(server, "/api/v1/alertmanager", bring(1, 4 << 20)).status == 413);
  CHECK(post(server, "/api/v1/alertmanager", R"({"alerts": [], "more": [)" + std::string(200'000, ',') + "]}").status == 413);
  std::string deep = R"({"alerts": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  CHECK(post(server, "/api/v1/alertmanager", deep).status == 413);
  deep = R"({"alerts": )" + std::string(100, '[') + std::string(100, ']') + std::string(100'000, ' ') + "}";
  CHECK(post(server, "/api/v1/alertmanager", deep).status == 400);
  CHECK(post(server, "/api/v1/alertmanager", std::string(100'000, '\xFF')).status == 400);
  // Other bodies have the usual bound.
  CHECK(post(server, "/api/v1/incidents", std::string(65537, ' ')).status == 413);
  server.on_loop([&] { CHECK(server.desk().inputs_.empty()); });
}

TEST_CASE("of a request whose token is wrong no body is read") {
  Running server;
  const std::string beginning =
      "POST /api/v1/alertmanager HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 4000000\r\n";
  for (const std::string token : {"", "Authorization: Bearer wrong\r\n", "Authorization: Bearer viewer-secret\r\n"}) {
    CAPTURE(token);
    Client client(server.port());
    client.send(beginning + token + "\r\n{");  // and nothing more: whoever waits for the body waits for ever
    const Reply reply = client.reply();
    CHECK(reply.status == (token.find("viewer") == std::string::npos ? 401 : 403));
    CHECK(reply.headers.at("connection") == "close");
  }
  Client asks(server.port());
  asks.send(beginning + "Authorization: Bearer wrong\r\nExpect: 100-continue\r\n\r\n");
  CHECK(asks.reply().status == 401);
  CHECK(server.log_lines().find("with a wrong token") != std::string::npos);
  CHECK(ask(server.port(), "GET", "/metrics").body.find("\ndrwatch_http_wrong_tokens_total 2\n") != std::string::npos);
}

}  // namespace commands_test
