// SPDX-License-Identifier: Apache-2.0
// Every table of the configuration as rows: load reads by them, the reference is written from them.
#pragma once

#include "config/rows/schema.hpp"
#include "config/settings.hpp"

namespace drwatch::config {

struct Section {
  std::string heading;  // "[server]"
  std::string doc;      // Markdown
  std::vector<Row> rows;
};

// What a table says before it is checked as a whole.
struct ScheduleText {
  std::string schedule;
  std::string timezone = "UTC";
};
struct JobDraft {
  ScheduleText when;
  JobSettings job;
};
struct MaintenanceDraft {
  std::vector<std::string> components;
  ScheduleText when;
  std::optional<Time> from, until;
  std::optional<Duration> lasts;
};
struct DrillDraft {
  ScheduleText when;
  DrillPlan plan;
  std::optional<bool> automatic;
  std::optional<Duration> timeout;
};
struct ScenarioDraft {
  Scenario scenario;
  std::optional<Duration> rto;
  std::vector<std::string> include;
};
struct RecoveryDraft {
  RecoverySettings recovery;
  ScheduleText working_hours;
};
// A condition about a name that nothing has, and that is no slip of one that something has: of a part of the platform that this
// configuration does not have.
struct AbsentName {
  Place place;
  std::string condition, error;  // as written; what the grammar says of it
};
struct StepDraft {
  Step step;
  std::optional<bool> automatic;
  bool first = false;
  std::optional<Duration> hold, timeout;
  std::optional<AbsentName> absent;  // of `verify`
};
struct SetDraft {
  std::vector<std::string> members;
};
struct ScenariosFolder {
  std::string path;
};

// In the text of a row of probe_section(): the reference puts their names there.
inline constexpr std::string_view kinds_that_confirm_themselves = "{kinds that confirm themselves}";

// The main file. What each is read into stands behind it.
const Section& server_section();           // ServerSettings
const Section& workers_section();          // Settings; its one row belongs to [server]
const Section& token_section();            // TokenSettings
const Section& journal_section();          // JournalSettings
const Section& recovery_section();         // RecoveryDraft
const Section& alertmanager_section();     // AlertmanagerSettings
const Section& channel_section();          // ChannelSettings
const Section& deadman_section();          // DeadmanSettings
const Section& defaults_section();         // DefaultSettings
const Section& witness_section();          // WitnessSettings
const Section& component_section();        // ComponentSettings
const Section& set_section();              // SetDraft
const Section& probe_section();            // ProbeSettings: of every probe
const Section& run_section();              // ProbeSettings: of every probe that drwatch runs itself
const Section& called_job_section();       // JobDraft
const Section& read_job_section();         // JobDraft
const Section& recovery_points_section();  // BackupRole
const Section& maintenance_section();      // MaintenanceDraft
const Section& signal_section();           // SignalSettings
const Section& scenarios_section();        // ScenariosFolder

// A scenario's file. Conditions are sentences about `names`.
Section scenario_section();                   // ScenarioDraft
Section trigger_section(const Names& names);  // Trigger
Section exit_section(const Names& names);     // Exit
Section step_section(const Names& names);     // StepDraft
Section message_section();                    // Message
Section drill_section();                      // DrillDraft

std::vector<std::string> keys_of(const Section& section);

// A list of names as a problem prints it: "a, b, c".
std::string list_text(const std::vector<std::string>& words);

}  // namespace drwatch::config
