// SPDX-License-Identifier: Apache-2.0
// Rows that several tables share.
#pragma once

#include "config/tables/tables.hpp"

namespace drwatch::config {

// A string setting that stands for one of an enum's values.
template <class S, class E>
Row choice_row(std::string key, E S::* member, std::vector<std::pair<std::string, E>> choices, Meta meta) {
  for (const auto& choice : choices) meta.one_of.push_back(choice.first);
  Row made = described(std::move(key), "string", meta);
  made.read = [member, choices = std::move(choices), meta](void* into, const Value& value, const Reading& reading) {
    std::string text;
    read_value(text, value, meta, reading);
    for (const auto& [name, is] : choices)
      if (name == text) static_cast<S*>(into)->*member = is;
  };
  return made;
}

// The row of what stands within a draft, as a row of the draft.
template <class Draft, class S>
Row inner(S Draft::* member, Row row) {
  row.read = [member, read = std::move(row.read)](void* into, const Value& value, const Reading& reading) {
    read(&(static_cast<Draft*>(into)->*member), value, reading);
  };
  return row;
}

// A part of a schedule, read as text since it is understood together with the others.
template <class Draft>
Row schedule_row(ScheduleText Draft::* when, std::string ScheduleText::* member, std::string key, std::string type, Meta meta) {
  return row_with<Draft>(std::move(key), std::move(type), std::move(meta),
                         [when, member](Draft& into, const Value& value, const Reading& reading) {
                           read_value((into.*when).*member, value, {.doc = "", .required = true}, reading);
                         });
}

// `schedule` and `timezone`; then `more`.
template <class Draft>
std::vector<Row> schedule_rows(ScheduleText Draft::* when, const std::string& doc, std::vector<Row> more) {
  std::vector<Row> rows = {
      schedule_row(
          when, &ScheduleText::schedule, "schedule", "cron expression",
          {.doc = doc + " As Debian's cron reads it: minute, hour, day, month, weekday; or `@hourly`, `@daily`, `@weekly`, `@monthly`, "
                        "`@yearly`. Also `L`, `L-3`, `LW`, `15W` as day and `friL`, `fri#2` as weekday. `drwatch cron EXPRESSION` shows "
                        "when it is due."}),
      schedule_row(
          when, &ScheduleText::timezone, "timezone", "time zone",
          {.doc = "The time zone of `schedule`, by its IANA name. With daylight saving as Debian's cron: a time that is left out is due "
                  "when the clocks have changed, one that comes twice counts once; with `*` as minute or hour it is due whenever the "
                  "clock shows it.",
           .fallback = "UTC"})};
  for (auto& row : more) rows.push_back(std::move(row));
  return rows;
}

}  // namespace drwatch::config
