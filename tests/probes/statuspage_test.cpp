// SPDX-License-Identifier: Apache-2.0
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace statuspage_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

// In Statuspage's shape (domain.md 5.1), updated a minute before "now".
std::string statuspage(const std::string& indicator, const std::string& components, const std::string& incidents = "",
                       const std::string& maintenances = "", const std::string& updated = "2026-03-01T01:59:00.123Z") {
  return R"({"page":{"id":"p","name":"Vercel","url":"https://www.vercel-status.com","time_zone":"Etc/UTC","updated_at":")" + updated +
         R"("},"status":{"indicator":")" + indicator + R"(","description":"..."},"components":[)" + components + R"(],"incidents":[)" +
         incidents + R"(],"scheduled_maintenances":[)" + maintenances + "]}";
}
std::string component(const std::string& name, const std::string& status, const std::string& group = "null") {
  return R"({"id":"c-)" + name + R"(","name":")" + name + R"(","status":")" + status + R"(","group":false,"group_id":)" + group +
         R"(,"only_show_if_degraded":false,"updated_at":"2026-03-01T01:00:00Z"})";
}
std::string incident(const std::string& name, const std::string& status, const std::string& impact, const std::string& components = "",
                     const std::string& body = "We are looking.") {
  return R"({"id":"i","name":")" + name + R"(","status":")" + status + R"(","impact":")" + impact +
         R"(","shortlink":"https://stspg.io/x","components":[)" + components +
         R"(],"incident_updates":[{"status":"investigating","body":")" + body + R"(","affected_components":null}]})";
}
// In incident.io's (domain.md 5.3).
std::string incident_io(const std::string& incidents, const std::string& maintenances = "") {
  return R"({"page_title":"Supabase Status","page_url":"https://status.supabase.com","ongoing_incidents":[)" + incidents +
         R"(],"in_progress_maintenances":[)" + maintenances + R"(],"scheduled_maintenances":[]})";
}
std::string ongoing(const std::string& name, const std::string& status, const std::string& impact, const std::string& affected) {
  return R"({"id":"01","name":")" + name + R"(","url":"https://status.supabase.com/incidents/01","status":")" + status +
         R"(","current_worst_impact":")" + impact +
         R"(","last_update_at":"2026-03-01T01:59:00Z","last_update_message":"We see errors.","affected_components":[)" + affected + "]}";
}
std::string affected(const std::string& name, const std::string& group, const std::string& status) {
  return R"({"id":"x","name":")" + name + R"(","group_name":")" + group + R"(","current_status":")" + status + "\"}";
}

const std::string target = "target = \"https://status.example.org/api/v2/summary.json\"\n";

struct Row {
  const char* what;
  std::string toml, body;
  Health health;
  Reason reason;
  std::string code, says;
};

void check(const Row& row, const Result<HttpResponse>& answer) {
  CAPTURE(row.what);
  FakeWorld world;
  world.http.answers = {answer};
  const auto probe = probe_of("statuspage", target + row.toml);
  const Outcome outcome = world.run(*probe);
  CAPTURE(outcome.message);
  CHECK(health_name(outcome.outcome) == health_name(row.health));
  CHECK(reason_name(outcome.reason) == reason_name(row.reason));
  CHECK(outcome.code == row.code);
  CHECK(outcome.message.find(row.says) != std::string::npos);
}

}  // namespace

