// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/wal_position.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace wal_archive_test {

using namespace drwatch;

namespace {

constexpr std::uint64_t mb = 1 << 20;
constexpr std::uint64_t size = 16 * mb;
const Time written = *parse_time("2026-03-01T02:00:00Z");

Segment s(std::uint64_t number, std::uint32_t timeline = 1) { return {timeline, number}; }

// Whole segments, by number.
ArchiveListing held(std::initializer_list<std::uint64_t> numbers, std::uint32_t timeline = 1) {
  ArchiveListing listing;
  for (const auto number : numbers) listing.held[s(number, timeline)] = written + seconds{static_cast<int>(number)};
  return listing;
}

BaseBackup backup(std::uint64_t start, std::uint64_t stop, std::uint32_t timeline = 1) {
  return {segment_name(s(start, timeline), size) + ".00000028.backup", s(start, timeline), s(stop, timeline), stop * size + 0x100};
}

ArchiveReading read(const ArchiveListing& listing, std::vector<BaseBackup> backups,
                    std::map<std::uint32_t, std::vector<Ancestor>> histories = {}, std::optional<std::uint32_t> timeline = std::nullopt) {
  return read_archive(listing, backups, histories, size, timeline);
}

std::vector<Segment> segments(std::initializer_list<std::uint64_t> numbers) {
  std::vector<Segment> made;
  for (const auto number : numbers) made.push_back(s(number));
  return made;
}

}  // namespace

