// SPDX-License-Identifier: Apache-2.0
// http beyond one request: journeys, cookies, packed bodies, versions, and which address is asked.
#include "probes/http/cookies.hpp"
#include "probes/http/decoding.hpp"
#include "tests/probes/fake_world.hpp"

#include <brotli/encode.h>
#include <doctest/doctest.h>
#include <zlib.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <optional>
#include <random>

namespace http_journey_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

std::string sent(const HttpRequest& request, const std::string& name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return "";
}

// `window` as zlib has it: 31 gzip, 15 zlib, -15 bare.
std::string packed(const std::string& text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string made(text.size() + 1000, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  deflate(&stream, Z_FINISH);
  made.resize(stream.total_out);
  deflateEnd(&stream);
  return made;
}
std::string brotlied(const std::string& text) {
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size());
  std::string made(size, '\0');
  BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(), reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                        reinterpret_cast<std::uint8_t*>(made.data()));
  made.resize(size);
  return made;
}

const std::string journey = R"x(
target  = "https://app.example.org/login?next=1"
method  = "POST"
body    = "user=probe"
bearer  = { env = "DRWATCH_TEST_SECRET" }
capture = { session = { json = "/session/id" }, build = { header = "X-Build", matches = "^v([0-9]+)" } }
[[steps]]
name         = "open the cart"
target       = "/cart/{{session}}?b={{build}}"
headers      = { X-Session = "{{session}}" }
body_matches = "items"
capture      = { csrf = { matches = "csrf=([a-z]+)" } }
[[steps]]
name   = "pay"
target = "https://pay.example.net/pay"
method = "POST"
body   = "csrf={{csrf}}&again={{csrf}}"
status = 201
)x";

struct Shop {
  FakeWorld world;
  std::vector<HttpRequest> requests;
  std::map<std::string, HttpResponse> pages;  // by the part of the URL behind https://
  Shop() {
    setenv("DRWATCH_TEST_SECRET", "s3cret-value", 1);
    pages["app.example.org/login?next=1"] =
        response(200, R"({"session":{"id":"a/b 1"}})", {{"X-Build", "v42-x"}, {"Set-Cookie", "sid=cookie-value; Path=/; HttpOnly"}});
    pages["app.example.org/cart/a%2Fb%201?b=42"] = response(200, "items: 3, csrf=abcdef");
    pages["pay.example.net/pay"] = response(201);
    world.http.serve = [this](const HttpRequest& request) -> Result<HttpResponse> {
      requests.push_back(request);
      const auto page = pages.find(request.url.substr(8));
      return page == pages.end() ? response(404, "no " + request.url) : page->second;
    };
  }
};

}  // namespace

TEST_CASE("http: a journey passes captured values and cookies on, credentials only at home") {
  Shop shop;
  const auto probe = probe_of("http", journey);
  const Outcome outcome = shop.world.run(*probe);
  CAPTURE(outcome.message);
  CHECK(outcome.outcome == Health::up);
  CHECK(outcome.code == "201");
  CHECK(outcome.facts.at("steps") == "3");
  REQUIRE(shop.requests.size() == 3);
  CHECK(sent(shop.requests[0], "Cookie").empty());
  CHECK(sent(shop.requests[1], "Cookie") == "sid=cookie-value");
  CHECK(sent(shop.requests[1], "X-Session") == "a/b 1");
  CHECK(sent(shop.requests[1], "Authorization") == "Bearer s3cret-value");
  CHECK(sent(shop.requests[2], "Cookie").empty());
  CHECK(sent(shop.requests[2], "Authorization").empty());
  CHECK(shop.requests[2].body == "csrf=abcdef&again=abcdef");
  // The next run begins without cookies.
  shop.requests.clear();
  shop.world.run(*probe);
  CHECK(sent(shop.requests[0], "Cookie").empty());
}

