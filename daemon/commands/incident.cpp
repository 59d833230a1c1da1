// SPDX-License-Identifier: Apache-2.0
// drwatch incident: read the record, and act on it.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/recovery/actions.hpp"

#include <chrono>
#include <iostream>

#include <unistd.h>

namespace drwatch::commands {

namespace {

std::string path_of(const IncidentOptions& options, const std::string& rest = "") {
  return "/api/v1/incidents/" + path_element(options.id) + rest;
}

Time here_and_now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

Json with_note(const IncidentOptions& options, Json body = Json::object()) {
  if (!options.note.empty()) body["note"] = options.note;
  return body;
}

// What a person is told after acting: the sentence, and when it is not yet on the disk.
int tell(const Client& client, const Json& answer, const std::string& sentence) {
  if (client.printed_as_json(answer)) return 0;
  std::string out = sentence + "\n";
  if (answer.contains("durable") && !flag_at(answer, "durable"))
    out += "drwatch's journal does not keep up: this may be lost if drwatch stops now\n";
  print(out);
  return 0;
}

std::string state_of_incident(const Json& answer) { return text_at(answer, "id") + " is " + text_at(answer, "state"); }

const Json* find_by_id(const Json& list, const std::string& id) {
  for (const auto& each : list) {
    if (text_at(each, "id") == id) return &each;
  }
  return nullptr;
}

std::string known_ids(const Json& list) {
  std::string out;
  for (const auto& each : list) out += (out.empty() ? "" : ", ") + text_at(each, "id");
  return out.empty() ? "it has none" : "it has " + out;
}

const Json& need(const Json& incident, const char* list, const std::string& what, const std::string& id) {
  const Json* found = find_by_id(list_at(incident, list), id);
  if (!found) throw CommandRefused(text_at(incident, "id") + " has no " + what + " '" + id + "'; " + known_ids(list_at(incident, list)));
  return *found;
}

// A command changes the world: its arguments are repeated and somebody says yes.
void confirm_run(Client& client, const IncidentOptions& options) {
  const Json incident = client.get(path_of(options));
  const Json& step = need(incident, "steps", "step", options.step);
  if (text_at(step, "kind") != "command") throw CommandRefused("step '" + options.step + "' runs no command; mark it with start or done");
  std::string argv;
  for (const auto& word : list_at(step["run"], "argv")) argv += "  " + one_line(word.get<std::string>()) + "\n";
  if (::isatty(STDIN_FILENO) != 1)
    throw CommandRefused("running a command needs a confirmation; give --yes when nobody is there to answer");
  print("This will be run by drwatch, on its machine:\n" + argv + "Type yes to run it: ");
  std::string answer;
  if (!std::getline(std::cin, answer) || answer != "yes") throw CommandRefused("nothing was run; type yes to run it");
}

}  // namespace

int incident_list(const IncidentOptions& options) {
  Client client(options.client);
  const Json document = client.get("/api/v1/incidents" + (options.state.empty() ? "" : "?state=" + path_element(options.state)));
  if (client.printed_as_json(document)) return 0;
  const Json& list = list_at(document, "incidents");
  print(list.empty() ? "no incidents\n" : incidents_text(list, here_and_now(), Paint::for_output()));
  return 0;
}

int incident_show(const IncidentOptions& options) {
  Client client(options.client);
  const Json document = client.get(path_of(options));
  if (!client.printed_as_json(document)) print(incident_text(document, here_and_now(), Paint::for_output()));
  return 0;
}

int incident_open(const IncidentOptions& options) {
  Client client(options.client);
  const Json answer = client.post("/api/v1/incidents", with_note(options, Json{{"scenario", options.scenario}}));
  return tell(client, answer, state_of_incident(answer) + "; drwatch incident show " + text_at(answer, "id") + " prints what to do");
}

int incident_ack(const IncidentOptions& options) {
  Client client(options.client);
  const Json answer = client.post(path_of(options, "/ack"), with_note(options));
  return tell(client, answer, text_at(answer, "id") + " is taken by " + text_at(answer, "acknowledged_by"));
}

int incident_step(const IncidentOptions& options) {
  Client client(options.client);
  if (parse_step_action(options.action) == OnStep::run && !options.yes) confirm_run(client, options);
  Json body = with_note(options, Json{{"action", options.action}});
  if (options.force) body["force"] = true;
  const Json answer = client.post(path_of(options, "/steps/" + path_element(options.step)), body);
  const Json* step = find_by_id(list_at(answer, "steps"), options.step);
  return tell(client, answer,
              "step '" + options.step + "' is " + (step ? text_at(*step, "state") : "taken") +
                  (step && flag_at(*step, "against_evidence") ? " for the checklist alone: it is against what drwatch sees" : ""));
}

int incident_note(const IncidentOptions& options) {
  Client client(options.client);
  return tell(client, client.post(path_of(options, "/notes"), Json{{"text", options.text}}), "noted");
}

int incident_message(const IncidentOptions& options) {
  Client client(options.client);
  if (options.action == "show") {
    const Json incident = client.get(path_of(options));
    const Json& message = need(incident, "messages", "message", options.message);
    if (!client.printed_as_json(message)) print(message_text(message, Paint::for_output()));
    return 0;
  }
  const auto said = parse_message_action(options.action);
  const std::string action =
      said ? std::string(action_name(*said)) : options.action;  // what it is called; else the daemon says what exists
  const Json answer = client.post(path_of(options, "/messages/" + path_element(options.message)), Json{{"action", action}});
  const Json* message = find_by_id(list_at(answer, "messages"), options.message);
  return tell(client, answer, "message '" + options.message + "' is " + (message ? text_at(*message, "state") : action));
}

int incident_refile(const IncidentOptions& options) {
  Client client(options.client);
  const Json answer = client.post(path_of(options, "/refile"), with_note(options, Json{{"scenario", options.scenario}}));
  return tell(client, answer, text_at(answer, "id") + " is filed under " + text_at(answer, "scenario"));
}

int incident_start_time(const IncidentOptions& options) {
  if (!parse_time(options.time)) throw CommandRefused("'" + options.time + "' is not a time; write it like 2026-03-01T02:09:30Z");
  Client client(options.client);
  const Json answer = client.post(path_of(options, "/start-time"), with_note(options, Json{{"at", options.time}}));
  return tell(client, answer, text_at(answer, "id") + " started at " + text_at(answer, "started_at"));
}

int incident_bad_change(const IncidentOptions& options) {
  if (!parse_time(options.time)) throw CommandRefused("'" + options.time + "' is not a time; write it like 2026-03-01T02:09:30Z");
  Client client(options.client);
  const Json answer = client.post(path_of(options, "/bad-change"), with_note(options, Json{{"at", options.time}}));
  return tell(client, answer, restore_text(answer));
}

int incident_resolve(const IncidentOptions& options) {
  Client client(options.client);
  Json body = with_note(options);
  if (options.force) body["force"] = true;
  if (options.false_alarm) body["false_alarm"] = true;
  const Json answer = client.post(path_of(options, "/resolve"), body);
  return tell(client, answer, state_of_incident(answer));
}

int incident_reopen(const IncidentOptions& options) {
  Client client(options.client);
  const Json answer = client.post(path_of(options, "/reopen"), with_note(options));
  return tell(client, answer, state_of_incident(answer));
}

int incident_report(const IncidentOptions& options) {
  Client client(options.client);
  const std::string report = client.text(path_of(options, "/report"));
  if (!client.printed_as_json(Json{{"report", report}})) print(report.ends_with('\n') ? report : report + "\n");
  return 0;
}

}  // namespace drwatch::commands
