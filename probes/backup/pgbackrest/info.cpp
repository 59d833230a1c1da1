// SPDX-License-Identifier: Apache-2.0
#include "probes/backup/pgbackrest/info.hpp"

#include "probes/parts/bounded_json.hpp"
#include "probes/parts/wal_position.hpp"

#include <algorithm>
#include <set>

namespace drwatch {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_backups = 10'000;
constexpr std::uint64_t usual_segment = 16 << 20;

const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}
const Json* member(const Json& object, const char* key, const char* below) {
  const Json* inner = member(object, key);
  return inner ? member(*inner, below) : nullptr;
}

std::string text(const Json* value) { return value && value->is_string() ? value->get<std::string>() : ""; }

// Numbers beyond 2^53 are kept whole.
std::optional<std::int64_t> integer(const Json* value) {
  if (!value || !value->is_number_integer()) return std::nullopt;
  if (value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value->get<std::int64_t>();
}

std::optional<Time> unix_time(const Json* value) {
  constexpr std::int64_t latest = 7'258'118'400;  // the year 2200
  const auto count = integer(value);
  if (!count || *count <= 0 || *count > latest) return std::nullopt;
  return Time{seconds{*count}};
}

const Json* list(const Json& object, const char* key) {
  const Json* value = member(object, key);
  return value && value->is_array() ? value : nullptr;
}

// A stanza keeps the backups of databases before an upgrade or a re-initialization as well; only those of the newest one can be restored to
// what runs now. `repo` 0: of any repository.
bool of_database(const Json& entry, std::int64_t repo, std::int64_t database) {
  const auto key = integer(member(entry, "database", "repo-key")).value_or(repo);
  return integer(member(entry, "database", "id")) == database && (repo == 0 || key == repo);
}

std::optional<PgbackrestBackup> parse_backup(const Json& entry) {
  PgbackrestBackup backup;
  backup.label = text(member(entry, "label"));
  backup.type = text(member(entry, "type"));
  const auto started = unix_time(member(entry, "timestamp", "start")), stopped = unix_time(member(entry, "timestamp", "stop"));
  const auto start_lsn = parse_lsn(text(member(entry, "lsn", "start"))), stop_lsn = parse_lsn(text(member(entry, "lsn", "stop")));
  backup.start_wal = text(member(entry, "archive", "start"));
  backup.stop_wal = text(member(entry, "archive", "stop"));
  if (backup.label.empty() || !started || !stopped || !start_lsn || !stop_lsn || backup.start_wal.empty() || backup.stop_wal.empty())
    return std::nullopt;
  backup.started = *started;
  backup.stopped = *stopped;
  backup.start_lsn = *start_lsn;
  backup.stop_lsn = *stop_lsn;
  backup.bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(integer(member(entry, "info", "size")).value_or(0), 0));
  // null: page checksums were not looked at. Only a plain `false` or nothing at all is no complaint.
  const Json* error = member(entry, "error");
  backup.faulty = error && !(error->is_boolean() && !error->get<bool>());
  if (const auto prior = text(member(entry, "prior")); !prior.empty()) backup.references.push_back(prior);
  if (const Json* references = list(entry, "reference"))
    for (const Json& reference : *references) backup.references.push_back(text(&reference));
  return backup;
}

void read_status(PgbackrestInfo& into, const Json& stanza, std::int64_t repo) {
  // 99: other, as pgBackRest has it.
  into.code = integer(member(stanza, "status", "code")).value_or(99);
  into.message = text(member(stanza, "status", "message"));
  // "mixed" (4) says nothing of any one repository; older versions have no list of them.
  const Json* repositories = list(stanza, "repo");
  into.encrypted = text(member(stanza, "cipher")) != "none" && !text(member(stanza, "cipher")).empty();
  if (!repositories) return;
  into.repositories = repositories->size();
  for (const Json& entry : *repositories) {
    if (into.repositories != 1 && (repo == 0 || integer(member(entry, "key")) != repo)) continue;
    into.code = integer(member(entry, "status", "code")).value_or(into.code);
    if (const auto told = text(member(entry, "status", "message")); !told.empty()) into.message = told;
    into.encrypted = text(member(entry, "cipher")) != "none";
  }
}

// Whether the lock is held is told differently by newer versions: only what is understood is told on.
bool backup_running(const Json& stanza) {
  const Json* lock = member(stanza, "status", "lock");
  const Json* held = lock ? member(*lock, "backup", "held") : nullptr;
  return held && held->is_boolean() && held->get<bool>();
}

