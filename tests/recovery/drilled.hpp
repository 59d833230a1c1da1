// SPDX-License-Identifier: Apache-2.0
// A platform whose database outage is drilled each quarter, and the document that a restore drill leaves.
#pragma once

#include <doctest/doctest.h>

#include "platform.hpp"

#include "daemon/recovery/incidents/drills.hpp"
#include "daemon/recovery/outlook/rto.hpp"
#include "daemon/recovery/record/evidence.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace drwatch::testing::drilled {

inline constexpr const char* outage = "database-outage";

inline bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

inline Settings planned() {
  Settings s = platform();
  Scenario& scenario = s.scenarios.at(outage);
  DrillPlan plan;
  std::string error;
  plan.schedule = Cron::parse("0 10 1 1,4,7,10 *", "UTC", &error);
  plan.type = "restore";
  scenario.drill = plan;
  scenario.critical_hash = "one";
  Step verified;
  verified.id = "connectivity";
  verified.title = "Verify connectivity";
  verified.critical = true;
  verified.verify = condition(s, "database is up");
  scenario.steps.push_back(verified);
  Message customers, inside;
  customers.id = "customers", customers.audience = "customers", customers.subject = "{{title}}", customers.body = "Since {{started_at}}.";
  inside.id = "inside", inside.audience = "internal", inside.subject = "{{title}}", inside.body = "Since {{started_at}}.";
  scenario.messages = {customers, inside};
  return s;
}

inline Settings commanded(const std::string& type = "restore") {
  Settings s = planned();
  DrillPlan& plan = *s.scenarios.at(outage).drill;
  plan.type = type;
  plan.run = {"/usr/lib/drwatch/drwatch-restore-drill", "--to", "scratch"};
  plan.step = "act";
  s.journal.path = "/var/lib/drwatch/journal.db";
  return s;
}

inline const HeldDrill& drill(Stage& stage, const std::string& id) { return stage.state.record.drilling.held.at(id); }
inline std::string started(Stage& stage, const std::string& type = "") {
  const Decision d = stage.feed(StartDrill{outage, "lena", "", type});
  REQUIRE_FALSE(d.refused);
  return d.subject;
}
inline Decision act(Stage& stage, const std::string& id, const std::string& step, OnStep action, const std::string& note = "") {
  return stage.feed(StepAction{id, step, action, "lena", note});
}
inline Standing standing(Stage& stage) { return scenario_standing(stage.state, stage.settings.scenarios.at(outage)); }
inline int count(const Stage& stage, const std::string& kind) {
  return static_cast<int>(std::count_if(stage.events.begin(), stage.events.end(), [&](const Event& e) { return e.kind == kind; }));
}

inline Json evidence(Time began, const std::string& verdict = "passed") {
  return {{"drwatch_drill", 1},
          {"kind", "restore"},
          {"verdict", verdict},
          {"began_at", time_text(began)},
          {"ended_at", time_text(began + minutes{10})},
          {"copy", {{"reads", "basebackup"}, {"label", "base-1"}, {"taken_at", time_text(began - hours{20})}, {"chosen", "newest"}}},
          {"disaster_at", time_text(began)},
          {"claim", {{"recovery_point", time_text(began - seconds{9})}, {"source", "wal"}}},
          {"restored_to", time_text(began - seconds{10})},
          {"measured",
           {{"took_seconds", 600},
            {"lost_seconds", 10},
            {"phases", Json::array({Json{{"name", "fetch"}, {"seconds", 400}, {"bytes", 1000}}})}}},
          {"checks",
           {{{"name", "beat"}, {"verdict", "passed"}, {"mandatory", true}, {"detail", "10 s before"}},
            {{"name", "amcheck"}, {"verdict", "passed"}, {"mandatory", true}, {"detail", ""}}}},
          {"machine", {{"cpus", 2}}},
          {"postgresql", {{"version", "15.20"}}},
          {"classes", Json::array({"host", "logical"})}};
}
inline CommandEnded ended(const std::string& id, int code, const Json& document) {
  CommandEnded e;
  e.incident = id;
  e.step = drill_command;
  e.exit_code = code;
  e.output = "done\n";
  if (!document.is_null()) e.evidence = document.dump();
  return e;
}

}  // namespace drwatch::testing::drilled
