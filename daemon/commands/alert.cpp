// SPDX-License-Identifier: Apache-2.0
// drwatch alert list | test.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <chrono>

namespace drwatch::commands {

namespace {

std::string subject(const Json& labels) {
  for (const char* name : {"scenario", "component"}) {
    if (const auto value = text_at(labels, name); !value.empty()) {
      const auto of_class = text_at(labels, "class");
      return value + (of_class.empty() ? "" : "/" + of_class);
    }
  }
  return "";
}

}  // namespace

std::string alerts_text(const Json& list, Time now, const Paint& paint) {
  Columns columns;
  for (const auto& each : list) {
    const Json none = Json::object();
    const Json& labels = each.contains("labels") && each["labels"].is_object() ? each["labels"] : none;
    const Json& annotations = each.contains("annotations") && each["annotations"].is_object() ? each["annotations"] : none;
    const bool firing = text_at(each, "state") == "firing";
    const auto at = firing ? time_at(each, "starts_at") : time_at(each, "resolved_at");
    columns.row({{text_at(labels, "alertname"), Ink::bold},
                 {subject(labels)},
                 {text_at(labels, "severity")},
                 {text_at(each, "state"), firing ? Ink::bad : Ink::dim},
                 {at ? (firing ? "since " : "at ") + clock_text(*at, now) : ""},
                 {one_line(text_at(annotations, "summary")), Ink::dim}});
  }
  return columns.print(paint);
}

int alert_list(const ClientOptions& options) {
  Client client(options);
  const Json document = client.get("/api/v1/alerts");
  if (client.printed_as_json(document)) return 0;
  const Json& list = list_at(document, "alerts");
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  print(list.empty() ? "no alert fires\n" : alerts_text(list, now, Paint::for_output()));
  return 0;
}

int alert_test(const ClientOptions& options) {
  Client client(options);
  const Json answer = client.post("/api/v1/alerts/test", Json::object());
  const auto taken = answer.find("taken");
  const int code = taken != answer.end() && taken->is_boolean() && taken->get<bool>() ? 0 : 1;
  if (client.printed_as_json(answer)) return code;
  for (const auto& line : list_at(answer, "results")) {
    if (line.is_string()) print(one_line(line.get<std::string>()) + "\n");
  }
  return code;
}

}  // namespace drwatch::commands
