// SPDX-License-Identifier: Apache-2.0
// A real PostgreSQL with a real pgBackRest: the silent gap, the archiver that lies, segments lost and broken, and what heals it.
#include "probes/backup/wal/archive.hpp"
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <pwd.h>
#include <unistd.h>

namespace real_pgbackrest_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

namespace fs = std::filesystem;

// In memory where that can be had: pgBackRest makes every file durable.
class Repository {
 public:
  explicit Repository(Cluster& cluster) : cluster_(cluster), config_(cluster.folder() + "/pgbackrest.conf") {
    std::string name = fs::exists("/dev/shm") ? "/dev/shm/drwatch-XXXXXX" : (fs::temp_directory_path() / "drwatch-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
    path_ = name;
    if (::geteuid() == 0)
      if (const passwd* owner = ::getpwnam("postgres"); !owner || ::chown(path_.c_str(), owner->pw_uid, owner->pw_gid) != 0)
        throw std::runtime_error("chown");
    cluster_.as_owner("printf '%s\\n' '[global]' 'repo1-path=" + path_ + "' 'repo1-bundle=y' 'repo1-retention-full=9' 'lock-path=" + path_ +
                      "/lock' 'log-level-file=off' 'start-fast=y' 'archive-timeout=20' '[main]' 'pg1-path=" + cluster_.folder() +
                      "/data' 'pg1-port=" + std::to_string(cluster_.port()) + "' 'pg1-socket-path=" + cluster_.folder() +
                      "' 'pg1-user=postgres' > " + config_);
    run("stanza-create");
    cluster_.archive_with(push());
  }
  ~Repository() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string push() const { return "pgbackrest --config=" + config_ + " --stanza=main archive-push %p"; }
  std::string run(const std::string& command) {
    return cluster_.as_owner("pgbackrest --config=" + config_ + " --stanza=main --log-level-console=off " + command);
  }
  const std::string& config() const { return config_; }
  fs::path segment(const std::string& name) const {
    for (const auto& file : fs::recursive_directory_iterator(path_ + "/archive"))
      if (file.path().filename().string().starts_with(name + "-")) return file.path();
    return {};
  }
  void drop_backups() {
    for (const auto& entry : fs::directory_iterator(path_ + "/backup/main"))
      if (entry.path().filename().string().starts_with("2")) fs::remove_all(entry.path());
  }
  // As if everything had been there for five minutes.
  void age() {
    for (const auto& file : fs::recursive_directory_iterator(path_ + "/archive"))
      fs::last_write_time(file.path(), fs::file_time_type::clock::now() - std::chrono::minutes(5));
  }

 private:
  Cluster& cluster_;
  std::string config_, path_;
};

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

std::uint64_t safe(const Outcome& outcome) {
  REQUIRE(outcome.recovery);
  REQUIRE(outcome.recovery->safe);
  return outcome.recovery->safe->lsn;
}

}  // namespace