TEST_CASE("http: a journey that breaks off names its step and shows no secret") {
  Shop shop;
  shop.pages["app.example.org/cart/a%2Fb%201?b=42"] = response(200, "nothing for a/b 1 with cookie-value and s3cret-value");
  const Outcome empty = shop.world.run(*probe_of("http", journey));
  CHECK(empty.outcome == Health::down);
  CHECK(empty.facts.at("step") == "open the cart");
  CHECK(empty.message.find("step 'open the cart': GET https://app.example.org/cart/") == 0);
  for (const char* secret : {"a/b 1", "cookie-value", "s3cret-value"}) CHECK(empty.message.find(secret) == std::string::npos);
  CHECK(shop.requests.size() == 2);
  shop.pages["app.example.org/cart/a%2Fb%201?b=42"] = response(200, "items");
  CHECK(shop.world.run(*probe_of("http", journey)).message.find("there is nothing to capture as csrf") != std::string::npos);
  shop.pages["app.example.org/login?next=1"] = response(200, R"({"session":{"id":{}}})");
  const Outcome first = shop.world.run(*probe_of("http", journey));
  CHECK(first.outcome == Health::down);
  CHECK(first.facts.count("step") == 0);
}

TEST_CASE("http: what was captured goes to no other origin behind a redirect, and is not shown on the way") {
  Shop led;
  led.pages["app.example.org/login?next=1"] = response(200, R"({"session":{"id":"sess 0815"}})", {{"X-Build", "v42"}});
  led.pages["app.example.org/cart/sess%200815?b=42"] = response(302, "", {{"Location", "https://cdn.example.net/u/sess%200815?x=1"}});
  led.pages["cdn.example.net/u/sess%200815?x=1"] = response(200, "items, csrf=abcdef");
  const Outcome outcome = led.world.run(*probe_of("http", journey));
  CAPTURE(outcome.message);
  CHECK(outcome.outcome == Health::up);
  REQUIRE(led.requests.size() == 4);
  CHECK(sent(led.requests[1], "X-Session") == "sess 0815");
  CHECK(sent(led.requests[2], "X-Session").empty());
  CHECK(outcome.facts.at("redirected_to") == "https://cdn.example.net/u/***");

  Shop shop;
  // Where a quotation is cut, and encoded.
  shop.pages["app.example.org/cart/a%2Fb%201?b=42"] = response(200, std::string(112, 'x') + " a/b 1 a%2Fb%201");
  CHECK(shop.world.run(*probe_of("http", journey)).message.find(" a/") == std::string::npos);
  shop.pages["app.example.org/cart/a%2Fb%201?b=42"] = response(302, "", {{"Location", "ftp://x/a%2Fb%201?session=q"}});
  const Outcome nowhere = shop.world.run(*probe_of("http", journey));
  CHECK(nowhere.message.find("can't be followed: 'ftp://x/***'") != std::string::npos);
}

TEST_CASE("http: a slow step is degraded") {
  Shop shop;
  shop.world.http.takes = milliseconds{600};
  CHECK(shop.world.run(*probe_of("http", journey)).outcome == Health::up);
  const Outcome all = shop.world.run(*probe_of("http", "slower_than = \"1s\"\n" + journey));
  CHECK(all.outcome == Health::degraded);
  const std::string one = journey + "slower_than = \"500ms\"\n";
  const Outcome step = shop.world.run(*probe_of("http", one));
  CHECK(step.outcome == Health::degraded);
  CHECK(step.facts.at("step") == "pay");
}

TEST_CASE("http: journeys that can't be configured") {
  const std::string at = "target = \"https://x/\"\n";
  const std::pair<std::string, const char*> wrong[] = {
      {at + "steps = [{ target = \"/x\" }]", "name"},
      {at + "steps = [{ name = \"a\", target = \"x\" }]", "neither a URL nor a path"},
      {at + "steps = [{ name = \"a\", target = \"/{{token}}\" }]", "no step before it captures"},
      {at + "steps = [{ name = \"a\", target = \"/\", body = \"{{t}}\", capture = { t = { matches = \"(.)\" } } }]",
       "no step before it captures"},
      {at + "steps = [{ name = \"a\", target = \"/\", headers = { Authorization = \"Bearer x\" } }]", "carries a secret"},
      {at + "capture = { t = { json = \"/next\" } }\nsteps = [{ name = \"a\", target = \"{{t}}\" }]", "encoded as a part of a URL"},
      {at + "capture = { t = {} }", "says not what to take"},
      {at + "capture = { t = { matches = \"x\" } }", "no group"},
      {at + "capture = { t = { json = \"/a\", header = \"b\" } }", "two places"},
      {at + "versions = [\"3\"]", "not a version"},
      {at + "family = \"v5\"", "family"},
  };
  for (const auto& [toml, says] : wrong) {
    CAPTURE(toml);
    const auto problems = problems_of("http", toml);
    REQUIRE(problems.size() >= 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].find(says) != std::string::npos);
  }
}

