// SPDX-License-Identifier: Apache-2.0
// A whole configuration: the documentation's sample.
#include "tests/config/loaded.hpp"
#include "tests/source_dir.hpp"

#include <doctest/doctest.h>

namespace drwatch::test::sample_test {
namespace {

const std::string source = drwatch::testing::source_dir();

Loaded load_file(const std::string& file) {
  Loaded loaded;
  const auto kinds = kind_schemas();
  loaded.settings = config::load(source + "/" + file, kinds, {}, loaded.problems);
  for (const auto& problem : loaded.problems.all())
    (problem.level == config::Problem::Level::error ? loaded.errors : loaded.warnings).push_back(config::problem_text(problem));
  for (const auto& error : loaded.errors) FAIL_CHECK(error);
  return loaded;
}

std::vector<std::string> step_ids(const Scenario& scenario) {
  std::vector<std::string> ids;
  for (const auto& step : scenario.steps) ids.push_back(step.id);
  return ids;
}
using Texts = std::vector<std::string>;

TEST_CASE("the sample of the documentation loads as it says") {
  const auto loaded = load_file("tests/config/sample/drwatch.toml");
  REQUIRE(loaded.settings);
  const Settings& s = *loaded.settings;

  CHECK(s.server.public_url == "https://drwatch.example.org");
  CHECK(s.server.tls_certificate.ends_with("tests/config/sample/..."));  // relative to the file
  CHECK(s.server.tokens.at("oncall").role == "responder");
  CHECK(s.server.tokens.at("oncall").secret.from() == Secret::From::credential);
  CHECK(s.journal.patience == seconds{2});
  CHECK(s.recovery.rpo == RpoByClass{{DisasterClass::host, hours{1}}, {DisasterClass::logical, hours{1}}});
  CHECK(s.alertmanager.fallback == Texts{"pager"});
  CHECK(s.channels.at("pager").kind == "webhook");
  REQUIRE(s.deadman);
  CHECK(s.deadman->interval == minutes{1});

  const auto& database = s.components.at("database");
  CHECK(database.title == "Database");
  CHECK(database.down_when == DownWhen{});
  CHECK(database.probes == Texts{"primary", "checksums", "sentinel"});  // not wal-archive: it protects this very component
  CHECK(database.protected_by == Texts{"wal-archive"});
  CHECK(s.components.at("api").title == "api");
  CHECK(s.components.at("api").depends_on == Texts{"database"});
  CHECK(s.components.at("cron").rpo.empty());  // nothing protects it, and it does not say so
  CHECK(s.rpo_of("database", DisasterClass::logical) == hours{1});
  CHECK(s.rpo_of("database", DisasterClass::region) == std::nullopt);
  CHECK(s.rpo_of("nothing", DisasterClass::host) == std::nullopt);

  CHECK(s.probes.at("resolver").witness);
  CHECK(s.probes.at("resolver").component.empty());
  const auto& primary = s.probes.at("primary");
  CHECK(primary.fall == 3);
  CHECK(primary.rise == 2);
  CHECK(primary.own != nullptr);
  CHECK(primary.traits.answers_queries);
  CHECK_FALSE(primary.calls_in());
  const auto& archive = s.probes.at("wal-archive");
  CHECK(archive.fall == 1);
  CHECK(archive.rise == 1);
  CHECK(archive.traits.reads_recovery_points);
  REQUIRE(archive.backup);
  CHECK(*archive.backup == BackupRole{"database", {DisasterClass::host, DisasterClass::logical}});
  const auto& billing = s.probes.at("nightly-billing");
  REQUIRE(billing.job);
  CHECK(billing.job->schedule->zone() == "America/Asuncion");
  CHECK(billing.job->start_grace == minutes{10});
  CHECK(billing.job->max_runtime == minutes{45});
  CHECK(billing.job->key.from() == Secret::From::file);
  CHECK(billing.traits.calls_in);
  CHECK(s.maintenance.at("db-patching").schedule->text() == "0 3 * * sun");
  CHECK(s.signals.at("breach-suspected").expires == hours{24});
  CHECK(s.hash.size() == 64);
}

TEST_CASE("a scenario of the sample, with the steps it includes") {
  const auto loaded = load_file("tests/config/sample/drwatch.toml");
  REQUIRE(loaded.settings);
  const Scenario& corruption = loaded.settings->scenarios.at("database-corruption");
  CHECK(corruption.of_class == DisasterClass::logical);
  CHECK(corruption.rto == hours{4});
  CHECK(corruption.trigger.hold_for == minutes{1});
  CHECK(corruption.trigger.any.at(0).subject == Condition::Subject::probe);
  CHECK(corruption.trigger.supersedes == Texts{"database-outage"});
  CHECK(corruption.exit.by == Exit::By::health);
  CHECK(step_ids(corruption) == Texts{"acknowledge", "freeze", "scope", "connectivity", "restore"});
  CHECK(corruption.steps[0].after.empty());
  CHECK(corruption.steps[1].after == Texts{"acknowledge"});  // the step before
  CHECK(corruption.steps[2].after.empty());                  // after = []
  CHECK(corruption.steps[3].kind() == Step::Kind::verified);
  CHECK(corruption.steps[3].hold == minutes{2});
  CHECK(corruption.steps[4].kind() == Step::Kind::command);
  CHECK(corruption.steps[4].timeout == hours{2});
  CHECK_FALSE(corruption.steps[4].automatic);
  CHECK(corruption.messages.size() == 2);
  REQUIRE(corruption.drill);
  CHECK(corruption.drill->type == "restore");
  CHECK(corruption.drill->grace == hours{24 * 14});

  const Scenario& outage = loaded.settings->scenarios.at("database-outage");
  CHECK(step_ids(outage) == Texts{"acknowledge", "freeze", "connectivity", "post-mortem"});  // closing comes last
  CHECK(outage.steps[3].after == Texts{"connectivity"});
  CHECK(outage.severity == Severity::critical);
  CHECK(outage.rto == hours{4});
  CHECK(outage.hash != corruption.hash);
}

}  // namespace
}  // namespace drwatch::test::sample_test
