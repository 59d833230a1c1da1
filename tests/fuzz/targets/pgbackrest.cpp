// SPDX-License-Identifier: Apache-2.0
// The first byte: 0 mod 2 is `info`, 1 is `repo-ls`.
#include "probes/backup/pgbackrest/info.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace pgbackrest_target {

using namespace drwatch;
using namespace drwatch::fuzz;

namespace {

void info(std::string_view text) {
  const auto info = parse_pgbackrest_info(text, "main", 0);
  if (!info) return;
  for (const PgbackrestBackup& backup : good_backups(*info)) {
    must(!backup.faulty, "a faulty backup is not good");
    for (const std::string& label : backup.references)
      must(std::any_of(info->backups.begin(), info->backups.end(), [&](const auto& b) { return b.label == label && !b.faulty; }),
           "what a good backup rests on is there and not faulty");
  }
  for (std::size_t i = 1; i < info->backups.size(); ++i) must(info->backups[i - 1].stopped <= info->backups[i].stopped, "oldest first");
  if (const auto size = segment_size_of(*info)) must(is_segment_size(*size), "a segment has a size that segments have");
}

void listing(std::string_view text) {
  constexpr std::uint64_t usual = 16 << 20;
  const auto entries = parse_repo_ls(text);
  if (!entries) return;
  for (const bool encrypted : {false, true}) {
    const ArchiveListing sorted = sort_repository(*entries, usual, encrypted);
    must(sorted.held.size() + sorted.broken.size() <= entries->size(), "a segment comes from a name");
    for (const Segment& segment : sorted.broken) must(!sorted.held.contains(segment), "a broken segment is not held");
  }
  read_archive(sort_repository(*entries, usual, false), {}, {}, usual, std::nullopt);
}

}  // namespace

FUZZ_TARGET(pgbackrest)(const std::uint8_t* data, std::size_t size) {
  std::string_view text = text_of(data, size);
  if (take_choice(text) % 2 == 0)
    info(text);
  else
    listing(text);
  return 0;
}

}  // namespace pgbackrest_target
