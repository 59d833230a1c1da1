// SPDX-License-Identifier: Apache-2.0
// postgres: a fresh connection, a query, and with `canary` a committed write. It proves that clients can log in and, with the canary, that
// the database takes writes; it can't prove that what it holds is right. Down means: the platform has no database.
#include "probes/probe.hpp"
#include "probes/parts/pg_answer.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/postgres/canary.hpp"
#include "probes/postgres/checks.hpp"
#include "probes/seams/excerpt.hpp"

namespace drwatch::kinds::postgres {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A fresh connection in every run, as a client makes it, then a query whose result is asserted, and with `canary` a committed write.

Proves that clients can log in and, with `canary`, that the database takes writes and at which position of its write-ahead log: that is what
makes recovery points exact. Cannot prove that the rows are right.

A database that is not there (dropped, or never restored) is `absent` with the code `3D000`, unlike one that can't be reached (`connect`).
With `asks = "content"` that, a wrong value and damage are `down`, and a database that can't be reached is `unknown`: such a probe of its own
tells a scenario that the data is gone, and not the server.

The other keys each ask a question of their own; give each a probe of its own where a scenario is to name it (`checksums is down`,
`sentinel is down`). `checksums` and `tables` latch: what they saw once stays `down` over restarts of drwatch and of the server, until
`drwatch probe NAME --acknowledge --note TEXT`. What can't be looked at (no right to, no table, checksums off) is `unknown`. Statistics that
the server forgot (a crash, a reset) are noticed and say nothing. A page in the server's cache hides the one on disk from everything here: a
base backup and a restore drill read the disk.

Direct and through a pooler are two probes with two dsn's, the second with `pooler = true`: when only that one is down, the pooler is. `via`
in the facts says which way a run took; a pooler that answers while the database behind it doesn't is told by its SQLSTATE, 08P01.

`down` with the SQLSTATE as code, also when the connection is refused by the server. `degraded` when the database works but the canary's
table is not there: `drwatch sql` prints what prepares it. TLS is what the dsn's `sslmode`, `sslrootcert`, ... say.)";

struct PostgresSettings {
  Secret dsn;
  bool canary = false;
  bool pooler = false;
  std::string asks = "service";  // service | content
  Secret standby;
  Duration standby_within = seconds{5};
  std::string query;
  std::optional<std::string> expect;
  std::optional<std::int64_t> rows;
  bool checksums = false, sentinel = false, size = false;
  DriftBounds drift;
  std::optional<std::vector<std::string>> superusers, roles;
  std::vector<std::string> row_security;
  ConnectionBounds connections;
  friend bool operator==(const PostgresSettings&, const PostgresSettings&) = default;
};

void read_expect(PostgresSettings& into, const Value& value, const Reading& reading) {
  if (const auto* text = value.text())
    into.expect = *text;
  else if (const auto* whole = std::get_if<std::int64_t>(&value.is))
    into.expect = std::to_string(*whole);
  else
    reading.problems.error(value.place, reading.key, "must be a string or an integer", "write it as psql prints it, \"t\" for true");
}

using Names = std::vector<std::string>;

// "schema.table": what the catalogs are compared with.
config::Row names_row(std::string key, std::string meaning, Names& (*member)(PostgresSettings&)) {
  return config::row_with<PostgresSettings>(std::move(key), "list of strings", {.doc = std::move(meaning)},
                                            [member](PostgresSettings& into, const Value& value, const Reading& reading) {
                                              Names& names = member(into);
                                              config::read_value(names, value, {.doc = ""}, reading);
                                              for (const std::string& name : names)
                                                if (const auto dot = name.find('.'); dot == name.npos || dot == 0 || dot + 1 == name.size())
                                                  reading.problems.error(value.place, reading.key, "'" + name + "' names no table",
                                                                         "write it with its schema: public." + name);
                                            });
}

config::Row part_row(std::string key, std::string meaning, std::string fallback, void (*set)(PostgresSettings&, double)) {
  const config::Meta bounds{.doc = std::move(meaning), .fallback = std::move(fallback), .min = 0.0001, .max = 1};
  return config::row_with<PostgresSettings>(std::move(key), "number", bounds,
                                            [set, bounds](PostgresSettings& into, const Value& value, const Reading& reading) {
                                              std::optional<double> read;
                                              config::read_value(read, value, bounds, reading);
                                              if (read) set(into, *read);
                                            });
}

std::vector<config::Row> rows() {
  using S = PostgresSettings;
  return {
      config::secret_or_text_row<S>("dsn", &S::dsn, {.doc = "`host=... dbname=... user=...` or `postgresql://...`.", .required = true}),
      config::row<S>(
          "pooler", &S::pooler,
          {.doc = "The `dsn` leads through a pooler. That it refuses says nothing of the database's own writes.", .fallback = "false"}),
      config::row<S>(
          "asks", &S::asks,
          {.doc = "`service`: does the database work. `content`: is what is in it as it should be (`query`, `sentinel`, `tables`, "
                  "roles; without any of them: is the database still there); that it can't be reached is then `unknown`.",
           .fallback = "service",
           .one_of = {"service", "content"}}),
      config::row<S>("canary", &S::canary, {.doc = "Write `drwatch.heartbeat` and commit, in every run.", .fallback = "false"}),
      config::secret_or_text_row<S>("standby", &S::standby,
                                    {.doc = "Dsn of a standby on which the canary must then be seen; else `degraded`. Needs `canary`."}),
      config::row<S>("standby_within", &S::standby_within,
                     {.doc = "So long it may take to arrive there; shorter than `timeout`.", .fallback = "5s", .min = 0.1}),
      config::row<S>("query", &S::query, {.doc = "One statement that must succeed."}),
      config::row_with<S>("expect", "string or integer", {.doc = "What the first column of the query's first row must be."}, read_expect),
      config::row<S>("rows", &S::rows, {.doc = "How many rows the query must return.", .min = 0}),
      config::row<S>("checksums", &S::checksums,
                     {.doc = "Corrupt pages that the server met since its statistics began, in any database: `down` until acknowledged "
                             "(`drwatch probe NAME "
                             "--acknowledge`). With data checksums off it is `unknown`: no coverage.",
                      .fallback = "false"}),
      config::row<S>(
          "sentinel", &S::sentinel,
          {.doc =
               "Read the 1000 rows of `drwatch.sentinel` and hash them anew: rows that changed or vanished without any error are `down`.",
           .fallback = "false"}),
      config::row<S>(
          "size", &S::size,
          {.doc = "Read how much data the database holds: what a step with `per_gib` grows with. The server looks at each of its "
                  "files for it; in a probe of its own it can be asked every 10 minutes.",
           .fallback = "false"}),
      names_row("tables",
                "Tables (`public.orders`) whose rows are watched by the server's statistics: one that is gone is `down`; one that was "
                "truncated, or lost "
                "more than `lost_down` of its rows, is `down` until acknowledged.",
                [](S& s) -> std::vector<std::string>& { return s.drift.tables; }),
      part_row("lost_degraded", "Of the rows of one of `tables`, deleted within `lost_within`.", "0.05",
               [](S& s, double v) { s.drift.degraded = v; }),
      part_row("lost_down", "The same, for `down` until acknowledged.", "0.2", [](S& s, double v) { s.drift.down = v; }),
      config::row_with<S>("lost_within", "duration", {.doc = "The time in which those rows were deleted.", .fallback = "10m"},
                          [](S& s, const Value& value, const Reading& reading) {
                            config::read_value(s.drift.within, value, {.doc = "", .min = 1}, reading);
                          }),
      config::row<S>("superusers", &S::superusers,
                     {.doc = "All roles that may be superusers, or become one (`SET ROLE`); any other one is `down`."}),
      config::row<S>("roles", &S::roles, {.doc = "All roles that may log in, besides `superusers`; any other one is `down`."}),
      names_row("row_security", "Tables (`public.orders`, or `public.*`) whose row level security must be on; off is `down`.",
                [](S& s) -> std::vector<std::string>& { return s.row_security; }),
      part_row("connections_degraded",
               "Connections in use, of those that clients without superuser's rights may have: `degraded` from here.", "",
               [](S& s, double v) { s.connections.degraded = v; }),
      part_row("connections_down", "The same: `down` from here.", "", [](S& s, double v) { s.connections.down = v; }),
  };
}

void check(const PostgresSettings& s, config::Place place, const Reading& reading) {
  if (s.standby.configured() && !s.canary)
    reading.problems.error(place, reading.key, "standby is about the canary, and none is written", "add canary = true");
  if (s.asks == "content" && s.canary)
    reading.problems.error(place, reading.key, "asks = \"content\" beside a canary, which asks whether the database works",
                           "give the canary a probe of its own");
  if (s.query.empty() && (s.expect || s.rows))
    reading.problems.error(place, reading.key, "expect and rows are about a query, and there is none", "add query");
}

class PostgresProbe : public Probe {
 public:
  PostgresProbe(const PostgresSettings& own, const ProbeSettings& settings)
      : settings_(own), timeout_(settings.timeout), drift_(own.drift) {}

