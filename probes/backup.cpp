// SPDX-License-Identifier: Apache-2.0
// backup: how far back a disaster would throw the platform. It reads the newest recovery point that a source proves; what that is, is said
// where the source is read. Down means: the source fails, is off, has a gap or lies; how old the point is, is the objective's affair.
#include "probes/backup_archiver.hpp"
#include "probes/kinds.hpp"

namespace drwatch {
namespace {

constexpr const char* doc =
    R"(Reads the newest recovery point of a component that it `protects` and says which classes of disaster it `survives`.

`reads = "pg_stat_archiver"`: PostgreSQL's own account of its archiving, and with `archive` the folder itself. The account alone proves nothing: an `archive_command` that
stores nothing and says yes looks perfect in it. With `archive` every segment must be there, whole, in an unbroken chain from a base backup whose `.backup` file is there as
well. Cannot prove that the base backup's own files still exist or that the contents are sound: a restore drill does.

`down` (`assertion`) when archiving fails or is off, `archive_command` is empty or does nothing, what was claimed is not in the archive, or the archive has a gap (until a
newer base backup); `degraded` with a backlog of more than 3 segments, without a base backup in sight, or with `archive_timeout = 0`; `unknown` when the database or the archive could not be
read: the last proven point stands, and while only the database is away the archive still says what it holds. The role needs `pg_monitor` to see the backlog.)";

struct BackupSettings {
  std::string reads;
  Secret dsn;
  std::string archive;
  friend bool operator==(const BackupSettings&, const BackupSettings&) = default;
};

std::vector<config::Row> rows() {
  using S = BackupSettings;
  return {
      config::row<S>("reads", &S::reads,
                     {.doc = "What the recovery point is read from.", .required = true, .one_of = {"pg_stat_archiver"}}),
      config::secret_or_text_row<S>("dsn", &S::dsn,
                                    {.doc = "Of the primary: `host=... dbname=... user=...` or `postgresql://...`.", .required = true}),
      config::path_row<S>(
          "archive", &S::archive,
          {.doc = "The folder in which archived segments arrive, where it can be seen from here: it is listed and cross-checked."}),
  };
}

}  // namespace

Kind backup_kind() {
  Kind kind;
  kind.schema.name = "backup";
  kind.schema.doc = doc;
  kind.schema.rows = rows();
  kind.schema.fresh = [] { return std::make_shared<BackupSettings>(); };
  kind.schema.same = [](const void* a, const void* b) {
    return *static_cast<const BackupSettings*>(a) == *static_cast<const BackupSettings*>(b);
  };
  kind.schema.confirms_itself = true;
  kind.make = [](const ProbeSettings& s) -> std::unique_ptr<Probe> {
    const auto& own = *static_cast<const BackupSettings*>(s.own.get());
    return archiver_probe(own.dsn, own.archive, s.timeout);
  };
  return kind;
}

}  // namespace drwatch
