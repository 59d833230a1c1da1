// SPDX-License-Identifier: Apache-2.0
// Against a real PostgreSQL 15.
#include "daemon/world/real.hpp"
#include "probes/seams/redaction.hpp"
#include "probes/seams/within.hpp"
#include "tests/world/loop.hpp"
#include "tests/world/servers.hpp"

#include <unistd.h>
#include <cstdlib>
#include <filesystem>

namespace postgres_test {

using namespace drwatch;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

const std::string programs = "/usr/lib/postgresql/15/bin/";

// One cluster for all tests of this file: SCRAM over TCP, a role with a password, stopped at the end.
class Cluster {
 public:
  static Cluster& get() {
    static Cluster cluster;
    return cluster;
  }
  ~Cluster() { run("pg_ctl -D " + data() + " -m immediate -w stop"); }

  std::string dsn(const std::string& host = "127.0.0.1", const std::string& more = "dbname=postgres user=probe password=geheim") const {
    return "host=" + host + " port=" + std::to_string(port_) + " " + more;
  }
  const std::string& folder() const { return folder_.path(); }
  std::uint16_t port() const { return port_; }

 private:
  Cluster() {
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
    folder_.file("password", "geheim\n");
    must("initdb -N -D " + data() + " -U probe -A scram-sha-256 --pwfile=" + folder_.path() + "/password");
    must("pg_ctl -D " + data() + " -w -l " + folder_.path() + "/log -o \"-p " + std::to_string(port_) +
         " -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories=" + folder_.path() + "\" start");
  }
  std::string data() const { return folder_.path() + "/data"; }
  static int run(const std::string& command) {
    const std::string as = ::geteuid() == 0 ? "runuser -u postgres -- " : "";
    return std::system(("cd / && " + as + programs + command + " >/dev/null 2>&1").c_str());
  }
  static void must(const std::string& command) {
    if (run(command) != 0) throw std::runtime_error("failed: " + command);
  }

  testing::TempFolder folder_;
  std::uint16_t port_ = testing::unused_port();
};

struct Fixture {
  asio::io_context loop;
  RealWorld real{loop.get_executor()};
  World world = real.world();
  Phases phases;
  Cluster& cluster = Cluster::get();

