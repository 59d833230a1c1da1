// SPDX-License-Identifier: Apache-2.0
// Who gets where: methods, paths, tokens, hosts.
#include "fixture.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace routes_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {
// Writes the document when told to; whether what is committed is what the rows say.
bool committed_as(const std::string& text, const std::string& name) {
  const std::string file = drwatch::testing::source_dir() + "/docs/" + name;
  if (std::getenv("DRWATCH_WRITE_REFERENCE")) std::ofstream(file, std::ios::binary) << text;
  std::ifstream in(file, std::ios::binary);
  return text == std::string(std::istreambuf_iterator<char>(in), {});
}
}  // namespace

TEST_CASE("docs/http.md and docs/openapi.json are written from the rows") {
  const bool http = committed_as(web::http_reference(), "http.md"), openapi = committed_as(web::openapi_reference(), "openapi.json");
  CHECK_MESSAGE(http, "docs/http.md is behind the rows: run this test with DRWATCH_WRITE_REFERENCE=1 and commit the file");
  CHECK_MESSAGE(openapi, "docs/openapi.json is behind the rows: run this test with DRWATCH_WRITE_REFERENCE=1 and commit the file");
}

TEST_CASE("the API's description for programs knows each route's path, keys, query and needs") {
  const auto paths = nlohmann::json::parse(web::openapi_reference()).at("paths");
  const auto names = [](const nlohmann::json& parameters) {
    std::string all;
    for (const auto& each : parameters) all += each.at("in").get<std::string>() + ":" + each.at("name").get<std::string>() + " ";
    return all;
  };
  const auto& ack = paths.at("/api/v1/incidents/{id}/ack").at("post");
  CHECK(ack.at("operationId") == "post_api_v1_incidents_id_ack");
  CHECK(names(ack.at("parameters")) == "path:id header:Idempotency-Key ");
  CHECK(ack.at("requestBody").at("content").at("application/json").at("schema").at("properties").contains("note"));
  CHECK(ack.at("security") == nlohmann::json::parse(R"([{"token": []}])"));
  CHECK(names(paths.at("/api/v1/incidents").at("get").at("parameters")) == "query:state ");
  CHECK(paths.at("/api/v1/status").at("get").at("security").size() == 2);
  CHECK(names(paths.at("/api/v1/reload").at("post").at("parameters")).empty());
  CHECK_FALSE(paths.contains("/incidents/{id}"));
  for (const auto& row : web::route_rows())
    if (row.pattern.starts_with("/api/")) CHECK(paths.contains(std::string(row.pattern)));
}

TEST_CASE("a wrong method is 405 with Allow; an unknown path is 404 with the nearest") {
  Running server;
  const Reply wrong = ask(server.port(), "DELETE", "/api/v1/incidents");
  CHECK(wrong.status == 405);
  CHECK(wrong.headers.at("allow") == "GET, HEAD, POST");
  CHECK(ask(server.port(), "POST", "/api/v1/status").headers.at("allow") == "GET, HEAD");
  CHECK(ask(server.port(), "GET", "/api/v1/incidents/" + incident_id + "/ack").headers.at("allow") == "POST");
  CHECK(ask(server.port(), "BREW", "/").status == 405);
  const Reply unknown = ask(server.port(), "GET", "/api/v1/statsu");
  CHECK(unknown.status == 404);
  CHECK(unknown.json()["detail"].get<std::string>().find("did you mean '/api/v1/status'?") != std::string::npos);
  CHECK(ask(server.port(), "GET", "/api/v1/probes/primry").json()["list"][0] == "primary");
  CHECK(ask(server.port(), "GET", "/api/v1/incidents/nothing").status == 404);
  CHECK(ask(server.port(), "GET", "/incidents/nothing").status == 404);
  CHECK(ask(server.port(), "GET", "/runbook/nothing").status == 404);
  CHECK(ask(server.port(), "GET", "//").status == 404);
}

