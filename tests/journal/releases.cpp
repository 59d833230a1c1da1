// SPDX-License-Identifier: Apache-2.0
// A journal of every release is kept here and must keep replaying. A new release adds its own: DRWATCH_MAKE_FIXTURE=PATH test_journal
// -tc="*every shape*".
#include "tests/journal/bench.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>

namespace releases_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view kinds[] = {"daemon.started",
                                      "daemon.stopped",
                                      "configuration.loaded",
                                      "configuration.refused",
                                      "clock.jumped",
                                      "blind.began",
                                      "blind.ended",
                                      "probe.suspected",
                                      "probe.cleared",
                                      "probe.changed",
                                      "probe.removed",
                                      "component.changed",
                                      "objective.changed",
                                      "finding.appeared",
                                      "finding.gone",
                                      "signal.raised",
                                      "signal.cleared",
                                      "signal.expired",
                                      "maintenance.began",
                                      "maintenance.ended",
                                      "incident.opened",
                                      "incident.acknowledged",
                                      "incident.recovered",
                                      "incident.reopened",
                                      "incident.resolved",
                                      "incident.absorbed",
                                      "incident.refiled",
                                      "incident.corrected",
                                      "incident.noted",
                                      "step.started",
                                      "step.done",
                                      "step.skipped",
                                      "step.undone",
                                      "step.broke",
                                      "step.running",
                                      "step.failed",
                                      "step.interrupted",
                                      "message.drafted",
                                      "message.approved",
                                      "message.sent",
                                      "message.failed",
                                      "alert.fired",
                                      "alert.resolved",
                                      "drill.due",
                                      "drill.overdue",
                                      "drill.passed",
                                      "drill.failed",
                                      "drill.aborted",
                                      "journal.failing",
                                      "journal.mended",
                                      "journal.resumed",
                                      "journal.anchored"};

// An event of every kind, with and without each name, and every shape of a body.
std::vector<Event> every_shape() {
  std::vector<Event> list;
  const Json bodies[] = {
      Json::object(),
      {{"health", "down"}, {"last_good_at", "2026-03-01T02:09:30Z"}},
      {{"number", 42}, {"negative", -1}, {"fraction", 0.5}, {"large", 1.5e300}, {"nothing", nullptr}, {"yes", true}},
      {{"steps", {{{"id", "scope"}, {"critical", true}}, {{"id", "restore"}, {"after", {"scope"}}}}}, {"empty", Json::array()}},
      {{"text", "ümläut \"quoted\" \\ \n\t \x01 \u20ac"}}};
  for (const auto kind : kinds) {
    Event e;
    e.seq = list.size() + 1;
    e.at = *parse_time("2026-03-01T02:00:00Z") + milliseconds{1234} * e.seq;
    e.kind = std::string(kind);
    e.version = e.seq % 7 == 0 ? 2 : 1;
    if (e.seq % 3 == 0) e.by = "oncall";
    if (e.seq % 2 == 0) e.incident = "20260301-0211-database-outage";
    if (e.seq % 4 == 0) e.scenario = "database-outage";
    if (e.seq % 5 != 0) e.component = "database";
    if (e.seq % 5 == 0) e.probe = "primary";
    e.message = "event " + std::to_string(e.seq) + ": " + e.kind;
    e.body = Body::of(bodies[e.seq % std::size(bodies)]);
    list.push_back(std::move(e));
  }
  return list;
}

}  // namespace

TEST_CASE("an event of every shape comes back as it was") {
  const Folder folder;
  const char* wanted = std::getenv("DRWATCH_MAKE_FIXTURE");
  const std::string path = wanted ? wanted : folder / "journal.db";
  const auto written = every_shape();
  {
    boost::asio::io_context loop;
    auto opened = open(path, loop);
    opened.journal->write({{written.begin(), written.begin() + 10}, {{"alive_at", "2026-03-01T02:13:00Z"}, {"probe/primary", "{}"}}}, {});
    opened.journal->snapshot(10, R"({"release":"0.1.0"})");
    REQUIRE(write_durably(*opened.journal, loop, {{written.begin() + 10, written.end()}, {}}));
  }
  std::size_t count = 0;
  read_journal(path, [&](const Event& e) {
    REQUIRE(count < written.size());
    CHECK(to_json(e) == to_json(written[count++]));
  });
  CHECK(count == written.size());
}

TEST_CASE("the journals of all releases still replay") {
  const fs::path fixtures = drwatch::testing::source_dir("/tests/journal/fixtures");
  int releases = 0;
  for (const auto& entry : fs::directory_iterator(fixtures)) {
    if (entry.path().extension() != ".db") continue;
    CAPTURE(entry.path().string());
    ++releases;
    const Folder folder;
    const std::string path = folder / "journal.db";
    fs::copy_file(entry.path(), path);
    const auto verdict = verify_journal(path);
    CHECK_FALSE(verdict.broken);
    CHECK(verdict.events >= 30);
    boost::asio::io_context loop;
    auto opened = open(path, loop);
    CHECK(opened.contents.notice == "");
    REQUIRE(opened.contents.snapshot);
    CHECK(opened.contents.snapshot->first == 10);
    CHECK(opened.contents.events.size() == verdict.events - 10);
    CHECK(opened.contents.kept.at("alive_at") == "2026-03-01T02:13:00Z");
    CHECK(write_durably(*opened.journal, loop, {{event(verdict.last_seq + 1)}, {}}));
  }
  CHECK(releases >= 1);
}

TEST_CASE("the journal of 0.1.0 holds what was written then") {
  const Folder folder;
  fs::copy_file(drwatch::testing::source_dir("/tests/journal/fixtures/journal-0.1.0.db"), folder / "journal.db");
  const auto verdict = verify_journal(folder / "journal.db");
  CHECK(verdict.last_hash == "c8b7dea0013322c0faed2b3ddbd303ba07f0d051286851b6500b849b4b11fe5b");
  std::vector<Event> list;
  read_journal(folder / "journal.db", [&](const Event& e) { list.push_back(e); });
  REQUIRE(list.size() > 20);
  CHECK(list[0].kind == "daemon.started");
  CHECK(time_text(list[0].at) == "2026-03-01T02:00:01.234Z");
  CHECK(list[2].by == "oncall");
  CHECK(list[3].body.text("text") == "ümläut \"quoted\" \\ \n\t \x01 \u20ac");
  CHECK(list[6].version == 2);
}

}  // namespace releases_test
