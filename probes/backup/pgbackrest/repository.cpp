// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/pgbackrest/repository.hpp"

#include "probes/parts/wal_position.hpp"
#include "probes/seams/excerpt.hpp"

#include <algorithm>

namespace drwatch {
namespace {

constexpr std::size_t longest_output = 32 << 20;  // a folder of 4096 segments is 0.6 MB
constexpr std::size_t most_folders = 20'000;      // 80 TB of write-ahead log
// Folders behind the newest two do not change but for what expires.
constexpr std::chrono::hours list_again{1};
constexpr std::size_t always_listed = 2;  // the newest folders

bool is_folder_name(const std::string& name) {
  return name.size() == 16 && parse_timeline(name.substr(0, 8)) &&
         std::all_of(name.begin(), name.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); });
}

// What replay from a segment may need: its own folder and those after it, and those of later timelines from the same log on.
std::vector<std::string> folders_from(const std::string& segment, const std::vector<FileEntry>& top) {
  const std::string timeline = segment.substr(0, 8), log = segment.substr(8, 8);
  std::vector<std::string> wanted;
  for (const FileEntry& entry : top)
    if (is_folder_name(entry.name) && entry.name.substr(0, 8) >= timeline && entry.name.substr(8) >= log) wanted.push_back(entry.name);
  return wanted;
}

// The newest segment that has been in the repository for so long that it is not waiting for one before it, which several pushers store at
// the same time. What claims to be from the future would never have been, and would hide a gap before it.
Segment long_there(const ArchiveListing& listing, Time now) {
  constexpr Duration settles_after = minutes{1};
  Segment newest;
  for (const auto& [segment, written] : listing.held)
    if ((written <= now - settles_after || is_future(written, now)) && segment.number > newest.number) newest = segment;
  return newest;
}

// A history file that changed under its name is read again.
std::string history_key(const FileEntry& file) {
  return file.name + "/" + std::to_string(file.size) + "/" + std::to_string(file.modified.time_since_epoch().count());
}

Failure not_understood(const std::string& what, const ExecResult& result) {
  const std::string told = result.errors.empty() ? result.output : result.errors;
  return {Reason::protocol, std::to_string(result.exit_code),
          "pgbackrest " + what + " ended with " + std::to_string(result.exit_code) +
              (told.empty() ? " and said nothing" : ": " + quote(without_tokens(told.substr(0, 4096)), 200))};
}

}  // namespace

ExecRequest PgbackrestRepository::request(std::vector<std::string> arguments) const {
  ExecRequest made;
  made.argv = access_.command;
  // Nothing but the answer on standard output, and nothing into the log folder, which is another user's.
  for (const char* option : {"--log-level-console=off", "--log-level-file=off", "--log-level-stderr=error"}) made.argv.push_back(option);
  made.argv.push_back("--stanza=" + access_.stanza);
  if (!access_.config.empty()) made.argv.push_back("--config=" + access_.config);
  if (access_.repo != 0) made.argv.push_back("--repo=" + std::to_string(access_.repo));
  for (std::string& argument : arguments) made.argv.push_back(std::move(argument));
  made.max_output = longest_output;
  return made;
}

std::string PgbackrestRepository::below_archive(const PgbackrestInfo& info, const std::string& name) const {
  return "archive/" + access_.stanza + "/" + info.archive_id + (name.empty() ? "" : "/" + name);
}

Task<Result<PgbackrestInfo>> PgbackrestRepository::told(World& world) {
  std::vector<std::string> arguments = {"info", "--output=json"};
  const auto result = co_await world.exec.run(request(std::move(arguments)));
  if (!result) co_return result.error();
  auto info = parse_pgbackrest_info(result->output, access_.stanza, access_.repo);
  if (!info) co_return not_understood("info", *result);
  co_return std::move(*info);
}

Task<Result<PgbackrestInfo>> PgbackrestRepository::info(World& world) {
  auto info = co_await told(world);
  const bool one = info && (info->repositories <= 1 || access_.repo != 0);
  if (!one || info->backups.empty()) co_return info;
  const auto folders = co_await list_folder(world, "backup/" + access_.stanza);
  if (!folders) co_return folders.error();
  const auto there = [&](const PgbackrestBackup& backup) {
    return std::any_of(folders->begin(), folders->end(), [&](const FileEntry& e) { return e.name == backup.label; });
  };
  if (std::all_of(info->backups.begin(), info->backups.end(), there)) co_return info;
  // A backup that expired between the two answers is missing from the folders and from the catalogue: so the catalogue is asked once more,
  // and only what it still lists is gone.
  const auto later = co_await told(world);
  if (!later) co_return later.error();
  for (const PgbackrestBackup& backup : later->backups)
    if (!there(backup) && std::any_of(info->backups.begin(), info->backups.end(), [&](const auto& b) { return b.label == backup.label; }))
      info->gone.push_back(backup.label);
  std::erase_if(info->backups, [&](const PgbackrestBackup& backup) { return !there(backup); });
  co_return info;
}

