// SPDX-License-Identifier: Apache-2.0
// postgres: a fresh connection, a query, and with `canary` a committed write. It proves that clients can log in and, with the canary, that
// the database takes writes; it can't prove that what it holds is right. Down means: the platform has no database.
#include "probes/canary.hpp"
#include "probes/excerpt.hpp"
#include "probes/kinds.hpp"
#include "probes/pg_outcome.hpp"

namespace drwatch {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A fresh connection in every run, as a client makes it, then a query whose result is asserted, and with `canary` a committed write.

Proves that clients can log in and, with `canary`, that the database takes writes and at which position of its write-ahead log: that is what makes
recovery points exact. Cannot prove that the rows are right.

`down` with the SQLSTATE as code, also when the connection is refused by the server. `degraded` when the database works but the canary's table is not there:
`drwatch sql` prints what prepares it. TLS is what the dsn's `sslmode`, `sslrootcert`, ... say.)";

struct PostgresSettings {
  Secret dsn;
  bool canary = false;
  std::string query;
  std::optional<std::string> expect;
  std::optional<std::int64_t> rows;
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

std::vector<config::Row> rows() {
  using S = PostgresSettings;
  return {
      config::secret_or_text_row<S>("dsn", &S::dsn, {.doc = "`host=... dbname=... user=...` or `postgresql://...`.", .required = true}),
      config::row<S>("canary", &S::canary, {.doc = "Write `drwatch.heartbeat` and commit, in every run.", .fallback = "false"}),
      config::row<S>("query", &S::query, {.doc = "One statement that must succeed."}),
      config::row_with<S>("expect", "string or integer", {.doc = "What the first column of the query's first row must be."}, read_expect),
      config::row<S>("rows", &S::rows, {.doc = "How many rows the query must return.", .min = 0}),
  };
}

void check(const void* own, config::Place place, const Reading& reading) {
  const auto& s = *static_cast<const PostgresSettings*>(own);
  if (s.query.empty() && (s.expect || s.rows))
    reading.problems.error(place, reading.key, "expect and rows are about a query, and there is none", "add query");
}

int badness(Health h) { return h == Health::down ? 3 : h == Health::degraded ? 2 : h == Health::unknown ? 1 : 0; }

// The worse of two looks at one server; what the canary read is kept either way.
Outcome worse(Outcome first, Outcome second) {
  if (badness(second.outcome) <= badness(first.outcome)) return first;
  second.canary = first.canary;
  second.facts.merge(first.facts);
  return second;
}

class PostgresProbe : public Probe {
 public:
  PostgresProbe(const PostgresSettings& settings, Duration timeout) : settings_(settings), timeout_(timeout) {}

  Task<Outcome> run(World& world) override {
    if (auto problem = dsn_problem(settings_.dsn)) co_return *problem;
    Phases phases;
    auto connection = co_await world.postgres.connect(settings_.dsn, phases);
    Outcome outcome;
    if (connection) {
      const auto began = world.clock.boottime();
      outcome = co_await look(world, **connection);
      phases[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    } else {
      outcome = database_outcome(connection.error());
    }
    outcome.phases = phases;
    co_return outcome;
  }

 private:
  Task<Outcome> look(World& world, PgConnection& connection) {
    if (!settings_.canary) co_return co_await ask(connection);
    Outcome beaten = co_await write_canary(world, connection, timeout_);
    if (beaten.outcome == Health::down || settings_.query.empty()) co_return beaten;
    Outcome asked = co_await ask(connection);
    co_return worse(std::move(beaten), std::move(asked));
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
};

}  // namespace

Kind postgres_kind() {
  Kind kind;
  kind.schema.name = "postgres";
  kind.schema.doc = doc;
  kind.schema.rows = rows();
  kind.schema.fresh = [] { return std::make_shared<PostgresSettings>(); };
  kind.schema.check = check;
  kind.schema.same = [](const void* a, const void* b) {
    return *static_cast<const PostgresSettings*>(a) == *static_cast<const PostgresSettings*>(b);
  };
  kind.make = [](const ProbeSettings& s) -> std::unique_ptr<Probe> {
    return std::make_unique<PostgresProbe>(*static_cast<const PostgresSettings*>(s.own.get()), s.timeout);
  };
  return kind;
}

}  // namespace drwatch
