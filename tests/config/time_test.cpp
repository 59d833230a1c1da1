// SPDX-License-Identifier: Apache-2.0
#include "config/rows/time.hpp"

#include <doctest/doctest.h>

namespace drwatch::time_test {
namespace {

using std::chrono::days;

TEST_CASE("durations are read") {
  CHECK(parse_duration("500ms") == milliseconds{500});
  CHECK(parse_duration("30s") == seconds{30});
  CHECK(parse_duration("1h30m") == minutes{90});
  CHECK(parse_duration("90d") == days{90});
  CHECK(parse_duration("0s") == Duration{0});
  CHECK(parse_duration("1d2h3m4s5ms") == days{1} + hours{2} + minutes{3} + seconds{4} + milliseconds{5});
  CHECK(parse_duration("90m") == minutes{90});
}

TEST_CASE("what is no duration is refused") {
  for (const char* text : {"", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "1.5h", "5S", "30m1h", "1h1h", "5sec", "99999999999999999999s",
                           "40000d", "36525d1d", "1h-5m", "1h 5m", "0x5s"})
    CHECK_MESSAGE(parse_duration(text) == std::nullopt, text);
}

TEST_CASE("a duration's text reads back") {
  CHECK(duration_text(Duration{0}) == "0s");
  CHECK(duration_text(minutes{90}) == "1h30m");
  CHECK(duration_text(seconds{42}) == "42s");
  CHECK(duration_text(milliseconds{350}) == "350ms");
  CHECK(duration_text(hours{24}) == "1d");
  CHECK(duration_text(-seconds{90}) == "-1m30s");
  for (std::int64_t ms : {1LL, 999LL, 1000LL, 61001LL, 86399999LL, 86400000LL, 90061001LL})
    CHECK(parse_duration(duration_text(Duration{ms})) == Duration{ms});
}

TEST_CASE("durations in words have two units at most, rounded") {
  CHECK(duration_words(minutes{90}) == "1 h 30 min");
  CHECK(duration_words(seconds{42}) == "42 s");
  CHECK(duration_words(days{3} + hours{4} + minutes{20}) == "3 d 4 h");
  CHECK(duration_words(milliseconds{350}) == "350 ms");
  CHECK(duration_words(milliseconds{1500}) == "1.5 s");  // a timeout is not another one in its message
  CHECK(duration_words(milliseconds{1040}) == "1 s");
  CHECK(duration_words(milliseconds{9940}) == "9.9 s");
  CHECK(duration_words(milliseconds{9960}) == "10 s");
  CHECK(duration_words(milliseconds{12500}) == "13 s");
  CHECK(duration_words(milliseconds{42400}) == "42 s");
  CHECK(duration_words(milliseconds{59600}) == "1 min");                  // carries
  CHECK(duration_words(hours{23} + minutes{59} + seconds{40}) == "1 d");  // carries through
  CHECK(duration_words(hours{2}) == "2 h");
  CHECK(duration_words(Duration{0}) == "0 s");
  CHECK(duration_words(-hours{1}) == "0 s");
}

TEST_CASE("times are read with any offset") {
  const Time t = std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + hours{2} + minutes{9} + seconds{30};
  CHECK(parse_time("2026-03-01T02:09:30Z") == t);
  CHECK(parse_time("2026-03-01t02:09:30z") == t);
  CHECK(parse_time("2026-03-01 02:09:30Z") == t);
  CHECK(parse_time("2026-02-28T23:09:30-03:00") == t);
  CHECK(parse_time("2026-03-01T07:54:30+05:45") == t);
  CHECK(parse_time("2026-03-01T02:09:30.5Z") == t + milliseconds{500});
  CHECK(parse_time("2026-03-01T02:09:30.123987Z") == t + milliseconds{123});
  CHECK(parse_time("2024-02-29T00:00:00Z").has_value());
  CHECK(parse_time("1969-12-31T23:59:59Z") == Time{} - seconds{1});
}

TEST_CASE("what is no time is refused") {
  for (const char* text : {"", "2026-03-01", "2026-03-01T02:09:30", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
                           "2026-03-01T02:60:00Z", "2026-03-01T02:09:30.Z", "2026-03-01T02:09:30+3:00", "2026-03-01T02:09:30ZZ",
                           "2026-03-01T02:09:30+24:00", "20260301T020930Z", "2026-03-01T02:09:3xZ"})
    CHECK_MESSAGE(parse_time(text) == std::nullopt, text);
}

TEST_CASE("a time's text reads back, and never has a fifth digit of year") {
  for (const char* text : {"2026-03-01T02:09:30Z", "2026-03-01T02:09:30.007Z", "1969-12-31T23:59:59.900Z", "2024-02-29T12:00:00Z"})
    CHECK(time_text(*parse_time(text)) == text);
  CHECK(time_text(Time::max()) == "9999-12-31T23:59:59.999Z");
  CHECK(time_text(Time::min()) == "0000-01-01T00:00:00Z");
}

}  // namespace
}  // namespace drwatch::time_test