Task<Result<std::vector<FileEntry>>> PgbackrestRepository::list_folder(World& world, std::string path) {
  std::vector<std::string> arguments = {"repo-ls", path, "--output=json"};
  const auto result = co_await world.exec.run(request(std::move(arguments)));
  if (!result) co_return result.error();
  auto entries = parse_repo_ls(result->output);
  if (!entries) co_return not_understood("repo-ls", *result);
  co_return std::move(*entries);
}

Task<Result<void>> PgbackrestRepository::refresh(World& world, PgbackrestInfo info, std::vector<std::string> wanted,
                                                 std::chrono::nanoseconds until) {
  std::size_t missing = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto known = folders_.find(wanted[i]);
    const auto now = world.clock.boottime();
    const bool newest = i + always_listed >= wanted.size();
    if (known != folders_.end() && !newest && now - known->second.listed_at < list_again) continue;
    if (now >= until) {
      // An older listing of what lies behind the end is enough, segments there do not change; the end itself has to be seen.
      if (known == folders_.end() || newest) ++missing;
      continue;
    }
    auto entries = co_await list_folder(world, below_archive(info, wanted[i]));
    if (!entries) co_return entries.error();
    folders_[wanted[i]] = {std::move(*entries), world.clock.boottime()};
  }
  if (missing > 0)
    co_return Failure{Reason::timeout, "",
                      std::to_string(missing) + " of " + std::to_string(wanted.size()) +
                          " folders of the repository are not listed yet; the next runs go on (a longer timeout helps)"};
  co_return Result<void>();
}

Task<Result<void>> PgbackrestRepository::read_histories(World& world, PgbackrestInfo info, std::vector<FileEntry> top) {
  std::map<std::string, std::optional<std::vector<Ancestor>>> histories;
  for (const FileEntry& file : top) {
    if (file.name.size() != 16 || !file.name.ends_with(".history") || !parse_timeline(file.name.substr(0, 8))) continue;
    const std::string key = history_key(file);
    if (const auto known = histories_.find(key); known != histories_.end()) {
      histories.insert(*known);
      continue;
    }
    std::vector<std::string> arguments = {"repo-get", below_archive(info, file.name)};
    const auto result = co_await world.exec.run(request(std::move(arguments)));
    if (!result) co_return result.error();
    if (result->exit_code != 0) co_return not_understood("repo-get", *result);
    histories[key] = parse_history(result->output);
  }
  histories_ = std::move(histories);
  co_return Result<void>();
}

Task<Result<SeenArchive>> PgbackrestRepository::list(World& world, PgbackrestInfo info, std::uint64_t segment_size,
                                                     std::optional<std::uint32_t> timeline, std::string claim,
                                                     std::chrono::nanoseconds until) {
  // After an upgrade the archive has another folder, and nothing of the old one counts.
  if (archive_id_ != info.archive_id) folders_.clear(), histories_.clear();
  archive_id_ = info.archive_id;
  const auto top = co_await list_folder(world, below_archive(info, ""));
  if (!top) co_return top.error();
  std::erase_if(folders_, [&](const auto& known) {  // expired
    return std::none_of(top->begin(), top->end(), [&](const FileEntry& entry) { return entry.name == known.first; });
  });
  const auto read = co_await read_histories(world, info, *top);
  if (!read) co_return read.error();
  std::map<std::uint32_t, std::vector<Ancestor>> histories;
  for (const auto& [key, history] : histories_)
    if (history) histories[*parse_timeline(key.substr(0, 8))] = *history;

  SeenArchive seen;
  seen.segment_size = segment_size;
  const auto good = good_backups(info);
  std::vector<BaseBackup> bases;
  for (auto backup = good.rbegin(); backup != good.rend(); ++backup) {  // newest first
    const auto start = parse_segment(backup->start_wal, segment_size), stop = parse_segment(backup->stop_wal, segment_size);
    if (!start || !stop) continue;
    bases.push_back({backup->label, *start, *stop, backup->stop_lsn});
    const auto wanted = folders_from(backup->start_wal, *top);
    if (wanted.size() > most_folders) co_return Failure{Reason::protocol, "EFBIG", "the repository has too many folders to be walked"};
    const auto refreshed = co_await refresh(world, info, wanted, until);
    if (!refreshed) co_return refreshed.error();

    std::vector<FileEntry> entries = *top;
    for (const std::string& name : wanted) {
      const auto& folder = folders_.at(name).entries;
      entries.insert(entries.end(), folder.begin(), folder.end());
    }
    const ArchiveListing listing = sort_repository(entries, segment_size, info.encrypted);
    sum_up(listing, entries, claim, seen);
    seen.long_there = long_there(listing, world.clock.now());
    seen.reading = read_archive(listing, bases, histories, segment_size, timeline);
    if (seen.reading.chain && seen.reading.chain->base) break;  // an older backup would reach no further
  }
  co_return seen;
}

}  // namespace drwatch
