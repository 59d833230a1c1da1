// SPDX-License-Identifier: Apache-2.0
// Reads streaming replication, from the standby, from the primary, or best from both: what the standby has flushed is the recovery point,
// what it has replayed is the work left before a promotion. What it can't prove: that a promotion succeeds. Down means: the standby is not
// there, not connected, or no standby; if the primary's host is lost now, what is lost grows.
#include "probes/backup/readers.hpp"
#include "probes/backup/standby/verdict.hpp"
#include "probes/parts/pg_outcome.hpp"
#include "probes/seams/within.hpp"

#include <algorithm>

namespace drwatch::kinds::backup::standby {
namespace {

using config::Reading;
using config::Value;

constexpr const char* doc =
    R"(A streaming standby, asked itself (`dsn`), through its primary (`primary`), or best both: then what it holds is turned into an exact
moment even without a canary. What it has flushed counts for the recovery point, what it has replayed for the way to a promotion. `down`
when the standby is off, not connected to a primary (`absent`: no WAL receiver on the standby, no row on the primary), promoted, of another
cluster, or its slot is lost; `degraded` when it is catching up, has not replied for a minute, replays or receives more than `behind` late
(beyond its `recovery_min_apply_delay`), or replay is paused; `unknown` when neither end could be asked. On an idle pair the lags are empty
and positions stand still: that is no fault. With the primary dead "received equals replayed" goes on being true and proves nothing. The
role needs `pg_monitor` to see more than the positions. Survives: `host`, and `region` where it stands in another one; never `logical`: it
repeats every mistake at once.)";

struct StandbySettings {
  Secret dsn, primary;
  std::string application_name = "walreceiver";
  std::string slot;
  Duration behind = minutes{5};
  friend bool operator==(const StandbySettings&, const StandbySettings&) = default;
};

// It stands in SQL between quotes.
void read_name(std::string& into, const Value& value, const Reading& reading) {
  const std::string* text = value.text();
  const bool fits = text && !text->empty() && text->size() <= 63 && std::all_of(text->begin(), text->end(), [](unsigned char c) {
                      return c >= 0x20 && c < 0x7f && c != '\'' && c != '\\' && c != '"';
                    });
  if (!fits)
    return reading.problems.error(value.place, reading.key, "is not a name",
                                  "one to 63 characters of ASCII without quotes and backslashes");
  into = *text;
}

std::vector<config::Row> rows() {
  using S = StandbySettings;
  using config::row_with;
  return {
      config::secret_or_text_row<S>("dsn", &S::dsn, {.doc = "Of the standby. This, `primary`, or both."}),
      config::secret_or_text_row<S>("primary", &S::primary, {.doc = "The dsn of its primary."}),
      row_with<S>("application_name", "string",
                  {.doc = "The name by which the primary knows the standby: its `application_name`, else its `cluster_name`.",
                   .fallback = "walreceiver"},
                  [](S& s, const Value& v, const Reading& r) { read_name(s.application_name, v, r); }),
      row_with<S>("slot", "string", {.doc = "The replication slot on the primary that keeps what the standby needs."},
                  [](S& s, const Value& v, const Reading& r) { read_name(s.slot, v, r); }),
      config::row<S>("behind", &S::behind, {.doc = "Received or replayed later than this is `degraded`.", .fallback = "5m", .min = 1}),
  };
}

void check(const StandbySettings& s, config::Place place, const Reading& reading) {
  if (!s.dsn.configured() && !s.primary.configured())
    reading.problems.error(place, reading.key, "reads = \"standby\" needs the standby's 'dsn', its 'primary', or both", "add one");
  if (!s.slot.empty() && !s.primary.configured())
    reading.problems.error(place, reading.key, "a slot is on the primary, and no 'primary' is given", "add primary");
}

class StandbyProbe : public Probe {
 public:
  StandbyProbe(const StandbySettings& own, const ProbeSettings& settings)
      : settings_(own), wanted_{own.application_name, own.slot, own.behind}, timeout_(settings.timeout) {}

  // A source that could not be read says nothing of itself.
  Health when_late() const override { return Health::unknown; }

  Task<Outcome> run(World& world) override {
    StandbySight sight;
    Phases phases;
    // The primary first: what the standby then holds of its position, it holds of everything committed until then.
    if (settings_.primary.configured()) {
      const auto asked = co_await within(world.clock, share(), ask_primary(world, &phases));
      sight.primary = asked ? *asked : no_answer("the primary");
      if (*sight.primary && (*sight.primary)->current) positions_.add(*(*sight.primary)->current, (*sight.primary)->asked_at);
    }
    if (settings_.dsn.configured()) {
      Phases of_standby;
      const auto asked = co_await within(world.clock, share(), ask_standby(world, &of_standby));
      sight.standby = asked ? *asked : no_answer("the standby");
      phases = of_standby;
    }
    Outcome outcome = judge_standby(sight, positions_, wanted_, world.clock.now());
    outcome.phases = phases;
    co_return outcome;
  }

 private:
  // A part of the run's time for each end: a primary that hangs (its host is gone) must not keep the standby from being asked, and what one
  // end said must not be lost with the run.
  Duration share() const { return timeout_ * 45 / 100; }

  static Failure no_answer(const std::string& whose) { return {Reason::timeout, "", "no answer from " + whose + " in time"}; }

  Task<Result<std::unique_ptr<PgConnection>>> open(World& world, Secret dsn, Phases* phases) {
    if (auto problem = dsn_problem(dsn)) co_return Failure{Reason::internal, "", problem->message};
    auto connection = co_await world.postgres.connect(dsn, *phases);
    if (!connection) co_return connection.error();
    if (auto problem = co_await begin_bounded(**connection, share())) co_return Failure{problem->reason, problem->code, problem->message};
    co_return std::move(*connection);
  }

  Task<Result<SenderAccount>> ask_primary(World& world, Phases* phases) {
    auto connection = co_await open(world, settings_.primary, phases);
    if (!connection) co_return connection.error();
    auto account = co_await read_sender_account(**connection, wanted_.name, wanted_.slot);
    if (account && !account->current) co_return Failure{Reason::protocol, "", "what is configured as the primary is a standby itself"};
    if (account && account->count > 0 && account->state.empty())
      co_return Failure{Reason::auth, "", "the role may not see replication: GRANT pg_monitor to it"};
    co_return account;
  }

  Task<Result<StandbyAccount>> ask_standby(World& world, Phases* phases) {
    auto connection = co_await open(world, settings_.dsn, phases);
    if (!connection) co_return connection.error();
    const auto began = world.clock.boottime();
    auto account = co_await read_standby_account(**connection);
    (*phases)[Phase::request] = std::chrono::duration_cast<std::chrono::microseconds>(world.clock.boottime() - began);
    co_return account;
  }

  StandbySettings settings_;
  StandbyWanted wanted_;
  Duration timeout_;
  PrimaryPositions positions_;
};

}  // namespace

Kind reader() { return kind_of<StandbySettings, StandbyProbe>({.name = "standby", .doc = doc, .rows = rows(), .check = check}); }

}  // namespace drwatch::kinds::backup::standby