TEST_CASE("statuspage: what a page says of us") {
  const std::string builds = component("Builds", "operational"), functions = component("Functions", "operational");
  const std::string ours = "components = [\"functions\"]\n", regions = "regions = [\"fra1\", \"eu-central-1\"]\n";
  const Health up = Health::up, degraded = Health::degraded, down = Health::down, unknown = Health::unknown;
  const Reason none = Reason::none, seen = Reason::assertion;
  const Row rows[] = {
      {"all is well", "", statuspage("none", builds), up, none, "", "Vercel: nothing that concerns us"},
      {"a component is slow", "", statuspage("minor", component("Builds", "degraded_performance")), degraded, seen, "degraded_performance",
       "Builds degraded_performance"},
      {"a component is half gone", "", statuspage("major", component("Builds", "partial_outage")), degraded, seen, "partial_outage", ""},
      {"a component is gone", "", statuspage("critical", component("Builds", "major_outage")), down, seen, "major_outage", ""},
      {"a component in a state nobody knows", "", statuspage("none", component("Builds", "on_fire")), degraded, seen,
       "degraded_performance", ""},
      {"another's component", ours, statuspage("critical", component("Builds", "major_outage") + "," + functions), up, none, "", ""},
      {"our component", ours, statuspage("critical", builds + "," + component("Functions", "major_outage")), down, seen, "major_outage",
       ""},
      {"our component is not listed", ours, statuspage("none", builds), unknown, Reason::absent, "", "does not list 'functions'"},
      {"indicator none, an open incident, no components", "", statuspage("none", "", incident("Errors", "monitoring", "none")), degraded,
       seen, "degraded_performance", "'Errors' (monitoring)"},
      {"the same with components asked for", ours, statuspage("none", "", incident("Errors", "monitoring", "none")), degraded, seen,
       "degraded_performance", ""},
      {"indicator critical, nothing open", "", statuspage("critical", builds), up, none, "", ""},
      {"a critical incident", "", statuspage("none", builds, incident("Fire", "investigating", "critical")), down, seen, "major_outage",
       ""},
      {"a critical incident, believed mended", "", statuspage("critical", builds, incident("Fire", "monitoring", "critical")), degraded,
       seen, "degraded_performance", ""},
      {"an incident that is over", "", statuspage("none", builds, incident("Fire", "resolved", "critical")), up, none, "", ""},
      {"an incident of another component", ours,
       statuspage("major", builds + "," + functions, incident("Slow", "identified", "major", builds)), up, none, "", ""},
      {"an incident that only mentions ours", ours,
       statuspage("major", builds + "," + functions, incident("Slow", "identified", "major", builds, "Functions may fail too.")), degraded,
       seen, "partial_outage", ""},
      {"an incident of ours", ours, statuspage("major", functions, incident("Slow", "identified", "major", functions)), degraded, seen,
       "partial_outage", ""},
      {"elsewhere", regions, statuspage("major", builds, incident("Errors in iad1 and sfo1", "identified", "critical")), up, none, "", ""},
      {"here", regions, statuspage("major", builds, incident("Errors in iad1 and fra1", "identified", "critical")), down, seen,
       "major_outage", ""},
      {"everywhere", regions, statuspage("major", builds, incident("Errors", "identified", "critical")), down, seen, "major_outage", ""},
      {"a region in the text", regions, statuspage("major", builds, incident("Errors", "identified", "critical", "", "Only us-east-1.")),
       up, none, "", ""},
      {"a region's component elsewhere", regions, statuspage("major", component("us-east-1", "major_outage")), up, none, "", ""},
      {"a region's component here", regions, statuspage("major", component("EU-Central-1", "major_outage")), down, seen, "major_outage",
       ""},
      {"a group asked for", "components = [\"Edge\"]",
       statuspage("major", R"({"id":"g1","name":"Edge","status":"major_outage","group":true,"group_id":null},)" +
                               component("Cache", "partial_outage", "\"g1\"")),
       degraded, seen, "partial_outage", "Cache"},
      {"maintenance now", "", statuspage("maintenance", builds, "", incident("Upgrade", "in_progress", "maintenance")), degraded, seen,
       "under_maintenance", ""},
      {"maintenance of a shim", "", statuspage("none", builds, "", incident("Upgrade", "maintenance_in_progress", "maintenance")), degraded,
       seen, "under_maintenance", ""},
      {"maintenance to come", "", statuspage("none", builds, "", incident("Upgrade", "scheduled", "maintenance")), up, none, "", ""},
      {"stale", "", statuspage("none", builds, "", "", "2026-03-01T01:44:59Z"), unknown, Reason::stale, "", "last updated"},
      {"stale, and bad", "", statuspage("critical", component("Builds", "major_outage"), "", "", "2026-02-01T01:44:59Z"), unknown,
       Reason::stale, "", ""},
      {"stale, but a quiet page", "stale_after = \"90d\"", statuspage("none", builds, "", "", "2026-02-01T01:44:59Z"), up, none, "", ""},
      {"incident.io: all is well", ours, incident_io(""), up, none, "", "Supabase Status"},
      {"incident.io: an incident", "",
       incident_io(ongoing("Errors", "investigating", "full_outage", affected("Auth", "AWS", "full_outage"))), down, seen, "major_outage",
       "Auth major_outage"},
      {"incident.io: partly", "", incident_io(ongoing("Errors", "identified", "partial_outage", affected("Auth", "", "partial_outage"))),
       degraded, seen, "partial_outage", ""},
      {"incident.io: another's", ours, incident_io(ongoing("Errors", "identified", "full_outage", affected("Auth", "AWS", "full_outage"))),
       up, none, "", ""},
      {"incident.io: ours by group", "components = [\"AWS / Auth\"]",
       incident_io(ongoing("Errors", "identified", "full_outage", affected("Auth", "AWS", "full_outage"))), down, seen, "major_outage", ""},
      {"incident.io: names nothing", ours, incident_io(ongoing("Errors", "identified", "degraded_performance", "")), degraded, seen,
       "degraded_performance", ""},
      {"incident.io: maintenance", "",
       incident_io("", ongoing("Upgrade", "maintenance_in_progress", "", affected("Auth", "", "under_maintenance"))), degraded, seen,
       "under_maintenance", ""},
      {"only an indicator (status.json)", "", R"({"page":{"updated_at":"2026-03-01T01:59:00Z"},"status":{"indicator":"none"}})", unknown,
       Reason::protocol, "200", "summary.json"},
      {"lists nothing of what was asked for", ours, statuspage("none", ""), unknown, Reason::absent, "", "does not list"},
      {"from the future", "", statuspage("none", builds, "", "", "2026-03-01T02:06:00Z"), unknown, Reason::stale, "", "future"},
      {"a page of HTML", "", "<html>status</html>", unknown, Reason::protocol, "200", "neither a Statuspage nor an incident.io page"},
      {"another JSON", "", R"({"status":"ok"})", unknown, Reason::protocol, "200", ""},
      {"nonsense inside", "", R"({"status":{"indicator":"none"},"components":[null,1,"x",{}],"page":7})", unknown, Reason::protocol, "",
       "does not say how"},
      {"incidents that are no list", "", R"({"status":{"indicator":"none"},"components":[],"incidents":{"a":1}})", unknown,
       Reason::protocol, "200", "whose incidents are no list"},
      {"no incidents, as null", "", R"({"status":{"indicator":"none"},"components":[],"incidents":null})", unknown, Reason::protocol, "200",
       "whose incidents are no list"},
      {"nonsense inside incident.io", "", R"({"ongoing_incidents":[null,[],{"affected_components":[1]}]})", degraded, seen,
       "degraded_performance", ""},
  };
  for (const Row& row : rows) check(row, response(200, row.body));
}

