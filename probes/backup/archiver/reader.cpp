// SPDX-License-Identifier: Apache-2.0
// Reads pg_stat_archiver and lists the archive. The statistics prove nothing alone (an archive_command that is `true` looks perfect); the
// listing proves which segments are there, whole, in an unbroken chain from a base backup that was taken. What it can't prove: that the
// base backup's own files still exist, and that the segments' contents are sound; a restore drill does.
#include "probes/backup/archiver/verdict.hpp"
#include "probes/backup/readers.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/parts/wal_position.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace drwatch::kinds::backup::archiver {
namespace {

constexpr const char* doc =
    R"(PostgreSQL's own account of its archiving, and with `archive` the folder itself. The account alone proves nothing: an
`archive_command` that stores nothing and says yes looks perfect in it. With `archive` every segment must be there, whole, in an unbroken
chain from a base backup whose `.backup` file is there as well. Cannot prove that the base backup's own files still exist or that the
contents are sound. `down` (`assertion`) when archiving fails or is off, `archive_command` is empty or does nothing, what was claimed is not
in the archive, or the archive has a gap (until a newer base backup), or the folder or the base backup that was in it is gone; `degraded`
with a backlog of more than 3 segments, without a base backup in sight, or with `archive_timeout = 0`; `unknown` when the database or the
archive could not be read; while only the database is away the archive still says what it holds. The role needs `pg_monitor` to see the
backlog. Survives: `host` and `logical`; `region` and `account` only where the archive lies in another one.)";

struct ArchiverSettings {
  Secret dsn;
  std::string archive;
  friend bool operator==(const ArchiverSettings&, const ArchiverSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = ArchiverSettings;
  return {
      config::secret_or_text_row<S>("dsn", &S::dsn,
                                    {.doc = "Of the primary: `host=... dbname=... user=...` or `postgresql://...`.", .required = true}),
      config::path_row<S>(
          "archive", &S::archive,
          {.doc = "The folder in which archived segments arrive, where it can be seen from here: it is listed and cross-checked."}),
  };
}

constexpr std::uint64_t usual_segment = 16 << 20;
constexpr std::size_t longest_text = 64 * 1024;  // of a .backup or .history file; they have a few hundred bytes

class ArchiverProbe : public Probe {
 public:
  ArchiverProbe(const ArchiverSettings& own, const ProbeSettings& settings)
      : dsn_(own.dsn), archive_(own.archive), timeout_(settings.timeout) {}

  // A source that could not be read says nothing of itself.
  Health when_late() const override { return Health::unknown; }

  Task<Outcome> run(World& world) override {
    if (auto problem = dsn_problem(dsn_)) co_return *problem;
    Phases phases;
    const auto account = co_await ask(world, &phases);
    if (account) {
      segment_size_ = account->segment_size;
      if (account->current) timeline_ = account->current->timeline;
    }

    // After the account, so that whatever it claims has had the time to arrive.
    std::optional<SeenArchive> seen;
    std::optional<Failure> unlisted;
    if (!archive_.empty()) {
      auto listed = co_await look(world);
      if (listed)
        seen = std::move(*listed);
      else
        unlisted = listed.error();
    }
    const Time now = world.clock.now();
    Outcome outcome =
        account ? judge_archiver(*account, seen ? &*seen : nullptr, unlisted, now) : unasked(account.error(), seen ? &*seen : nullptr, now);
    outcome.phases = phases;
    if (!archive_.empty()) outcome.memory = memory();
    co_return outcome;
  }

  // What the archive alone does not tell while the database is away, or after it was emptied.
  void recall(const std::string& memory) override {
    const auto told = nlohmann::json::parse(memory, nullptr, false);
    if (!told.is_object()) return;
    if (const auto size = told.find("segment_size"); size != told.end() && size->is_number_unsigned() && is_segment_size(*size))
      segment_size_ = size->get<std::uint64_t>();
    if (const auto timeline = told.find("timeline"); timeline != told.end() && timeline->is_number_unsigned())
      timeline_ = timeline->get<std::uint32_t>();
    if (const auto base = told.find("had_base"); base != told.end()) had_base_ = *base == true;
  }