  Task<Outcome> run(World& world) override {
    if (auto problem = dsn_problem(settings_.dsn)) co_return *problem;
    Phases phases;
    auto connection = co_await world.postgres.connect(settings_.dsn, phases);
    Outcome outcome;
    if (connection) {
      const auto began = world.clock.boottime();
      outcome = co_await look(world, **connection);
      co_await tell_way(**connection, &outcome);
      // Corrupt data may lie where the next run does not look.
      if (outcome.code == "XX001" || outcome.code == "XX002") outcome.latches.push_back({"corruption", world.clock.now(), outcome.message});
      // It may be drwatch's own connection alone that an administrator ended: what a shutdown looks like to a new one, the next run tells.
      if (outcome.code == "57P01") outcome.takes_no_writes = false;
      phases[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    } else {
      outcome = database_outcome(connection.error());
      if (settings_.pooler || pooled_) {
        outcome.takes_no_writes = false;
        if (outcome.outcome == Health::down) outcome.message += " (through a pooler)";
      }
    }
    if (settings_.asks == "content") outcome = of_content(std::move(outcome));
    outcome.phases = phases;
    outcome.memory = memory();
    co_return outcome;
  }

  Health when_late() const override { return settings_.asks == "content" ? Health::unknown : Health::down; }

  // That a pooler stands there must not be forgotten: its refusal would be taken for the database's own.
  void recall(const std::string& memory) override {
    pooled_ = memory.starts_with(by_pooler);
    if (const auto drift = memory.find('\n'); drift != std::string::npos) drift_.recall(memory.substr(drift + 1));
  }

 private:
  static constexpr std::string_view by_pooler = "pooler";
  std::string memory() const {
    return std::string(pooled_ ? by_pooler : "direct") + "\n" + (settings_.drift.tables.empty() ? "" : drift_.memory());
  }

  // A pooler has its own connections to the server and makes up the process that it names to its clients.
  Task<void> tell_way(PgConnection& connection, Outcome* outcome) {
    if (connection.server_process() == 0) co_return;
    const auto answer = co_await connection.query("SELECT pg_catalog.pg_backend_pid()");
    if (!answer || answer->rows.empty()) co_return;
    const bool direct = whole(cell(answer->rows[0], 0)) == connection.server_process();
    outcome->facts["via"] = direct ? "direct" : "pooler";
    pooled_ = !direct;
    if (!direct && outcome->outcome != Health::up) outcome->message += " (through a pooler)";
    if (direct && settings_.pooler) outcome->message += "; the dsn leads to the server itself, not through a pooler";
  }

  Task<Outcome> look(World& world, PgConnection& connection) {
    Outcome outcome = outcome_of(Health::up, Reason::none, "", "");
    if (settings_.canary) outcome = co_await write_canary(world, connection, timeout_);
    if (outcome.outcome == Health::down) co_return outcome;
    if (settings_.standby.configured() && outcome.canary) {
      // Not all of the run: what it then is should still be told.
      Outcome there =
          co_await see_canary(world, settings_.standby, outcome.facts["canary"], std::min(settings_.standby_within, timeout_ * 7 / 10));
      outcome = worse(std::move(outcome), std::move(there));
    }
    if (!settings_.canary || !settings_.query.empty()) {
      Outcome asked = co_await ask(connection);
      outcome = settings_.canary ? worse(std::move(outcome), std::move(asked)) : std::move(asked);
    }
    co_return co_await with_checks(connection, std::move(outcome));
  }

  Task<Outcome> with_checks(PgConnection& connection, Outcome outcome) {
    const PostgresSettings& s = settings_;
    if (s.checksums) co_await add(&outcome, connection, look_at_checksums(connection));
    if (s.sentinel) co_await add(&outcome, connection, read_sentinel(connection));
    if (!s.drift.tables.empty()) co_await add(&outcome, connection, drift_.look(connection));
    if (s.superusers || s.roles) co_await add(&outcome, connection, look_at_roles(connection, s.superusers, s.roles));
    if (!s.row_security.empty()) co_await add(&outcome, connection, look_at_row_security(connection, s.row_security));
    if (s.connections.degraded || s.connections.down) co_await add(&outcome, connection, look_at_connections(connection, s.connections));
    if (s.size) co_await add(&outcome, connection, look_at_size(connection));
    co_return outcome;
  }

  // Each in a transaction of its own: one that fails must not take the next with it.
  Task<void> add(Outcome* outcome, PgConnection& connection, Task<Outcome> check) {
    if (auto problem = co_await begin_bounded(connection, timeout_)) {
      *outcome = worse(std::move(*outcome), std::move(*problem));
      co_return;
    }
    Outcome seen = co_await std::move(check);
    *outcome = worse(std::move(*outcome), std::move(seen));
    (void)co_await connection.query("ROLLBACK");
  }

  Task<Outcome> ask(PgConnection& connection) {
    if (auto problem = co_await begin_bounded(connection, timeout_)) co_return *problem;
    // Named first: g++ 12 destroys a temporary of ?: inside a co_await expression twice.
    const std::string sql = settings_.query.empty() ? "SELECT 1" : settings_.query;
    const auto result = co_await connection.query(sql);
    if (!result) co_return database_outcome(result.error());
    const auto committed = co_await connection.query("COMMIT");
    if (!committed) co_return database_outcome(committed.error());
    co_return judged(*result);
  }

  Outcome judged(const PgResult& result) const {
    if (settings_.query.empty()) return outcome_of(Health::up, Reason::none, "", "logged in and answered");
    if (settings_.rows && result.rows.size() != static_cast<std::size_t>(*settings_.rows))
      return wrong(std::to_string(*settings_.rows) + " rows", std::to_string(result.rows.size()));
    const bool empty = result.rows.empty() || result.rows[0].empty();
    const auto value = empty ? std::nullopt : result.rows[0][0];
    const std::string got = empty ? "no row" : value ? quote(*value) : "NULL";
    if (settings_.expect && value != settings_.expect) return wrong(quote(*settings_.expect), got);
    Outcome good = outcome_of(Health::up, Reason::none, "", "the query returned " + got);
    if (value) good.facts["value"] = excerpt(*value);
    return good;
  }

  static Outcome wrong(const std::string& expected, const std::string& got) {
    return outcome_of(Health::down, Reason::assertion, "", "the query was expected to return " + expected + ", got " + got);
  }

  PostgresSettings settings_;
  Duration timeout_;
  Drift drift_;
  bool pooled_ = false;  // it was, when it last answered
};

}  // namespace

Kind kind() {
  return kind_of<PostgresSettings, PostgresProbe>(
      {.name = "postgres", .doc = doc, .traits = {.answers_queries = true, .tells_size = true}, .rows = rows(), .check = check});
}

}  // namespace drwatch::kinds::postgres