TEST_CASE("statuspage: only what is a region by its form makes an incident another's") {
  const auto says = [](const char* words, Health health) {
    CAPTURE(words);
    const std::string page = statuspage("critical", component("Builds", "operational"), incident(words, "identified", "critical"));
    check({words, "regions = [\"eu-central-1\", \"fra1\"]\n", page, health, health == Health::up ? Reason::none : Reason::assertion,
           health == Health::up ? "" : "major_outage", ""},
          response(200, page));
  };
  for (const char* ours :
       {"SEV1: the API is down", "IPv6 is unreachable", "Outage since Oct3", "php8 functions fail", "PCI-DSS-3 sign-in fails",
        "re-try-2 fails", "first seen in us-east-1, now every region is affected", "Errors in iad1 and all regions",
        "iad1 and all of our regions", "Requests fail globally, us-east-1 first", "A global outage that began in iad1",
        "Errors in eu-central-1a", "EU-CENTRAL-1 fails", "us-east-1 and eu-central-1"})
    says(ours, Health::down);
  for (const char* theirs : {"Errors in us-east-1a", "Errors in ap-southeast-2", "us-gov-west-1 is slow", "Errors in hnd1",
                             "GCP us-central1-b", "europe-west4 fails", "us-east-1 fails; all other regions are well"})
    says(theirs, Health::up);
}

