// SPDX-License-Identifier: Apache-2.0
// Reads a pgBackRest repository: its own account of its backups, and then folder by folder which segments are really there, in an unbroken
// chain from the newest good backup. pgBackRest itself calls a repository with a gap "ok". What it can't prove: that the files are sound;
// `pgbackrest verify` reads them, a restore drill proves it.
#include "probes/backup/pgbackrest/repository.hpp"
#include "probes/backup/pgbackrest/verdict.hpp"
#include "probes/backup/readers.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/seams/within.hpp"

#include <algorithm>

namespace drwatch::kinds::backup::pgbackrest {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A pgBackRest repository, asked with `pgbackrest info` and walked with `pgbackrest repo-ls`: the point is the end of the unbroken
chain of segments from the newest good backup, never what `info` calls the newest segment. Exit codes are not believed, statuses are read.
`down` when the stanza or every good backup is missing (`absent`), a backup is in pgBackRest's catalogue and not in the repository, the
newest backup has page checksum errors (it is never chosen; `pg_stat_database` does not see what pgBackRest saw), the archive has a gap
(until a newer base backup) or a backup's own segments are not whole, and with `dsn` also when archiving fails, is off, does nothing, claims
what is not in the repository, or belongs to another cluster; `degraded` when the newest good backup is older than `max_backup_age`;
`unknown` when the repository could not be read. Without `dsn` an archiver that stores nothing and says yes is seen only in the point that
stands still. It never writes. The user that drwatch runs as must be able to read the repository and pgBackRest's configuration; `command`
may be a wrapper. A large repository is walked over several runs. Survives: `host` and `logical`; `region` and `account` only where the
repository lies in another one.)";

struct PgbackrestSettings {
  PgbackrestAccess access;
  Secret dsn;
  std::optional<Duration> max_backup_age;
  friend bool operator==(const PgbackrestSettings&, const PgbackrestSettings&) = default;
};

// It becomes an argument and a part of a path.
void read_stanza(PgbackrestSettings& into, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  const bool fits =
      text && !text->empty() && text->size() <= 128 &&
      std::all_of(text->begin(), text->end(),
                  [](unsigned char c) {
                    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
                  }) &&
      text->front() != '.';
  if (!fits) return reading.problems.error(value.place, reading.key, "is not a stanza's name", "use letters, digits, '-', '_' and '.'");
  into.access.stanza = *text;
}

void read_command(PgbackrestSettings& into, const Value& value, const Reading& reading) {
  std::vector<std::string> command;
  config::read_value(command, value, {.doc = ""}, reading);
  if (command.empty() || command.front().empty())
    return reading.problems.error(value.place, reading.key, "must name a program", "write [\"pgbackrest\"]");
  into.access.command = std::move(command);
}

std::vector<config::Row> rows() {
  using S = PgbackrestSettings;
  using config::row_with;
  return {
      row_with<S>("stanza", "string", {.doc = "The stanza.", .required = true}, read_stanza),
      row_with<S>("command", "list of strings",
                  {.doc = "The program and its first arguments, started without a shell.", .fallback = "`[\"pgbackrest\"]`"}, read_command),
      row_with<S>("config", "path", {.doc = "pgBackRest's configuration file.", .fallback = "pgBackRest's own"},
                  [](S& s, const Value& v, const Reading& r) { config::read_path(s.access.config, v, {.doc = ""}, r); }),
      row_with<S>(
          "repo", "integer from 1 to 256", {.doc = "Which repository, where the stanza has several."},
          [](S& s, const Value& v, const Reading& r) { config::read_value(s.access.repo, v, {.doc = "", .min = 1, .max = 256}, r); }),
      config::secret_or_text_row<S>("dsn", &S::dsn,
                                    {.doc = "Of the primary, whose archiver's claims are then checked against the repository."}),
      config::row<S>("max_backup_age", &S::max_backup_age, {.doc = "An older newest good backup is `degraded`.", .min = 60}),
  };
}

class PgbackrestProbe : public Probe {
 public:
  PgbackrestProbe(const PgbackrestSettings& own, const ProbeSettings& settings)
      : settings_(own), repository_(own.access), timeout_(settings.timeout) {}

  // A source that could not be read says nothing of itself.
  Health when_late() const override { return Health::unknown; }

  Task<Outcome> run(World& world) override {
    // What is left at the end is for the judgement, and for a command that is just running.
    const auto until = world.clock.boottime() + timeout_ * 7 / 10;
    Phases phases;
    PgbackrestSight sight;
    // First, so that whatever it claims has had the time to arrive.
    if (settings_.dsn.configured()) {
      const auto asked = co_await within(world.clock, timeout_ * 3 / 10, ask(world, &phases));
      sight.account = asked ? *asked : Failure{Reason::timeout, "", "no answer in time"};
    }
    const auto info = co_await repository_.info(world);
    if (!info) co_return not_read(info.error(), phases);
    sight.info = *info;
    if (const auto size = segment_size(sight); size && !sight.info.archive_id.empty() && !good_backups(sight.info).empty())
      sight.archive = co_await repository_.list(world, sight.info, *size, timeline(sight), claim(sight), until);
    Outcome outcome = judge_pgbackrest(sight, {settings_.max_backup_age}, world.clock.now());
    outcome.phases = phases;
    co_return outcome;
  }

 private:
  static Outcome not_read(const Failure& failure, const Phases& phases) {
    Outcome outcome = outcome_of(Health::unknown, failure.reason, failure.code, "the repository could not be read: " + failure.message);
    outcome.phases = phases;
    return outcome;
  }

  static std::optional<std::uint64_t> segment_size(const PgbackrestSight& sight) {
    if (sight.account && *sight.account) return (**sight.account).segment_size;
    return segment_size_of(sight.info);
  }
  static std::optional<std::uint32_t> timeline(const PgbackrestSight& sight) {
    if (!sight.account || !*sight.account || !(**sight.account).current) return std::nullopt;
    return (**sight.account).current->timeline;
  }
  static std::string claim(const PgbackrestSight& sight) {
    return sight.account && *sight.account ? (**sight.account).last_archived_wal : "";
  }

  Task<Result<ArchiverAccount>> ask(World& world, Phases* phases) {
    if (auto problem = dsn_problem(settings_.dsn)) co_return Failure{Reason::internal, "", problem->message};
    auto connection = co_await world.postgres.connect(settings_.dsn, *phases);
    if (!connection) co_return connection.error();
    if (auto problem = co_await begin_bounded(**connection, timeout_ * 3 / 10))
      co_return Failure{problem->reason, problem->code, problem->message};
    co_return co_await read_archiver_account(**connection);
  }

  PgbackrestSettings settings_;
  PgbackrestRepository repository_;
  Duration timeout_;
};

}  // namespace

Kind reader() { return kind_of<PgbackrestSettings, PgbackrestProbe>({.name = "pgbackrest", .doc = doc, .rows = rows()}); }

}  // namespace drwatch::kinds::backup::pgbackrest
