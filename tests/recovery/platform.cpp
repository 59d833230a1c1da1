// SPDX-License-Identifier: Apache-2.0
#include "platform.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

namespace drwatch::testing {

std::optional<Condition::Subject> ByHand::what(std::string_view name) const {
  std::string n(name);
  if (settings.components.count(n)) return Condition::Subject::component;
  if (settings.probes.count(n)) return Condition::Subject::probe;
  if (settings.signals.count(n)) return Condition::Subject::signal;
  return std::nullopt;
}

Condition condition(const Settings& settings, const std::string& text) {
  std::string error;
  auto parsed = parse_condition(text, ByHand(settings), &error);
  REQUIRE_MESSAGE(parsed, error);
  return *parsed;
}

namespace {
ProbeSettings probe(const std::string& name, const std::string& kind, const std::string& component) {
  ProbeSettings p;
  p.name = name;
  p.kind = kind;
  p.component = component;
  p.interval = seconds{30};
  p.retry = seconds{10};
  p.timeout = seconds{5};
  p.fingerprint = name;
  return p;
}
}  // namespace

Scenario scenario(const Settings& settings, const std::string& id, std::vector<std::string> any, std::vector<std::string> affects) {
  Scenario s;
  s.id = id;
  s.title = id;
  s.rto = hours{4};
  s.affects = std::move(affects);
  for (const std::string& text : any) s.trigger.any.push_back(condition(settings, text));
  s.trigger.hold_for = minutes{1};
  Step act;
  act.id = "act";
  act.title = "Act";
  act.critical = true;
  s.steps.push_back(act);
  return s;
}

Settings platform() {
  Settings s;
  s.recovery.rpo = {{DisasterClass::host, hours{1}}, {DisasterClass::logical, hours{1}}};
  for (const char* name : {"database", "api", "cron"}) {
    s.components[name].name = name;
    s.components[name].title = name;
  }
  s.components["api"].depends_on = {"database"};
  s.probes["primary"] = probe("primary", "postgres", "database");
  s.probes["primary"].traits.answers_queries = true;
  s.probes["web"] = probe("web", "http", "api");
  s.probes["wal"] = probe("wal", "backup", "database");
  s.probes["wal"].traits.reads_recovery_points = true;
  s.probes["wal"].fall = s.probes["wal"].rise = 1;
  s.probes["wal"].backup = BackupRole{"database", {DisasterClass::host, DisasterClass::logical}};
  s.components["database"].probes = {"primary"};
  s.components["database"].protected_by = {"wal"};
  s.components["database"].rpo = s.recovery.rpo;
  s.components["api"].probes = {"web"};
  ProbeSettings nightly = probe("nightly", "heartbeat", "cron");
  nightly.traits.calls_in = true;
  nightly.fall = nightly.rise = 1;
  JobSettings job;
  std::string error;
  job.schedule = Cron::parse("0 * * * *", "UTC", &error);
  job.start_grace = minutes{10};
  job.max_runtime = minutes{20};
  nightly.job = job;
  s.probes["nightly"] = nightly;
  s.components["cron"].probes = {"nightly"};
  s.signals["breach"].name = "breach";
  s.scenarios["database-outage"] = scenario(s, "database-outage", {"database is down"}, {"database"});
  s.scenarios["api-outage"] = scenario(s, "api-outage", {"api is down"}, {"api"});
  return s;
}

Decision Stage::feed(const Input& input) {
  Decision d = decide(state, settings, input, now);
  for (const Event& e : d.events) {
    apply(replayed, event_from_json(Json::parse(to_json(e).dump())));
    events.push_back(e);
  }
  // A difference stays: what a decision without events changes is found by the next one with some, or when time has passed.
  if (!d.events.empty()) compare();
  CHECK_MESSAGE(d.endless.empty(), d.endless);
  return d;
}

void Stage::compare() const {
  const Json folded = to_json(replayed), decided = to_json(state.record);
  if (folded != decided) FAIL_CHECK(Json::diff(folded, decided).dump().substr(0, 300));
}

Decision Stage::ran(const std::string& name, Health health, Reason reason) {
  Outcome o = outcome_of(health, reason, "", std::string(reason_name(reason)));
  o.at = now;
  return feed(Ran{name, o});
}

void Stage::recovery_point(Time at, Health health) {
  Outcome o = outcome_of(health, health == Health::up ? Reason::none : Reason::assertion, "", "");
  o.at = now;
  o.recovery = RecoveryReading{std::nullopt, at, health == Health::down};
  feed(Ran{"wal", o});
}

void Stage::pass(Duration d) {
  Time until = now + d;
  while (state.sight.due && *state.sight.due <= until) {
    now = std::max(now, *state.sight.due);
    feed(Tick{});
  }
  now = until;
  compare();
}

const Incident* Stage::open(const std::string& name) const {
  for (const auto& [id, incident] : state.record.incidents)
    if (incident.scenario == name && incident.state == IncidentState::open) return &incident;
  return nullptr;
}

bool Stage::fires(const std::string& alert) const {
  auto found = state.record.alerts.find(alert);
  return found != state.record.alerts.end() && !found->second.resolved_at;
}

}  // namespace drwatch::testing