TEST_CASE("http: packed bodies") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i) + "\n";
  const std::pair<const char*, std::string> good[] = {{"gzip", packed(text, 31)},
                                                      {"x-gzip", packed(text, 31)},
                                                      {"deflate", packed(text, 15)},
                                                      {"deflate", packed(text, -15)},
                                                      {"br", brotlied(text)},
                                                      {"identity", text},
                                                      {"gzip, br", brotlied(packed(text, 31))},
                                                      {"GZIP", packed("line 4999\n", 31) + packed("more", 31)}};
  for (const auto& [encoding, body] : good) {
    CAPTURE(encoding);
    FakeWorld world;
    world.http.answers = {response(200, body, {{"Content-Encoding", encoding}})};
    CHECK(world.run(*probe_of("http", "target = \"https://x/\"\nbody_matches = \"line 4999\"")).outcome == Health::up);
    CHECK(sent(world.http.requests[0], "Accept-Encoding") == "gzip, deflate, br");
  }
  const std::string zip = packed(text, 31), bomb = packed(std::string(50 << 20, '\0'), 31);
  const std::pair<const char*, std::string> bad[] = {{"gzip", "not packed at all"},
                                                     {"gzip", zip.substr(0, zip.size() / 2)},
                                                     {"br", "\x0b\x02"},
                                                     {"br", brotlied(text) + "x"},
                                                     {"deflate", zip},
                                                     {"compress", text},
                                                     {"gzip", bomb},
                                                     {"gzip,gzip,gzip,gzip", zip}};
  for (const auto& [encoding, body] : bad) {
    CAPTURE(encoding);
    FakeWorld world;
    world.http.answers = {response(200, body, {{"Content-Encoding", encoding}})};
    const Outcome outcome = world.run(*probe_of("http", "target = \"https://x/\"\nbody_not_matches = \"error\""));
    CHECK(outcome.outcome == Health::down);
    CHECK(outcome.reason == Reason::protocol);
  }
  FakeWorld head;
  head.http.answers = {response(200, "", {{"Content-Encoding", "gzip"}})};
  CHECK(head.run(*probe_of("http", "target = \"https://x/\"\nmethod = \"HEAD\"")).outcome == Health::up);
}

TEST_CASE("http: no packed bytes upset it, and none unpack beyond the bound") {
  std::mt19937 dice(3);
  const std::string text(20000, 'a');
  const std::pair<const char*, std::string> seeds[] = {{"gzip", packed(text, 31)}, {"deflate", packed(text, 15)}, {"br", brotlied(text)}};
  for (int round = 0; round < 3000; ++round) {
    const auto& [encoding, seed] = seeds[dice() % 3];
    HttpResponse answer = response(200, seed, {{"Content-Encoding", encoding}});
    for (int changes = 1 + static_cast<int>(dice() % 4); changes > 0; --changes)
      answer.body[dice() % answer.body.size()] = static_cast<char>(dice());
    if (!unpack(answer, 30000)) CHECK(answer.body.size() <= 30000);
  }
}

