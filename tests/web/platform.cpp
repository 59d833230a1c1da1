// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

namespace drwatch::test {
namespace {

Secret secret(const std::string& value) { return Secret(Secret::From::env, "SOME", value); }

Condition is(const std::string& text, const std::string& name, Condition::Holds holds) {
  Condition condition;
  condition.text = text;
  condition.name = name;
  condition.holds = holds;
  return condition;
}

ProbeSettings probe(const std::string& name, const std::string& kind, const std::string& component) {
  ProbeSettings settings;
  settings.name = name;
  settings.kind = kind;
  settings.component = component;
  settings.interval = seconds{30};
  settings.retry = settings.timeout = seconds{10};
  return settings;
}

Scenario outage() {
  Scenario scenario;
  scenario.id = "database-outage";
  scenario.title = "Database outage";
  scenario.summary = "The database answers nobody.";
  scenario.affects = {"database"};
  scenario.rto = hours{4};
  scenario.trigger.any = {is("database is down", "database", Condition::Holds::down)};
  scenario.trigger.hold_for = minutes{1};
  scenario.hash = "h1";
  Step look, connect, restore;
  look.id = "scope";
  look.title = "Find out what is lost";
  look.critical = true;
  look.owner = "database lead";
  look.expect = minutes{20};
  look.guide = "Look at the **log** of the database first.\n\n```\njournalctl -u postgresql\n```\n\n<script>alert(1)</script>";
  connect.id = "connectivity";
  connect.title = "Verify database connectivity";
  connect.critical = true;
  connect.verify = is("database is up", "database", Condition::Holds::up);
  connect.hold = minutes{2};
  connect.expect = minutes{5};
  restore.id = "restore";
  restore.title = "Initiate point-in-time recovery";
  restore.run = {"/usr/lib/drwatch/pitr", "--target", "2026-03-01T02:09:18Z"};
  restore.after = {"scope"};
  restore.expect = minutes{90};
  scenario.steps = {look, connect, restore};
  Message told;
  told.id = "customers-investigating";
  told.audience = "customers";
  told.subject = "We are looking into it";
  told.body = "Since {{started_at}} ...";
  scenario.messages = {told};
  return scenario;
}

Outcome refused() {
  Outcome outcome = outcome_of(Health::down, Reason::connect, "ECONNREFUSED", "connection refused by 127.0.0.1:5432");
  outcome.at = now_there - seconds{5};
  outcome.phases[Phase::resolve] = std::chrono::microseconds(0);
  outcome.phases[Phase::connect] = std::chrono::microseconds(400);
  outcome.phases[Phase::total] = std::chrono::microseconds(500);
  Exchange connecting;
  connecting.took = std::chrono::microseconds(400);
  connecting.asked = "connect to PostgreSQL, dsn of primary-dsn";
  connecting.answered = "connection refused by 127.0.0.1:5432 (ECONNREFUSED)";
  connecting.failed = true;
  outcome.trace = std::make_shared<Trace>(Trace{{connecting}, 0});
  return outcome;
}

Incident open_incident(const Scenario& scenario) {
  Incident incident;
  incident.id = incident_id;
  incident.scenario = scenario.id;
  incident.title = scenario.title;
  incident.summary = scenario.summary;
  incident.severity = Severity::critical;
  incident.of_class = "host";
  incident.affects = {"database"};
  incident.explains = {"api"};
  incident.started_at = *parse_time("2026-03-01T02:09:30Z");
  incident.started_by = "last good outcome of primary";
  incident.detected_at = *parse_time("2026-03-01T02:10:20Z");
  incident.opened_at = *parse_time("2026-03-01T02:11:20Z");
  incident.rto = hours{4};
  incident.ack_within = minutes{15};
  incident.scenario_hash = scenario.hash;
  incident.because = {{"database is down", *parse_time("2026-03-01T02:10:20Z"), "primary: connection refused, 3 runs"}};
  for (const auto& plan : scenario.steps) {
    IncidentStep step;
    step.plan = plan;
    incident.steps.push_back(step);
  }
  incident.steps[0].state = StepState::done;
  incident.steps[0].started_at = *parse_time("2026-03-01T02:11:40Z");
  incident.steps[0].ended_at = *parse_time("2026-03-01T02:12:30Z");
  incident.steps[0].by = "oncall";
  incident.steps[0].note = "only the primary; the disk is fine";
  IncidentMessage message;
  message.id = "customers-investigating";
  message.audience = "customers";
  message.when = Message::When::opened;
  message.state = MessageState::draft;
  message.subject = "We are looking into it";
  message.body = "Since 02:09 UTC parts of the service cannot be reached.";
  message.drafted_at = incident.opened_at;
  incident.messages.push_back(message);
  Event opened;
  opened.seq = 4711;
  opened.at = incident.opened_at;
  opened.kind = "incident.opened";
  opened.incident = incident.id;
  opened.scenario = scenario.id;
  opened.message = "Database outage opened: database is down";
  incident.timeline.push_back(opened);
  return incident;
}

}  // namespace

Settings small_platform() {
  Settings settings;
  settings.file = "drwatch.toml";
  settings.hash = "cafe";
  settings.server.tokens = {{"viewer", {"viewer", secret("viewer-secret")}},
                            {"oncall", {"responder", secret("oncall-secret")}},
                            {"boss", {"admin", secret("boss-secret")}}};
  auto archive = probe("wal-archive", "backup", "database");
  archive.traits.reads_recovery_points = true;
  archive.backup = BackupRole{"database", {DisasterClass::host, DisasterClass::logical}};
  auto billing = probe("nightly-billing", "heartbeat", "cron");
  billing.traits.calls_in = true;
  billing.job = JobSettings{};
  billing.job->period = hours{24};
  billing.job->key = secret("11111111-2222-3333-4444-555555555555");
  settings.probes = {{"primary", probe("primary", "postgres", "database")},
                     {"wal-archive", archive},
                     {"homepage", probe("homepage", "http", "api")},
                     {"nightly-billing", billing}};
  settings.components = {{"database", {.name = "database", .title = "Database", .probes = {"primary"}, .protected_by = {"wal-archive"}}},
                         {"api", {.name = "api", .title = "Public API", .depends_on = {"database"}, .probes = {"homepage"}}},
                         {"cron", {.name = "cron", .title = "Scheduled jobs", .probes = {"nightly-billing"}}}};
  settings.components["database"].rpo = {
      {DisasterClass::host, hours{1}}, {DisasterClass::logical, hours{1}}, {DisasterClass::region, hours{24}}};
  settings.signals = {{"breach-suspected", {"breach-suspected", hours{24}}}};
  settings.scenarios = {{"database-outage", outage()}};
  Scenario people = outage();
  people.id = "security-breach";
  people.title = "Security breach";
  people.trigger = {};
  settings.scenarios["security-breach"] = people;
  return settings;
}

State in_trouble(const Settings& settings) {
  State state;
  const Time down_since = *parse_time("2026-03-01T02:10:20Z"), last_good = *parse_time("2026-03-01T02:09:30Z");
  state.sight.started_at = now_there - hours{30};
  state.record.seq = 4711;
  state.record.at = now_there;
  state.record.probes["primary"] = {
      Health::down, down_since, Reason::connect, "connection refused", {}, Stretch{last_good + seconds{30}, last_good}, {}};
  state.record.probes["wal-archive"] = {Health::up, now_there - hours{30}, Reason::none, "", {}, {}, now_there - hours{30}};
  state.record.probes["homepage"] = {Health::degraded, down_since, Reason::timeout, "answers in 4 s", {}, {}, {}};
  state.record.components["database"] = {Health::down, down_since, "primary: connection refused", {}};
  state.record.components["api"] = {Health::degraded, down_since, "homepage: answers in 4 s", {}};
  state.kept.probes["primary"] = {last_good, last_good};
  state.kept.probes["wal-archive"] = {now_there - seconds{20}, now_there - seconds{20}};
  state.kept.sources["wal-archive"].recovery_point = now_there - seconds{42};
  state.kept.sources["wal-archive"].read_at = now_there - seconds{20};
  state.record.objectives[objective_key("database", DisasterClass::logical)] = {.standing = Standing::met, .since = now_there - hours{30}};
  state.record.objectives[objective_key("database", DisasterClass::host)] = {
      .standing = Standing::at_risk, .since = now_there - minutes{2}, .message = "growing"};
  state.record.findings["no-source/database/region"] = {
      "no-source", "database", "region", "Nothing that drwatch reads survives the loss of the region of database", now_there - hours{30}};
  auto& sight = state.sight.probes["primary"];
  sight.seen = true;
  sight.last = std::make_shared<const Outcome>(refused());
  sight.recent = {PastRun(sight.last), PastRun(sight.last)};
  sight.failures = {PastRun(sight.last)};
  sight.consecutive_bad = 8;
  sight.last_run_at = refused().at;
  sight.runs[static_cast<int>(Health::up)] = 100;
  sight.runs[static_cast<int>(Health::down)] = 8;
  sight.failures_by_reason[Reason::connect] = 8;
  state.sight.probes["wal-archive"].seen = true;
  state.sight.probes["homepage"].seen = true;
  Incident incident = open_incident(settings.scenarios.at("database-outage"));
  state.record.incidents.put(std::move(incident));
  state.record.pending["security-breach"] = {now_there - seconds{20},
                                             now_there + seconds{40},
                                             {},
                                             last_good,
                                             "last good outcome of homepage",
                                             {{"api is degraded", down_since, "homepage: answers in 4 s"}}};
  state.record.alerts["DrwatchIncident/database-outage"] = {
      {{"alertname", "DrwatchIncident"}, {"severity", "critical"}, {"scenario", "database-outage"}},
      now_there,
      {},
      {{"summary", "Database outage"}},
      4711};
  return state;
}

}  // namespace drwatch::test
