// SPDX-License-Identifier: Apache-2.0
#include "daemon/alerting/validate.hpp"
#include "daemon/alerting/payload.hpp"
#include "daemon/alerting/utf8.hpp"
#include "tests/alerting/fake_world.hpp"

#include <doctest/doctest.h>

#include <ctime>

namespace validate_test {

using namespace drwatch;
using namespace drwatch::testing;
using nlohmann::json;

namespace {

const Time noon = *parse_time("2026-03-01T12:00:00Z");

json sent(const Alert& alert, Time now) { return json::parse(alerts_body({alert}, now, minutes(1)))[0]; }

}  // namespace

TEST_CASE("an alert that no Alertmanager would take says why") {
  const Alert good = firing("DrwatchIncident", noon);
  CHECK_FALSE(why_unsendable(good));
  Alert bad = good;
  bad.labels.erase("alertname");
  CHECK(*why_unsendable(bad) == "it has no alertname");
  bad = good;
  bad.labels["cron-job"] = "billing";
  CHECK(*why_unsendable(bad) == "'cron-job' is no label name");
  bad = good;
  bad.labels["9lives"] = "x";
  CHECK(why_unsendable(bad));
  bad = good;
  bad.labels["component"] = "caf\xE9";
  CHECK(*why_unsendable(bad) == "the value of label component is not UTF-8");
  bad = good;
  bad.labels["component"] = std::string(max_label_bytes + 1, 'x');
  CHECK(why_unsendable(bad));
  bad = good;
  bad.starts_at = Time{};
  CHECK(*why_unsendable(bad) == "it has no start");
}

TEST_CASE("what can be mended is mended and the identity stays") {
  Alert alert = firing("DrwatchIncident", noon);
  alert.labels["class"] = "";
  alert.annotations["description"] = "answered caf\xE9 " + std::string(40'000, 'x');
  alert.annotations["not a name"] = "x";
  alert.durable = false;
  const Alert tidied = tidy(alert);
  CHECK_FALSE(tidied.labels.contains("class"));
  CHECK_FALSE(tidied.annotations.contains("not a name"));
  CHECK(tidied.annotations.at("durable") == "false");
  const std::string& text = tidied.annotations.at("description");
  CHECK(is_utf8(text));
  CHECK(text.size() <= max_annotation_bytes);
  CHECK(text.starts_with("answered caf\xEF\xBF\xBD xxx"));
  CHECK(text.ends_with("\xE2\x80\xA6"));
  CHECK_FALSE(tidy(firing("A", noon)).annotations.contains("durable"));
}

TEST_CASE("UTF-8 is told from what only looks like it") {
  CHECK(is_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  for (const char* bad :
       {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\x80", "\xE2\x82"})
    CHECK_FALSE(is_utf8(bad));
  CHECK(clean_utf8("abc", 3) == "abc");
  CHECK(clean_utf8("abcdef", 5) == "ab\xE2\x80\xA6");
}

TEST_CASE("a source link that Alertmanager would refuse is left out") {
  CHECK(good_generator_url("https://drwatch.example.org/incidents/20260301-0211-database-outage"));
  CHECK(good_generator_url("http://127.0.0.1:9780/"));
  for (const char* bad :
       {"", "drwatch", "//host/x", "ftp://host/x", "http://", "http://host/a b", "http://host/%zz", "javascript:alert(1)"})
    CHECK_FALSE(good_generator_url(bad));
  Alert alert = firing("DrwatchIncident", noon);
  CHECK(sent(alert, noon)["generatorURL"] == "https://drwatch.example.org/incidents/1");
  alert.annotations["runbook_url"] = "http://host/a b";
  CHECK_FALSE(sent(alert, noon).contains("generatorURL"));
}

TEST_CASE("ends: four resends ahead while firing, past when resolved") {
  const Alert alert = firing("DrwatchIncident", noon);
  CHECK(sent(alert, noon + minutes(7))["startsAt"] == "2026-03-01T12:00:00Z");
  CHECK(sent(alert, noon + minutes(7))["endsAt"] == "2026-03-01T12:11:00Z");
  const Alert over = resolved(alert, noon + minutes(3), 2);
  CHECK(sent(over, noon + minutes(7))["endsAt"] == "2026-03-01T12:03:00Z");
  SUBCASE("a clock that was set back neither makes an end before its start nor keeps a resolve from resolving") {
    const json early = sent(alert, noon - hours(1));
    CHECK(early["startsAt"] == "2026-03-01T12:00:00Z");
    CHECK(early["endsAt"] == "2026-03-01T12:04:00Z");
    const json ended = sent(over, noon - hours(1));
    CHECK(ended["endsAt"] == "2026-03-01T11:00:00Z");
    CHECK(ended["startsAt"] == "2026-03-01T11:00:00Z");
  }
}

TEST_CASE("firing goes before resolved, and both in the order of their changes") {
  std::vector<Alert> alerts = {resolved(firing("Narrow", noon), noon, 7), firing("Later", noon, 9), resolved(firing("Old", noon), noon, 3),
                               firing("Wide", noon, 8)};
  sort_for_sending(alerts);
  std::string order;
  for (const Alert& alert : alerts) order += alert.labels.at("alertname") + " ";
  CHECK(order == "Wide Later Old Narrow ");
}

TEST_CASE("answers are read with suspicion") {
  CHECK(listed_alerts("[]")->empty());
  CHECK(listed_alerts(R"([{"labels":{"a":"b"},"startsAt":"x"}])")->contains({{"a", "b"}}));
  {
    // 16 MiB, as much as an Alertmanager may answer: the loop waits for the parser, so it is not begun.
    std::string many = "[";
    while (many.size() < (16U << 20) - 32) many += R"({"labels":{"a":"b"}},)";
    many += R"({"labels":{"a":"b"}}])";
    const auto begin = std::clock();  // of the processor: the machine may be busy
    CHECK_FALSE(listed_alerts(many));
    CHECK(std::clock() - begin < CLOCKS_PER_SEC);
  }
  for (const char* bad : {"", "{}", "[1]", R"([{"labels":3}])", "<html>", "[{\"labels\":{\"a\":\"b\"}"}) CHECK_FALSE(listed_alerts(bad));
  CHECK(error_text(R"("bad\nlabel")") == "bad label");
  CHECK(error_text(R"({"code":601,"message":"in body"})") == "in body");
  CHECK(error_text("\"" + std::string(4 << 20, 'x') + "\"").size() <= 303);
  CHECK(error_text("<html>") == "<html>");
  CHECK(error_text(std::string(5000, 'x')).size() <= 300);
}

TEST_CASE("the read-back asks for these alerts only, when their names are plain") {
  CHECK(read_back_path({firing("DrwatchIncident", noon), firing("Watchdog", noon)}) ==
        "/api/v2/alerts?filter=alertname%3D~%22DrwatchIncident%7CWatchdog%22");
  CHECK(read_back_path({firing("a|b", noon)}) == "/api/v2/alerts");
}

TEST_CASE("a notification has the shape of Alertmanager's webhook, version 4") {
  const Alert alert = firing("DrwatchIncident", noon);
  const json body = json::parse(webhook_body(alert, "pager", "https://drwatch.example.org"));
  CHECK(body["version"] == "4");
  CHECK(body["status"] == "firing");
  CHECK(body["receiver"] == "pager");
  CHECK(body["groupKey"] == R"({}:{alertname="DrwatchIncident", scenario="database-outage", severity="critical"})");
  CHECK(body["alerts"].size() == 1);
  CHECK(body["alerts"][0]["startsAt"] == "2026-03-01T12:00:00Z");
  CHECK(body["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z");
  CHECK(body["commonAnnotations"]["summary"] == "The database is down");
  const json over = json::parse(webhook_body(resolved(alert, noon + minutes(1), 2), "pager", ""));
  CHECK(over["status"] == "resolved");
  CHECK(over["alerts"][0]["endsAt"] == "2026-03-01T12:01:00Z");
  CHECK(over["groupKey"] == body["groupKey"]);
}

}  // namespace validate_test
