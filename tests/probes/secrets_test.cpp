// SPDX-License-Identifier: Apache-2.0
// Every secret of every kind, in every encoding, repeated by the other side wherever it can: nothing of it is in an outcome.
#include "config/rows/encoding.hpp"
#include "tests/probes/encodings.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <set>

namespace secrets_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// With what each encoding escapes in another way. In a header, a URL and a connection string all of it may stand.
const std::string core = "S3cr&t+/<1>";

// `secret` stands for { env = ... } of what is here; {} is the core, in the part that is secret.
struct Case {
  std::string kind;
  std::set<std::string> rows;  // the secret ones of the kind that it sets
  std::string toml;
};
const std::vector<Case> cases = {
    {"http", {"target", "body"}, "target = { env = \"URL\" }\nbody = { env = \"CORE\" }\nmethod = \"POST\"\nbody_matches = \"^fine$\"\n"},
    {"http",
     {"headers", "bearer"},
     "target = \"http://a.example/\"\nheaders = { x-key = { env = \"CORE\" } }\nbearer = { env = \"OTHER\" }\n"
     "status = [200, 404, 500]\njson = [{ pointer = \"/msg\", equals = \"fine\" }]\n"},
    {"http",
     {"basic"},
     "target = \"http://a.example/\"\nbasic = { user = \"u\", password = { env = \"CORE\" } }\n"
     "header_matches = { server = \"^fine$\" }\nstatus = [200, 404, 500]\n"},
    {"http",
     {},
     "target = \"http://a.example/\"\nstatus = [200, 404, 500]\n"
     "steps = [{ name = \"two\", target = \"/two\", method = \"POST\", body = { env = \"FORM\" }, body_matches = \"^fine$\" }]\n"},
    {"prometheus",
     {"headers", "bearer"},
     "target = \"http://a.example\"\nquery = \"up\"\nmin = 1\nheaders = { x-key = { env = \"CORE\" } }\nbearer = { env = \"OTHER\" }\n"},
    {"prometheus",
     {"basic"},
     "target = \"http://a.example\"\nquery = \"up\"\nmin = 1\nbasic = { user = \"u\", password = { env = \"CORE\" } }\n"},
    {"postgres",
     {"dsn", "standby"},
     "dsn = { env = \"DSN\" }\nstandby = { env = \"DSN_URL\" }\ncanary = true\nquery = \"select 1\"\nexpect = \"1\"\n"},
    {"pg_cron",
     {"dsn", "effect_dsn"},
     "dsn = { env = \"DSN\" }\njob = \"nightly\"\neffect = \"select true\"\neffect_dsn = { env = \"DSN_URL\" }\n"},
    {"backup", {"dsn"}, "reads = \"pg_stat_archiver\"\ndsn = { env = \"DSN\" }\n"},
    {"backup", {"dsn", "primary"}, "reads = \"standby\"\ndsn = { env = \"DSN\" }\nprimary = { env = \"DSN_URL\" }\n"},
    {"backup", {"token"}, "reads = \"supabase\"\nproject = \"abc\"\ntoken = { env = \"CORE\" }\n"},
    {"auth",
     {"api_key", "password", "jwt_secret"},
     "target = \"http://a.example/auth/v1\"\napi_key = { env = \"OTHER\" }\nuser = \"u@a.example\"\npassword = { env = \"CORE\" }\n"
     "jwt_secret = { env = \"THIRD\" }\n"},
    {"auth",
     {"client_secret"},
     "target = \"http://a.example\"\nprovider = \"openid\"\ngrant = \"client_credentials\"\nclient_id = \"c\"\n"
     "client_secret = { env = \"CORE\" }\n"},
    {"command",
     {"environment", "input"},
     "run = [\"/bin/check\"]\nenvironment = { P = { env = \"CORE\" } }\ninput = { env = \"JSON\" }\noutput_matches = \"fine\"\n"},
};

// The variables above: what they hold, and the part of it that is secret.
struct Variable {
  std::string name, part, value;
};
const std::vector<Variable> variables = {
    {"CORE", core, core},
    {"OTHER", "0ther+" + core, "0ther+" + core},
    {"THIRD", "Th1rd=" + core, "Th1rd=" + core},
    {"DSN", "d5n" + core, "host=db.example dbname=app password='d5n" + core + "'"},
    {"DSN_URL", "url" + core, "postgresql://u:" + percent_encoded("url" + core) + "@db.example/app"},
    {"URL", "hook" + core, "http://a.example/hooks/" + percent_encoded("hook" + core)},
    {"FORM", "form" + core, "user=u&password=" + percent_encoded("form" + core)},
    {"JSON", "json" + core, nlohmann::json{{"password", "json" + core}}.dump()},
};

// Only its own: those of others are anybody's words to a probe.
std::vector<std::string> secrets_of(const Case& of) {
  std::vector<std::string> parts;
  for (const Variable& variable : variables)
    if (of.toml.find("\"" + variable.name + "\"") != std::string::npos) parts.push_back(variable.part);
  return parts;
}

std::string rendered(const Outcome& outcome) {
  std::string text = outcome.code + "\n" + outcome.message + "\n";
  for (const auto& [name, value] : outcome.facts) text += name + " = " + value + "\n";
  for (const Latch& latch : outcome.latches) text += latch.key + ": " + latch.message + "\n";
  if (outcome.job)
    for (const JobRunSeen& run : outcome.job->runs) text += run.message + "\n";
  if (outcome.memory) text += *outcome.memory + "\n";
  REQUIRE(outcome.trace);
  for (const Exchange& exchange : outcome.trace->exchanges) text += exchange.asked + "\n" + exchange.answered + "\n";
  return text;
}

