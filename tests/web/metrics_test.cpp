// SPDX-License-Identifier: Apache-2.0
#include "daemon/web/metrics/metrics.hpp"

#include "daemon/web/metrics/process_figures.hpp"
#include "fixture.hpp"
#include "tests/skipped.hpp"

#include <doctest/doctest.h>

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

namespace metrics_test {

using namespace drwatch;
using namespace drwatch::test;

namespace {

DaemonFigures some_figures() {
  DaemonFigures figures;
  figures.version = "0.1.0";
  figures.loop_lag.bounds = {0.001, 0.01, 0.1};
  figures.loop_lag.counts = {5, 7, 7, 8};
  figures.loop_lag.sum = 0.3;
  figures.alerts_sent[{"http://127.0.0.1:9093", "accepted"}] = 3;
  return figures;
}

std::string page_of(const State& state, Settings settings) {
  return web::metrics_text(web::take_snapshot(state, std::make_shared<const Settings>(std::move(settings)), some_figures(), now_there));
}

bool has_line(const std::string& page, const std::string& line) { return ("\n" + page).find("\n" + line + "\n") != std::string::npos; }

double cpu_seconds(const std::function<void()>& work) {
  const auto begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

// As the unit's ProcSubset=pid has it. The exit code of a process that sees only that: what `looks` says.
int with_processes_alone(int (*looks)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int refused = testing::enter(testing::Own::mounts);
    if (refused == 0 && ::mount("proc", "/proc", "proc", 0, "subset=pid") == 0) ::_exit(looks());
    ::_exit(100 + std::min(refused ? refused : errno, 100));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_CASE("when the process began is known without a /proc/stat") {
  const double began = web::process_start_time_seconds();
  CHECK(std::abs(began - static_cast<double>(std::time(nullptr))) < 86'400);
  CHECK(web::process_start_time_seconds() == began);
  const int code = with_processes_alone([] {
    if (std::ifstream("/proc/stat")) return 2;
    return std::abs(web::process_start_time_seconds() - static_cast<double>(std::time(nullptr))) < 86'400 ? 0 : 1;
  });
  if (code > 100) {
    REQUIRE_MESSAGE(testing::refused_here(code - 100), "a /proc of processes alone: " << std::strerror(code - 100));
    return testing::skip_here(std::string("no /proc can be mounted here: ") + strerrorname_np(code - 100));
  }
  CHECK(code == 0);
}

TEST_CASE("the metrics that dashboards rely on") {
  const std::string page = page_of(in_trouble(small_platform()), small_platform());
  for (const std::string line :
       {"drwatch_build_info{version=\"0.1.0\"} 1",
        "drwatch_config_info{hash=\"cafe\"} 1",
        "drwatch_config_last_reload_successful 1",
        "drwatch_probe_up{probe=\"primary\",component=\"database\",kind=\"postgres\"} 0",
        "drwatch_probe_up{probe=\"homepage\",component=\"api\",kind=\"http\"} 1",
        "drwatch_probe_duration_seconds{probe=\"primary\",phase=\"connect\"} 0.0004",
        "drwatch_probe_runs_total{probe=\"primary\",outcome=\"down\"} 8",
        "drwatch_probe_failures_total{probe=\"primary\",reason=\"connect\"} 8",
        "drwatch_component_health{component=\"database\",state=\"down\"} 1",
        "drwatch_component_health{component=\"database\",state=\"up\"} 0",
        "drwatch_component_health{component=\"cron\",state=\"unknown\"} 1",
        "drwatch_rpo_exposure_seconds{component=\"database\",class=\"logical\"} 42",
        "drwatch_objective_seconds{component=\"database\",objective=\"rpo\",class=\"logical\"} 3600",
        "drwatch_objective_standing{component=\"database\",objective=\"rpo\",class=\"host\",standing=\"at-risk\"} 1",
        "drwatch_incident_open{scenario=\"database-outage\"} 1",
        "drwatch_incident_open{scenario=\"security-breach\"} 0",
        "drwatch_incident_elapsed_seconds{scenario=\"database-outage\"} 210",
        "drwatch_findings{finding=\"no-source\"} 1",
        "drwatch_blind 0",
        "drwatch_alerts_sent_total{alertmanager=\"http://127.0.0.1:9093\",result=\"accepted\"} 3",
        "drwatch_loop_lag_seconds_bucket{le=\"0.01\"} 7",
        "drwatch_loop_lag_seconds_bucket{le=\"+Inf\"} 8",
        "drwatch_loop_lag_seconds_count 8"}) {
    CAPTURE(line);
    CHECK(has_line(page, line));
  }
  // Neither a number nor a lie: unknown, and no source at all.
  CHECK(page.find("drwatch_probe_up{probe=\"nightly-billing\",component=\"cron\",kind=\"heartbeat\"} NaN\n") != std::string::npos);
  CHECK(has_line(page, "drwatch_rpo_exposure_seconds{component=\"database\",class=\"region\"} +Inf"));
  CHECK(page.find("drwatch_incident_elapsed_seconds{scenario=\"security-breach\"}") == std::string::npos);
  for (const std::string name :
       {"process_cpu_seconds_total ", "process_resident_memory_bytes ", "process_open_fds ", "process_start_time_seconds "})
    CHECK(page.find("\n" + name) != std::string::npos);
}

TEST_CASE("an open incident is counted to its end, also when its scenario was taken out of the runbook") {
  Settings without = small_platform();
  REQUIRE(without.scenarios.erase("database-outage") == 1);
  const std::string page = page_of(in_trouble(small_platform()), without);
  CHECK(has_line(page, "drwatch_incident_open{scenario=\"database-outage\"} 1"));
  CHECK(has_line(page, "drwatch_incident_elapsed_seconds{scenario=\"database-outage\"} 210"));
  CHECK(has_line(page, "drwatch_incident_open{scenario=\"security-breach\"} 0"));
}

TEST_CASE("promtool finds nothing to say about the page") {
  REQUIRE(std::system("command -v promtool >/dev/null") == 0);
  std::string path = "/tmp/drwatch-metrics-XXXXXX";
  const int file = mkstemp(path.data());
  REQUIRE(file >= 0);
  std::ofstream(path) << page_of(in_trouble(small_platform()), small_platform());
  CHECK(std::system(("promtool check metrics < " + path + " >&2").c_str()) == 0);
  std::remove(path.c_str());
}

TEST_CASE("ten thousand series are taken on the loop in a small part of what it costs to write them") {
  Settings settings = small_platform();
  State state = in_trouble(settings);
  for (int i = 0; i < 500; ++i) {
    ProbeSettings probe = settings.probes["primary"];
    probe.name = "probe-" + std::to_string(i);
    state.sight.probes[probe.name] = state.sight.probes["primary"];
    settings.probes[probe.name] = probe;
  }
  const auto shared = std::make_shared<const Settings>(settings);
  web::Snapshot snapshot;
  std::string page;
  const double taking = cpu_seconds([&] {
    for (int i = 0; i < 10; ++i) snapshot = web::take_snapshot(state, shared, some_figures(), now_there);
  });
  const double writing = cpu_seconds([&] {
    for (int i = 0; i < 10; ++i) page = web::metrics_text(snapshot);
  });
  CHECK(std::count(page.begin(), page.end(), '\n') > 9000);
  CHECK(taking < writing / 10);
}

TEST_CASE("/metrics is served in the text format, and twice at once") {
  Running server;
  Client one(server.port()), two(server.port());
  for (auto* client : {&one, &two}) client->send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  for (auto* client : {&one, &two}) {
    const Reply reply = client->reply();
    CHECK(reply.status == 200);
    CHECK(reply.headers.at("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(reply.body.find("\ndrwatch_blind 0\n") != std::string::npos);
  }
}

}  // namespace metrics_test