TEST_CASE("http: cookies go where they belong") {
  const auto line = [](std::vector<std::string> set, const std::string& from, const std::string& to) {
    HttpResponse answer = response(200);
    for (std::string& one : set) answer.headers.emplace_back("Set-Cookie", std::move(one));
    CookieJar jar;
    jar.take(answer, from, *parse_time("2026-03-01T02:00:00Z"));
    return jar.for_request(to);
  };
  const std::string home = "https://app.example.org/a/b";
  CHECK(line({"a=1"}, home, "https://app.example.org/a/c") == "a=1");
  CHECK(line({"a=1"}, home, "https://app.example.org/") == "");
  CHECK(line({"a=1; Path=/"}, home, "https://app.example.org/") == "a=1");
  CHECK(line({"a=1; Path=/x"}, home, "https://app.example.org/xy") == "");
  CHECK(line({"a=1; path=/; Secure"}, home, "http://app.example.org/") == "");
  CHECK(line({"a=1; path=/"}, home, "https://www.app.example.org/") == "");
  CHECK(line({"a=1; path=/; Domain=.example.org"}, home, "https://www.example.org/") == "a=1");
  CHECK(line({"a=1; path=/; Domain=other.org"}, home, "https://other.org/") == "");
  CHECK(line({"a=1; path=/; Domain=org"}, home, "https://app.example.org/") == "");
  CHECK(line({"a=1; path=/; Domain=0.0.1"}, "http://127.0.0.1/", "http://127.0.0.1/") == "");
  CHECK(line({"a=1; path=/", "b=2; path=/", "a=3; path=/"}, home, home) == "b=2; a=3");
  CHECK(line({"a=1; path=/", "a=; path=/; Max-Age=0"}, home, home) == "");
  CHECK(line({"a=1; path=/", "a=; path=/; Expires=Sat, 01 Mar 2026 01:59:59 GMT"}, home, home) == "");
  CHECK(line({"a=1; path=/", "a=; path=/; Expires=Thu, 01-Jan-1970 00:00:01 GMT"}, home, home) == "");
  CHECK(line({"a=1; path=/; Expires=Mon, 02 Mar 2026 00:00:00 GMT"}, home, home) == "a=1");
  CHECK(line({"a=1; path=/; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, home, home) == "a=1");  // RFC 6265 5.3
  for (const char* bad : {"soon", "", "6O", "1.5", "-"}) {  // 5.2.2: no number, so Expires decides
    CAPTURE(bad);
    CHECK(line({std::string("a=1; path=/; Max-Age=") + bad + "; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}, home, home) == "");
    CHECK(line({std::string("a=1; path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=") + bad}, home, home) == "");
  }
  CHECK(line({"a=1; path=/", "a=; path=/; Max-Age=-0"}, home, home) == "");
  CHECK(line({"", "=", "=x", "a", "a=\x01", "b=" + std::string(5000, 'x')}, home, home) == "");
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back("c" + std::to_string(i) + "=1");
  CHECK(line(many, home, home).size() < 50 * 8);
}

TEST_CASE("http: versions, both ways") {
  FakeWorld world;
  HttpResponse old = response(200);
  old.version = 10;
  world.http.answers = {old};
  CHECK(world.run(*probe_of("http", "target = \"https://x/\"\nversions = [\"1.0\", \"1.1\"]")).outcome == Health::up);
  const Outcome outcome = world.run(*probe_of("http", "target = \"https://x/\"\nversions = [\"1.1\"]"));
  CHECK(outcome.outcome == Health::down);
  CHECK(outcome.message.find("expected HTTP/1.1, got HTTP/1.0") != std::string::npos);
}

TEST_CASE("http: which address is asked") {
  FakeWorld world;
  world.resolver.names.emplace("app.example.org", Resolved{{"192.0.2.1", "2001:db8::1"}, seconds{60}});
  std::map<std::string, Result<HttpResponse>> there = {{"192.0.2.1", response(200)}, {"2001:db8::1", response(200)}};
  std::vector<std::string> asked;
  world.http.serve = [&](const HttpRequest& request) -> Result<HttpResponse> {
    asked.push_back(request.address);
    return there.at(request.address);
  };
  const std::string at = "target = \"https://app.example.org/\"\n";
  const Outcome all = world.run(*probe_of("http", at + "addresses = \"all\""));
  CHECK(all.outcome == Health::up);
  CHECK(asked == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  CHECK(all.facts.at("at 2001:db8::1") == "up 200");
  there.at("2001:db8::1") = response(500);
  const Outcome one = world.run(*probe_of("http", at + "addresses = \"all\""));
  CHECK(one.outcome == Health::down);
  CHECK(one.message.find("at 2001:db8::1: ") == 0);
  CHECK(one.facts.at("at 192.0.2.1") == "up 200");
  // A preference: the other family only when the first can't be connected to; what a server answers counts.
  asked.clear();
  there.at("192.0.2.1") = failure(Reason::connect, "ECONNREFUSED", "refused");
  there.at("2001:db8::1") = response(200);
  CHECK(world.run(*probe_of("http", at + "family = \"prefer-v4\"")).outcome == Health::up);
  CHECK(asked == std::vector<std::string>{"192.0.2.1", "2001:db8::1"});
  asked.clear();
  there.at("192.0.2.1") = response(503);
  CHECK(world.run(*probe_of("http", at + "family = \"prefer-v4\"")).outcome == Health::down);
  CHECK(asked.size() == 1);
  const auto unresolved = world.run(*probe_of("http", "target = \"https://no.example.org/\"\nfamily = \"prefer-v6\""));
  CHECK(unresolved.reason == Reason::dns);
}

namespace {

// Comes as far as told and then fails so, or (no failure) stays silent; 192.0.2.1 answers.
struct FarHttp : Http {
  std::vector<Phase> reached;
  std::optional<Failure> fails;
  std::vector<std::string> asked;

  Task<Result<HttpResponse>> fetch(HttpRequest request, Phases& phases) override {
    asked.push_back(request.method + " " + request.address);
    if (request.address == "192.0.2.1") co_return response(200);
    for (const Phase phase : reached) phases[phase] = std::chrono::microseconds{1};
    if (fails) co_return *fails;
    boost::asio::steady_timer never(co_await boost::asio::this_coro::executor, std::chrono::steady_clock::time_point::max());
    co_await never.async_wait(boost::asio::use_awaitable);
    co_return failure(Reason::internal, "", "never ends");
  }
};

}  // namespace

TEST_CASE("http: the other family is asked only when nothing was sent to the preferred one") {
  const auto asked = [](std::vector<Phase> reached, std::optional<Failure> fails) {
    FakeWorld fake;
    fake.resolver.names.emplace("app.example.org", Resolved{{"2001:db8::1", "192.0.2.1"}, seconds{60}});
    FarHttp http;
    http.reached = std::move(reached);
    http.fails = std::move(fails);
    boost::asio::io_context io;
    World world{io.get_executor(), fake.clock, fake.dice, fake.resolver, fake.net, http, fake.postgres, fake.exec, fake.files};
    const auto probe = probe_of("http", "target = \"https://app.example.org/\"\nmethod = \"POST\"\nfamily = \"prefer-v6\"");
    std::optional<Outcome> outcome;
    boost::asio::co_spawn(io, probe->run(world), [&](std::exception_ptr thrown, Outcome made) {
      if (thrown) std::rethrow_exception(thrown);
      outcome = std::move(made);
    });
    io.run();
    REQUIRE(outcome);
    return std::pair(*outcome, http.asked.size());
  };
  const auto falls_back = [&](const std::pair<Outcome, std::size_t>& seen, const std::string& why) {
    CAPTURE(seen.first.message);
    CHECK(seen.first.outcome == Health::up);
    CHECK(seen.second == 2);
    CHECK(seen.first.message.find("; not over IPv6: ") != std::string::npos);
    CHECK(seen.first.facts.at("not_connected").find(why) != std::string::npos);
  };
  falls_back(asked({Phase::connect}, failure(Reason::connect, "ECONNREFUSED", "refused")), "refused");
  falls_back(asked({}, std::nullopt), "no answer within");
  const auto counts = [&](const std::pair<Outcome, std::size_t>& seen) {
    CHECK(seen.first.outcome == Health::down);
    CHECK(seen.second == 1);
  };
  const auto silent = asked({Phase::connect, Phase::request}, std::nullopt);
  counts(silent);
  CHECK(silent.first.phases[Phase::request]);  // as far as it came, although it was cut off
  counts(asked({Phase::connect, Phase::request}, failure(Reason::connect, "ECONNRESET", "reset")));
  counts(asked({Phase::connect}, failure(Reason::tls, "CERT_HAS_EXPIRED", "expired")));
}

}  // namespace http_journey_test
