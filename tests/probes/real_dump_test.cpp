// SPDX-License-Identifier: Apache-2.0
// Real dumps of a real database, in each of pg_dump's formats, whole and cut short.
#include "probes/backup/dump/reading.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace real_dump_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

namespace fs = std::filesystem;

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

}  // namespace

TEST_CASE("real dumps: a cut is found by reading, in every format") {
  Cluster cluster;
  cluster.script("CREATE TABLE orders AS SELECT i, md5(i::text) AS note FROM generate_series(1, 20000) AS i;");
  const std::string folder = cluster.folder() + "/dumps/";
  const std::string dump = cluster.bin() + "pg_dump -d '" + cluster.dsn("postgres") + "' ";
  cluster.as_owner("mkdir dumps && cd dumps && " + dump + "-Fc -f custom && " + dump + "-Ft -f tar && " + dump + "-Fp -f plain && " + dump +
                   "-Fd -f directory && gzip -k plain && gzip -k custom && xz -k -0 plain && " + cluster.bin() + "pg_dumpall -d '" +
                   cluster.dsn("postgres") + "' -f cluster");
  Watch watch;
  const auto look = [&](const std::string& name) {
    return watch.run(*probe_of("backup", "reads = \"file\"\nfolder = \"" + folder + "\"\npattern = \"" + name +
                                             "\"\nsettles = \"0s\"\npg_restore = \"" + cluster.bin() + "pg_restore\"\n"));
  };
  for (const std::string name : {"custom", "tar", "plain", "directory", "plain.gz", "custom.gz", "plain.xz", "cluster"}) {
    CAPTURE(name);
    const Outcome whole = look(name);
    CHECK(whole.outcome == Health::up);
    CHECK(whole.recovery->time.has_value());
    if (name == "directory") {
      for (const auto& file : fs::directory_iterator(folder + name))
        if (file.path().extension() == ".gz") fs::resize_file(file.path(), file.file_size() / 2);
    } else {
      fs::resize_file(folder + name, fs::file_size(folder + name) * 6 / 10);
    }
    const Outcome cut = look(name);
    CHECK(cut.outcome == Health::down);
    CHECK(cut.reason == Reason::assertion);
    CHECK_FALSE(cut.recovery->time);
  }
  // pg_dumpall writes one database after the other: a cut between two of them.
  cluster.as_owner(cluster.bin() + "pg_dumpall -d '" + cluster.dsn("postgres") + "' -f dumps/whole && cd dumps && " +
                   "head -n $(grep -n 'PostgreSQL database dump complete' whole | head -1 | cut -d: -f1) whole > between && " +
                   "gzip -k between");
  for (const std::string name : {"between", "between.gz"}) CHECK(says(look(name), "does not end as a dump of a cluster ends"));

  // The last of it that a reader asks for arrives; the checksum behind it does not, or is another.
  cluster.as_owner("cd dumps && rm -f *.gz && " + dump + "-Fc -Z0 -f custom2 && " + dump + "-Ft -f tar2 && " + dump +
                   "-Fp -f plain2 && gzip -k custom2 tar2 plain2 && bzip2 -k tar2");
  for (const std::string name : {"custom2.gz", "tar2.gz", "plain2.gz", "tar2.bz2"}) {
    CAPTURE(name);
    CHECK(look(name).outcome == Health::up);
    cluster.as_owner("cd dumps && cp " + name + " sum-" + name);
    fs::resize_file(folder + name, fs::file_size(folder + name) - 6);
    CHECK(says(look(name), "can't be decompressed to its end"));
    if (!name.ends_with(".gz")) continue;
    const auto checksum = std::to_string(fs::file_size(folder + "sum-" + name) - 8);
    cluster.as_owner("cd dumps && printf zzzz | dd of=sum-" + name + " bs=1 seek=" + checksum + " conv=notrunc status=none");
    const Outcome wrong = look("sum-" + name);
    CHECK(wrong.outcome == Health::down);
    CHECK(says(wrong, "can't be decompressed to its end"));
  }

  // What deceives: the list of a dump that was cut short.
  CHECK_NOTHROW(cluster.as_owner(cluster.bin() + "pg_restore -l dumps/custom"));

  cluster.as_owner("head -c 100000 /dev/urandom > dumps/noise");
  CHECK(says(look("noise"), "is not a dump"));

  // Beside it stands what it should be.
  cluster.as_owner("cd dumps && " + dump +
                   "-Fc -f told && printf '{\"started_at\":\"2026-01-02T03:04:05Z\",\"rc\":0,\"size\":%s,\"sha256\":\"%s\"}' "
                   "$(stat -c %s told) $(sha256sum told | cut -c1-64) > told.json");
  const Outcome told = look("told");
  CHECK(told.outcome == Health::up);
  CHECK(time_text(*told.recovery->time) == "2026-01-02T03:04:05Z");
  cluster.as_owner("cd dumps && printf x | dd of=told bs=1 seek=3000 conv=notrunc 2>/dev/null");
  CHECK(says(look("told"), "SHA-256"));

  // A program that is not there has not looked; a folder that can't be seen has no dumps.
  const Outcome blind = watch.run(
      *probe_of("backup", "reads = \"file\"\nfolder = \"" + folder + "\"\npattern = \"custom*\"\npg_restore = \"/nowhere/pg_restore\"\n"));
  CHECK(blind.outcome == Health::unknown);
  CHECK_FALSE(blind.recovery);
}

}  // namespace real_dump_test
