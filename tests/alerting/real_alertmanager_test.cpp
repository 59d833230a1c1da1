// SPDX-License-Identifier: Apache-2.0
// The contract with Alertmanager, on the real one.
#include "daemon/alerting/alerting.hpp"
#include "daemon/alerting/alertmanager.hpp"
#include "daemon/alerting/payload.hpp"
#include "tests/alerting/real_parts.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace real_alertmanager_test {

using namespace drwatch;
using namespace drwatch::testing;
using nlohmann::json;

namespace {

std::shared_ptr<Settings> quick(std::vector<std::string> urls) {
  auto settings = alert_settings(std::move(urls));
  settings->alertmanager.resend = seconds(1);
  return settings;
}

struct Bench : RealBench {
  Receiver receiver;
  RealAlertmanager alertmanager{prompt_configuration(receiver.url())};
  Time start = *parse_time("2026-03-01T02:11:00.250Z");
  Alert fired = firing("DrwatchIncident", start);
  bool quiet(Alerting& alerting) {
    return until([&] { return alerting.status().undelivered == 0; });
  }
  bool hears(const char* status) {
    return until([&] { return receiver.heard(status, "DrwatchIncident") > 0; });
  }
};

}  // namespace

TEST_CASE_FIXTURE(Bench, "real: fires at once, stays the same alert, and resolves: one page and one end of it") {
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({alertmanager.url()}));
  alerting.want({fired});
  REQUIRE(quiet(alerting));
  const json first = alert(alertmanager, "DrwatchIncident");
  CHECK(first["startsAt"] == "2026-03-01T02:11:00.250Z");
  CHECK(first["annotations"]["summary"] == "The database is down");
  CHECK(first["generatorURL"] == "https://drwatch.example.org/incidents/1");
  CHECK(first["fingerprint"] == fingerprint(fired.labels));
  REQUIRE(until([&] { return alerting.status().sent[{alertmanager.url(), "accepted"}] >= 3; }));
  const json again = alert(alertmanager, "DrwatchIncident");
  CHECK(again["startsAt"] == first["startsAt"]);
  CHECK(*parse_time(again["endsAt"].get<std::string>()) > *parse_time(first["endsAt"].get<std::string>()));
  alerting.want({resolved(fired, now(), 2)});
  REQUIRE(quiet(alerting));
  CHECK(alert(alertmanager, "DrwatchIncident").is_null());
  REQUIRE(hears("resolved"));
  CHECK(receiver.heard("firing", "DrwatchIncident") == 1);
  turn_for(milliseconds(1500));
  CHECK(receiver.heard("resolved", "DrwatchIncident") == 1);
  CHECK(log.lines.empty());
}

TEST_CASE_FIXTURE(Bench, "real: of two Alertmanagers one is down; when it comes, it has the alert with its start") {
  RealAlertmanager other(prompt_configuration(receiver.url()));
  other.stop();
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({other.url(), alertmanager.url()}));
  alerting.want({fired});
  REQUIRE(quiet(alerting));
  CHECK(log.count("does not take alerts") == 1);
  other.start();
  REQUIRE(until([&] { return alerting.status().sent[{other.url(), "accepted"}] > 0; }));
  CHECK(alert(other, "DrwatchIncident")["startsAt"] == "2026-03-01T02:11:00.250Z");
  CHECK(log.count("takes alerts again") == 1);
}

TEST_CASE_FIXTURE(Bench, "real: Alertmanager restarted while firing pages nobody twice") {
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({alertmanager.url()}));
  alerting.want({fired});
  REQUIRE(quiet(alerting));
  REQUIRE(hears("firing"));
  alertmanager.stop();
  REQUIRE(until([&] { return alerting.status().undelivered == 1; }));
  alertmanager.start();
  REQUIRE(quiet(alerting));
  CHECK(alert(alertmanager, "DrwatchIncident")["startsAt"] == "2026-03-01T02:11:00.250Z");
  turn_for(milliseconds(1500));
  CHECK(receiver.heard("firing", "DrwatchIncident") == 1);
}

TEST_CASE_FIXTURE(Bench, "real: a resolve that happened while Alertmanager was away arrives, and stays after one more restart") {
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({alertmanager.url()}));
  alerting.want({fired});
  REQUIRE(quiet(alerting));
  REQUIRE(hears("firing"));
  alertmanager.stop();
  alerting.want({resolved(fired, now(), 2)});
  CHECK(alerting.status().undelivered == 1);
  alertmanager.start();
  REQUIRE(quiet(alerting));
  REQUIRE(hears("resolved"));
  CHECK(alert(alertmanager, "DrwatchIncident").is_null());
  alertmanager.stop();
  alertmanager.start();
  REQUIRE(quiet(alerting));
  turn_for(milliseconds(1500));
  CHECK(alert(alertmanager, "DrwatchIncident").is_null());
  CHECK(receiver.heard("firing", "DrwatchIncident") == 1);
  CHECK(receiver.heard("resolved", "DrwatchIncident") == 1);
}

