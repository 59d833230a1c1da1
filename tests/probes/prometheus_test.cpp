// SPDX-License-Identifier: Apache-2.0
// The prometheus kind against answers as the API documents them, against bytes that are none, and against a real Prometheus.
#include "probes/parts/promql_answer.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"
#include "tests/world/servers.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

namespace prometheus_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string target = "target = \"http://127.0.0.1:9090/\"\n";

std::string vector_of(const std::string& series) {
  return R"({"status":"success","data":{"resultType":"vector","result":[)" + series + "]}}";
}
std::string series(const std::string& job, const std::string& value) {
  return R"({"metric":{"__name__":"up","job":")" + job + R"("},"value":[1772330400.1,")" + value + R"("]})";
}

struct Row {
  const char* what;
  std::string toml;
  Result<HttpResponse> answer;
  std::string age;  // of the samples in seconds; empty: nothing
  Health health;
  Reason reason;
  std::string code, says;
};

}  // namespace

TEST_CASE("prometheus: every verdict") {
  const auto ok = [](const std::string& body) { return response(200, body); };
  const std::string up = "query = \"up{job=\\\"api\\\"}\"\nmin = 1\n", rate = "query = \"rate(errors[5m]) * 2\"\n";
  const Row rows[] = {
      {"fine", up, ok(vector_of(series("api", "1"))), "12", Health::up, Reason::none, "", "up{job=\"api\"} is 1"},
      {"zero is a value", up, ok(vector_of(series("api", "0"))), "12", Health::down, Reason::assertion, "", "is 0, below 1"},
      {"empty is not zero", up, ok(vector_of("")), "12", Health::unknown, Reason::absent, "", "the answer is empty"},
      {"empty is what is said of it", up + "empty = \"down\"", ok(vector_of("")), "", Health::down, Reason::absent, "", ""},
      {"stale", up, ok(vector_of(series("api", "1"))), "121", Health::unknown, Reason::stale, "", "samples are 2 min 1 s old"},
      {"an answer from a cache", up, ok(vector_of(R"({"metric":{},"value":[1772323200,"1"]})")), "1", Health::unknown, Reason::stale, "",
       "one of 2 h ago"},
      {"a scalar from a cache", "query = \"scalar(up)\"\nmin = 1",
       ok(R"({"status":"success","data":{"resultType":"scalar","result":[1772323200,"1"]}})"), "", Health::unknown, Reason::stale, "",
       "cache"},
      {"a clock that is a little ahead", up, ok(vector_of(R"({"metric":{},"value":[1772330690,"1"]})")), "1", Health::up, Reason::none, "",
       ""},
      {"a part only, as VictoriaMetrics says it", up,
       ok(R"({"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]}})"), "", Health::unknown, Reason::absent,
       "partial", "only a part"},
      {"all of it, as VictoriaMetrics says it", up,
       ok(R"({"status":"success","isPartial":false,"data":{"resultType":"vector","result":[{"metric":{},"value":[1772330400,"1"]}]}})"),
       "1", Health::up, Reason::none, "", ""},
      {"stale, but allowed", up + "max_age = \"4m\"", ok(vector_of(series("api", "1"))), "121", Health::up, Reason::none, "", ""},
      {"an age that is no number", up, ok(vector_of(series("api", "1"))), "NaN", Health::unknown, Reason::protocol, "", "not told"},
      {"an age far in the future", up, ok(vector_of(series("api", "1"))), "-3600", Health::unknown, Reason::stale, "", "ahead of"},
      {"stale in the future is not stale", up, ok(vector_of(series("api", "1"))), "-3", Health::up, Reason::none, "", ""},
      {"the worst series decides", up, ok(vector_of(series("a", "1") + "," + series("b", "0") + "," + series("c", "1"))), "1", Health::down,
       Reason::assertion, "", "job=\"b\""},
      {"a little too much", rate + "degraded_max = 5\nmax = 10", ok(vector_of(series("a", "7"))), "", Health::degraded, Reason::assertion,
       "", "above 5"},
      {"too much", rate + "degraded_max = 5\nmax = 10", ok(vector_of(series("a", "+Inf"))), "", Health::down, Reason::assertion, "",
       "is +Inf, above 10"},
      {"a little too few", rate + "degraded_min = 5", ok(vector_of(series("a", "4.5"))), "", Health::degraded, Reason::assertion, "",
       "4.5, below 5"},
      {"not a number", rate + "max = 5", ok(vector_of(series("a", "NaN"))), "", Health::unknown, Reason::protocol, "NaN", "not a number"},
      {"down is worse than not a number", rate + "max = 5", ok(vector_of(series("a", "NaN") + "," + series("b", "6"))), "", Health::down,
       Reason::assertion, "", ""},
      {"a scalar", "query = \"time()\"\nmax = 5", ok(R"({"status":"success","data":{"resultType":"scalar","result":[1772330400,"4"]}})"),
       "", Health::up, Reason::none, "", "time() is 4"},
      {"a histogram", rate + "max = 5", ok(vector_of(R"({"metric":{},"histogram":[1772330400,{"count":"3"}]})")), "", Health::unknown,
       Reason::protocol, "histogram", ""},
      {"a range", rate, ok(R"({"status":"success","data":{"resultType":"matrix","result":[]}})"), "", Health::unknown, Reason::assertion,
       "result-type", "aggregate"},
      {"nothing wrong found", "query = \"errors > 5\"\nempty = \"up\"\nfresh = \"errors\"", ok(vector_of("")), "3", Health::up,
       Reason::none, "", "as it should be"},
      {"something wrong found", "query = \"errors > 5\"\nempty = \"up\"\nfresh = \"errors\"", ok(vector_of(series("a", "6"))), "3",
       Health::down, Reason::assertion, "", "nothing should be"},
      {"nothing wrong found, for nothing is measured", "query = \"errors > 5\"\nempty = \"up\"\nfresh = \"errors\"", ok(vector_of("")), "",
       Health::unknown, Reason::absent, "", "there is no 'errors'"},
      {"nothing wrong found, in old data", "query = \"errors > 5\"\nempty = \"up\"\nfresh = \"errors\"", ok(vector_of("")), "200",
       Health::unknown, Reason::stale, "", ""},
      {"a part of the data", up, ok(R"({"status":"success","warnings":["store b: timeout"],"data":{"resultType":"vector","result":[]}})"),
       "1", Health::unknown, Reason::absent, "partial", "store b"},
      {"a bad query", up, response(400, R"({"status":"error","errorType":"bad_data","error":"1:3: parse error"})"), "1", Health::unknown,
       Reason::assertion, "bad_data", "parse error"},
      {"overloaded", up, response(503, R"({"status":"error","errorType":"timeout","error":"query timed out"})"), "1", Health::unknown,
       Reason::assertion, "timeout", ""},
      {"starting", up, response(503, "Service Unavailable"), "1", Health::unknown, Reason::protocol, "503", "not Prometheus's API"},
      {"another server", up, ok("<html>"), "1", Health::unknown, Reason::protocol, "200", ""},
      {"no access", up, response(401), "1", Health::unknown, Reason::auth, "401", "refuses drwatch's credentials"},
      {"unreachable", up, failure(Reason::connect, "ECONNREFUSED", "refused"), "1", Health::unknown, Reason::connect, "ECONNREFUSED", ""},
      {"nonsense", up, ok(vector_of("1")), "1", Health::unknown, Reason::protocol, "", ""},
      {"nonsense values", up, ok(vector_of(R"({"metric":{},"value":[1772330400,2]})")), "1", Health::unknown, Reason::protocol, "", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    FakeWorld world;
    world.http.serve = [&](const HttpRequest& request) -> Result<HttpResponse> {
      CHECK(request.url.starts_with("http://127.0.0.1:9090/api/v1/query?query="));
      if (request.url.find("timestamp") == std::string::npos) return row.answer;
      return response(200, vector_of(row.age.empty() ? "" : series("", row.age)));
    };
    const Outcome outcome = world.run(*probe_of("prometheus", target + row.toml));
    CAPTURE(outcome.message);
    CHECK(health_name(outcome.outcome) == health_name(row.health));
    CHECK(reason_name(outcome.reason) == reason_name(row.reason));
    CHECK(outcome.code == row.code);
    CHECK(outcome.message.find(row.says) != std::string::npos);
  }
  CHECK(probe_of("prometheus", target + up)->when_late() == Health::unknown);
}

