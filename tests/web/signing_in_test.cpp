// SPDX-License-Identifier: Apache-2.0
// From the paged link through signing in to the incident; what a session may, and what ends it.
#include "browser.hpp"
#include "daemon/web/http/session.hpp"
#include "daemon/web/pages/rendering.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace signing_in_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

const std::string paged = "/incidents/" + incident_id;

void with_public_url(Settings& settings) { settings.server.public_url = "https://drwatch.example.org"; }

struct CountingDice final : Dice {
  std::uint64_t roll() override { return ++last; }
  std::uint64_t last = 0;
};

}  // namespace

TEST_CASE("the paged link leads through signing in to the incident") {
  Running server({}, with_public_url);
  Browser phone(server.port());
  const Reply led = phone.get(paged);
  CHECK(led.status == 303);
  CHECK(led.headers.at("location") == "/login?next=%2Fincidents%2F" + incident_id);
  CHECK(led.body.find(incident_id) == std::string::npos);
  const Reply asked = phone.get(led.headers.at("location"));
  CHECK(asked.status == 200);
  CHECK(asked.body.find("name=\"token\"") != std::string::npos);
  CHECK(hidden_field(asked.body, "next") == paged);
  const Reply in = phone.post("/login", {{"form", hidden_field(asked.body, "form")}, {"next", paged}, {"token", " oncall-secret\n"}});
  CHECK(in.status == 303);
  CHECK(in.headers.at("location") == paged);
  REQUIRE(phone.set_cookies.size() == 1);
  const std::string& cookie = phone.set_cookies.front();
  for (const char* part : {"drwatch_session=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=43200"})
    CHECK(cookie.find(part) != std::string::npos);
  CHECK(cookie.find("oncall-secret") == std::string::npos);
  const Reply incident = phone.get(paged);
  CHECK(incident.status == 200);
  CHECK(incident.body.find("oncall <small>responder</small>") != std::string::npos);
  CHECK(incident.body.find("Sign out") != std::string::npos);
}

TEST_CASE("a cookie is Secure where the browser sees HTTPS, and not where it would never come back") {
  Running server({}, with_public_url);
  Browser local(server.port());
  local.sign_in("viewer-secret");
  CHECK(local.set_cookies.front().find("Secure") == std::string::npos);
  const Reply page = local.get("/login");
  const std::map<std::string, std::string> fields{{"form", hidden_field(page.body, "form")}, {"token", "viewer-secret"}};
  for (const std::string seen : {"X-Forwarded-Proto: https", "Host: drwatch.example.org"}) {
    CAPTURE(seen);
    CHECK(local.post("/login", fields, {seen}).headers.at("set-cookie").find("; Secure") != std::string::npos);
  }
}

TEST_CASE("a wrong token is answered late, counted, and asked for again") {
  Running server({}, with_public_url);
  Browser guess(server.port());
  const auto before = std::chrono::steady_clock::now();
  const Reply wrong = guess.sign_in("not-a-secret", paged);
  CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(900));
  CHECK(wrong.status == 401);
  CHECK(wrong.body.find("This is no token") != std::string::npos);
  CHECK(wrong.body.find("not-a-secret") == std::string::npos);
  CHECK(hidden_field(wrong.body, "next") == paged);
  CHECK(guess.cookies.count("drwatch_session") == 0);
  CHECK(server.log_lines().find("a request with a wrong token") != std::string::npos);
  CHECK(ask(server.port(), "GET", "/metrics", {as_viewer}).body.find("drwatch_http_wrong_tokens_total 1") != std::string::npos);
}

TEST_CASE("signing in takes the page's own form, with its cookie") {
  Running server;
  Browser other(server.port());
  CHECK(other.post("/login", {{"token", "oncall-secret"}}).status == 403);  // no cookie: another site's form
  other.get("/login");
  CHECK(other.post("/login", {{"form", "00000000000000000000000000000000"}, {"token", "oncall-secret"}}).status == 403);
  CHECK(other.cookies.count("drwatch_session") == 0);
  CHECK(ask(server.port(), "POST", "/login", {of_json}, R"({"token": "oncall-secret"})").status == 415);
}