TEST_CASE_FIXTURE(Bench, "real: drwatch restarted goes on with the same alert, and resolves what the first one fired") {
  {
    Alerting before(real.world(), log, tasks);
    before.load(quick({alertmanager.url()}));
    before.want({fired});
    REQUIRE(quiet(before));
    REQUIRE(hears("firing"));
  }
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({alertmanager.url()}));
  alerting.want({fired});
  REQUIRE(quiet(alerting));
  const auto listed = alerts(alertmanager);
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK((*listed)[0]["startsAt"] == "2026-03-01T02:11:00.250Z");
  alerting.want({resolved(fired, now(), 2)});
  REQUIRE(hears("resolved"));
  CHECK(receiver.heard("firing", "DrwatchIncident") == 1);
}

TEST_CASE_FIXTURE(Bench, "real: a bad alert in a batch keeps no good one back") {
  auto sent = std::make_shared<SentCounts>();
  auto one =
      std::make_shared<Alertmanager>(real.world(), log, alertmanager.url(), sent, std::make_shared<Workers>(real.world().executor, 1));
  one->resend_every(seconds(1));
  Alert bad = firing("DrwatchRpoBreached", start, 1);
  bad.labels["no-name"] = "x";
  one->want(std::make_shared<const std::vector<Alert>>(std::vector<Alert>{bad, fired, firing("Watchdog", start, 3, "none")}));
  tasks.spawn("alertmanager", Alertmanager::run(one, [] {}));
  REQUIRE(until([&] { return one->holds(fired); }));
  CHECK(one->holds(firing("Watchdog", start, 3, "none")));
  CHECK_FALSE(one->holds(bad));
  CHECK(log.count("refuses the alert DrwatchRpoBreached/database-outage: 400 invalid label set: invalid name \"no-name\"") == 1);
  CHECK((*sent)[{alertmanager.url(), "rejected"}] == 1);
}

TEST_CASE_FIXTURE(Bench, "real: the test alert is read back") {
  Alerting alerting(real.world(), log, tasks);
  alerting.load(quick({alertmanager.url(), "http://127.0.0.1:" + std::to_string(free_port())}));
  using Lines = std::vector<std::pair<std::string, bool>>;
  Lines lines;
  bool ended = false;
  const auto keep = [](Task<Lines> task, Lines& into) -> Task<void> { into = co_await std::move(task); };
  tasks.spawn("test", keep(alerting.test(), lines), [&] { ended = true; });
  REQUIRE(until([&] { return ended; }));
  REQUIRE(lines.size() == 2);
  const bool in_order = lines[0].first.starts_with(alertmanager.url());
  CHECK(lines[in_order ? 0 : 1] == std::pair(alertmanager.url() + ": accepted and read back", true));
  CHECK_FALSE(lines[in_order ? 1 : 0].second);
  CHECK(lines[in_order ? 1 : 0].first.find(": not taken: ") != std::string::npos);
}

TEST_CASE("real: without an Alertmanager a webhook and a command carry the alert and its end") {
  RealBench bench;
  Receiver receiver;
  TempFolder folder;
  auto settings = quick({"http://127.0.0.1:" + std::to_string(free_port())});
  settings->alertmanager.fallback = {"pager", "modem"};
  settings->alertmanager.fallback_after = milliseconds(300);
  settings->channels["pager"].url = Secret(Secret::From::plain, "", receiver.url() + "/hook");
  settings->channels["modem"].command = {"/bin/sh", "-c", "cat >> \"$0\"; echo >> \"$0\"", folder / "paged"};
  Alerting alerting(bench.real.world(), bench.log, bench.tasks);
  alerting.load(settings);
  const Alert fired = firing("DrwatchIncident", bench.now());
  alerting.want({fired});
  const auto paged = [&] { return read_file(folder / "paged"); };
  REQUIRE(bench.until([&] { return receiver.heard("firing", "DrwatchIncident") == 1 && paged().find("\n") != std::string::npos; }));
  CHECK(json::parse(paged())["status"] == "firing");
  CHECK(json::parse(paged())["alerts"][0]["annotations"]["summary"] == "The database is down");
  alerting.want({resolved(fired, bench.now(), 2)});
  REQUIRE(bench.until([&] { return receiver.heard("resolved", "DrwatchIncident") == 1; }));
  REQUIRE(bench.until([&] { return paged().find("\"resolved\"") != std::string::npos; }));
  CHECK(receiver.bodies().size() == 2);
}

}  // namespace real_alertmanager_test
