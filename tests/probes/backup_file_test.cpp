// SPDX-License-Identifier: Apache-2.0
// Folders of dumps: which one counts, and why. Reading real ones is in real_dump_test.cpp.
#include "probes/backup/dump/reading.hpp"
#include "tests/probes/fake_world.hpp"

#include <doctest/doctest.h>

#include <random>

namespace backup_file_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

const std::string toml = "reads = \"file\"\nfolder = \"/srv/dumps\"\npattern = \"*.dump\"\n";

// FakeClock stands at 2026-03-01T02:00:00Z. Every dump can be read to its end, unless its name stands in `cut`.
struct Folder {
  FakeWorld world;
  std::vector<std::string> cut, silent;
  int restores = 0;
  std::unique_ptr<Probe> probe = probe_of("backup", toml);

  Folder() {
    world.exec.answer = [this](const ExecRequest& request) -> Result<ExecResult> {
      const auto is = [&](const std::vector<std::string>& names) {
        return std::any_of(names.begin(), names.end(), [&](const std::string& n) { return request.argv.back().ends_with("/" + n); });
      };
      if (is(silent)) return failure(Reason::internal, "ENOENT", "pg_restore can't be started");
      ExecResult result;
      result.exit_code = 0;
      if (request.argv.front() == "head") result.output = "PGDMP\x01\x0e";
      if (request.argv.front() == "sha256sum") result.output = std::string(64, 'b') + "  " + request.argv.back() + "\n";
      if (request.argv.front() == "pg_restore") {
        ++restores;
        if (is(cut)) result.exit_code = 1, result.errors = "pg_restore: error: could not read from input file: end of file\n";
      }
      return result;
    };
  }
  void week() {
    for (int day = 21; day <= 28; ++day)
      world.files.add("2026-02-" + std::to_string(day) + ".dump", 1'000'000, "2026-02-" + std::to_string(day) + "T02:10:00Z");
  }
  // The fake clock is at each deadline at once: what one run had no time for, the next one does.
  Outcome run() {
    Outcome outcome = world.run(*probe);
    for (int more = 0; more < 10 && outcome.message.find("takes longer") != std::string::npos; ++more) outcome = world.run(*probe);
    return outcome;
  }
};

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

std::string point(const Outcome& outcome) { return outcome.recovery && outcome.recovery->time ? time_text(*outcome.recovery->time) : ""; }

}  // namespace

TEST_CASE("backup file: the newest dump that can be read, once") {
  Folder folder;
  folder.week();
  folder.world.files.add("readme.txt", 10, "2026-03-01T01:59:00Z");
  folder.world.files.add(".hidden.dump", 10, "2026-03-01T01:59:00Z");
  folder.world.files.add("2026-03-01.dump.part", 10, "2026-03-01T01:59:00Z");
  const Outcome good = folder.run();
  CHECK(good.outcome == Health::up);
  CHECK(point(good) == "2026-02-28T02:10:00Z");
  CHECK_FALSE(good.recovery->continuous);
  CHECK(good.recovery->oldest == *parse_time("2026-02-21T02:10:00Z"));
  CHECK_FALSE(good.recovery->safe);
  CHECK(good.facts.at("newest_good") == "2026-02-28.dump");
  CHECK(good.facts.at("point_from") == "file time");
  CHECK(good.facts.at("dumps") == "8");
  CHECK(folder.restores == 1);
  folder.run();
  CHECK(folder.restores == 1);
  folder.world.files.entries[7].size += 1;  // another file now
  folder.run();
  CHECK(folder.restores == 2);
}

TEST_CASE("backup file: the point is the start of the dump") {
  Folder folder;
  folder.probe = probe_of("backup", toml + "takes = \"10m\"\n");
  folder.week();
  CHECK(point(folder.run()) == "2026-02-28T02:00:00Z");
  folder.world.files.add_text("2026-02-28.dump.json",
                              R"({"started_at":"2026-02-28T01:55:00Z","finished_at":1772244600,"size":1000000,"rc":0})");
  const Outcome told = folder.run();
  CHECK(told.outcome == Health::up);
  CHECK(point(told) == "2026-02-28T01:55:00Z");
  CHECK(told.facts.at("point_from") == "sidecar");
  CHECK(told.facts.at("took") == "15m");
}