TEST_CASE("signing in leads to paths of ours alone") {
  CHECK(web::own_path("/incidents/x?y=1") == "/incidents/x?y=1");
  for (const std::string next : {"", "incidents", "//evil.example", "/\\evil.example", "https://evil.example/", "/a\r\nb", "/a b"}) {
    CAPTURE(next);
    CHECK(web::own_path(next) == "/");
  }
  CHECK(web::own_path("/" + std::string(3000, 'a')) == "/");
  Running server;
  Browser phone(server.port());
  CHECK(phone.sign_in("oncall-secret", "//evil.example/").headers.at("location") == "/");
}

TEST_CASE("a session reads and sends forms; it is no token for the API's commands") {
  Running server({}, with_public_url);
  Browser phone(server.port());
  phone.sign_in("oncall-secret");
  CHECK(phone.get("/").status == 200);
  CHECK(phone.get("/api/v1/status").status == 200);
  const std::string cookie = "Cookie: drwatch_session=" + phone.cookies.at("drwatch_session");
  CHECK(ask(server.port(), "POST", "/api/v1/incidents/" + incident_id + "/ack", {cookie}).status == 401);
  CHECK(ask(server.port(), "POST", "/api/v1/reload", {cookie}).status == 401);
  server.on_loop([&] { CHECK(server.desk().inputs_.empty()); });
}

TEST_CASE("a session ends by signing out, by its time, and by a change of the token") {
  Running server({}, with_public_url);
  Browser phone(server.port());
  phone.sign_in("oncall-secret");
  CHECK(phone.post("/logout", {{"form", "wrong"}}).status == 403);
  CHECK(phone.get("/").status == 200);
  const std::string form = hidden_field(phone.get("/").body, "form");
  const Reply out = phone.post("/logout", {{"form", form}});
  CHECK(out.status == 303);
  CHECK(phone.set_cookies.front().find("Max-Age=0") != std::string::npos);
  CHECK(phone.get("/").status == 303);

  // Another site's form comes without the cookie, and does not take it away.
  const Reply foreign = ask(server.port(), "POST", "/logout", {for_people, "Content-Type: application/x-www-form-urlencoded"}, "");
  CHECK(foreign.status == 303);
  CHECK(!foreign.headers.contains("set-cookie"));

  const web::Seals seals("a key"), same_key("a key"), other("another");
  const Time now = now_there;
  const auto token = web::digest_of("oncall-secret");
  const std::string cookie = seals.sealed({"oncall", now + hours{12}, "00112233445566778899aabbccddeeff"}, token);
  CHECK(same_key.holds(cookie, token, now));  // after a restart
  CHECK(!other.holds(cookie, token, now));
  CHECK(!seals.holds(cookie, web::digest_of("oncall-secret-2"), now));
  CHECK(!seals.holds(cookie, token, now + hours{12}));
  CHECK(web::Seals::read(cookie)->name == "oncall");
  for (std::size_t at = 0; at < cookie.size(); ++at) {  // whatever is changed
    std::string forged = cookie;
    forged[at] = forged[at] == 'a' ? 'b' : 'a';
    CAPTURE(forged);
    CHECK(!seals.holds(forged, token, now));
  }
  for (const std::string broken : {"", ".", "...", "b25jYWxs.x.y.z", "b25jYWxs.99999999999999999999.y.z", "b25jYWxs.-1.y.z"})
    CHECK(!web::Seals::read(broken).has_value());
}

