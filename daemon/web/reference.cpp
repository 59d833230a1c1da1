// SPDX-License-Identifier: Apache-2.0
// What is written of the routes: docs/http.md for people, docs/openapi.json for programs. Both from the rows of routes.cpp.
#include "daemon/web/api/view.hpp"
#include "daemon/web/room.hpp"

#include <re2/re2.h>
#include <algorithm>

namespace drwatch::web {
namespace {

std::string_view needs_words(Needs needs) {
  switch (needs) {
    case Needs::nothing:
      return "no token";
    case Needs::reading:
    case Needs::figures:
      return "to read";
    case Needs::responder:
      return "responder";
    case Needs::admin:
      return "admin";
    case Needs::reloading:
      return "admin, or drwatch's own user on its local socket";
  }
  return "";
}

}  // namespace

std::string http_reference() {
  std::string text = R"(<!-- SPDX-License-Identifier: Apache-2.0 -->
# HTTP

<!-- Written from the rows in daemon/web/routes.cpp: change them there, then DRWATCH_WRITE_REFERENCE=1 build/dev/tests/test_web writes it anew. -->

For programs the same stands in [openapi.json](openapi.json) (OpenAPI 3.1).

Tokens are sent as `Authorization: Bearer TOKEN`; their roles are `viewer`, `responder` and `admin`, and each may do what the one before may. *To read*
needs no token on loopback, unless `[server] public_url` is set and `open_reading` is not true; otherwise a viewer's. Bodies are JSON objects of at
most 64 KiB, sent as `Content-Type: application/json`. Nothing of the body of a request whose token is wrong is read. An error is
`application/problem+json` (RFC 9457). A command takes an `Idempotency-Key` of at most 200 bytes, kept for 24 hours (that of a test alert no longer
than drwatch runs), the newest 10 000 of them: sent again with it, it is answered with the status of the first time, and not done again;
only what was refused with 409, because of how things stood, is decided anew.

A browser (`Accept: text/html`) signs in at `/login`: a token becomes a session, a cookie that is sealed with a key beside the journal and good for
12 hours, over restarts, or until the token is changed. It reads, and sends the forms of the pages; the commands below `/api` take a token alone.
Whoever asks for HTML gets a problem as a page, and is led to `/login` instead of a 401.

What is read is made beside the loop that watches, from how things stood at most a quarter of a second ago, and never from before a command that was
answered. Whoever shows a token does not wait for those who show none, and of the 256 event streams and copies at once these have half at the
most. A stream ends with the token or session that it was begun with. When too many ask at once, some are answered 503 or 429 with `Retry-After`; heartbeats, `/healthz`,
`/readyz` and commands are not among them. When all 1024 connections are taken, the longest idle one makes room, or else the slowest; an address that
is no proxy (loopback, `[server] trusted_proxies`) has 256 of them, a client behind one (the right-most of `X-Forwarded-For` that is no proxy
itself) 64 reads under way. TLS handshakes are taken by turns of the addresses and have a quarter of the loop's time. Answers that their
readers have not taken yet hold 64 MiB together; beyond that the slowest reader loses its connection. The answer to a command on an incident brings the newest ten events of its timeline; `timeline_events`
says how many there are, and reading the incident brings them all.

| methods | path | needs | what |
| --- | --- | --- | --- |
)";
  for (const auto& row : route_rows()) {
    std::string methods(row.methods);
    std::replace(methods.begin(), methods.end(), ' ', ',');
    text += "| " + methods + " | `" + std::string(row.pattern) + "` | " + std::string(needs_words(row.needs)) + " | " +
            std::string(row.what) + " |\n";
  }
  return text + event_reference();
}

// ---- OpenAPI 3.1

