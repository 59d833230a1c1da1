// SPDX-License-Identifier: Apache-2.0
#include "config/rows/document.hpp"

#include "config/check/circle.hpp"
#include "config/load/template.hpp"
#include "config/rows/pattern.hpp"

#include <doctest/doctest.h>

namespace drwatch::config::document_test {
namespace {

using Texts = std::vector<std::string>;

Value parse(const std::string& text) {
  Problems problems;
  auto value = parse_toml("f.toml", text, problems);
  REQUIRE(value);
  return *value;
}

TEST_CASE("values know their types and places") {
  const Value root =
      parse("z = 1\n[a.b]\nkey = \"text\"\nlist = [1, 2.5,\n  true]\nday = 2026-03-01\nat = 2026-03-01T02:00:00Z\n[[step]]\nid = \"x\"\n");
  const Table& table = *root.table();
  REQUIRE(table.size() == 3);
  CHECK(table[0].key == "z");  // the order of the file
  CHECK(std::get<std::int64_t>(table[0].value.is) == 1);
  const Table& b = *find(*find(table, "a")->value.table(), "b")->value.table();
  CHECK(*find(b, "key")->value.text() == "text");
  CHECK(find(b, "key")->place.line == 3);
  CHECK(find(b, "key")->place.column == 1);
  CHECK(find(b, "key")->value.place.column == 7);
  CHECK(*find(b, "day")->value.text() == "2026-03-01");
  CHECK(*find(b, "at")->value.text() == "2026-03-01T02:00:00Z");
  const Array& list = *find(b, "list")->value.array();
  CHECK(std::get<double>(list[1].is) == 2.5);
  CHECK(list[2].place.line == 5);
  CHECK(list[2].type_name() == "true or false");
  CHECK(find(table, "step")->value.array()->at(0).table() != nullptr);
  CHECK(find(table, "nothing") == nullptr);
  CHECK(place_at(table, {}, {"a", "b", "list", "2"}).line == 5);
  CHECK(place_at(table, {}, {"a", "b", "list", "9"}).line == 4);  // the deepest that is there
  CHECK(place_at(table, {"f.toml", 7, 8}, {"c"}).line == 7);
}

TEST_CASE("a value is written as somebody would write it") {
  const Value root = parse("a = 0.8\nb = 2.0\nc = inf\nd = -1e300\ne = [0.1, 1]\n");
  std::string written;
  for (const Entry& entry : *root.table()) written += toml_text(entry.value) + " ";
  CHECK(written == "0.8 2.0 inf -1e+300 [0.1, 1] ");
}

TEST_CASE("bad TOML is one problem with its place, and quotes no long number") {
  for (const char* text : {"a = ", "a = 1\na = 2", "[a", "a = \"x", "\xff\xfe", "a = 1 2"}) {
    Problems problems;
    CHECK_FALSE(parse_toml("f.toml", text, problems));
    REQUIRE(problems.all().size() == 1);
    CHECK(problems.all()[0].place.line >= 1);
    CHECK(problems.any_error());
  }
  Problems problems;
  CHECK_FALSE(parse_toml("f.toml", "secret = 99999999999999999999999", problems));
  CHECK(problem_text(problems.all()[0]).find("9999") == std::string::npos);
}

TEST_CASE("nothing breaks on deep nesting or odd bytes") {
  Problems problems;
  CHECK_FALSE(parse_toml("f.toml", "a = " + std::string(100000, '['), problems));
  CHECK_FALSE(parse_toml("f.toml", std::string("[\0\0\0", 4), problems));
  CHECK(problems.all().size() == 2);
}

TEST_CASE("a text that is nested too deep is refused before it is parsed, with its place") {
  const auto dotted = [](int levels) {
    std::string key = "a";
    for (int i = 1; i < levels; ++i) key += ".a";
    return key;
  };
  const auto repeated = [](const std::string& piece, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += piece;
    return text;
  };
  const auto fault = [](const std::string& text) {
    Problems problems;
    parse_toml("f.toml", text, problems);
    return problems.all().empty() ? std::string() : problem_text(problems.all().at(0));
  };
  const std::string deep = "error: nested deeper than 64 levels; no setting lies that deep";
  CHECK(fault(dotted(10'000) + " = 1") == "f.toml:1:130: " + deep);
  CHECK(fault("x = 1\n[" + dotted(10'000) + "]") == "f.toml:2:129: " + deep);
  CHECK(fault("[[" + dotted(10'000) + "]]") == "f.toml:1:130: " + deep);
  CHECK(fault(repeated("\"a\" . ", 10'000) + "a = 1").find(deep) != std::string::npos);
  CHECK(fault("a = " + repeated("{ a.a.a = ", 10'000)).find(deep) != std::string::npos);
  CHECK(fault("a = " + repeated("[ # [[\n", 10'000)).find(deep) != std::string::npos);
  // A header, a key, a table in it: each is deep enough for itself, together they are too deep.
  CHECK(fault("[" + dotted(30) + "]\n" + dotted(30) + " = { " + dotted(30) + " = 1 }").find(deep) != std::string::npos);
  CHECK(fault("[" + dotted(20) + "]\n" + dotted(20) + " = { " + dotted(20) + " = 1 }") == "");
  CHECK(fault(dotted(64) + " = 1") == "");
  // What only looks like it.
  const std::string dots(1000, '.'), brackets(1000, '[');
  CHECK(fault("a = \"" + dots + brackets + "\\\"" + brackets + "\"") == "");
  CHECK(fault("a = '" + dots + brackets + "'\n# " + dots + brackets + "\nb = 1") == "");
  CHECK(fault("a = \"\"\"\n" + brackets + "\n\"" + dots + "\"\n\"\"\"\nb = '''" + brackets + "\n'" + dots + "'''") == "");
  CHECK(fault("a = [" + repeated("1.5, ", 1000) + "]\n" + repeated("[[b]]\nc = { d.e = 1.5 }\n", 1000)) == "");
}

TEST_CASE("a problem is one line: where, what, what to do") {
  Problems problems;
  problems.warning({"b.toml", 1, 1}, "", "odd", "");
  problems.error({"a.toml", 10, 3}, "server.listen", "wrong", "right it");
  problems.error({"a.toml", 9, 30}, "", "worse", "");
  problems.error({"a.toml", 9, 30}, "", "worse", "");  // of a shared file, read twice
  CHECK(problems.any_error());
  problems.sort();
  Texts texts;
  for (const auto& problem : problems.all()) texts.push_back(problem_text(problem));
  CHECK(texts == Texts{"a.toml:9:30: error: worse", "a.toml:10:3: error: server.listen: wrong; right it", "b.toml:1:1: warning: odd"});
  CHECK(problem_text({{"a.toml", 0, 0}, Problem::Level::error, "", "missing", ""}) == "a.toml: error: missing");
}

TEST_CASE("the nearest word, if any is near") {
  const Texts words = {"database", "api", "cron", "down"};
  CHECK(nearest("databse", words) == "database");
  CHECK(nearest("Database", words) == "database");
  CHECK(nearest("dwon", words) == "down");  // swapped letters are one slip
  CHECK(nearest("cr", words) == std::nullopt);
  CHECK(nearest("ap", words) == "api");
  CHECK(nearest("xyz", words) == std::nullopt);
  CHECK(nearest("", words) == std::nullopt);
  CHECK(nearest("a", {"b"}) == std::nullopt);
  CHECK(nearest("completely-different", words) == std::nullopt);
  CHECK(nearest(std::string(100000, 'x'), words) == std::nullopt);
}

TEST_CASE("what somebody wrote is quoted harmlessly") {
  CHECK(shown("plain") == "'plain'");
  CHECK(shown("a\nb\x1b") == "'a\\x0ab\\x1b'");
  CHECK(shown(std::string(1000, 'x')).size() < 100);
}

TEST_CASE("patterns") {
  const auto fits = [](std::string_view pattern, std::string_view text) { return !misfit(pattern, text); };
  CHECK(fits("name", "a-1"));
  for (const char* text : {"", "1a", "A", "a_b", "-a", "ä"}) CHECK_FALSE(fits("name", text));
  for (const char* text : {"127.0.0.1:9780", "[::1]:0", "localhost:80", "db_1.example.org:65535"}) CHECK(fits("host:port", text));
  for (const char* text : {"127.0.0.1", ":80", "a:", "a:65536", "a:-1", "a:8x", "::1:80", "[]:80", "a b:80"})
    CHECK_FALSE(fits("host:port", text));
  for (const char* text : {"http://a", "https://a.b:8443/c?d=e#f", "http://[::1]:80/"}) CHECK(fits("http-url", text));
  for (const char* text : {"a.b", "ftp://a", "http://", "http:///x", "http://a b", "https://u:p@a", "http://a:0/", "http://a:99999/"})
    CHECK_FALSE(fits("http-url", text));
  CHECK(fits("url", "postgres://a/b"));
  CHECK(fits("regex", "^a+$"));
  CHECK_FALSE(fits("regex", "a("));
  CHECK_FALSE(fits("regex", "(?=a)"));  // RE2 has none
  for (const char* text : {"", "/a", "/a~0/~1/0"}) CHECK(fits("json-pointer", text));
  for (const char* text : {"a", "/~", "/~2"}) CHECK_FALSE(fits("json-pointer", text));
  CHECK(fits("header", "X-Request-Id"));
  for (const char* text : {"", "A:", "a b", "a\r\nb"}) CHECK_FALSE(fits("header", text));
  CHECK(fits("method", "PURGE"));
  for (const char* text : {"", "get", "G T", "GEt"}) CHECK_FALSE(fits("method", text));
}

TEST_CASE("what holds a secret in plain text") {
  for (const char* text : {"postgres://u:p@h/d", "host=h password=x", "host=h PASSWORD = x", "https://h/?token=x",
                           "https://h/?a=b&api_key=x", "https://h/?apikey=x", "host=h sslpassword='x'"})
    CHECK_MESSAGE(holds_a_secret(text), text);
  for (const char* text : {"postgres://u@h:5432/d", "host=h user=u dbname=password", "https://h:8443/reset-password", "host=h passfile=/x"})
    CHECK_MESSAGE(!holds_a_secret(text), text);
}

TEST_CASE("circles, each once") {
  using Circles = std::vector<Texts>;
  CHECK(circles({{"a", {"b"}}, {"b", {"c"}}, {"c", {}}}) == Circles{});
  CHECK(circles({{"a", {"a"}}}) == Circles{{"a"}});
  CHECK(circles({{"a", {"b"}}, {"b", {"c", "x"}}, {"c", {"a"}}}) == Circles{{"a", "b", "c"}});
  CHECK(circles({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}) == Circles{{"b", "c"}});
  CHECK(circles({{"a", {"b", "c"}}, {"b", {"d"}}, {"c", {"d"}}, {"d", {}}}) == Circles{});  // a diamond is none
  CHECK(circle_text({"a", "b"}) == "a -> b -> a");
}

TEST_CASE("what a template asks for and nothing fills") {
  for (const char* text : {"", "plain { } }}", "{{title}} {{ elapsed }} {{{url}}} {{&summary}}", "{{! a comment }}",
                           "{{#recovery_point}}up to {{recovery_point}}{{/recovery_point}}{{^recovery_point}}unknown{{/recovery_point}}"})
    CHECK_MESSAGE(template_misfits(text).empty(), text);
  for (const char* text : {"{{titel}}", "{{}}", "{{title", "{{{title}}", "{{#title}}", "{{/title}}", "{{#title}}{{#url}}{{/title}}{{/url}}",
                           "{{>partial}}", "{{=<% %>=}}", "{{title.x}}", "{{Title}}", "{{.}}"})
    CHECK_MESSAGE(!template_misfits(text).empty(), text);
  CHECK(template_misfits("{{titel}} {{elapsd}}").size() == 2);
}

}  // namespace
}  // namespace drwatch::config::document_test
