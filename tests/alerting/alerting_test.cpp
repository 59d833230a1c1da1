// SPDX-License-Identifier: Apache-2.0
// Alerting in virtual time, against Alertmanagers that restart, refuse, forget and hang.
#include "daemon/alerting/alerting.hpp"
#include "tests/alerting/fake_world.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <thread>

#include <boost/asio/co_spawn.hpp>

namespace alerting_test {

using namespace drwatch;
using namespace drwatch::testing;
using nlohmann::json;

namespace {

constexpr char first_url[] = "http://am1.example:9093", second_url[] = "http://am2.example:9093/prefix";

// One Alerting under test; two Alertmanagers and a pager it may be told of.
struct Bench {
  Bench() {
    world.servers = {
        {"http://am1.example:9093/api/", &first}, {"http://am2.example:9093/prefix/api/", &second}, {"http://pager.example/", &pager}};
  }
  ~Bench() {
    alerting.stop();
    world.clock.settle();
    CHECK(world.tasks.running() == 0);
    CHECK(world.bugs.empty());
  }
  Time now() { return world.clock.now(); }
  void load(std::vector<std::string> urls, std::vector<std::string> fallback = {}) { alerting.load(alert_settings(urls, fallback)); }
  std::uint64_t sent(const char* url, const char* result) { return alerting.status().sent[{url, result}]; }

