// SPDX-License-Identifier: Apache-2.0
// The main file, but for its probes.
#include "config/load/loading.hpp"

namespace drwatch::config {
namespace {

// A table that is not here is refused as unknown: a new section must be added.
const std::vector<std::string> top_level = {"server",  "journal",   "recovery", "alertmanager", "channel", "deadman", "defaults",
                                            "witness", "component", "probe",    "maintenance",  "signal",  "set",     "scenarios"};

void read_server(const Table& root, Settings& settings, const Reading& reading) {
  // Keys of [server] that are not in its rows: read below.
  constexpr std::string_view others[] = {"workers", "tokens"};
  if (!read_once(root, "server", server_section(), &settings.server, reading, others)) return;
  const Table& table = *find(root, "server")->value.table();
  const Reading below = reading.at("server");
  read_rows(table, {}, workers_section().rows, &settings, below);
  each_named(table, "tokens", below, [&](const std::string& name, const Table& token, Place place, const Reading& at) {
    read_table(token, place, token_section().rows, &settings.server.tokens[name], at);
  });
}

void read_working_hours(const ScheduleText& when, const Entry& recovery, Settings& settings, const Reading& reading) {
  const Table& table = *recovery.value.table();
  const auto* written = find(table, "working_hours");
  if (!written) {
    if (const auto* zone = find(table, "timezone"))
      reading.problems.error(zone->place, reading.at("timezone").key, "a time zone is for 'working_hours'", "leave it out, or say them");
    return;
  }
  if (when.schedule.empty() || when.schedule.front() != '*')  // what begins at minute 30 of every hour is no working day
    return reading.problems.error(written->value.place, reading.at("working_hours").key, "working hours are whole hours",
                                  "let the minute be '*': \"* 9-17 * * mon-fri\" is from 9:00 to 18:00");
  settings.recovery.working_hours = read_schedule(when, table, recovery.place, reading, "working_hours");
}

void read_recovery(const Table& root, Settings& settings, const Reading& reading) {
  // The defaults where the file says nothing: an hour, for both classes of disaster.
  settings.recovery.rpo = {{DisasterClass::host, hours{1}}, {DisasterClass::logical, hours{1}}};
  RecoveryDraft draft{settings.recovery, {}};
  if (!read_once(root, "recovery", recovery_section(), &draft, reading)) return;
  settings.recovery = std::move(draft.recovery);
  read_working_hours(draft.working_hours, *find(root, "recovery"), settings, reading.at("recovery"));
}

void read_channel(const std::string& name, const Table& table, Place place, Settings& settings, const Reading& at) {
  auto& channel = settings.channels[name];
  read_table(table, place, channel_section().rows, &channel, at);
  if (channel.kind.empty()) return;
  const bool webhook = channel.kind == "webhook";
  const std::string needs = webhook ? "url" : "command", not_for_it = webhook ? "command" : "url";
  if (!find(table, needs)) at.problems.error(place, at.key, "a " + channel.kind + " needs '" + needs + "'", "add it");
  if (const auto* extra = find(table, not_for_it))
    at.problems.error(extra->place, at.key, "'" + not_for_it + "' is not for a " + channel.kind, "leave it out");
  if (!webhook && find(table, needs) && channel.command.empty())
    at.problems.error(find(table, needs)->value.place, at.at(needs).key, "is empty", "name the program and its arguments");
}

void read_components(const Table& root, Settings& settings, const Reading& reading) {
  each_named(root, "component", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    auto& component = settings.components[name];
    // The title is the name where none is given.
    component.name = component.title = name;
    read_table(table, place, component_section().rows, &component, at);
  });
}

void read_sets(const Table& root, Settings& settings, const Reading& reading) {
  each_named(root, "set", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    SetDraft draft;
    read_table(table, place, set_section().rows, &draft, at);
    settings.places[name] = {name, true, draft.members, {}};  // told apart by derive(), when the probes are known
  });
}

}  // namespace

bool read_once(const Table& root, std::string_view name, const Section& section, void* into, const Reading& reading,
               std::span<const std::string_view> also_known) {
  const auto* entry = find(root, name);
  if (!entry) return false;
  const Reading below = reading.at(name);
  if (!entry->value.table()) {
    reading.problems.error(entry->value.place, below.key, "expected a table, found " + std::string(entry->value.type_name()),
                           "write [" + below.key + "] and its settings below");
    return false;
  }
  read_table(*entry->value.table(), entry->place, section.rows, into, below, also_known);
  return true;
}

void read_main(const Document& main, Settings& settings, const Reading& reading) {
  const Table& root = main.table();
  refuse_unknown(root, top_level, reading);
  read_server(root, settings, reading);
  read_once(root, "journal", journal_section(), &settings.journal, reading);
  read_recovery(root, settings, reading);
  read_once(root, "alertmanager", alertmanager_section(), &settings.alertmanager, reading);
  each_named(root, "channel", reading, [&](const std::string& name, const Table& table, Place place, const Reading& at) {
    read_channel(name, table, place, settings, at);
  });
  DeadmanSettings deadman;
  if (read_once(root, "deadman", deadman_section(), &deadman, reading)) settings.deadman = deadman;
  read_once(root, "defaults", defaults_section(), &settings.defaults, reading);
  read_once(root, "witness", witness_section(), &settings.witness, reading);
  read_components(root, settings, reading);
  read_sets(root, settings, reading);
}

}  // namespace drwatch::config