TEST_CASE("the key of the sessions is kept in a file that nobody else reads") {
  char folder[] = "/tmp/drwatch-key-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::string path = std::string(folder) + "/sessions.key";
  CountingDice dice;
  const std::string key = web::kept_key(path, dice);
  CHECK(key.size() == 64);
  CHECK(web::kept_key(path, dice) == key);
  struct stat file{};
  REQUIRE(stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  std::ofstream(path) << "cut";
  CHECK(web::kept_key(path, dice) != key);
  CHECK_THROWS(web::kept_key(std::string(folder) + "/nowhere/sessions.key", dice));
  std::filesystem::remove_all(folder);
}

TEST_CASE("who may only read is told so, and is shown nothing to press") {
  Running server({}, with_public_url);
  Browser phone(server.port());
  phone.sign_in("viewer-secret");
  const std::string body = phone.get(paged).body;
  CHECK(body.find("may only read") != std::string::npos);
  CHECK(body.find("value=\"ack\"") == std::string::npos);
  const Reply refused = phone.post(paged, {{"do", "ack"}, {"form", hidden_field(body, "form")}});
  CHECK(refused.status == 403);
  CHECK(refused.headers.at("content-type") == "text/html; charset=utf-8");
  CHECK(refused.body.find("needs the role responder") != std::string::npos);
}

TEST_CASE("for a browser a problem is a page; for everybody else it is JSON") {
  Running server;
  Browser phone(server.port());
  const auto html = [](const Reply& reply) { return reply.headers.at("content-type") == "text/html; charset=utf-8"; };
  const Reply missing = phone.get("/runbook/database-outag");
  CHECK(missing.status == 404);
  CHECK(html(missing));
  CHECK(missing.body.find("<a href=\"/runbook/database-outage\">database-outage</a>") != std::string::npos);
  const Reply nowhere = phone.get("/runbok");
  CHECK(nowhere.status == 404);
  CHECK(nowhere.body.find("<a href=\"/runbook\">/runbook</a>") != std::string::npos);
  const Reply wrong = phone.post("/runbook", {});
  CHECK(wrong.status == 405);
  CHECK(html(wrong));
  CHECK(wrong.headers.at("allow") == "GET, HEAD");
  CHECK(phone.get("/api/v1/probes/x").headers.at("content-type") == "text/html; charset=utf-8");
  CHECK(ask(server.port(), "GET", "/runbook/x").headers.at("content-type") == "application/problem+json");
  CHECK(ask(server.port(), "GET", "/runbook/x", {"Accept: */*"}).headers.at("content-type") == "application/problem+json");
  CHECK(ask(server.port(), "GET", "/", {for_people, "Authorization: Bearer wrong"}).status == 401);  // a wrong token is never ignored
  const Reply foreign = ask(server.port(), "GET", "/", {for_people, "Host: evil.example.com"});
  CHECK(foreign.status == 403);
  CHECK(html(foreign));
  server.reads_of_a_client(0);
  const Reply busy = ask(server.port(), "GET", "/", {for_people, "X-Forwarded-For: 198.51.100.7"});
  CHECK(busy.status == 429);
  CHECK(html(busy));
  CHECK(busy.body.find("http-equiv=\"refresh\"") != std::string::npos);
}

TEST_CASE("a form whose session is over leads to signing in and back to the page, and nothing is done") {
  Running server({}, with_public_url);
  Browser phone(server.port());
  const Reply led = phone.post(paged, {{"do", "ack"}});
  CHECK(led.status == 303);
  CHECK(led.headers.at("location") == "/login?next=%2Fincidents%2F" + incident_id + "&ended=1");
  CHECK(phone.get(led.headers.at("location")).body.find("nothing was done") != std::string::npos);
  server.on_loop([&] { CHECK(server.desk().inputs_.empty()); });
}

TEST_CASE("style, script and icons are files of their own, kept for good; nothing is inline") {
  Running server;
  Browser phone(server.port());
  phone.sign_in("oncall-secret");
  const Reply page = phone.get(paged);
  const std::string& policy = page.headers.at("content-security-policy");
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(page.body.find("<style") == std::string::npos);
  CHECK(page.body.find(" style=") == std::string::npos);
  CHECK(page.body.find(" onclick") == std::string::npos);
  for (const char* name : {"style.css", "live.js", "icon-down.svg"}) {
    const std::string path = web::asset_path(name);
    CAPTURE(path);
    CHECK(page.body.find("\"" + path + "\"") != std::string::npos);
    const Reply asset = ask(server.port(), "GET", path);
    CHECK(asset.status == 200);
    CHECK(asset.headers.at("cache-control") == "public, max-age=31536000, immutable");
    CHECK(!asset.body.empty());
  }
  CHECK(ask(server.port(), "GET", "/assets/style.css").status == 404);
}

}  // namespace signing_in_test