TEST_CASE("prometheus: plain selectors") {
  for (const char* plain : {"up", " up ", "node_load1{instance=\"a:1\"}", "{__name__=~\"a|b\",x='}'}", "job:rate:5m{a=\"\\\"}\"}"})
    CHECK(is_selector(plain));
  for (const char* other : {"", "1", "up > 0", "rate(up[5m])", "sum(up)", "up{", "up{a=\"b\"} offset 5m", "up[5m]", "up or down", "-up"})
    CHECK_FALSE(is_selector(other));
}

TEST_CASE("prometheus: what the configuration must not say") {
  const std::pair<std::string, const char*> wrong[] = {
      {target, "query"},
      {target + "query = \" \"", "is empty"},
      {target + "query = \"up\"\nmin = 2\nmax = 1", "min is above max"},
      {target + "query = \"up\"\nfresh = \"sum(up)\"", "not a plain selector"},
      {target + "query = \"up\"\nempty = \"down\"", "no bounds"},
      {target + "query = \"up\"", "any value is `up`, 0 as well"},
      {target + "query = \"up > 1\"\nempty = \"up\"", "nothing is measured any more"},
      {"target = \"x\"\nquery = \"up\"", "URL"},
  };
  for (const auto& [toml, says] : wrong) {
    CAPTURE(toml);
    const auto problems = problems_of("prometheus", toml);
    REQUIRE(problems.size() >= 1);
    CAPTURE(problems[0]);
    CHECK(problems[0].find(says) != std::string::npos);
  }
}