  FakeWorld world;
  FakeAlertmanager first, second;
  FakeReceiver pager;
  Alerting alerting{world.world(), world.log, world.tasks};
};

std::string ends_of(const json& post, std::size_t i = 0) { return post[i]["endsAt"].get<std::string>(); }

}  // namespace

TEST_CASE_FIXTURE(Bench, "a firing alert is there at once, is sent again every resend, and keeps its start") {
  load({first_url});
  const Time start = now();
  alerting.want({firing("DrwatchIncident", start)});
  CHECK(alerting.status().undelivered == 1);
  world.clock.run_for(milliseconds(10));
  CHECK(first.firing("DrwatchIncident", now()));
  CHECK(alerting.status().undelivered == 0);
  CHECK(alerting.status().active == 1);
  world.clock.run_for(minutes(5) + seconds(1));
  const auto posts = first.posts();
  REQUIRE(posts.size() == 6);
  for (const json& post : posts) CHECK(post[0]["startsAt"] == time_text(start));
  for (std::size_t i = 0; i < posts.size(); ++i) {
    const Duration late = *parse_time(ends_of(posts[i])) - (start + minutes(1) * static_cast<int>(i) + minutes(4));
    CHECK(late >= Duration(0));
    CHECK(late < milliseconds(100));
  }
  CHECK(sent(first_url, "accepted") == 6);
  CHECK(world.log.lines.empty());
}

TEST_CASE_FIXTURE(Bench, "a resolve arrives at once, is sent for 15 minutes, and is not sent after that") {
  load({first_url});
  const Alert alert = firing("DrwatchIncident", now());
  alerting.want({alert});
  world.clock.run_for(seconds(90));
  const Time end = now();
  alerting.want({resolved(alert, end, 2)});
  CHECK(alerting.status().active == 0);
  CHECK(alerting.status().undelivered == 1);
  world.clock.run_for(milliseconds(10));
  CHECK_FALSE(first.firing("DrwatchIncident", now()));
  CHECK(alerting.status().undelivered == 0);
  CHECK(ends_of(first.posts().back()) == time_text(end));
  world.clock.run_for(minutes(14));
  const auto until_then = first.posts().size();
  CHECK(until_then >= 16);
  world.clock.run_for(minutes(60));
  CHECK(first.posts().size() <= until_then + 1);
}

TEST_CASE_FIXTURE(Bench, "nothing that was resolved meanwhile is ever sent as firing") {
  first.mood = FakeServer::Mood::refuses;
  load({first_url});
  const Alert alert = firing("DrwatchIncident", now());
  alerting.want({alert});
  world.clock.run_for(minutes(3));
  alerting.want({resolved(alert, now(), 2)});
  first.mood = FakeServer::Mood::well;
  world.clock.run_for(minutes(2));
  REQUIRE_FALSE(first.posts().empty());
  for (const json& post : first.posts()) CHECK(*parse_time(ends_of(post)) <= now());
  CHECK(alerting.status().undelivered == 0);
}

TEST_CASE_FIXTURE(Bench, "an Alertmanager that is away is tried at least every resend, and told of once") {
  first.mood = FakeServer::Mood::refuses;
  load({first_url});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(minutes(30));
  CHECK(alerting.status().undelivered == 1);
  CHECK(world.log.count("does not take alerts: connection refused") == 1);
  CHECK(sent(first_url, "failed") >= 30);
  CHECK(sent(first_url, "failed") <= 40);
  first.mood = FakeServer::Mood::well;
  world.clock.run_for(minutes(1) + seconds(1));
  CHECK(alerting.status().undelivered == 0);
  CHECK(world.log.count("takes alerts again") == 1);
}

TEST_CASE_FIXTURE(Bench, "one Alertmanager that is silent or fails neither delays nor hides the other") {
  first.mood = FakeServer::Mood::silent;
  load({first_url, second_url});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(milliseconds(20));
  CHECK(second.firing("DrwatchIncident", now()));
  CHECK(alerting.status().undelivered == 0);
  world.clock.run_for(seconds(6));
  CHECK(world.log.count("no answer within 5 s") == 1);
  first.mood = FakeServer::Mood::fails;
  world.clock.run_for(seconds(30));
  CHECK(sent(first_url, "failed") >= 3);
  CHECK(sent(second_url, "failed") == 0);
  first.mood = FakeServer::Mood::well;
  world.clock.run_for(minutes(1));
  CHECK(first.firing("DrwatchIncident", now()));
}

TEST_CASE_FIXTURE(Bench, "an Alertmanager that restarts with an empty memory has the same alert again") {
  load({first_url});
  const Time start = now();
  alerting.want({firing("DrwatchIncident", start)});
  world.clock.run_for(minutes(10));
  first.alerts.clear();
  world.clock.run_for(minutes(1));
  REQUIRE(first.alerts.size() == 1);
  CHECK(first.alerts.begin()->second.starts == start);
}

TEST_CASE_FIXTURE(Bench, "one bad alert in a batch is named, once, and the others are held") {
  SUBCASE("400: the others were taken") {}
  SUBCASE("422: none was") { first.takes_none = true; }
  first.hates = "DrwatchBlind";
  load({first_url});
  alerting.want({firing("DrwatchIncident", now(), 1), firing("DrwatchBlind", now(), 2), firing("Watchdog", now(), 3, "none")});
  world.clock.run_for(milliseconds(100));
  CHECK(first.firing("DrwatchIncident", now()));
  CHECK(first.firing("Watchdog", now()));
  CHECK(alerting.status().undelivered == 1);
  CHECK(first.posts().size() == 4);  // the batch, then each alone
  CHECK(sent(first_url, "accepted") == 2);
  CHECK(sent(first_url, "rejected") == 1);
  world.clock.run_for(minutes(10));
  CHECK(world.log.count("refuses the alert DrwatchBlind") == 1);
  // From then on the good ones go together and the bad one alone.
  const auto posts = first.posts();
  CHECK(posts[posts.size() - 2].size() == 2);
  CHECK(posts.back().size() == 1);
  CHECK(world.log.count("does not take alerts") == 0);
  first.hates.clear();
  world.clock.run_for(minutes(2));
  CHECK(alerting.status().undelivered == 0);
}

TEST_CASE_FIXTURE(Bench, "200 is not delivery") {
  first.forgets = true;
  load({first_url}, {"pager"});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(seconds(30));
  CHECK(alerting.status().undelivered == 1);
  CHECK(sent(first_url, "accepted") == 0);
  CHECK(sent(first_url, "unconfirmed") >= 4);
  CHECK(pager.taken.empty());
  world.clock.run_for(seconds(31));
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchIncident"});
}

TEST_CASE_FIXTURE(Bench, "in one batch the wide alert fires before the narrow one is resolved") {
  load({first_url});
  const Alert narrow = firing("Narrow", now(), 1);
  alerting.want({narrow});
  world.clock.run_for(seconds(1));
  alerting.want({resolved(narrow, now(), 2), firing("Wide", now(), 3)});
  world.clock.run_for(seconds(1));
  const json post = first.posts().back();
  REQUIRE(post.size() == 2);
  CHECK(post[0]["labels"]["alertname"] == "Wide");
  CHECK(post[1]["labels"]["alertname"] == "Narrow");
}

TEST_CASE_FIXTURE(Bench, "the fallback carries what no Alertmanager has, once per change, and only what may wake people") {
  first.mood = second.mood = FakeServer::Mood::refuses;
  load({first_url, second_url}, {"pager", "modem"});
  const Alert alert = firing("DrwatchIncident", now(), 1);
  alerting.want({alert, firing("Watchdog", now(), 2, "none"), firing("Drill", now(), 3, "info")});
  world.clock.run_for(seconds(59));
  CHECK(pager.taken.empty());
  world.clock.run_for(seconds(2));
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchIncident"});
  REQUIRE(world.commands.size() == 1);
  CHECK(world.commands[0].argv == std::vector<std::string>{"/usr/bin/send-page", "--json"});
  CHECK(json::parse(world.commands[0].input)["receiver"] == "modem");
  CHECK(alerting.status().undelivered == 3);
  world.clock.run_for(hours(2));
  CHECK(pager.taken.size() == 1);
  alerting.want({resolved(alert, now(), 4)});
  world.clock.run_for(seconds(1));
  CHECK(pager.taken.back() == "resolved DrwatchIncident");
  world.clock.run_for(hours(2));
  CHECK(pager.taken.size() == 2);
  alerting.want({firing("DrwatchIncident", now(), 5)});
  world.clock.run_for(minutes(2));
  CHECK(pager.taken.size() == 3);
}

TEST_CASE_FIXTURE(Bench, "an Alertmanager that goes away after it took an alert is no longer counted on") {
  load({first_url}, {"pager"});
  const Alert alert = firing("DrwatchIncident", now());
  alerting.want({alert});
  world.clock.run_for(minutes(10));
  CHECK(pager.taken.empty());
  first.mood = FakeServer::Mood::refuses;
  world.clock.run_for(minutes(1) + seconds(1));
  CHECK(alerting.status().undelivered == 1);
  world.clock.run_for(minutes(1));
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchIncident"});
  // The end of it is told where its beginning was, even though the Alertmanager is back.
  first.mood = FakeServer::Mood::well;
  world.clock.run_for(minutes(2));
  alerting.want({resolved(alert, now(), 2)});
  world.clock.run_for(seconds(1));
  CHECK(alerting.status().undelivered == 0);
  CHECK(pager.taken.back() == "resolved DrwatchIncident");
  // A resolve that an Alertmanager had is not told again when it goes away.
  first.mood = FakeServer::Mood::refuses;
  world.clock.run_for(minutes(10));
  CHECK(pager.taken.size() == 2);
}

TEST_CASE_FIXTURE(Bench, "without an Alertmanager the fallback is the only way and goes at once") {
  load({}, {"pager"});
  alerting.want({firing("DrwatchIncident", now(), 1), firing("Watchdog", now(), 2, "none")});
  world.clock.run_for(milliseconds(20));
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchIncident"});
  CHECK(alerting.status().undelivered == 0);
}

TEST_CASE_FIXTURE(Bench, "a channel that fails is tried again, told of once, without its secret") {
  pager.status = 503;
  load({}, {"pager"});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(minutes(3));
  CHECK(alerting.status().undelivered == 1);
  CHECK(world.log.count("channel pager does not take alerts: it answered 503") == 1);
  pager.status = 200;
  world.clock.run_for(seconds(16));
  CHECK(pager.taken.size() == 1);
  pager.mood = FakeServer::Mood::refuses;
  alerting.want({firing("DrwatchIncident", now(), 2)});
  world.clock.run_for(seconds(5));
  CHECK(world.log.count("connect (ECONNREFUSED)") == 1);
  CHECK(world.log.count("s3cret") == 0);
}

TEST_CASE_FIXTURE(Bench, "a command that fails is told of with what it said") {
  world.exit_code = 3;
  load({}, {"modem"});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(seconds(5));
  CHECK(world.log.count("channel modem does not take alerts: exit code 3: no modem") == 1);
  CHECK(world.commands.size() >= 2);
}

TEST_CASE_FIXTURE(Bench, "resolved while its firing is on the way to a channel: the end follows") {
  load({}, {"pager"});
  const Alert alert = firing("DrwatchIncident", now(), 1);
  alerting.want({alert});
  world.clock.run_for(milliseconds(1));  // the call takes two
  alerting.want({resolved(alert, now(), 2)});
  world.clock.run_for(seconds(1));
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchIncident", "resolved DrwatchIncident"});
}

TEST_CASE_FIXTURE(Bench, "an alert that can't be sent is left to the fallback and spoils no batch") {
  load({first_url}, {"pager"});
  Alert bad = firing("DrwatchRpoBreached", now(), 1);
  bad.labels["a-b"] = "x";
  alerting.want({bad, firing("DrwatchIncident", now(), 2)});
  world.clock.run_for(minutes(3));
  CHECK(first.posts()[0].size() == 1);
  CHECK(sent(first_url, "rejected") == 0);
  CHECK(world.log.count("can't be sent to an Alertmanager: 'a-b' is no label name") == 1);
  CHECK(pager.taken == std::vector<std::string>{"firing DrwatchRpoBreached"});
  CHECK(alerting.status().undelivered == 1);
}

TEST_CASE_FIXTURE(Bench, "a reload adds and drops Alertmanagers and keeps what stays") {
  load({first_url}, {"pager"});
  alerting.want({firing("DrwatchIncident", now())});
  world.clock.run_for(seconds(1));
  load({first_url, second_url}, {"pager"});
  CHECK(alerting.status().undelivered == 0);
  world.clock.run_for(seconds(1));
  CHECK(second.firing("DrwatchIncident", now()));
  CHECK(first.posts().size() == 1);
  load({second_url});
  world.clock.run_for(minutes(10));
  CHECK(first.posts().size() == 1);
  CHECK(second.posts().size() >= 10);
  CHECK(world.tasks.running() == 1);
  CHECK(sent(first_url, "accepted") == 1);  // a counter does not go back
}

TEST_CASE_FIXTURE(Bench, "what changes while an exchange is under way is sent right after it") {
  load({first_url});
  alerting.want({firing("One", now(), 1)});
  world.clock.run_for(milliseconds(1));
  alerting.want({firing("One", now(), 1), firing("Two", now(), 2)});
  world.clock.run_for(milliseconds(20));
  CHECK(first.firing("Two", now()));
  CHECK(alerting.status().undelivered == 0);
}

TEST_CASE_FIXTURE(Bench, "many alerts go in requests of bounded size, all read back") {
  load({first_url});
  std::vector<Alert> many;
  for (int i = 0; i < 450; ++i) {
    many.push_back(firing("DrwatchIncident", now(), static_cast<std::uint64_t>(i)));
    many.back().labels["scenario"] = "scenario-" + std::to_string(i);
  }
  alerting.want(many);
  world.clock.run_for(seconds(1));
  CHECK(first.posts().size() == 3);
  CHECK(alerting.status().undelivered == 0);
}

TEST_CASE_FIXTURE(Bench, "a long list of others' alerts is read on a thread, and ours is found in it") {
  first.of_others = 5000;
  load({first_url});
  alerting.want({firing("DrwatchIncident", now())});
  // Here time is virtual, and threads know nothing of it.
  for (int i = 0; i < 2000 && alerting.status().undelivered > 0; ++i) {
    world.clock.run_for(milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(alerting.status().undelivered == 0);
  CHECK(sent(first_url, "accepted") == 1);
}

namespace {

using Lines = std::vector<std::pair<std::string, bool>>;
Task<void> keep_lines(Task<Lines> task, Lines& into) { into = co_await std::move(task); }

}  // namespace

TEST_CASE_FIXTURE(Bench, "the test alert says for each way what became of it") {
  second.mood = FakeServer::Mood::refuses;
  world.exit_code = 1;
  load({first_url, second_url}, {"pager", "modem"});
  Lines lines;
  world.tasks.spawn("test", keep_lines(alerting.test(), lines));
  world.clock.run_for(seconds(1));
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == std::pair<std::string, bool>("http://am1.example:9093: accepted and read back", true));
  CHECK(lines[1] == std::pair<std::string, bool>("http://am2.example:9093/prefix: not taken: connection refused", false));
  CHECK(lines[2] == std::pair<std::string, bool>("channel pager: taken", true));
  CHECK(lines[3] == std::pair<std::string, bool>("channel modem: not taken: exit code 1: no modem", false));
  CHECK(first.firing("DrwatchTest", now()));
  world.clock.run_for(minutes(5));
  CHECK_FALSE(first.firing("DrwatchTest", now()));
}

}  // namespace alerting_test