// The ways in which the other side can answer, each with `echo` wherever it fits.
const std::vector<std::function<void(FakeWorld&, const std::string&)>> ways = {
    [](FakeWorld& world, const std::string& echo) {  // it says so in an error
      world.http.answers = {
          response(500, nlohmann::json{{"error_code", "refused"}, {"msg", echo}}.dump(), {{"Server", echo}, {"Location", "/" + echo}})};
      world.postgres.refuses = failure(Reason::auth, "28P01", "db.example:5432: no entry for " + echo);
      world.exec.answer = [echo](const ExecRequest&) { return ExecResult{2, echo + " | '" + echo + "'=1", ""}; };
    },
    [](FakeWorld& world, const std::string& echo) {  // on a page that is not there
      world.http.answers = {response(404, "<p>" + echo + " not found</p>")};
      world.postgres.fail("", "XX000", "ERROR: " + echo);
      world.exec.answer = [echo](const ExecRequest&) { return ExecResult{0, "", "said " + echo}; };
    },
    [](FakeWorld& world, const std::string& echo) {  // where all seems well
      world.http.answers = {
          response(200, nlohmann::json{{"msg", echo}, {"version", echo}, {"name", echo}, {"status", echo}}.dump(), {{"Server", echo}})};
      world.postgres.answer("", {echo, echo, echo, echo, echo, echo, echo, echo, echo, echo, echo, echo});
      world.exec.answer = [echo](const ExecRequest&) { return ExecResult{3, "UNKNOWN " + echo, echo}; };
    },
    [](FakeWorld& world, const std::string& echo) {  // in what the library says of a connection that failed
      world.http.answers = {failure(Reason::connect, echo, "no connection for " + echo)};
      world.postgres.refuses = failure(Reason::own_fault, echo, "can't be read: " + echo);
      world.exec.answer = [echo](const ExecRequest&) -> Result<ExecResult> {
        return failure(Reason::internal, echo, "not started: " + echo);
      };
    },
};

}  // namespace

TEST_CASE("no kind shows a secret, in whatever encoding the other side repeats it") {
  for (const Variable& variable : variables) ::setenv(variable.name.c_str(), variable.value.c_str(), 1);
  std::vector<Encoding> all = encodings();
  for (const std::string before : {"u:", "usr:", "user:"})  // base64 at each of its alignments
    all.push_back({"base64 behind " + before, [before](const std::string& s) { return base64(before + s + "@db"); }});
  for (const Case& of : cases) {
    CAPTURE(of.toml);
    std::size_t stars = 0;
    for (const Encoding& encoding : all)
      for (const auto& way : ways) {
        FakeWorld world;
        const std::vector<std::string> own = secrets_of(of);
        std::string echo;
        for (const std::string& part : own) echo += encoding.of(part) + " ";
        way(world, echo);
        const std::string text = rendered(world.run(*probe_of(of.kind, of.toml)));
        CAPTURE(encoding.name);
        CAPTURE(text);
        for (const std::string& part : own) {
          // In base64 the first and the last letters belong to what stands beside it.
          std::string encoded = encoding.of(part);
          if (encoding.name.starts_with("base64")) encoded = encoded.substr(8, encoded.size() - 16);
          CHECK(text.find(encoded) == std::string::npos);
          CHECK(text.find(part) == std::string::npos);
        }
        stars += text.find("***") != std::string::npos;
      }
    // It was repeated, and would have been seen.
    CHECK(stars >= all.size());
  }
}

TEST_CASE("the cases hold every secret that a kind takes") {
  for (const Kind& kind : catalog()) {
    if (!kind.make) continue;  // it is called in, and its key with it: tests/daemon/discretion_test.cpp
    std::set<std::string> taken, tried;
    for (const config::Row& row : kind.schema.rows)
      if (row.type.find("secret") != std::string::npos) taken.insert(row.key);
    for (const Case& of : cases)
      if (of.kind == kind.schema.name) tried.insert(of.rows.begin(), of.rows.end());
    CAPTURE(kind.schema.name);
    CHECK(taken == tried);
  }
}

TEST_CASE("a captured value is sent as it is, whatever stands in it") {
  FakeWorld world;
  world.http.serve = [](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url.ends_with("/login")) return response(200, R"({"a":"x{{b}}y","b":"{{a}}"})");
    return response(200, "fine");
  };
  const auto probe =
      probe_of("http",
               "target = \"http://a.example/login\"\ncapture = { a = { json = \"/a\" }, b = { json = \"/b\" } }\n"
               "steps = [{ name = \"open\", target = \"/{{b}}/{{a}}/{{a}}\", method = \"POST\", body = \"{{a}}{{b}}-{{a}}\" }]\n");
  CHECK(world.run(*probe).outcome == Health::up);
  REQUIRE(world.http.requests.size() == 2);
  CHECK(world.http.requests[1].body == "x{{b}}y{{a}}-x{{b}}y");
  CHECK(world.http.requests[1].url == "http://a.example/%7B%7Ba%7D%7D/x%7B%7Bb%7D%7Dy/x%7B%7Bb%7D%7Dy");
}

}  // namespace secrets_test