TEST_CASE("prometheus: no bytes upset the reader") {
  std::mt19937 dice(7);
  const std::string good = vector_of(series("api", "1") + "," + series("b", "+Inf") + R"(,{"metric":{},"histogram":[1,{}]})");
  for (int round = 0; round < 5000; ++round) {
    std::string bent = good;
    for (int changes = 1 + static_cast<int>(dice() % 5); changes > 0 && !bent.empty(); --changes) {
      const auto at = dice() % bent.size();
      switch (dice() % 3) {
        case 0:
          bent[at] = static_cast<char>(dice());
          break;
        case 1:
          bent.erase(at, dice() % 30);
          break;
        default:
          bent.insert(at, std::string(dice() % 6, "{}[]\",:0"[dice() % 8]));
      }
    }
    if (const auto read = read_promql_answer(response(200, bent)))
      for (const PromqlSample& sample : read->samples) CHECK(labels_text(sample.labels).size() < 200);
  }
}

namespace {

// A Prometheus that scrapes itself every other second.
struct RealPrometheus {
  TempFolder folder;
  int port = free_port();
  pid_t pid = -1;
  RealPrometheus() {
    const std::string config =
        folder.file("p.yml", "global: {scrape_interval: 2s}\nscrape_configs:\n- job_name: self\n  static_configs: [{targets: ['127.0.0.1:" +
                                 std::to_string(port) + "']}]\n");
    std::vector<std::string> argv = {"prometheus", "--config.file=" + config, "--storage.tsdb.path=" + folder.path() + "/data",
                                     "--log.level=error", "--web.listen-address=127.0.0.1:" + std::to_string(port)};
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    REQUIRE(posix_spawnp(&pid, "prometheus", nullptr, nullptr, words.data(), environ) == 0);
  }
  ~RealPrometheus() {
    kill(pid, SIGCONT);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  std::string settings(const std::string& more) const { return "target = \"http://127.0.0.1:" + std::to_string(port) + "\"\n" + more; }
};

}  // namespace

TEST_CASE("a real Prometheus: values, emptiness, staleness, and what it says to a bad query") {
  RealPrometheus prometheus;
  Watch watch;
  const auto self = probe_of("prometheus", prometheus.settings("query = \"up{job='self'}\"\nmin = 1\nmax_age = \"30s\""));
  await("a first scrape", [&] { return watch.run(*self).outcome == Health::up; });
  const Outcome seen = watch.run(*self);
  CHECK(seen.message == "up{instance=\"127.0.0.1:" + std::to_string(prometheus.port) + "\",job=\"self\"} is 1");
  CHECK(seen.facts.at("value") == "1");
  const auto outcome_of_query = [&](const std::string& more) { return watch.run(*probe_of("prometheus", prometheus.settings(more))); };
  CHECK(outcome_of_query("query = \"up{job='other'}\"\nmin = 1").reason == Reason::absent);
  CHECK(outcome_of_query("query = \"up - 1\"\nmin = 1").outcome == Health::down);
  CHECK(outcome_of_query("query = \"0 / (up - 1)\"\nmin = 1").code == "NaN");
  CHECK(outcome_of_query("query = \"scalar(up)\"\nmin = 1").outcome == Health::up);
  CHECK(outcome_of_query("query = \"up[1m]\"").code == "result-type");
  CHECK(outcome_of_query("query = \"up == 0\"\nempty = \"up\"\nfresh = \"up\"").outcome == Health::up);
  const Outcome bad = outcome_of_query("query = \"sum(\"");
  CHECK(bad.outcome == Health::unknown);
  CHECK(bad.code == "bad_data");
  // Frozen for a while, it goes on with the last sample: only its age shows.
  kill(prometheus.pid, SIGSTOP);
  await("it is frozen", [&] { return !watch.try_run(*self, milliseconds{300}).has_value(); });
  kill(prometheus.pid, SIGCONT);
  await("good again", [&] { return watch.run(*self).outcome == Health::up; });
  const auto impatient = probe_of("prometheus", prometheus.settings("query = \"prometheus_build_info\"\nmax_age = \"1s\""));
  await("a sample older than a second", [&] { return watch.run(*impatient).reason == Reason::stale; });
}

}  // namespace prometheus_test
