// SPDX-License-Identifier: Apache-2.0
// drwatch incident: read the record, and act on it.
#include "daemon/commands/client.hpp"
#include "daemon/commands/following.hpp"
#include "daemon/commands/incident_words.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/recovery/actions.hpp"

#include <chrono>
#include <iostream>

#include <unistd.h>

namespace drwatch::commands {

namespace {

std::string path_of(const std::string& id, const std::string& rest = "") { return "/api/v1/incidents/" + path_element(id) + rest; }

Json read_incident(Client& client, const std::string& word) {
  return with_incident(client, word, [&](const std::string& id) { return client.get(path_of(id)); });
}
// POST to what stands behind the incident's path.
Json act(Client& client, const std::string& word, const std::string& rest, const Json& body,
         const std::vector<std::string>& states = {"open", "recovered"}) {
  return with_incident(client, word, [&](const std::string& id) { return client.post(path_of(id, rest), body); }, states);
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
int tell_state(const Client& client, const Json& answer) { return tell(client, answer, state_of_incident(answer)); }

std::string words_of(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& word : list) text += (text.empty() ? "" : ", ") + word;
  return text;
}

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
void confirm_run(const Json& incident, const std::string& id) {
  const Json& step = need(incident, "steps", "step", id);
  if (text_at(step, "kind") != "command") throw CommandRefused("step '" + id + "' runs no command; mark it with start or done");
  const Json& run = step["run"];
  if (const auto missing = joined(list_at(run, "missing")); !missing.empty())
    throw CommandRefused("the command cannot be run now: not known: " + missing);
  std::string argv;
  for (const auto& word : list_at(run, "would_run")) argv += "  " + one_line(word.get<std::string>()) + "\n";
  if (::isatty(STDIN_FILENO) != 1)
    throw CommandRefused("running a command needs a confirmation; give --yes when nobody is there to answer");
  print("In " + text_at(incident, "id") + " this will be run by drwatch, on its machine:\n" + argv + "Type yes to run it: ");
  std::string answer;
  if (!std::getline(std::cin, answer) || answer != "yes") throw CommandRefused("nothing was run; type yes to run it");
}

// Who has it and since when, as far as that is known.
std::string who(const Json& step, const char* since) {
  const std::string by = text_at(step, "by");
  const auto at = time_at(step, since);
  return (by.empty() ? "" : " by " + by) + (at ? ", " + clock_text(*at, here_and_now()) : "");
}

// How a step stands after somebody acted on it: who has it now may be somebody else who was there first.
std::string step_words(const Json& step) {
  const std::string state = text_at(step, "state");
  const bool ended = state == "done" || state == "skipped" || state == "failed";
  std::string text =
      "step '" + text_at(step, "id") + "' is " + state + (state == "open" ? "" : who(step, ended ? "ended_at" : "started_at"));
  if (flag_at(step, "against_evidence")) text += ", for the checklist alone: it is against what drwatch sees";
  const std::string before = joined(list_at(step, "waits_for"));
  if (!before.empty() && state != "open" && state != "skipped") text += ", though it comes after " + before;
  return text;
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
  const Json document = read_incident(client, incident_words("show", options.words, {}).id);
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
  const Json answer = act(client, incident_words("ack", options.words, {}).id, "/ack", with_note(options));
  return tell(client, answer, text_at(answer, "id") + " is taken by " + text_at(answer, "acknowledged_by"));
}

int incident_step(const IncidentOptions& options) {
  const IncidentWords said = incident_words("step", options.words, {"STEP", "ACTION"});
  const std::string &step = said.rest[0], &action = said.rest[1];
  const auto does = parse_step_action(action);
  if (!does) throw CommandRefused("'" + action + "' is nothing that is done to a step; one of " + words_of(step_actions()));
  Client client(options.client);
  std::string id = said.id;
  if (does == OnStep::run && !options.yes) {
    const Json incident = read_incident(client, said.id);
    confirm_run(incident, step);
    id = text_at(incident, "id");
  }
  Json body = with_note(options, Json{{"action", action}});
  if (options.force) body["force"] = true;
  const Json answer = act(client, id, "/steps/" + path_element(step), body);
  const Json* now = find_by_id(list_at(answer, "steps"), step);
  const int told = tell(client, answer, now ? step_words(*now) : "step '" + step + "' is taken");
  if (does == OnStep::run && !options.client.json && !options.no_wait && now && text_at(*now, "state") == "running")
    follow_command(client, text_at(answer, "id"), step);
  return told;
}

int incident_note(const IncidentOptions& options) {
  const IncidentWords said = incident_words_and_text("note", options.words);
  Client client(options.client);
  const Json answer = act(client, said.id, "/notes", Json{{"text", said.rest[0]}});
  return tell(client, answer, "noted in " + text_at(answer, "id"));
}

int incident_message(const IncidentOptions& options) {
  const IncidentWords words = incident_words("message", options.words, {"MESSAGE", "ACTION"});
  const std::string &id = words.rest[0], &given = words.rest[1];
  const auto said = parse_message_action(given);
  if (!said && given != "show") {
    auto known = message_actions();
    known.insert(known.begin(), "show");  // which is reading
    throw CommandRefused("'" + given + "' is nothing that is done to a message; one of " + words_of(known));
  }
  Client client(options.client);
  if (!said) {
    const Json incident = read_incident(client, words.id);
    const Json& message = need(incident, "messages", "message", id);
    if (!client.printed_as_json(message)) print(message_text(message, Paint::for_output()));
    return 0;
  }
  const std::string action(action_name(*said));  // what it is called
  const Json answer = act(client, words.id, "/messages/" + path_element(id), Json{{"action", action}});
  const Json* message = find_by_id(list_at(answer, "messages"), id);
  return tell(client, answer, "message '" + id + "' is " + (message ? text_at(*message, "state") : action));
}

int incident_handover(const IncidentOptions& options) {
  const IncidentWords said = incident_words("handover", options.words, {"TO"});
  const std::string& to = said.rest[0];
  if (begins_like_an_id(to)) throw CommandRefused("'" + to + "' is an incident; say to whom: drwatch incident handover " + to + " NAME");
  Client client(options.client);
  const Json answer = act(client, said.id, "/handover", with_note(options, Json{{"to", to}}));
  const std::string id = text_at(answer, "id"), owner = text_at(answer, "owner"), waits_for = text_at(answer, "handed_to");
  if (waits_for.empty()) return tell(client, answer, id + " is " + owner + "'s already");
  return tell(client, answer,
              id + " is handed to " + one_line(waits_for) + "; " + (owner.empty() ? "nobody has it" : owner + " has it") +
                  " until it is taken: drwatch incident take " + id + "\n\n" + indented(text_at(answer, "handover"), "  "));
}

int incident_take(const IncidentOptions& options) {
  Client client(options.client);
  const Json answer = act(client, incident_words("take", options.words, {}).id, "/take", with_note(options));
  return tell(client, answer, text_at(answer, "id") + " is " + text_at(answer, "owner") + "'s now");
}

int incident_refile(const IncidentOptions& options) {
  const IncidentWords said = incident_words("refile", options.words, {"SCENARIO"});
  Client client(options.client);
  const Json answer = act(client, said.id, "/refile", with_note(options, Json{{"scenario", said.rest[0]}}));
  return tell(client, answer, text_at(answer, "id") + " is filed under " + text_at(answer, "scenario"));
}

int incident_start_time(const IncidentOptions& options) {
  const IncidentWords said = incident_words("start-time", options.words, {"TIME"});
  const std::string& time = said.rest[0];
  if (!parse_time(time)) throw CommandRefused("'" + time + "' is not a time; write it like 2026-03-01T02:09:30Z");
  Client client(options.client);
  const Json answer = act(client, said.id, "/start-time", with_note(options, Json{{"at", time}}));
  return tell(client, answer, text_at(answer, "id") + " started at " + text_at(answer, "started_at"));
}

int incident_bad_change(const IncidentOptions& options) {
  const IncidentWords said = incident_words("bad-change", options.words, {"TIME"});
  const std::string& time = said.rest[0];
  if (!parse_time(time)) throw CommandRefused("'" + time + "' is not a time; write it like 2026-03-01T02:09:30Z");
  Client client(options.client);
  const Json answer = act(client, said.id, "/bad-change", with_note(options, Json{{"at", time}}));
  return tell(client, answer, restore_text(answer));
}

int incident_resolve(const IncidentOptions& options) {
  const IncidentWords said = incident_words("resolve", options.words, {});
  Client client(options.client);
  Json body = with_note(options);
  if (options.force) body["force"] = true;
  if (options.false_alarm) body["false_alarm"] = true;
  return tell_state(client, act(client, said.id, "/resolve", body));
}

int incident_reopen(const IncidentOptions& options) {
  const IncidentWords said = incident_words("reopen", options.words, {});
  Client client(options.client);
  return tell_state(client, act(client, said.id, "/reopen", with_note(options), {"recovered"}));
}

int incident_report(const IncidentOptions& options) {
  const IncidentWords said = incident_words("report", options.words, {});
  Client client(options.client);
  const std::string format = options.client.json ? "?format=json" : "";
  const Json report = with_incident(client, said.id, [&](const std::string& id) {
    const std::string path = path_of(id, "/report" + format);
    return options.client.json ? client.get(path) : Json{{"report", client.text(path)}};
  });
  if (client.printed_as_json(report)) return 0;
  const std::string text = text_at(report, "report");
  print(text.ends_with('\n') ? text : text + "\n");
  return 0;
}

}  // namespace drwatch::commands