TEST_CASE("segment names and positions at every segment size") {
  struct Row {
    std::uint64_t segment_size;
    const char* name;
    std::uint64_t number;
    const char* end;
  };
  const Row rows[] = {
      {mb, "000000010000000000000FFF", 0xfff, "1/0"},
      {mb, "000000010000000100000000", 0x1000, "1/100000"},
      {16 * mb, "000000010000000000000004", 4, "0/5000000"},
      {16 * mb, "0000000A000000AB000000FF", 0xabff, "AC/0"},
      {16 * mb, "00000001000000AC00000000", 0xac00, "AC/1000000"},
      {1024 * mb, "000000010000000000000003", 3, "1/0"},
      {1024 * mb, "000000010000000700000002", 30, "7/C0000000"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const auto segment = parse_segment(row.name, row.segment_size);
    REQUIRE(segment);
    CHECK(segment->number == row.number);
    CHECK(lsn_text(end_lsn(*segment, row.segment_size)) == row.end);
    CHECK(parse_lsn(row.end) == end_lsn(*segment, row.segment_size));
    CHECK(segment_name(*segment, row.segment_size) == row.name);
  }
  CHECK(parse_segment("0000000A000000AB000000FF", size)->timeline == 10);
}

TEST_CASE("what is not a segment's name") {
  for (const char* name : {"", "00000001000000000000000", "0000000100000000000000040", "00000001000000000000000g",
                           "00000001000000000000000a", "000000000000000000000004", "000000010000000000000100", "00000001.history"})
    CHECK_FALSE_MESSAGE(parse_segment(name, size), name);
  CHECK_FALSE(parse_segment("000000010000000000000004", 1024 * mb));  // 1 GB segments end at 03
  CHECK(parse_segment("000000010000000000000FFF", mb));
  for (std::uint64_t wrong : {std::uint64_t{0}, mb / 2, 3 * mb, 2048 * mb}) CHECK_FALSE(is_segment_size(wrong));
  for (const char* wrong : {"", "/", "0/", "/0", "0", "0/100000000", "x/1", "0/1 "}) CHECK_FALSE_MESSAGE(parse_lsn(wrong), wrong);
}

TEST_CASE("what of a listing counts as a whole segment") {
  const std::string sha = "-0123456789abcdef0123456789abcdef01234567";
  const std::vector<FileEntry> entries = {
      {"000000010000000000000001", size, written},
      {"000000010000000000000002", 0, written},         // touch
      {"000000010000000000000003", size - 1, written},  // cut short
      {"000000010000000000000004.gz", 100, written},
      {"000000010000000000000005.zst", 0, written},
      {"000000010000000000000006.partial", size, written},
      {"000000010000000000000007" + sha + ".gz", 5, written},
      {"000000010000000000000008" + sha, size, written},
      {"000000010000000000000009.tmp", size, written},
      {"00000001000000000000000A.lz4", 5, written},
      {"00000001000000000000000B", 2 * size, written},
      {"000000010000000000000001.00000028.backup", 300, written},
      {"00000002.history", 50, written},
      {"README", 50, written},
  };
  const ArchiveListing listing = sort_listing(entries, size);
  std::vector<std::uint64_t> numbers;
  for (const auto& [segment, when] : listing.held) numbers.push_back(segment.number);
  CHECK(numbers == std::vector<std::uint64_t>{1, 4, 7, 8, 10});
  CHECK(listing.broken == std::set<Segment>{s(2), s(3), s(5), s(11)});
  REQUIRE(listing.backups.size() == 1);
  REQUIRE(listing.histories.size() == 1);
  CHECK(guess_segment_size(entries) == 2 * size);
  CHECK(guess_segment_size({entries[0], entries[1], entries[2]}) == size);
  CHECK_FALSE(guess_segment_size({entries[3]}));
  CHECK_FALSE(guess_segment_size({entries[2]}));
}

TEST_CASE("a .backup file as PostgreSQL writes it") {
  const std::string text =
      "START WAL LOCATION: 0/4000028 (file 000000010000000000000004)\n"
      "STOP WAL LOCATION: 0/5000100 (file 000000010000000000000005)\n"
      "CHECKPOINT LOCATION: 0/4000060\nBACKUP METHOD: streamed\nBACKUP FROM: primary\n"
      "START TIME: 2026-11-22 19:39:45 UTC\nLABEL: pg_basebackup base backup\nSTART TIMELINE: 1\nSTOP TIME: 2026-11-22 19:39:48 UTC\nSTOP "
      "TIMELINE: 1\n";
  const std::string name = "000000010000000000000004.00000028.backup";
  const auto parsed = parse_base_backup(name, text, size);
  REQUIRE(parsed);
  CHECK(parsed->start == s(4));
  CHECK(parsed->stop == s(5));
  CHECK(lsn_text(parsed->stop_lsn) == "0/5000100");
  CHECK_FALSE(parse_base_backup("000000010000000000000003.00000028.backup", text, size));  // another one's text
  CHECK_FALSE(parse_base_backup(name, "", size));
  CHECK_FALSE(parse_base_backup(name, text.substr(0, 80), size));  // cut before STOP
}

TEST_CASE("a .history file") {
  const auto history = parse_history("1\t0/5000000\tno recovery target specified\n\n2\t0/9000148\tbefore 2026\n");
  REQUIRE(history);
  REQUIRE(history->size() == 2);
  CHECK((*history)[0].timeline == 1);
  CHECK((*history)[1].left_at == 0x9000148);
  CHECK(parse_history("")->empty());
  for (const char* wrong : {"1 0/5\n", "x\t0/5\ty\n", "2\t0/5\tx\n1\t0/6\tx\n", "1\t0/9\tx\n2\t0/6\tx\n"})
    CHECK_FALSE_MESSAGE(parse_history(wrong), wrong);
}

TEST_CASE("an empty archive, and one without a base backup") {
  CHECK_FALSE(read({}, {}).chain);
  const auto reading = read(held({3, 4, 5}), {});
  REQUIRE(reading.chain);
  CHECK_FALSE(reading.chain->base);
  CHECK(reading.chain->first == s(3));
  CHECK(reading.chain->last == s(5));
  CHECK(reading.chain->written == written + seconds{5});
  CHECK(reading.missing.empty());
}

TEST_CASE("a gap ends what can be restored, until a base backup behind it") {
  ArchiveListing listing = held({1, 2, 3, 4, 0xd, 0xe, 0xf});
  const auto broken = read(listing, {backup(2, 2)});
  CHECK(broken.chain->last == s(4));
  CHECK(broken.newest == s(0xf));
  CHECK(broken.missing == segments({5, 6, 7, 8, 9, 10, 11, 12}));
  CHECK(segments_text(broken.missing, size) == "000000010000000000000005 to 00000001000000000000000C (8 segments)");

  const auto healed = read(listing, {backup(2, 2), backup(0xe, 0xe)});
  CHECK(healed.chain->base->start == s(0xe));
  CHECK(healed.chain->last == s(0xf));
  CHECK(healed.missing.empty());
}

TEST_CASE("a base backup counts only when it can be made consistent") {
  // Its last segment is not there: the older one carries on, and the gap is told.
  const auto reading = read(held({1, 2, 3, 5}), {backup(1, 1), backup(3, 4)});
  CHECK(reading.chain->base->start == s(1));
  CHECK(reading.chain->last == s(3));
  CHECK(reading.missing == segments({4}));
  // None counts: counted from the oldest segment, without a base.
  const auto none = read(held({2, 3}), {backup(1, 1)});
  CHECK_FALSE(none.chain->base);
  CHECK(none.chain->first == s(2));
  // A gap inside the backup.
  CHECK_FALSE(read(held({1, 3}), {backup(1, 3)}).chain->base);
}

TEST_CASE("of backups that reach as far, the newest; an old gap does no harm") {
  const auto reading = read(held({1, 3, 4, 5, 6}), {backup(3, 3), backup(5, 5), backup(1, 1)});
  CHECK(reading.chain->base->start == s(5));
  CHECK(reading.chain->last == s(6));
  CHECK(reading.missing.empty());
}

TEST_CASE("a failover: the chain goes on along the new timeline, through its own copy of the switched segment") {
  ArchiveListing listing = held({1, 2, 3, 4, 5});
  for (std::uint64_t number : {5, 6, 7}) listing.held[s(number, 2)] = written;
  const std::map<std::uint32_t, std::vector<Ancestor>> histories = {{2, {{1, 5 * size + 0x148}}}};
  const auto reading = read(listing, {backup(2, 2)}, histories);
  CHECK(reading.chain->last == s(7, 2));
  CHECK(reading.missing.empty());
  CHECK_FALSE(reading.orphan);

  listing.held.erase(s(5, 2));  // the old timeline's copy does not do
  const auto gap = read(listing, {backup(2, 2)}, histories);
  CHECK(gap.chain->last == s(4));
  CHECK(gap.missing == std::vector<Segment>{s(5, 2)});
}

TEST_CASE("a new timeline that nothing leads to") {
  ArchiveListing listing = held({1, 2, 3});
  listing.held[s(3, 2)] = written;
  listing.held[s(4, 2)] = written;
  const auto reading = read(listing, {backup(1, 1)});
  CHECK(reading.orphan == 2u);
  CHECK(reading.chain->last == s(3));
  // A base backup of its own is enough.
  CHECK(read(listing, {backup(1, 1), backup(3, 3, 2)}).chain->last == s(4, 2));
  // The database still writes the old one: somebody promoted a clone into this archive.
  const auto clone = read(listing, {backup(1, 1)}, {}, 1);
  CHECK_FALSE(clone.orphan);
  CHECK(clone.chain->last == s(3));
}

TEST_CASE("a backup of the old timeline's abandoned end is not restored along the new one") {
  ArchiveListing listing = held({1, 2, 3, 4, 5});
  for (std::uint64_t number : {3, 4}) listing.held[s(number, 2)] = written;
  const std::map<std::uint32_t, std::vector<Ancestor>> histories = {{2, {{1, 3 * size + 5}}}};
  const auto reading = read(listing, {backup(4, 4)}, histories, 2);
  CHECK(reading.chain->last == s(5));  // still the only thing that can be restored
  CHECK(reading.orphan == 2u);
  CHECK(reading.chain->base->start == s(4));
}

TEST_CASE("a huge gap is told in bounds") {
  const auto reading = read(held({1, 1000000}), {backup(1, 1)});
  CHECK(reading.missing.size() == most_missing);
  CHECK(segments_text(reading.missing, size).ends_with("(1000 segments or more)"));
}

}  // namespace wal_archive_test
