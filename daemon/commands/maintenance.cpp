// SPDX-License-Identifier: Apache-2.0
// drwatch maintenance list | start | end.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <chrono>

namespace drwatch::commands {

std::string maintenance_text(const Json& list, Time now, const Paint& paint) {
  Columns columns;
  for (const auto& each : list) {
    std::string components;
    for (const auto& name : list_at(each, "components")) {
      if (name.is_string()) components += (components.empty() ? "" : ", ") + one_line(name.get<std::string>());
    }
    const auto until = time_at(each, "until");
    const std::string by = text_at(each, "by"), note = one_line(text_at(each, "note"));
    columns.row({{text_at(each, "id"), Ink::bold},
                 {components},
                 {until ? "until " + clock_text(*until, now) : ""},
                 {by.empty() ? "" : "by " + by, Ink::dim},
                 {note}});
  }
  return columns.print(paint);
}

int maintenance_list(const MaintenanceOptions& options) {
  Client client(options.client);
  const Json document = client.get("/api/v1/maintenance");
  if (client.printed_as_json(document)) return 0;
  const Json& list = list_at(document, "maintenance");
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  print(list.empty() ? "no maintenance is running\n" : maintenance_text(list, now, Paint::for_output()));
  return 0;
}

int maintenance_start(const MaintenanceOptions& options) {
  const auto lasts = parse_duration(options.lasts);
  if (!lasts || *lasts <= Duration{0}) throw CommandRefused("'" + options.lasts + "' is not a duration; write --for 1h30m");
  Client client(options.client);
  Json body{{"components", options.components}, {"for_seconds", in_seconds(*lasts)}};
  if (!options.note.empty()) body["note"] = options.note;
  const Json answer = client.post("/api/v1/maintenance", body);
  if (client.printed_as_json(answer)) return 0;
  const std::string id = text_at(answer, "id");
  print(id + " runs for " + duration_words(*lasts) + " and ends by itself; drwatch maintenance end " + id + " ends it earlier\n");
  return 0;
}

int maintenance_end(const MaintenanceOptions& options) {
  Client client(options.client);
  const Json answer = client.post("/api/v1/maintenance/" + path_element(options.id) + "/end", Json::object());
  if (!client.printed_as_json(answer)) print(options.id + " has ended\n");
  return 0;
}

}  // namespace drwatch::commands