TEST_CASE("a real pgBackRest: the silent gap, the lying archiver, segments lost and broken") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  const std::string toml = "reads = \"pgbackrest\"\nstanza = \"main\"\nconfig = \"" + cluster.folder() + "/pgbackrest.conf\"\n";
  const auto alone = probe_of("backup", toml);
  const auto with_claims = probe_of("backup", toml + "dsn = \"" + cluster.dsn("drwatch") + "\"\n");
  const Outcome unconfigured = watch.run(*alone);
  CHECK(unconfigured.outcome == Health::unknown);
  CHECK(says(unconfigured, "could not be read"));

  Repository repository(cluster);
  const Outcome empty = watch.run(*alone);
  CHECK(empty.outcome == Health::down);
  CHECK(empty.reason == Reason::absent);
  CHECK(says(empty, "no valid backups"));
  const Outcome stanzaless =
      watch.run(*probe_of("backup", "reads = \"pgbackrest\"\nstanza = \"other\"\nconfig = \"" + cluster.folder() + "/pgbackrest.conf\"\n"));
  CHECK(stanzaless.outcome == Health::down);
  CHECK(says(stanzaless, "missing stanza path"));

  repository.run("--type=full backup");
  const std::string stored = cluster.switch_segment();
  await("stored", [&] { return !repository.segment(stored).empty(); });
  const auto end_of = [](const std::string& name) { return end_lsn(*parse_segment(name, 1 << 20), 1 << 20); };
  for (Probe* probe : {alone.get(), with_claims.get()}) {
    const Outcome good = watch.run(*probe);
    CHECK(good.outcome == Health::up);
    CHECK(safe(good) >= end_of(stored));
    CHECK(good.recovery->safe->timeline == 1);
    CHECK(good.facts.at("wal_segment_size") == "1048576");
    CHECK(good.facts.at("system_identifier") == cluster.sql("SELECT system_identifier FROM pg_control_system()"));
    CHECK(good.facts.at("backups_good") == "1");
  }

  // An archiver that lies: pgBackRest itself sees nothing, and what it does not claim it can't be held to.
  cluster.archive_with("/bin/true");
  std::string lost;
  for (int i = 0; i < 3; ++i) lost = cluster.switch_segment();
  await("claimed", [&] { return cluster.sql("SELECT last_archived_wal FROM pg_stat_archiver") >= lost; });
  CHECK(repository.run("info").find("status: ok") != std::string::npos);
  const Outcome lying = watch.run(*with_claims);
  CHECK(lying.outcome == Health::down);
  CHECK(says(lying, "stores nothing"));
  CHECK(says(lying, "the archiver says that it archived " + lost + ", but in the archive it is not there"));
  CHECK(safe(watch.run(*alone)) == safe(lying));
  const auto before = safe(lying);
  CHECK(before < end_of(lost));

  // Repaired: from now on there is a gap, which info and verify call ok.
  cluster.archive_with(repository.push());
  const std::string behind = cluster.switch_segment();
  await("stored behind the gap", [&] { return !repository.segment(behind).empty(); });
  CHECK(repository.run("info").find("status: ok") != std::string::npos);
  CHECK(repository.run("--output=text verify").find("status: error") == std::string::npos);
  repository.age();
  for (Probe* probe : {with_claims.get(), alone.get()}) {
    const Outcome gap = watch.run(*probe);
    CHECK(gap.outcome == Health::down);
    CHECK(gap.reason == Reason::assertion);
    CHECK(says(gap, "the archive has a gap"));
    CHECK(gap.facts.at("gap").find(lost) != std::string::npos);
    CHECK(safe(gap) == before);
    CHECK(gap.recovery->failing);
  }

  // A newer base backup heals it, and only that.
  repository.run("--type=incr backup");
  for (Probe* probe : {with_claims.get(), alone.get()}) {
    const Outcome healed = watch.run(*probe);
    CHECK(healed.outcome == Health::up);
    CHECK(safe(healed) >= end_of(behind));
    CHECK(healed.facts.at("newest_backup_type") == "incr");
    CHECK_FALSE(healed.facts.contains("gap"));
  }

  // Segments that were there: one broken, one lost.
  const std::string broken = cluster.switch_segment();
  await("stored", [&] { return !repository.segment(broken).empty(); });
  const std::string after = cluster.switch_segment();
  await("stored", [&] { return !repository.segment(after).empty(); });
  CHECK(safe(watch.run(*with_claims)) >= end_of(after));
  std::ofstream(repository.segment(broken), std::ios::trunc).close();
  const Outcome cut = watch.run(*with_claims);
  CHECK(cut.outcome == Health::down);
  CHECK(cut.facts.at("gap") == broken);
  CHECK(safe(cut) == end_of(broken) - (1 << 20));
  fs::remove(repository.segment(broken));
  CHECK(watch.run(*with_claims).facts.at("gap") == broken);

  // With the database gone the repository still says what it holds.
  cluster.stop();
  const Outcome orphaned = watch.run(*with_claims);
  CHECK(safe(orphaned) == safe(cut));
  CHECK(orphaned.recovery->whole);

  // Deleted by somebody who left the catalogue: pgBackRest never looks at the backups themselves.
  repository.drop_backups();
  CHECK(repository.run("info").find("status: ok") != std::string::npos);
  const Outcome gone = watch.run(*alone);
  CHECK(gone.outcome == Health::down);
  CHECK(says(gone, "are not in the repository"));
  CHECK(gone.facts.at("backups_gone") == "2");
  REQUIRE(gone.recovery);
  CHECK(gone.recovery->whole);
  CHECK_FALSE(gone.recovery->safe);
}

}  // namespace real_pgbackrest_test