namespace {

std::string without_marks(std::string text) {
  std::erase(text, '`');
  return text;
}

// What a row says in `{scenario, note}` at its beginning: the keys of the body. A duration is a text with its unit; beside it, with
// `_seconds` at its end, stands the same as a number.
View body_schema(const std::string& what) {
  std::string list;
  View properties = View::object();
  if (!RE2::PartialMatch(what, "^`\\{([^}]*)\\}`", &list)) return properties;
  re2::StringPiece rest(list);
  for (std::string key; RE2::FindAndConsume(&rest, "(\\w+)", &key);) {
    const bool flag = key == "force" || key == "false_alarm" || key == "failed";
    properties[key] = View{{"type", flag ? "boolean" : "string"}};
    if (key == "components") properties[key] = View{{"type", "array"}, {"items", {{"type", "string"}}}};
    if (key == "took" || key == "lost" || key == "for") properties[key]["description"] = "a duration with its unit, as 1h30m";
  }
  return properties;
}

void add_parameter(View& operation, const std::string& name, const char* in, bool required) {
  operation["parameters"].push_back({{"name", name}, {"in", in}, {"required", required}, {"schema", {{"type", "string"}}}});
}

// How a program calls what the row does by one of its methods.
View operation(const RouteRow& row, const std::string& method) {
  const std::string what(row.what), pattern(row.pattern);
  std::string id = method + pattern;
  RE2::GlobalReplace(&id, "\\W+", "_");
  View it{{"operationId", id.substr(0, id.find_last_not_of('_') + 1)}, {"description", without_marks(what)}};
  it["parameters"] = View::array();
  re2::StringPiece path(row.pattern.data(), row.pattern.size()), query(what);
  for (std::string name; RE2::FindAndConsume(&path, "\\{(\\w+)\\}", &name);) add_parameter(it, name, "path", true);
  if (method == "get")
    for (std::string name; RE2::FindAndConsume(&query, "\\?(\\w+)=", &name);) add_parameter(it, name, "query", false);
  const bool command = method == "post" && pattern.starts_with("/api/");
  if (command && what.find("takes no `Idempotency-Key`") == std::string::npos) add_parameter(it, "Idempotency-Key", "header", false);
  if (View properties = body_schema(what); command && !properties.empty())
    it["requestBody"] = {{"content", {{"application/json", {{"schema", {{"type", "object"}, {"properties", std::move(properties)}}}}}}}};
  it["responses"] = {{"2XX", {{"description", "done, or as it was asked for"}}},
                     {"default",
                      {{"description", "an error"},
                       {"content", {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}}}};
  it["security"] = View::array();
  if (row.needs == Needs::nothing || row.needs == Needs::reading || row.needs == Needs::figures) it["security"].push_back(View::object());
  if (row.needs != Needs::nothing) it["security"].push_back({{"token", View::array()}});
  it["x-needs"] = needs_words(row.needs);
  return it;
}

// Pages and their forms are for browsers.
bool for_programs(const RouteRow& row) {
  for (const char* begin : {"/api/", "/ping/", "/metrics", "/healthz", "/readyz", "/badges/", "/drills.ics"})
    if (row.pattern.starts_with(begin)) return true;
  return false;
}

}  // namespace

std::string openapi_reference() {
  View document{{"openapi", "3.1.0"},
                {"info",
                 {{"title", "drwatch"},
                  {"version", "v1"},
                  {"description", "Written from the rows in daemon/web/routes.cpp; docs/http.md says what holds for all of them."},
                  {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}}};
  document["servers"] = View::array({{{"url", "/"}}});
  document["components"] = {{"securitySchemes", {{"token", {{"type", "http"}, {"scheme", "bearer"}}}}},
                            {"schemas",
                             {{"Problem",
                               {{"type", "object"},
                                {"description", "RFC 9457"},
                                {"required", {"type", "title", "status", "detail"}},
                                {"properties",
                                 {{"type", {{"type", "string"}}},
                                  {"title", {{"type", "string"}}},
                                  {"status", {{"type", "integer"}}},
                                  {"detail", {{"type", "string"}}},
                                  {"list", {{"type", "array"}, {"items", {{"type", "string"}}}}}}}}}}}};
  document["paths"] = View::object();
  for (const RouteRow& row : route_rows()) {
    if (!for_programs(row)) continue;
    View& path = document["paths"][std::string(row.pattern)];
    if (row.methods.find("GET") != std::string_view::npos) path["get"] = operation(row, "get");
    if (row.methods.find("POST") != std::string_view::npos) path["post"] = operation(row, "post");
  }
  return json_text(document);
}

}  // namespace drwatch::web
