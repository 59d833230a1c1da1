// SPDX-License-Identifier: Apache-2.0
// drwatch drill list | record.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <chrono>

namespace drwatch::commands {

namespace {

std::optional<Duration> duration_of(const std::string& text, const char* option) {
  if (text.empty()) return std::nullopt;
  const auto duration = parse_duration(text);
  if (!duration) throw CommandRefused("'" + text + "' is not a duration; write " + option + " 1h30m");
  return duration;
}

}  // namespace

int drill_list(const DrillOptions& options) {
  Client client(options.client);
  const Json document = client.get("/api/v1/status");
  if (client.printed_as_json(document)) return 0;
  const Paint paint = Paint::for_output();
  Columns columns;
  for (const auto& scenario : list_at(document, "scenarios")) {
    if (!scenario.contains("drill") || !scenario["drill"].is_object()) continue;
    const Json& drill = scenario["drill"];
    const auto last = time_at(drill, "last_success_at"), failed = time_at(drill, "failed_at"), due = time_at(drill, "due_at");
    const std::string standing = text_at(scenario, "standing");
    columns.row({{text_at(scenario, "scenario"), Ink::bold},
                 {standing, paint.standing(standing)},
                 {failed ? "failed " + time_text(*failed).substr(0, 10)
                  : last ? "last passed " + time_text(*last).substr(0, 10)
                         : "never drilled",
                  failed ? Ink::bad : Ink::plain},
                 {due ? (flag_at(drill, "overdue") ? "overdue since " : "due ") + time_text(*due).substr(0, 10) : "none planned",
                  flag_at(drill, "overdue") ? Ink::warn : Ink::dim}});
  }
  print(columns.print(paint));
  return 0;
}

int drill_record(const DrillOptions& options) {
  Json body{{"scenario", options.scenario}, {"failed", options.failed}};
  if (const auto took = duration_of(options.took, "--took")) body["took_seconds"] = in_seconds(*took);
  if (const auto lost = duration_of(options.lost, "--lost")) body["lost_seconds"] = in_seconds(*lost);
  if (!options.note.empty()) body["note"] = options.note;
  Client client(options.client);
  const Json answer = client.post("/api/v1/drills/record", body);
  if (client.printed_as_json(answer)) return 0;
  print(options.scenario + " is " + text_at(answer, "standing") + ": " + one_line(text_at(answer, "message")) + "\n");
  return 0;
}

}  // namespace drwatch::commands
