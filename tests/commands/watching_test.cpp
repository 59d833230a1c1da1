// SPDX-License-Identifier: Apache-2.0
// What is watched fits the terminal, and can be moved on it.
#include "daemon/commands/watching.hpp"

#include <doctest/doctest.h>

namespace watching_test {

using namespace drwatch::commands;

namespace {

std::string numbered(int lines) {
  std::string text;
  for (int n = 1; n <= lines; ++n) text += "line " + std::to_string(n) + "\n";
  return text;
}

std::size_t first_after(const std::string& keys, std::size_t first = 10) {
  bool end = false;
  return after_keys(keys, first, {11, 80}, end);
}

}  // namespace

TEST_CASE("what fits is shown whole; of what does not, a page and where one is") {
  std::size_t first = 3;
  CHECK(fitted("one\ntwo\n", {2, 80}, first) == "one\ntwo");
  CHECK(first == 0);
  CHECK(fitted("", {24, 80}, first) == "");
  CHECK(fitted(numbered(5), {4, 80}, first) == "line 1\nline 2\nline 3\nlines 1 to 3 of 5; arrows, blank and b move, q ends");
  first = 99;
  CHECK(fitted(numbered(5), {4, 80}, first) == "line 3\nline 4\nline 5\nlines 3 to 5 of 5; arrows, blank and b move, q ends");
  CHECK(first == 2);
  CHECK(fitted(numbered(5), {1, 8}, first) == "line 3\nlines 3 ");
}

TEST_CASE("a line is cut at the width: letters count, colours do not, and no colour is left on") {
  std::size_t first = 0;
  CHECK(fitted("abcdef\n", {24, 4}, first) == "abcd");
  CHECK(fitted("\x1b[31mab\x1b[0m\n", {24, 2}, first) == "\x1b[31mab\x1b[0m");
  CHECK(fitted("\x1b[31mabc\x1b[0md\n", {24, 2}, first) == "\x1b[31mab\x1b[0m");
  CHECK(fitted("\xc3\xa4\xc3\xb6\xc3\xbc\n", {24, 2}, first) == "\xc3\xa4\xc3\xb6");
  CHECK(fitted("ab\x1b\n", {24, 2}, first) == "ab\x1b");  // no sequence at all
}

TEST_CASE("keys move it, several at once as well, and no further than its beginning") {
  CHECK(first_after("j") == 11);
  CHECK(first_after("\x1b[B\x1b[B\x1b[A") == 11);
  CHECK(first_after(" ") == 20);
  CHECK(first_after("\x1b[6~") == 20);
  CHECK(first_after("b") == 0);
  CHECK(first_after("\x1b[5~k") == 0);
  CHECK(first_after("kk", 1) == 0);
  CHECK(first_after("Gg") == 0);
  CHECK(first_after("xyz\x1b") == 10);
  std::size_t first = first_after("G");
  fitted(numbered(50), {11, 80}, first);
  CHECK(first == 40);
  for (const char* ends : {"q", "jjq", "\x03", "\x04"}) {
    bool end = false;
    after_keys(ends, 0, {11, 80}, end);
    CHECK(end);
  }
}

}  // namespace watching_test