  Result<std::unique_ptr<PgConnection>> connect(const std::string& dsn) {
    phases = {};
    return testing::result_of(loop, world.postgres.connect(Secret(Secret::From::plain, "", dsn), phases));
  }
  Result<PgResult> query(PgConnection& connection, const std::string& sql) { return testing::result_of(loop, connection.query(sql)); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "postgres: connect with SCRAM, and a query") {
  auto connection = connect(cluster.dsn());
  REQUIRE_MESSAGE(connection.has_value(), connection.error().message);
  CHECK(phases[Phase::resolve]);
  CHECK(phases[Phase::connect]);
  CHECK(phases[Phase::auth]);
  auto answer = query(**connection, "select 1 as one, null as nothing, 'x' union all select 2, 'y', null order by 1");
  REQUIRE(answer.has_value());
  CHECK(answer->columns == std::vector<std::string>{"one", "nothing", "?column?"});
  REQUIRE(answer->rows.size() == 2);
  CHECK(answer->rows[0][0] == "1");
  CHECK(!answer->rows[0][1]);
  CHECK(answer->rows[1][1] == "y");
  CHECK(query(**connection, "select 1 where false")->columns.size() == 1);
  CHECK(query(**connection, "set application_name = 'x'").has_value());
}

TEST_CASE_FIXTURE(Fixture, "postgres: as a URL, by name, and over the local socket") {
  const auto port = std::to_string(cluster.port());
  CHECK(connect("postgresql://probe:geheim@127.0.0.1:" + port + "/postgres").has_value());
  // localhost may mean ::1 first, where nobody listens: the next address is tried.
  CHECK(connect("postgresql://probe:geheim@localhost:" + port + "/postgres").has_value());
  CHECK(connect(cluster.dsn(cluster.folder())).has_value());
  CHECK(connect("host=127.0.0.1,127.0.0.1 port=" + std::to_string(testing::unused_port()) + "," + port +
                " dbname=postgres user=probe password=geheim")
            .has_value());
}

TEST_CASE_FIXTURE(Fixture, "postgres: connections that fail, each with its reason and code, never with the password") {
  auto check = [&](const std::string& dsn, Reason reason, const std::string& code) {
    auto connection = connect(dsn);
    REQUIRE(!connection.has_value());
    CAPTURE(connection.error().message);
    CHECK(reason_name(connection.error().reason) == reason_name(reason));
    CHECK(connection.error().code == code);
    CHECK(connection.error().message.find("geheim") == std::string::npos);
    CHECK(connection.error().message.find("falsch") == std::string::npos);
    CHECK(connection.error().message.find('\n') == std::string::npos);
  };
  check(cluster.dsn("127.0.0.1", "dbname=postgres user=probe password=falsch"), Reason::auth, "28P01");
  check(cluster.dsn("127.0.0.1", "dbname=nope user=probe password=geheim"), Reason::connect, "3D000");
  check(cluster.dsn("127.0.0.1", "dbname=postgres user=probe password=geheim sslmode=require"), Reason::tls, "");
  check("host=127.0.0.1 port=" + std::to_string(testing::unused_port()) + " user=probe password=geheim", Reason::connect, "ECONNREFUSED");
  check("host=/nonexistent user=probe password=geheim", Reason::connect, "ENOENT");
  check("host=a,b port=1,2,3 password=geheim", Reason::own_fault, "");
  check("geheim falsch", Reason::own_fault, "");
  check("postgresql://probe:geheim@[::1/x", Reason::own_fault, "");
  check("service=x password=geheim", Reason::own_fault, "");
  // Parts of a password that is not escaped are no host, port or database.
  check("postgresql://probe:x@geheim@127.0.0.1/x", Reason::own_fault, "");
  check("postgresql://localhost:geheim/x", Reason::own_fault, "");
  check("postgresql://probe:x/geheim@127.0.0.1/x", Reason::own_fault, "");
  check("postgresql://probe:x@127.0.0.1/geheim@127.0.0.1/x", Reason::own_fault, "");
  check("hostaddr=x@geheim user=probe", Reason::own_fault, "");
  check("host=127.0.0.1 port=5432,geheim user=probe", Reason::own_fault, "");
  check("host=" + std::string(300, 'x') + ".example.org user=probe password=geheim", Reason::dns, "BADNAME");
  check(cluster.dsn("127.0.0.1", "dbname=postgres user=probe passfile=" + cluster.folder() + "/none"), Reason::auth, "");
}

// The world tells what the server said; a run's end frees it of the secrets of its probe, after the reason was told by the whole message.
TEST_CASE_FIXTURE(Fixture, "postgres: a password that the server echoes is not shown") {
  const auto shown = [](const Failure& failure, const std::string& dsn) { return Redaction().and_also({dsn}).hidden(failure.message); };
  const auto port = std::to_string(cluster.port());
  // The name of the role and of the database come back in the server's words.
  const std::string same = "postgresql://probe:geheim@127.0.0.1:" + port + "/geheim";
  auto refused = connect(same);
  REQUIRE(!refused.has_value());
  CHECK(refused.error().code == "3D000");
  CHECK_MESSAGE(shown(refused.error(), same).find("\"***\"") != std::string::npos, refused.error().message);
  const std::string escaped = "postgresql://ge%40heim:ge%40heim@127.0.0.1:" + port + "/postgres";
  auto encoded = connect(escaped);
  REQUIRE(!encoded.has_value());
  CHECK(encoded.error().reason == Reason::auth);
  CHECK_MESSAGE(shown(encoded.error(), escaped).find("ge@heim") == std::string::npos, encoded.error().message);
  auto connection = connect(cluster.dsn());
  REQUIRE(connection.has_value());
  const auto failed = query(**connection, "select 1 from geheim");
  CHECK(failed.error().code == "42P01");
  CHECK_MESSAGE(shown(failed.error(), cluster.dsn()).find("geheim") == std::string::npos, failed.error().message);
}

TEST_CASE_FIXTURE(Fixture, "postgres: statements that fail leave the connection usable") {
  auto connection = connect(cluster.dsn());
  REQUIRE(connection.has_value());
  auto missing = query(**connection, "select * from nowhere").error();
  CHECK(missing.reason == Reason::assertion);
  CHECK(missing.code == "42P01");
  CHECK(query(**connection, "select 1; select 2").error().code == "42601");
  CHECK(query(**connection, "select 1/(3-n) from generate_series(1,5) n").error().code == "22012");
  CHECK(query(**connection, "select 1")->rows.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "postgres: an answer without bounds is bounded") {
  auto connection = connect(cluster.dsn());
  REQUIRE(connection.has_value());
  auto much = query(**connection, "select generate_series(1, 100000000)").error();
  CHECK(much.reason == Reason::protocol);
  CHECK(much.code == "EFBIG");
}

TEST_CASE_FIXTURE(Fixture, "postgres: the server ends the connection") {
  auto connection = connect(cluster.dsn());
  REQUIRE(connection.has_value());
  auto failure = query(**connection, "select pg_terminate_backend(pg_backend_pid())").error();
  CHECK(failure.reason == Reason::connect);
  CHECK(failure.code == "57P01");
  CHECK(query(**connection, "select 1").error().reason == Reason::connect);
}

namespace {

Task<void> sleep_on_server(World world, Secret dsn, bool& late, std::chrono::milliseconds& took) {
  Phases phases;
  auto connection = co_await world.postgres.connect(std::move(dsn), phases);
  const auto begin = std::chrono::steady_clock::now();
  auto answer = co_await within(world.clock, 200ms, (*connection)->query("select pg_sleep(60) as drwatch_test_nap"));
  late = !answer;
  took = testing::elapsed_since(begin);
}

Task<void> until_gone(World world, PgConnection& connection, std::string& left) {
  for (int i = 0; i < 200; ++i) {
    auto answer =
        co_await connection.query("select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'");
    left = answer->rows[0][0].value_or("?");
    if (left == "0") co_return;
    co_await world.clock.sleep_for(20ms);
  }
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "postgres: a statement that does not end is left at the deadline, and the server told to stop it") {
  auto other = connect(cluster.dsn());
  REQUIRE(other.has_value());
  bool late = false;
  std::chrono::milliseconds took{0};
  testing::run(loop, sleep_on_server(world, Secret(Secret::From::plain, "", cluster.dsn()), late, took));
  CHECK(late);
  CHECK(took >= 200ms);
  CHECK(took < 5s);
  std::string left;
  testing::run(loop, until_gone(world, **other, left));
  CHECK(left == "0");
}

TEST_CASE_FIXTURE(Fixture, "postgres: a server that accepts and says nothing is left at the deadline; so is one that breaks off") {
  testing::TcpServer silent([](testing::Peer peer) { peer.wait_for_close(); });
  const auto dsn = "host=127.0.0.1 port=" + std::to_string(silent.port()) + " user=probe";
  auto answer = testing::result_of(loop, within(world.clock, 200ms, world.postgres.connect(Secret(Secret::From::plain, "", dsn), phases)));
  CHECK(!answer);
  CHECK(phases[Phase::connect]);
  testing::TcpServer closing([](testing::Peer peer) { peer.wait(5ms); });
  auto failure = connect("host=127.0.0.1 port=" + std::to_string(closing.port()) + " user=probe").error();
  CHECK(failure.reason == Reason::connect);
}

TEST_CASE_FIXTURE(Fixture, "postgres: deriving SCRAM keys does not stall the loop") {
  struct Many {
    static Task<void> connect(World world, Secret dsn, int& done) {
      for (int i = 0; i < 5; ++i) {
        Phases phases;
        auto connection = co_await world.postgres.connect(dsn, phases);
        CHECK(connection.has_value());
      }
      ++done;
    }
    static Task<void> measure(World world, const int& done, std::chrono::milliseconds& worst, int& ticks) {
      while (done < 4) {
        const auto begin = std::chrono::steady_clock::now();
        co_await world.clock.sleep_for(1ms);
        worst = std::max(worst, testing::elapsed_since(begin));
        ++ticks;
      }
    }
  };
  int done = 0, ticks = 0;
  std::chrono::milliseconds worst{0};
  for (int i = 0; i < 4; ++i) {
    asio::co_spawn(loop, Many::connect(world, Secret(Secret::From::plain, "", cluster.dsn()), done), [](std::exception_ptr) {});
  }
  testing::run(loop, Many::measure(world, done, worst, ticks));
  CHECK(done == 4);
  CHECK(ticks >= 10);
  MESSAGE("worst lag of the loop during 20 SCRAM log-ins: " << worst.count() << " ms over " << ticks << " ticks");
}

}  // namespace postgres_test
