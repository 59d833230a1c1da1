// SPDX-License-Identifier: Apache-2.0
#include "config/rows/cron.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

namespace drwatch::cron_test {
namespace {

Time at(const char* text) {
  const auto t = parse_time(text);
  REQUIRE_MESSAGE(t, text);
  return *t;
}

Cron cron(const char* expression, const char* zone = "UTC") {
  std::string error;
  auto made = Cron::parse(expression, zone, &error);
  REQUIRE_MESSAGE(made, (expression + (": " + error)));
  return *made;
}

// The next due times, as text.
std::vector<std::string> next(const Cron& c, const char* after, int count) {
  std::vector<std::string> times;
  Time t = at(after);
  for (int i = 0; i < count; ++i) times.push_back(time_text(t = c.next_after(t)));
  return times;
}
using Texts = std::vector<std::string>;

TEST_CASE("fields, names, ranges, lists, steps") {
  CHECK(next(cron("0 2 * * *"), "2026-03-01T02:00:00Z", 2) == Texts{"2026-03-02T02:00:00Z", "2026-03-03T02:00:00Z"});
  CHECK(next(cron("*/20 8-18/5 * * *"), "2026-03-01T08:41:00Z", 4) ==
        Texts{"2026-03-01T13:00:00Z", "2026-03-01T13:20:00Z", "2026-03-01T13:40:00Z", "2026-03-01T18:00:00Z"});
  CHECK(next(cron("5,10 0 1 jan,JUL *"), "2026-01-01T00:05:00Z", 3) ==
        Texts{"2026-01-01T00:10:00Z", "2026-07-01T00:05:00Z", "2026-07-01T00:10:00Z"});
  CHECK(next(cron("0 3 * * sun"), "2026-03-01T04:00:00Z", 1) == Texts{"2026-03-08T03:00:00Z"});
  CHECK(next(cron("0 3 * * 7"), "2026-03-01T04:00:00Z", 1) == Texts{"2026-03-08T03:00:00Z"});
  CHECK(next(cron("0 3 * * mon-wed"), "2026-03-01T04:00:00Z", 4) ==
        Texts{"2026-03-02T03:00:00Z", "2026-03-03T03:00:00Z", "2026-03-04T03:00:00Z", "2026-03-09T03:00:00Z"});
  CHECK(next(cron("0 10 1 1,4,7,10 *"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-04-01T10:00:00Z", "2026-07-01T10:00:00Z"});
  CHECK(next(cron("59 23 31 12 *"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-12-31T23:59:00Z"});
  CHECK(next(cron(" 0\t2  * * * "), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-01T02:00:00Z"});
}

TEST_CASE("nicknames") {
  CHECK(next(cron("@hourly"), "2026-03-01T00:00:30Z", 1) == Texts{"2026-03-01T01:00:00Z"});
  CHECK(next(cron("@daily"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-02T00:00:00Z"});
  CHECK(next(cron("@midnight"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-02T00:00:00Z"});
  CHECK(next(cron("@weekly"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-08T00:00:00Z"});
  CHECK(next(cron("@monthly"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-04-01T00:00:00Z"});
  CHECK(next(cron("@yearly"), "2026-03-01T00:00:00Z", 1) == Texts{"2027-01-01T00:00:00Z"});
  CHECK(next(cron("@annually"), "2026-03-01T00:00:00Z", 1) == Texts{"2027-01-01T00:00:00Z"});
  CHECK(cron("@daily").text() == "@daily");
}

TEST_CASE("either day field matches when both are restricted, as in Debian's cron") {
  // 2026-03-13 is a Friday.
  CHECK(next(cron("0 0 1 * fri"), "2026-03-10T00:00:00Z", 4) ==
        Texts{"2026-03-13T00:00:00Z", "2026-03-20T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-01T00:00:00Z"});
  // A field that begins with a star is no restriction, even with a step: then both must match.
  CHECK(next(cron("0 0 */2 * fri"), "2026-03-10T00:00:00Z", 3) ==
        Texts{"2026-03-13T00:00:00Z", "2026-03-27T00:00:00Z", "2026-04-03T00:00:00Z"});
  CHECK(next(cron("0 0 13 * */2"), "2026-03-10T00:00:00Z", 1) == Texts{"2026-06-13T00:00:00Z"});  // a Saturday: 6
}

TEST_CASE("leap days, and days that never come") {
  CHECK(next(cron("0 0 29 2 *"), "2026-03-01T00:00:00Z", 2) == Texts{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"});
  CHECK(next(cron("0 0 29 feb *"), "2096-03-01T00:00:00Z", 1) == Texts{"2104-02-29T00:00:00Z"});  // 2100 is none
  CHECK(cron("0 0 30 2 *").next_after(at("2026-03-01T00:00:00Z")) == Time::max());
  CHECK(cron("0 0 30 2 *").last_until(at("2026-03-01T00:00:00Z")) == std::nullopt);
  CHECK(cron("0 0 29 2 *").last_until(at("2026-03-01T00:00:00Z")) == at("2024-02-29T00:00:00Z"));
}

TEST_CASE("a time that daylight saving leaves out is due when the clocks have changed") {
  // Berlin, 2026-03-29: 02:00 becomes 03:00, at 01:00 UTC.
  CHECK(next(cron("30 2 * * *", "Europe/Berlin"), "2026-03-27T12:00:00Z", 3) ==
        Texts{"2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"});
  CHECK(next(cron("10,20 2 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 2) == Texts{"2026-03-29T01:00:00Z", "2026-03-30T00:10:00Z"});
  CHECK(next(cron("0 2,3 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 2) == Texts{"2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"});
  // With a star nothing is made up for: the clock never shows it.
  CHECK(next(cron("*/30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00:00Z", 1) == Texts{"2026-03-30T00:00:00Z"});
  CHECK(next(cron("0 * * * *", "Europe/Berlin"), "2026-03-29T00:00:00Z", 2) == Texts{"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"});
  // Santiago, 2026-09-06: midnight itself is left out.
  CHECK(next(cron("@daily", "America/Santiago"), "2026-09-05T12:00:00Z", 2) == Texts{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"});
  // Apia, 2011-12-30: a whole day is left out; that is no change of the clocks.
  CHECK(next(cron("0 2 * * *", "Pacific/Apia"), "2011-12-29T13:00:00Z", 1) == Texts{"2011-12-30T12:00:00Z"});
}

TEST_CASE("a time that comes twice is due once, the first time") {
  // Berlin, 2026-10-25: 03:00 becomes 02:00.
  const Cron nightly = cron("30 2 * * *", "Europe/Berlin");
  CHECK(next(nightly, "2026-10-24T12:00:00Z", 2) == Texts{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"});
  CHECK(nightly.next_after(at("2026-10-25T00:45:00Z")) == at("2026-10-26T01:30:00Z"));  // also from between the two
  CHECK(nightly.next_after(at("2026-10-25T01:15:00Z")) == at("2026-10-26T01:30:00Z"));
  CHECK(nightly.last_until(at("2026-10-25T01:45:00Z")) == at("2026-10-25T00:30:00Z"));
  // Santiago, 2026-04-05: midnight becomes 23:00 of the day before.
  CHECK(next(cron("30 23 * * *", "America/Santiago"), "2026-04-04T12:00:00Z", 2) == Texts{"2026-04-05T02:30:00Z", "2026-04-06T03:30:00Z"});
}

TEST_CASE("with a star it is due whenever the clock shows it, also the second time") {
  CHECK(next(cron("30 * * * *", "Europe/Berlin"), "2026-10-24T23:45:00Z", 4) ==
        Texts{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z", "2026-10-25T03:30:00Z"});
  CHECK(next(cron("*/30 2 * * *", "Europe/Berlin"), "2026-10-24T23:45:00Z", 5) ==
        Texts{"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:00:00Z"});
}

TEST_CASE("days that the calendar moves") {
  // 2026-02-28 is a Saturday, 2026-05-31 a Sunday, 2026-08-01 a Saturday.
  CHECK(next(cron("0 0 L * *"), "2026-02-01T00:00:00Z", 3) ==
        Texts{"2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z", "2026-04-30T00:00:00Z"});
  CHECK(next(cron("0 0 $ * *"), "2028-02-01T00:00:00Z", 1) == Texts{"2028-02-29T00:00:00Z"});
  CHECK(next(cron("0 0 l-2 * *"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-02-26T00:00:00Z", "2026-03-29T00:00:00Z"});
  CHECK(next(cron("0 0 LW * *"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-02-27T00:00:00Z", "2026-03-31T00:00:00Z"});
  CHECK(next(cron("0 0 LW 5 *"), "2026-02-01T00:00:00Z", 1) == Texts{"2026-05-29T00:00:00Z"});
  CHECK(next(cron("0 0 1W * *"), "2026-07-15T00:00:00Z", 2) == Texts{"2026-08-03T00:00:00Z", "2026-09-01T00:00:00Z"});   // not into July
  CHECK(next(cron("0 0 31W * *"), "2026-05-01T00:00:00Z", 2) == Texts{"2026-05-29T00:00:00Z", "2026-07-31T00:00:00Z"});  // June has none
  CHECK(next(cron("0 0 14W 3 *"), "2026-01-01T00:00:00Z", 1) == Texts{"2026-03-13T00:00:00Z"});  // a Saturday: before
  CHECK(next(cron("0 0 15W 3 *"), "2026-01-01T00:00:00Z", 1) == Texts{"2026-03-16T00:00:00Z"});  // a Sunday: after
  CHECK(next(cron("0 0 * * friL"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-02-27T00:00:00Z", "2026-03-27T00:00:00Z"});
  CHECK(next(cron("0 0 * * 7L"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-29T00:00:00Z"});
  CHECK(next(cron("0 0 * * fri#2"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z"});
  CHECK(next(cron("0 0 * * 0#5"), "2026-01-01T00:00:00Z", 2) == Texts{"2026-03-29T00:00:00Z", "2026-05-31T00:00:00Z"});
  // In a list with others, and with the other day field: either, as ever.
  CHECK(next(cron("0 0 15,L * *"), "2026-02-01T00:00:00Z", 2) == Texts{"2026-02-15T00:00:00Z", "2026-02-28T00:00:00Z"});
  CHECK(next(cron("0 0 L * mon#1"), "2026-02-01T00:00:00Z", 3) ==
        Texts{"2026-02-02T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-02T00:00:00Z"});
}

TEST_CASE("zones are those of the IANA data base") {
  CHECK(next(cron("0 2 * * *", "America/Asuncion"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-01T05:00:00Z"});
  CHECK(next(cron("0 2 * * *", "Asia/Kathmandu"), "2026-03-01T00:00:00Z", 1) == Texts{"2026-03-01T20:15:00Z"});
  CHECK(cron("0 2 * * *", "").zone() == "UTC");
  CHECK(known_zone("UTC"));
  CHECK(known_zone("Europe/Berlin"));
  for (const char* zone : {"Mars/Olympus", "../../etc/passwd", "", "/etc/passwd"}) CHECK_FALSE(known_zone(zone));
}

TEST_CASE("what a clock on the wall shows") {
  CHECK(wall_text(at("2026-03-29T01:00:00Z"), "Europe/Berlin") == "Sun 2026-03-29 03:00 CEST");
  CHECK(wall_text(at("2026-10-25T01:30:00Z"), "Europe/Berlin") == "Sun 2026-10-25 02:30 CET");
  CHECK(wall_text(at("2026-03-01T23:59:59Z"), "UTC") == "Sun 2026-03-01 23:59 UTC");
}

TEST_CASE("the newest due time at or before") {
  const Cron daily = cron("0 2 * * *");
  CHECK(daily.last_until(at("2026-03-01T02:00:00Z")) == at("2026-03-01T02:00:00Z"));
  CHECK(daily.last_until(at("2026-03-01T01:59:59Z")) == at("2026-02-28T02:00:00Z"));
  CHECK(daily.next_after(at("2026-03-01T01:59:59Z")) == at("2026-03-01T02:00:00Z"));
  CHECK(daily.next_after(at("2026-03-01T02:00:00.001Z")) == at("2026-03-02T02:00:00Z"));
}

TEST_CASE("next and last agree, in every zone and over every change of the clocks") {
  std::mt19937 dice(20260301);
  for (const char* zone : {"UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"})
    for (const char* expression :
         {"*/7 * * * *", "30 2 * * *", "15 0,23 */3 * 1-5", "0 0 1 * sun", "@monthly", "30 2 LW * fri#2", "*/10 1-3 * * *"}) {
      const Cron c = cron(expression, zone);
      for (int i = 0; i < 40; ++i) {
        const Time t = at("2024-01-01T00:00:00Z") + seconds{std::uniform_int_distribution<int>(0, 3 * 365 * 86400)(dice)};
        const Time due = c.next_after(t);
        CAPTURE(zone);
        CAPTURE(expression);
        CAPTURE(time_text(t));
        CHECK(due > t);
        CHECK(c.last_until(due) == due);  // it is due there
        const auto before = c.last_until(due - milliseconds{1});
        CHECK((!before || (*before <= t && c.next_after(*before) == due)));  // and nothing lies between
      }
    }
}

TEST_CASE("what is no cron expression says why") {
  const std::pair<const char*, const char*> wrong[] = {
      {"", "found 0 fields, not five"},
      {"0 2 * *", "found 4 fields, not five"},
      {"0 2 * * * *", "found 6 fields, not five"},
      {"60 * * * *", "the minute '60': use 0 to 59"},
      {"0 24 * * *", "the hour '24': use 0 to 23"},
      {"0 0 0 * *", "the day of the month '0': use 1 to 31"},
      {"0 0 * 13 *", "the month '13': use 1 to 12 or names like jan"},
      {"0 0 * * 8", "the day of the week '8': use 0 to 7 or names like sun"},
      {"0 0 * * sunday", "the day of the week 'sunday'"},
      {"*/0 * * * *", "a step is a number from 1"},
      {"*/x * * * *", "a step is a number from 1"},
      {"5/10 * * * *", "a step needs a range"},
      {"30-10 * * * *", "a range runs upwards"},
      {"1,,2 * * * *", "the minute ''"},
      {"-5 * * * *", "the minute '-5'"},
      {"1- * * * *", "the minute '1-'"},
      {"**  * * * *", "the minute '**'"},
      {"0 0 L-0 * *", "the day of the month 'L-0'"},
      {"0 0 32W * *", "the day of the month '32W'"},
      {"0 0 W * *", "the day of the month 'W'"},
      {"0 0 1,,L * *", "the day of the month ''"},
      {"0 0 * * fri#6", "the day of the week 'fri#6'"},
      {"0 0 * * L", "the day of the week 'L'"},
      {"L * * * *", "the minute 'L'"},
      {"@reboot", "@hourly, @daily"},
      {"@dayly", "@hourly, @daily"},
  };
  for (const auto& [expression, why] : wrong) {
    std::string error;
    CHECK_MESSAGE(!Cron::parse(expression, "UTC", &error), expression);
    CHECK_MESSAGE(error.find(why) != error.npos, (expression + (": " + error)));
  }
  std::string error;
  CHECK_FALSE(Cron::parse("0 0 * * *", "Mars/Olympus", &error));
  CHECK(error == "'Mars/Olympus' is not a time zone of the IANA data base");
}

TEST_CASE("the rarest day is found in no time") {
  const Cron rare = cron("0 0 29 2 *", "Europe/Berlin");
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) CHECK(rare.next_after(at("2096-03-01T00:00:00Z")) < Time::max());
  CHECK(std::chrono::steady_clock::now() - begin < seconds{5});  // at -O0, under a sanitizer, on a busy machine
}

}  // namespace
}  // namespace drwatch::cron_test
