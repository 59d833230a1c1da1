// SPDX-License-Identifier: Apache-2.0
// prometheus: a rate over minutes, and the same over a shorter time that must agree.
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

namespace prometheus_windows_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

HttpResponse value(const std::string& number) {
  return response(
      200, R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1772330400,")" + number + R"("]}]}})");
}

const std::string rates =
    "target = \"http://127.0.0.1:9090/\"\nquery = \"rate(errors[5m]) / rate(all[5m])\"\nshort_query = \"rate(errors[30s]) / "
    "rate(all[30s])\"\nmax = 0.05\ndegraded_max = 0.01\n";

}  // namespace

TEST_CASE("prometheus: only what both windows find is bad") {
  struct Row {
    const char* what;
    Result<HttpResponse> long_one, short_one;
    Health health;
    const char* says;
  };
  const Row rows[] = {
      {"it goes on", value("0.2"), value("0.3"), Health::down, "is 0.2, above 0.05"},
      {"it is over, and the long one still remembers", value("0.2"), value("0"), Health::up, "it does not go on"},
      {"it is milder by now", value("0.2"), value("0.02"), Health::degraded, "lately"},
      {"a moment's trouble", value("0.004"), value("0.9"), Health::up, "is 0.004"},
      {"a little for long, much for a moment", value("0.02"), value("0.9"), Health::degraded, "above 0.01"},
      {"the short one finds nothing to count", value("0.2"), value("NaN"), Health::unknown, "whether it goes on is not known"},
      {"the short one can't be asked", value("0.2"), failure(Reason::connect, "ECONNREFUSED", "refused"), Health::unknown,
       "whether it goes on is not known"},
      {"the long one can't be asked", failure(Reason::connect, "ECONNREFUSED", "refused"), value("0"), Health::unknown, "refused"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    world.http.serve = [&](const HttpRequest& request) {
      return request.url.find("30s") != std::string::npos ? row.short_one : row.long_one;
    };
    const Outcome outcome = world.run(*probe_of("prometheus", rates));
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK((outcome.outcome == Health::up) == (outcome.reason == Reason::none));
    CHECK(outcome.message.find(row.says) != std::string::npos);
    if (outcome.message.find(row.says) == std::string::npos) MESSAGE(outcome.message);
  }
}

TEST_CASE("prometheus: a good long window is not asked about any further, and both values are shown") {
  FakeWorld world;
  world.http.answers = {value("0.001")};
  world.run(*probe_of("prometheus", rates));
  CHECK(world.http.requests.size() == 1);
  world.http.answers = {value("0.2"), value("0.3")};
  const Outcome bad = world.run(*probe_of("prometheus", rates));
  CHECK(bad.facts.at("value") == "0.2");
  CHECK(bad.facts.at("short_value") == "0.3");
}

TEST_CASE("prometheus: what two windows must not say") {
  const std::string target = "target = \"http://127.0.0.1:9090/\"\n";
  CHECK(problems_of("prometheus", target + "query = \"a\"\nshort_query = \"a\"\nmax = 1\n").size() == 1);
  CHECK(problems_of("prometheus", target + "query = \"a\"\nshort_query = \"b\"\nempty = \"up\"\nfresh = \"up\"\n").size() == 1);
}

TEST_CASE("prometheus: turned away for asking too often") {
  FakeWorld world;
  world.http.answers = {response(429, "{}", {{"Retry-After", "90"}})};
  const Outcome outcome = world.run(*probe_of("prometheus", rates));
  CHECK(outcome.outcome == Health::unknown);
  CHECK(outcome.rate_limited);
  CHECK(outcome.wait == seconds{90});
}

}  // namespace prometheus_windows_test