 private:
  std::string memory() const {
    nlohmann::json told = {{"had_base", had_base_}};
    if (segment_size_) told["segment_size"] = *segment_size_;
    if (timeline_) told["timeline"] = *timeline_;
    return told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  Task<Result<ArchiverAccount>> ask(World& world, Phases* phases) {
    auto connection = co_await world.postgres.connect(dsn_, *phases);
    if (!connection) co_return connection.error();
    const auto began = world.clock.boottime();
    if (auto problem = co_await begin_bounded(**connection, timeout_)) co_return Failure{problem->reason, problem->code, problem->message};
    auto account = co_await read_archiver_account(**connection);
    (*phases)[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    co_return account;
  }

  Task<Result<SeenArchive>> look(World& world) {
    auto entries = co_await world.files.list(archive_);
    SeenArchive seen;
    seen.gone = !entries && entries.error().reason == Reason::absent;  // an answer: what was in it is not there either
    if (seen.gone) entries = std::vector<FileEntry>();
    if (!entries) co_return entries.error();
    auto size = segment_size_ ? segment_size_ : guess_segment_size(*entries);
    if (!size && entries->empty()) size = usual_segment;  // of nothing
    if (!size) co_return Failure{Reason::internal, "", "the size of its segments is not known while the database can't be asked"};
    seen.segment_size = *size;
    for (const FileEntry& entry : *entries) seen.names.insert(entry.name);
    seen.listing = sort_listing(*entries, *size);
    seen.complete = co_await read_texts(world, &seen.listing, *size);
    std::vector<BaseBackup> backups;
    for (const auto& [key, backup] : backups_)
      if (backup) backups.push_back(*backup);
    seen.reading = read_archive(seen.listing, backups, histories_, *size, timeline_);
    had_base_ = had_base_ || (seen.reading.chain && seen.reading.chain->base);
    seen.had_base = had_base_;
    co_return seen;
  }

  // Archived files never change, so each is read once: a file is its name, size and time.
  static std::string key_of(const FileEntry& file) {
    return file.name + "/" + std::to_string(file.size) + "/" + std::to_string(file.modified.time_since_epoch().count());
  }

  // False: not all of them could be read.
  Task<bool> read_texts(World& world, const ArchiveListing* listing, std::uint64_t size) {
    std::map<std::string, std::optional<BaseBackup>> backups;
    bool all = true;
    for (const FileEntry& file : listing->backups) {
      const std::string key = key_of(file);
      if (const auto known = backups_.find(key); known != backups_.end()) {
        backups.insert(*known);
        continue;
      }
      const auto text = co_await world.files.read(archive_ + "/" + file.name, longest_text);
      if (text) backups[key] = parse_base_backup(file.name, *text, size);
      all = all && text;
    }
    backups_ = std::move(backups);
    std::map<std::uint32_t, std::vector<Ancestor>> histories;
    for (const FileEntry& file : listing->histories) {
      const auto text = co_await world.files.read(archive_ + "/" + file.name, longest_text);
      all = all && text;
      if (!text) continue;
      if (auto history = parse_history(*text)) histories[*parse_timeline(std::string_view(file.name).substr(0, 8))] = std::move(*history);
    }
    histories_ = std::move(histories);
    co_return all;
  }

  Secret dsn_;
  std::string archive_;
  Duration timeout_;
  // As the database last said it.
  std::optional<std::uint64_t> segment_size_;
  std::optional<std::uint32_t> timeline_;
  std::map<std::string, std::optional<BaseBackup>> backups_;  // nullopt: not understood
  std::map<std::uint32_t, std::vector<Ancestor>> histories_;
  bool had_base_ = false;
};

}  // namespace

Kind reader() { return kind_of<ArchiverSettings, ArchiverProbe>({.name = "pg_stat_archiver", .doc = doc, .rows = rows()}); }

}  // namespace drwatch::kinds::backup::archiver