TEST_CASE("a command needs a token that may; reading on loopback needs none") {
  Running server;
  const std::string ack = "/api/v1/incidents/" + incident_id + "/ack", refile = "/api/v1/incidents/" + incident_id + "/refile";
  CHECK(ask(server.port(), "GET", "/api/v1/status").status == 200);
  const Reply missing = ask(server.port(), "POST", ack);
  CHECK(missing.status == 401);
  CHECK(missing.headers.at("www-authenticate").starts_with("Bearer"));
  CHECK(ask(server.port(), "POST", ack, {"Authorization: Bearer wrong"}).status == 401);
  CHECK(ask(server.port(), "POST", ack, {"Authorization: Bearer "}).status == 401);
  CHECK(ask(server.port(), "POST", ack, {"Authorization: Basic b25jYWxs"}).status == 401);
  CHECK(ask(server.port(), "POST", ack, {as_viewer}).status == 403);
  CHECK(ask(server.port(), "POST", ack, {as_oncall}).status == 200);
  CHECK(ask(server.port(), "POST", refile, {as_viewer, of_json}, R"({"scenario": "security-breach"})").status == 403);
  CHECK(ask(server.port(), "POST", refile, {as_oncall, of_json}, R"({"scenario": "security-breach"})").status == 200);
  CHECK(ask(server.port(), "GET", "/api/v1/status", {"Authorization: Bearer wrong"}).status == 401);  // a wrong token is never ignored
  server.on_loop([&] { CHECK(server.desk().inputs_.size() == 2); });
}

TEST_CASE("who is woken may do everything in an incident and maintenance; to reload is an administrator's") {
  Running server;
  const std::string start = "/api/v1/incidents/" + incident_id + "/start-time";
  const auto may = [&](const std::string& path, const std::string& body) {
    CHECK(ask(server.port(), "POST", path, {as_viewer, of_json}, body).status == 403);
    return ask(server.port(), "POST", path, {as_oncall, of_json}, body).status;
  };
  CHECK(may(start, R"({"at": "2026-03-01T02:00:00Z"})") == 200);
  CHECK(may("/api/v1/maintenance", R"({"components": ["database"], "for": "1h"})") == 201);
  CHECK(may("/api/v1/maintenance/m-1/end", "{}") == 200);
  CHECK(may("/api/v1/reload", "{}") == 403);
}

TEST_CASE("behind a public address reading needs a viewer's token, unless it is opened") {
  for (const bool open : {false, true}) {
    Running server({}, [open](Settings& settings) {
      settings.server.public_url = "https://drwatch.example.org";
      settings.server.open_reading = open;
    });
    CHECK(ask(server.port(), "GET", "/api/v1/status").status == (open ? 200 : 401));
    CHECK(ask(server.port(), "GET", "/metrics").status == (open ? 200 : 401));
    CHECK(ask(server.port(), "GET", "/api/v1/status", {as_viewer}).status == 200);
    CHECK(ask(server.port(), "GET", "/healthz").status == 200);
    CHECK(ask(server.port(), "GET", "/readyz").status == 200);
    CHECK(ask(server.port(), "GET", "/api/v1/status", {"Host: drwatch.example.org"}).status == (open ? 200 : 401));
  }
}

TEST_CASE("without any token configured a command says how to configure one") {
  Running server({}, [](Settings& settings) { settings.server.tokens.clear(); });
  const Reply reply = ask(server.port(), "POST", "/api/v1/incidents/" + incident_id + "/ack");
  CHECK(reply.status == 401);
  CHECK(reply.json()["detail"].get<std::string>().find("[server.tokens.NAME]") != std::string::npos);
}

TEST_CASE("a token whose secret is missing or empty lets nobody in") {
  Running server({}, [](Settings& settings) {
    settings.server.tokens = {{"a", {"admin", Secret(Secret::From::env, "A", "")}},
                              {"b", {"admin", Secret::missing(Secret::From::env, "B")}}};
  });
  CHECK(ask(server.port(), "POST", "/api/v1/reload", {"Authorization: Bearer "}).status == 401);
  CHECK(ask(server.port(), "POST", "/api/v1/reload", {"Authorization: Bearer x"}).status == 401);
}

TEST_CASE("another site's name does not read us through a browser, but scrapers may call us as they like") {
  Running server;
  CHECK(ask(server.port(), "GET", "/", {"Host: evil.example.com"}).status == 403);
  CHECK(ask(server.port(), "GET", "/api/v1/status", {"Host: evil.example.com:9780"}).status == 403);
  CHECK(ask(server.port(), "GET", "/api/v1/status", {"Host: evil.example.com", as_viewer}).status == 200);
  for (const std::string host : {"localhost", "LOCALHOST:9780", "127.0.0.1:9780", "[::1]:9780", "10.1.2.3"})
    CHECK(ask(server.port(), "GET", "/api/v1/status", {"Host: " + host}).status == 200);
  for (const std::string path : {"/metrics", "/healthz", "/readyz"})
    CHECK(ask(server.port(), "GET", path, {"Host: scraped.example.com"}).status == 200);
}

}  // namespace routes_test
