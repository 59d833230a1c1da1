// SPDX-License-Identifier: Apache-2.0
// The same database direct and through a real PgBouncer: told apart, and what each says when the database, and then the pooler, is gone.
#include "probes/parts/prepare_sql.hpp"
#include "tests/probes/cluster.hpp"
#include "tests/probes/fake_world.hpp"
#include "tests/probes/watch.hpp"

#include <doctest/doctest.h>

namespace real_pooler_test {

using namespace drwatch;
using namespace drwatch::testing;

namespace {

class Pooler {
 public:
  explicit Pooler(Cluster& cluster) : cluster_(cluster), port_(free_port()) {
    const std::string dsn = cluster.dsn("drwatch");  // host=127.0.0.1 port=N dbname=postgres user=...
    const std::string server = dsn.substr(0, dsn.find(" dbname"));
    const std::string folder = cluster.folder();
    cluster.as_owner("printf '\"drwatch\" \"\"\\n' > " + folder + "/users.txt");
    std::string lines;
    for (const std::string& line :
         {std::string("[databases]"), "postgres = " + server, std::string("[pgbouncer]"), std::string("listen_addr = 127.0.0.1"),
          "listen_port = " + std::to_string(port_), std::string("unix_socket_dir ="), std::string("auth_type = trust"),
          "auth_file = " + folder + "/users.txt", std::string("pool_mode = transaction"), std::string("query_wait_timeout = 1"),
          "pidfile = " + folder + "/pooler.pid", "logfile = " + folder + "/pooler.log"})
      lines += " '" + line + "'";
    cluster.as_owner("printf '%s\\n'" + lines + " > " + folder + "/pooler.ini");
    cluster.as_owner("/usr/sbin/pgbouncer -q -d " + folder + "/pooler.ini");
    running_ = true;
  }
  ~Pooler() {
    if (running_) stop();
  }
  Pooler(const Pooler&) = delete;

  void stop() {
    running_ = false;
    cluster_.as_owner("kill $(cat " + cluster_.folder() + "/pooler.pid)");
  }
  std::string dsn() const { return "host=127.0.0.1 port=" + std::to_string(port_) + " dbname=postgres user=drwatch"; }

 private:
  Cluster& cluster_;
  int port_;
  bool running_ = false;
};

bool says(const Outcome& outcome, const std::string& part) {
  if (outcome.message.find(part) != std::string::npos) return true;
  MESSAGE(outcome.message);
  return false;
}

}  // namespace

TEST_CASE("a real PgBouncer: direct and pooled told apart, and whose fault it is") {
  Cluster cluster;
  cluster.script(prepare_sql());
  Watch watch;
  const auto direct = probe_of("postgres", "dsn = \"" + cluster.dsn("drwatch") + "\"\ncanary = true");
  Pooler pooler(cluster);
  const auto pooled = probe_of("postgres", "dsn = \"" + pooler.dsn() + "\"\npooler = true\ncanary = true");
  await("the pooler", [&] { return watch.run(*pooled).outcome == Health::up; });
  CHECK(watch.run(*pooled).facts.at("via") == "pooler");
  CHECK(watch.run(*direct).facts.at("via") == "direct");

  cluster.stop();
  const Outcome gone = watch.run(*direct);
  CHECK(gone.code == "ECONNREFUSED");
  CHECK(gone.takes_no_writes);
  Outcome behind;
  await("the pooler's word on it", [&] { return (behind = watch.run(*pooled)).code == "08P01"; });
  CHECK(behind.outcome == Health::down);
  CHECK(behind.reason == Reason::connect);
  CHECK(says(behind, "the pooler answers, but not the database behind it"));

  cluster.start();
  pooler.stop();
  Outcome poolerless;
  await("the pooler's end", [&] { return (poolerless = watch.run(*pooled)).code == "ECONNREFUSED"; });
  CHECK_FALSE(poolerless.takes_no_writes);
  CHECK(watch.run(*direct).outcome == Health::up);
}

}  // namespace real_pooler_test