TEST_CASE("backup file: every complaint") {
  struct Row {
    const char* what;
    std::function<void(Folder&)> change;
    Health health;
    Reason reason;
    const char* says;
    const char* point;
  };
  const auto newest = [](Folder& f, std::uint64_t size, const std::string& time = "2026-03-01T01:00:00Z") {
    f.world.files.add("2026-03-01.dump", size, time);
  };
  const auto beside = [](const std::string& text) { return [text](Folder& f) { f.world.files.add_text("2026-02-28.dump.json", text); }; };
  const char* before = "2026-02-27T02:10:00Z";
  const char* usual = "2026-02-28T02:10:00Z";
  const std::string wrong(64, 'a');
  const Row rows[] = {
      {"cut short", [&](Folder& f) { newest(f, 1'000'000), f.cut = {"2026-03-01.dump"}; }, Health::down, Reason::assertion,
       "'2026-03-01.dump' can't be read to its end", usual},
      {"still being written", [&](Folder& f) { newest(f, 500'000, "2026-03-01T01:55:00Z"), f.cut = {"2026-03-01.dump"}; }, Health::up,
       Reason::none, "", usual},
      {"empty", [&](Folder& f) { newest(f, 0); }, Health::down, Reason::assertion, "is empty", usual},
      {"two cut short", [&](Folder& f) { newest(f, 900'000), f.cut = {"2026-03-01.dump", "2026-02-28.dump"}; }, Health::down,
       Reason::assertion, "'2026-02-28.dump' can't be read", before},
      {"all cut short",
       [&](Folder& f) {
         for (auto& e : f.world.files.entries) f.cut.push_back(e.name);
       },
       Health::down, Reason::assertion, "can't be read", ""},
      {"too small", [&](Folder& f) { newest(f, 700'000); }, Health::degraded, Reason::assertion, "has 700000 bytes",
       "2026-03-01T01:00:00Z"},
      {"too large", [&](Folder& f) { newest(f, 2'100'000); }, Health::degraded, Reason::assertion, "have 1000000", "2026-03-01T01:00:00Z"},
      {"a little smaller", [&](Folder& f) { newest(f, 810'000); }, Health::up, Reason::none, "", "2026-03-01T01:00:00Z"},
      {"the dump failed", beside(R"({"rc":1})"), Health::down, Reason::assertion, "failed (rc 1)", before},
      {"shorter than was written", beside(R"({"size":1000001})"), Health::down, Reason::assertion, "and 1000001 were written", before},
      {"not what was dumped", beside("{\"sha256\":\"" + wrong + "\"}"), Health::down, Reason::assertion, "SHA-256", before},
      {"a sidecar of another shape", beside("[]"), Health::degraded, Reason::protocol, "not understood", usual},
      {"a sidecar that contradicts itself", beside(R"({"started_at":"2026-02-28T03:00:00Z","finished_at":"2026-02-28T02:00:00Z"})"),
       Health::degraded, Reason::protocol, "not understood", usual},
      {"from the future", beside(R"({"started_at":"2027-02-28T03:00:00Z"})"), Health::unknown, Reason::protocol, "future", ""},
      {"nothing", [](Folder& f) { f.world.files.entries.clear(); }, Health::down, Reason::absent, "there is no dump", ""},
      {"the folder is gone", [](Folder& f) { f.world.files.unlistable = failure(Reason::absent, "ENOENT", "/srv/dumps: no such file"); },
       Health::down, Reason::absent, "is not there", ""},
      {"not allowed", [](Folder& f) { f.world.files.unlistable = failure(Reason::own_fault, "EACCES", "/srv/dumps: permission denied"); },
       Health::unknown, Reason::own_fault, "could not be listed", ""},
      {"no program to read it", [](Folder& f) { f.silent = {"2026-02-28.dump"}; }, Health::unknown, Reason::internal,
       "could not be looked at", ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Folder folder;
    folder.week();
    row.change(folder);
    const Outcome outcome = folder.run();
    CHECK(outcome.outcome == row.health);
    CHECK(outcome.reason == row.reason);
    CHECK(says(outcome, row.says));
    CHECK(point(outcome) == row.point);
    if (outcome.outcome == Health::down) CHECK(outcome.recovery->failing);
  }
}

TEST_CASE("backup file: what was being written and stays as it is, was cut short") {
  Folder folder;
  folder.week();
  folder.world.files.add("2026-03-01.dump", 500'000, "2026-03-01T01:55:00Z");
  folder.cut = {"2026-03-01.dump"};
  CHECK(folder.run().outcome == Health::up);
  folder.world.clock.wall += minutes{5};
  CHECK(folder.run().outcome == Health::down);
  CHECK(folder.restores == 2);
  // Alone, it is neither.
  Folder first;
  first.world.files.add("a.dump", 5, "2026-03-01T01:55:00Z");
  first.cut = {"a.dump"};
  CHECK(first.run().outcome == Health::degraded);
  CHECK(first.run().reason == Reason::absent);
}

TEST_CASE("backup file: without reading, names and sizes are all there is") {
  Folder folder;
  folder.probe = probe_of("backup", toml + "read = false\n");
  folder.week();
  folder.cut = {"2026-02-28.dump"};
  CHECK(folder.run().outcome == Health::up);
  CHECK(folder.world.exec.requests.empty());
}

TEST_CASE("backup file: behind its schedule") {
  DumpWanted wanted;
  wanted.every = hours{24};
  DumpLook look;
  look.state = DumpLook::State::good;
  look.file = {"a.dump", 10, *parse_time("2026-02-28T02:00:00Z")};
  const auto one = [](const DumpLook& of) { return DumpFolder{{{of.file, std::nullopt}}, 1, of.file.modified}; };
  const auto at = [&](const char* now) { return judge_dumps({look}, one(look), wanted, *parse_time(now)); };
  CHECK(at("2026-03-01T07:59:00Z").outcome == Health::up);
  const Outcome late = at("2026-03-01T08:01:00Z");
  CHECK(late.outcome == Health::degraded);
  CHECK(late.reason == Reason::stale);
  CHECK(says(late, "one is expected every 1 d"));
}

TEST_CASE("backup file: of however many files, a bounded part is looked at on the loop") {
  std::vector<FileEntry> listing;
  const Time begin = *parse_time("2020-01-01T00:00:00Z");
  constexpr int dumps = 50'000;
  for (int i = 0; i < dumps; ++i) {
    const std::string name = std::to_string(100'000 + i) + ".dump";
    const std::uint64_t size = i >= dumps - 100 || i % 2 == 0 ? 1000 : 0;  // behind the first hundred, every other one is empty
    listing.push_back({name, size, begin + minutes{i}});
    listing.push_back({name + ".json", 10, begin + minutes{i}});
    listing.push_back({name + ".log", 10, begin + minutes{i}});
  }
  const DumpFolder folder = dump_folder(listing, "*.dump", ".json");
  CHECK(folder.count == dumps);
  CHECK(folder.oldest == begin);
  REQUIRE(folder.newest.size() == 107);
  CHECK(folder.newest.front().file.name == "149999.dump");
  CHECK(folder.newest.front().sidecar->name == "149999.dump.json");
  CHECK(folder.newest[99].file.name == "149900.dump");
  CHECK(folder.newest[100].file.name == "149898.dump");
  CHECK(std::all_of(folder.newest.begin() + 100, folder.newest.end(), [](const auto& d) { return d.file.size > 0; }));
}

TEST_CASE("backup file: names, trailers, sidecars") {
  CHECK(matches("*", ""));
  CHECK(matches("*.dump", "a.dump"));
  CHECK_FALSE(matches("*.dump", "a.dump.gz"));
  CHECK(matches("db-????.sql*", "db-2026.sql.gz"));
  CHECK_FALSE(matches("", "a"));
  CHECK_FALSE(matches(std::string(2000, '*') + "b", std::string(20'000, 'a')));

  CHECK(ends_well("--\n-- PostgreSQL database dump complete\n--\n\n", false));
  CHECK(ends_well("--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict a1b2c3\n\n", false));  // as of the minor releases of 2025
  CHECK(ends_well("--\n-- PostgreSQL database cluster dump complete\n--\n", false));
  CHECK_FALSE(ends_well("COPY public.t (a) FROM stdin;\n1\n2\n", false));
  CHECK_FALSE(ends_well("", false));
  std::string long_after = "-- PostgreSQL database dump complete\n";  // a row that quotes it, far above the end
  for (int i = 0; i < 50; ++i) long_after += "row\n";
  CHECK_FALSE(ends_well(long_after, false));
  // Of a cluster's dump that was cut short, the last words may be those of one of its databases.
  CHECK(is_of_cluster("--\n-- PostgreSQL database cluster dump\n--\n\nSET default_transaction_read_only = off;\n"));
  CHECK_FALSE(is_of_cluster("--\n-- PostgreSQL database dump\n--\n"));
  CHECK_FALSE(ends_well("--\n-- PostgreSQL database dump complete\n--\n\n", true));
  CHECK(ends_well("--\n-- PostgreSQL database cluster dump complete\n--\n", true));

  std::mt19937 dice(7);
  const std::string whole =
      R"({"started_at":"2026-02-28T01:55:00Z","finished_at":1772244600,"size":1000000,"rc":0,"sha256":")" + std::string(64, 'a') + "\"}";
  REQUIRE(parse_sidecar(whole));
  for (int round = 0; round < 4000; ++round) {
    std::string text = whole;
    for (int changes = 0; changes < 3; ++changes) {
      const auto at = dice() % text.size();
      if (dice() % 2)
        text[at] = static_cast<char>(dice());
      else if (text.size() > 4)
        text.erase(at, 1 + dice() % 8);
      if (text.empty()) text = "{";
    }
    const auto sidecar = parse_sidecar(text);
    if (!sidecar) continue;
    CHECK((sidecar->sha256.empty() || sidecar->sha256.size() == 64));
    if (sidecar->started_at && sidecar->finished_at) CHECK(*sidecar->started_at <= *sidecar->finished_at);
  }
}

TEST_CASE("backup file: configuration") {
  const auto first = [](const std::string& text) {
    const auto problems = problems_of("backup", text);
    return problems.empty() ? "" : problems.front();
  };
  CHECK(first(toml).empty());
  CHECK(first("reads = \"file\"").find("needs 'folder'") != std::string::npos);
  CHECK(first(toml + "sidecar = \"/../x\"").find("not the end of a file's name") != std::string::npos);
  CHECK(first(toml + "smallest = 1.5").find("out of bounds") != std::string::npos);
  CHECK(first(toml + "stanza = \"main\"").find("not a key of reads = \"file\"") != std::string::npos);
}

TEST_CASE("backup file: what is the whole truth, and what may still turn out otherwise") {
  struct Row {
    const char* what;
    std::function<void(Folder&)> change;
    bool whole;
    const char* point;
  };
  const auto newest = [](Folder& f, const std::string& time) {
    f.world.files.add("2026-03-01.dump", 500'000, time), f.cut = {"2026-03-01.dump"};
  };
  const char* usual = "2026-02-28T02:10:00Z";
  const Row rows[] = {
      {"a good one", [](Folder&) {}, true, usual},
      {"the newest were deleted", [](Folder& f) { f.world.files.entries.resize(3); }, true, "2026-02-23T02:10:00Z"},
      {"all were", [](Folder& f) { f.world.files.entries.clear(); }, true, ""},
      {"only something else is left",
       [](Folder& f) {
         f.world.files.entries.clear();
         f.world.files.add("README.txt", 100, "2026-03-01T01:00:00Z");
       },
       true, ""},
      {"the folder is gone", [](Folder& f) { f.world.files.unlistable = failure(Reason::absent, "ENOENT", "no such file"); }, true, ""},
      {"the newest is cut short", [&](Folder& f) { newest(f, "2026-03-01T01:00:00Z"); }, true, usual},
      {"the newest is still being written", [&](Folder& f) { newest(f, "2026-03-01T01:55:00Z"); }, false, usual},
      {"all are cut short",
       [](Folder& f) {
         for (auto& e : f.world.files.entries) f.cut.push_back(e.name);
       },
       true, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Folder folder;
    folder.week();
    row.change(folder);
    const Outcome outcome = folder.run();
    REQUIRE(outcome.recovery);
    CHECK(outcome.recovery->whole == row.whole);
    CHECK(point(outcome) == row.point);
  }
  // The only file is being overwritten: neither the old one nor the new one.
  Folder one;
  one.world.files.add("latest.dump", 500'000, "2026-03-01T01:55:00Z");
  one.cut = {"latest.dump"};
  CHECK_FALSE(one.run().recovery);
}

TEST_CASE("backup file: however many bad ones lie before it, the good one is found, a few in each run") {
  Folder folder;
  for (int i = 10; i < 40; ++i)
    folder.world.files.add("2026-02-" + std::to_string(i) + ".dump", 1'000'000, "2026-02-20T02:10:" + std::to_string(i) + "Z");
  for (int i = 11; i < 40; ++i) folder.cut.push_back("2026-02-" + std::to_string(i) + ".dump");
  int runs = 0;
  while (point(folder.run()).empty() && ++runs < 60) CHECK_FALSE(folder.run().recovery->whole);
  CHECK(point(folder.run()) == "2026-02-20T02:10:10Z");
  CHECK(folder.restores == 30);
}

}  // namespace backup_file_test
