// SPDX-License-Identifier: Apache-2.0
// What lies in a folder of backups. The first byte chooses: a sidecar, the end of a dump, names of WAL, a history, a .backup file, a
// pattern.
#include "probes/backup/dump/file.hpp"
#include "probes/backup/dump/reading.hpp"
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/wal_position.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace backup_files_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

constexpr std::uint64_t usual = 16 << 20;

void sidecar(std::string_view text) {
  const auto read = parse_sidecar(text);
  if (!read) return;
  must(!read->started_at || !read->finished_at || *read->started_at <= *read->finished_at, "it ended after it began");
  must(read->sha256.empty() || (read->sha256.size() == 64 && read->sha256.find_first_not_of("0123456789abcdef") == std::string::npos),
       "a checksum is one");
  DumpLook look;
  look.state = DumpLook::State::good;
  look.sidecar = read;
  look.file = {"a.dump", 100, *parse_time("2026-03-01T01:00:00Z")};
  const Time now = *parse_time("2026-03-01T02:00:00Z");
  const Outcome outcome = judge_dumps({look}, DumpFolder{{{look.file, std::nullopt}}, 1, look.file.modified}, {}, now);
  must(!outcome.recovery || !outcome.recovery->time || *outcome.recovery->time <= now, "a recovery point is never in the future");
}

void names(std::string_view text) {
  std::vector<FileEntry> entries;
  while (!text.empty()) {
    const auto line = take_line(text);
    entries.push_back({std::string(line), line.size() % 2 ? usual : 1000, Time{}});
    if (const auto segment = parse_segment(line, usual)) must(segment_name(*segment, usual) == line, "a segment's name is its name");
    if (const auto lsn = parse_lsn(line)) must(parse_lsn(lsn_text(*lsn)) == lsn, "a position survives being written");
    parse_timeline(line);
  }
  if (const auto size = guess_segment_size(entries)) must(is_segment_size(*size), "a segment has a size that segments have");
  const ArchiveListing listing = sort_listing(entries, usual);
  for (const Segment& segment : listing.broken) must(!listing.held.contains(segment), "a broken segment is not held");
  const ArchiveReading reading = read_archive(listing, {}, {}, usual, std::nullopt);
  must(reading.missing.size() <= most_missing, "what is missing is bounded");
  if (reading.chain)
    for (Segment at = reading.chain->first; at <= reading.chain->last; ++at.number) must(listing.held.contains(at), "a chain has no gap");
  must(segments_text(reading.missing, usual).size() < 200, "what is missing is said briefly");
}

void history(std::string_view text) {
  const auto ancestors = parse_history(text);
  if (!ancestors) return;
  for (std::size_t i = 1; i < ancestors->size(); ++i) must((*ancestors)[i - 1].timeline < (*ancestors)[i].timeline, "timelines rise");
}

void base_backup(std::string_view text) {
  const auto backup = parse_base_backup("000000010000000000000004.00000028.backup", text, usual);
  if (backup) must(backup->start <= backup->stop || backup->start.timeline != backup->stop.timeline, "it stops after it starts");
}

void pattern(std::string_view text) {
  const auto line = take_line(text);
  matches(line, text);
  must(matches("*", text), "a star matches anything");
  must(line.find_first_of("*?") != line.npos || matches(line, line), "a name matches itself");
}

}  // namespace

FUZZ_TARGET(backup_files)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  switch (take_choice(text) % 6) {
    case 0:
      sidecar(text);
      break;
    case 1:
      ends_well(text, is_of_cluster(text));
      break;
    case 2:
      names(text);
      break;
    case 3:
      history(text);
      break;
    case 4:
      base_backup(text);
      break;
    default:
      pattern(text);
  }
  return 0;
}

}  // namespace backup_files_target
