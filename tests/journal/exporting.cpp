// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal/exporting.hpp"
#include "daemon/journal/database.hpp"
#include "tests/journal/bench.hpp"

#include <doctest/doctest.h>

namespace exporting_test {

using namespace drwatch;
using namespace drwatch::journal_tests;
namespace fs = std::filesystem;

namespace {
std::vector<std::uint64_t> events_of(const std::string& file) {
  std::vector<std::uint64_t> all;
  read_journal(file, [&](const Event& event) { all.push_back(event.seq); });
  return all;
}
}  // namespace

TEST_CASE("a part of a journal is a journal that verifies by itself, and begins with the hash that the chain had there") {
  const Folder folder;
  const std::string path = folder / "journal.db", part = folder / "part.db";
  make_journal(path, 60);
  const auto verdict = export_journal(path, JournalPart{20, 40, event(18).at}, part);
  CHECK_FALSE(verdict.broken);
  CHECK(verdict.first_seq == 18);  // and what was since then
  CHECK(verdict.last_seq == 40);
  CHECK(events_of(part).front() == 18);
  CHECK(events_of(part).size() == 23);
  CHECK_FALSE(fs::exists(part + "-wal"));
  // Its last hash is the one that the whole journal has there.
  const std::string whole = folder / "whole.db";
  const auto first = export_journal(path, JournalPart{1, 40, Time{}}, whole);
  CHECK(first.first_seq == 1);
  CHECK(first.last_hash == verdict.last_hash);
  CHECK(export_journal(path, std::nullopt, folder / "all.db").last_hash == verify_journal(path).last_hash);
}

TEST_CASE("a part that somebody changed, or left something out of, is found out") {
  const Folder folder;
  const std::string path = folder / "journal.db", part = folder / "part.db";
  make_journal(path, 60);
  export_journal(path, JournalPart{20, 40, event(20).at}, part);
  {
    journal::Database db(part, journal::Database::Mode::write);
    SUBCASE("changed") { db.run("UPDATE events SET json = replace(json, '\"seq\":30', '\"seq\":30 ') WHERE seq = 30"); }
    SUBCASE("left out") { db.run("DELETE FROM events WHERE seq = 30"); }
    SUBCASE("cut off") { db.run("DELETE FROM events WHERE seq > 35"); }
  }
  CHECK(verify_journal(part).broken);
}

TEST_CASE("of a part whose file was cut it is said what is there and what is missing, and no event is named that never was") {
  const Folder folder;
  const std::string path = folder / "journal.db", part = folder / "part.db", cut = folder / "cut.db";
  make_journal(path, 160);
  export_journal(path, JournalPart{16, 140, event(16).at}, part);
  for (std::uintmax_t size = 4096; size < fs::file_size(part); size += 1024) {
    CAPTURE(size);
    fs::copy_file(part, cut, fs::copy_options::overwrite_existing);
    fs::resize_file(cut, size);
    JournalVerdict verdict;
    try {
      verdict = verify_journal(cut);
    } catch (const std::runtime_error&) {
      continue;  // so little is left that it is no journal
    }
    REQUIRE(verdict.broken);
    CAPTURE(verdict.broken->message);
    CHECK(verdict.broken->message.find("18446744073709551615") == std::string::npos);
    const auto says = [&](const char* words) { return verdict.broken->message.find(words) != std::string::npos; };
    CHECK((says("pages") || says("are missing")));
    CHECK(verdict.broken->seq <= 141);
    if (verdict.events > 0) CHECK((verdict.first_seq == 16 && verdict.broken->seq == verdict.last_seq + 1));
  }
}

TEST_CASE("a part that is not there is refused") {
  const Folder folder;
  const std::string path = folder / "journal.db";
  make_journal(path, 60);
  CHECK_THROWS_WITH_AS(export_journal(path, JournalPart{20, 90, event(20).at}, folder / "part.db"),
                       doctest::Contains("event 90 is not in the journal yet"), std::runtime_error);
  CHECK_THROWS_WITH_AS(export_journal(folder / "none.db", std::nullopt, folder / "copy.db"), doctest::Contains("cannot copy the journal"),
                       std::runtime_error);
  const std::string cut = folder / "cut.db";
  export_journal(path, JournalPart{20, 40, event(20).at}, cut);
  CHECK_THROWS_WITH_AS(export_journal(cut, JournalPart{10, 30, Time{}}, folder / "part.db"),
                       doctest::Contains("was cut off behind an anchor"), std::runtime_error);
}

}  // namespace exporting_test