TEST_CASE("statuspage: a status that is not told is not fine") {
  const std::string ours = "components = [\"Functions\"]\n", fine = component("Builds", "operational");
  const auto page = [&](const std::string& status) {
    return response(200, statuspage("none", fine + R"(,{"id":"f","name":"Functions")" + status + "}"));
  };
  for (const char* status : {"", R"(,"status":null)", R"(,"status":7)", R"(,"status":"")"}) {
    check({status, ours, "", Health::unknown, Reason::protocol, "", "does not say how 'Functions' is"}, page(status));
    check({status, "components = [\"Builds\"]\n", "", Health::up, Reason::none, "", ""}, page(status));
  }
  std::string many = fine;
  for (int i = 0; i < 1000; ++i) many += "," + component("c" + std::to_string(i), "operational");
  const auto long_page = response(200, statuspage("none", many));
  check({"too many", "", "", Health::unknown, Reason::protocol, "", "of its 1001 components only 1000 are read"}, long_page);
  check({"too many, ours not read", "components = [\"c999\"]\n", "", Health::unknown, Reason::absent, "", "does not list"}, long_page);
}

TEST_CASE("statuspage: a page that can't be read is unknown") {
  check({"refused", "", "", Health::unknown, Reason::connect, "ECONNREFUSED", "can't be read"},
        failure(Reason::connect, "ECONNREFUSED", "refused"));
  check({"missing", "", "", Health::unknown, Reason::protocol, "404", ""}, response(404, statuspage("none", "")));
  check({"failing", "", "", Health::unknown, Reason::protocol, "503", ""}, response(503));
  check({"redirect elsewhere", "", "", Health::unknown, Reason::protocol, "302", "https://evil.example.org"},
        response(302, "", {{"Location", "https://evil.example.org/"}}));
  check({"an old copy by its age", "", "", Health::unknown, Reason::stale, "", ""}, response(200, incident_io(""), {{"Age", "901"}}));
  check({"a fresh copy", "", "", Health::up, Reason::none, "", ""}, response(200, incident_io(""), {{"Age", "60"}}));
  check({"an old copy by its date", "", "", Health::unknown, Reason::stale, "", ""},
        response(200, incident_io(""), {{"Date", "Sun, 01 Mar 2026 01:00:00 GMT"}}));
  CHECK(probe_of("statuspage", target)->when_late() == Health::unknown);
}

TEST_CASE("statuspage: both usual paths are tried, and the good one is kept") {
  FakeWorld world;
  std::vector<std::string> asked;
  world.http.serve = [&](const HttpRequest& request) -> Result<HttpResponse> {
    asked.push_back(request.url);
    return request.url.ends_with("/api/v2/summary.json") ? response(200, statuspage("none", "")) : response(404);
  };
  const auto probe = probe_of("statuspage", "target = \"https://status.example.org/\"");
  CHECK(world.run(*probe).outcome == Health::up);
  CHECK(asked == std::vector<std::string>{"https://status.example.org/api/v1/summary", "https://status.example.org/api/v2/summary.json"});
  CHECK(world.run(*probe).outcome == Health::up);
  CHECK(asked.size() == 3);
}

TEST_CASE("statuspage: redirects to its own host and to those named, and an unchanged page is not fetched again") {
  FakeWorld world;
  int unchanged = 0;
  world.http.serve = [&](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.url == "https://status.example.org/s") return response(301, "", {{"Location", "https://status.example.net/s"}});
    for (const auto& [name, value] : request.headers)
      if (name == "If-None-Match" && value == "\"v1\"" && ++unchanged) return response(304);
    return response(200, statuspage("critical", component("Builds", "major_outage")), {{"ETag", "\"v1\""}});
  };
  const auto probe = probe_of("statuspage", "target = \"https://status.example.org/s\"\nredirect_hosts = [\"status.example.net\"]");
  CHECK(world.run(*probe).outcome == Health::down);
  const Outcome again = world.run(*probe);
  CHECK(again.outcome == Health::down);
  CHECK(again.facts.at("affected") == "Builds");
  CHECK(unchanged == 1);
}

}  // namespace statuspage_test
