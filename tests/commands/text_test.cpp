// SPDX-License-Identifier: Apache-2.0
#include "daemon/commands/text.hpp"

#include <doctest/doctest.h>

namespace drwatch::commands::tests::text_test {

TEST_CASE("columns are as wide as their widest cell, in characters, without blanks at the end") {
  Columns columns;
  columns.row({{"a"}, {"über"}, {"end"}});
  columns.row({{"longer"}, {""}, {"end"}});
  columns.row({{"b"}, {"x"}, {""}});
  CHECK(columns.print(Paint(false)) ==
        "  a       über  end\n"
        "  longer        end\n"
        "  b       x\n");
  CHECK(Columns().print(Paint(false)).empty());
}

TEST_CASE("colours surround the text only, and do not move the columns") {
  Columns columns("");
  columns.row({{"up", Ink::good}, {"a"}});
  columns.row({{"unknown", Ink::warn}, {"b"}});
  CHECK(columns.print(Paint(true)) == "\x1b[32mup\x1b[0m       a\n\x1b[33munknown\x1b[0m  b\n");
}

TEST_CASE("what came from outside cannot drive the terminal") {
  CHECK(printable("a\x1b[2Jb\x07"
                  "c\nd\x7f") == "a?[2Jb?c\nd?");
  CHECK(printable("\xc2\x9b"
                  "31mred \xc3\xbc") == "?31mred \xc3\xbc");
  CHECK(one_line("a\r\nb") == "a? b");
  CHECK(text_at(Json{{"message", "\x1b]0;title\x07"}}, "message") == "?]0;title?");
}

TEST_CASE("values that are null, missing or of another type are empty") {
  const Json document =
      Json::parse(R"({"text": "x", "null": null, "number": 1.5, "list": ["a"], "yes": true, "time": "2026-03-01T02:13:00Z"})");
  CHECK(text_at(document, "text") == "x");
  CHECK(text_at(document, "null") == "");
  CHECK(text_at(document, "number") == "");
  CHECK(text_at(document, "nowhere") == "");
  CHECK(number_at(document, "number") == 1.5);
  CHECK_FALSE(number_at(document, "null"));
  CHECK(flag_at(document, "yes"));
  CHECK_FALSE(flag_at(document, "text"));
  CHECK(list_at(document, "list").size() == 1);
  CHECK(list_at(document, "text").empty());
  CHECK(time_at(document, "time").has_value());
  CHECK_FALSE(time_at(document, "text"));
}

TEST_CASE("times are short on the same day and whole on another") {
  const Time now = *parse_time("2026-03-01T02:13:00Z");
  CHECK(clock_text(*parse_time("2026-03-01T02:09:30.5Z"), now) == "02:09:30");
  CHECK(clock_text(*parse_time("2026-02-28T23:59:59Z"), now) == "2026-02-28 23:59");
  CHECK(ago(parse_time("2026-03-01T02:10:20Z"), now) == "2 min 40 s");
  CHECK(ago(std::nullopt, now) == "");
  CHECK(ago(parse_time("2026-03-01T02:14:00Z"), now) == "0 s");
}

}  // namespace drwatch::commands::tests::text_test