void read_databases(PgbackrestInfo& into, const Json& stanza, std::int64_t repo) {
  std::int64_t newest = 0;
  if (const Json* databases = list(stanza, "db"))
    for (const Json& entry : *databases) {
      const auto id = integer(member(entry, "id"));
      // The highest id is the newest database.
      if (!id || *id < newest || (repo != 0 && integer(member(entry, "repo-key")).value_or(repo) != repo)) continue;
      newest = *id;
      const Json* identifier = member(entry, "system-id");
      into.system_identifier = identifier && identifier->is_number_unsigned() ? std::to_string(identifier->get<std::uint64_t>()) : "";
      into.version = text(member(entry, "version"));
    }
  if (const Json* archives = list(stanza, "archive"))
    for (const Json& entry : *archives)
      if (of_database(entry, repo, newest)) into.archive_id = text(member(entry, "id"));
  if (const Json* backups = list(stanza, "backup"))
    for (const Json& entry : *backups) {
      if (into.backups.size() == most_backups) break;
      if (!of_database(entry, repo, newest)) continue;
      if (auto backup = parse_backup(entry))
        into.backups.push_back(std::move(*backup));
      else
        ++into.not_understood;
    }
  std::stable_sort(into.backups.begin(), into.backups.end(),
                   [](const PgbackrestBackup& a, const PgbackrestBackup& b) { return a.stopped < b.stopped; });
}

bool size_fits(const std::string& name, std::uint64_t lsn, std::uint64_t size, bool may_be_before) {
  const auto segment = parse_segment(name, size);
  if (!segment) return false;
  // A backup that stops at the very beginning of a segment names the one before.
  return segment->number == lsn / size || (may_be_before && lsn % size == 0 && segment->number + 1 == lsn / size);
}

}  // namespace

std::optional<PgbackrestInfo> parse_pgbackrest_info(std::string_view text_of_info, std::string_view stanza, std::int64_t repo) {
  const Json document = bounded_json(text_of_info);
  if (!document.is_array()) return std::nullopt;
  for (const Json& entry : document) {
    if (text(member(entry, "name")) != stanza || !member(entry, "status")) continue;
    PgbackrestInfo info;
    read_status(info, entry, repo);
    info.backup_running = backup_running(entry);
    read_databases(info, entry, repo);
    return info;
  }
  return std::nullopt;
}

bool is_good(const PgbackrestBackup& backup, const PgbackrestInfo& info) {
  if (backup.faulty) return false;
  // A backup lists everything that it rests on, directly or not.
  return std::all_of(backup.references.begin(), backup.references.end(), [&](const std::string& label) {
    return std::any_of(info.backups.begin(), info.backups.end(), [&](const PgbackrestBackup& b) { return b.label == label && !b.faulty; });
  });
}

std::vector<PgbackrestBackup> good_backups(const PgbackrestInfo& info) {
  std::vector<PgbackrestBackup> good;
  std::copy_if(info.backups.begin(), info.backups.end(), std::back_inserter(good),
               [&](const PgbackrestBackup& b) { return is_good(b, info); });
  return good;
}

std::optional<std::uint64_t> segment_size_of(const PgbackrestInfo& info) {
  if (info.backups.empty()) return std::nullopt;
  std::vector<std::uint64_t> fitting;
  for (std::uint64_t size = 1 << 20; size <= (1 << 30); size *= 2)
    if (std::all_of(info.backups.begin(), info.backups.end(), [size](const PgbackrestBackup& b) {
          return size_fits(b.start_wal, b.start_lsn, size, false) && size_fits(b.stop_wal, b.stop_lsn, size, true);
        }))
      fitting.push_back(size);
  if (fitting.empty()) return std::nullopt;
  return std::find(fitting.begin(), fitting.end(), usual_segment) != fitting.end() ? usual_segment : fitting.front();
}

std::optional<std::vector<FileEntry>> parse_repo_ls(std::string_view listing) {
  const Json document = bounded_json(listing);
  if (!document.is_object()) return std::nullopt;
  std::vector<FileEntry> entries;
  for (const auto& [name, entry] : document.items()) {
    const std::string type = text(member(entry, "type"));
    if (name == "." || (type != "file" && type != "path" && type != "link")) continue;
    const auto size = integer(member(entry, "size")).value_or(0);
    entries.push_back(
        {name, type == "file" && size > 0 ? static_cast<std::uint64_t>(size) : 0, unix_time(member(entry, "time")).value_or(Time{})});
  }
  return entries;
}

ArchiveListing sort_repository(const std::vector<FileEntry>& entries, std::uint64_t size, bool encrypted) {
  constexpr std::size_t name_length = 24, checksum_length = 41;
  ArchiveListing listing;
  std::set<Segment> seen;
  for (const FileEntry& entry : entries) {
    const std::string_view name = entry.name;
    const auto segment = parse_segment(name.substr(0, name_length), size);
    if (!segment || name.size() < name_length + checksum_length || name[name_length] != '-') continue;
    const auto suffix = name.substr(name_length + checksum_length);
    // Encryption adds to the length.
    const bool whole = !suffix.empty() || encrypted ? entry.size > 0 : entry.size == size;
    const bool second = !seen.insert(*segment).second;
    if (whole && !second) {
      listing.held[*segment] = entry.modified;
    } else {
      listing.held.erase(*segment);
      listing.broken.insert(*segment);
    }
  }
  return listing;
}

}  // namespace drwatch
