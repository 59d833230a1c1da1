// SPDX-License-Identifier: Apache-2.0
// drwatch signal raise | clear.
#include "daemon/commands/client.hpp"
#include "daemon/recovery/actions.hpp"

namespace drwatch::commands {

namespace {

// What it leads to in each scenario that asks for it: nobody should believe that somebody was woken when nobody was.
std::string follows(const Json& answer) {
  std::string text;
  for (const auto& each : list_at(answer, "opens")) {
    const std::string scenario = text_at(each, "scenario"), state = text_at(each, "state"), why = text_at(each, "why");
    text += "  " + scenario;
    if (state == "open")
      text += " is open: " + text_at(each, "incident");
    else if (state == "pending")
      text += " opens at " + text_at(each, "opens_at") + " if it stays raised" + (why.empty() ? "" : "; " + why);
    else
      text += std::string(" does not open") + (why.empty() ? "" : ": " + why);
    text += "\n";
  }
  return text.empty() ? "  no scenario opens by it\n" : text;
}

int set(const SignalOptions& options, bool raised) {
  const std::string state(signal_state(raised));
  Client client(options.client);
  Json body{{"state", state}};
  if (!options.note.empty()) body["note"] = options.note;
  if (options.force) body["force"] = true;
  const Json answer = client.post("/api/v1/signals/" + path_element(options.name), body);
  if (client.printed_as_json(answer)) return 0;
  // What one of them takes back, the others still raise.
  std::string line =
      "signal '" + options.name + "' is " + (text_at(answer, "state") == state ? state : "still raised by others, not by a person");
  if (const auto until = text_at(answer, "expires_at"); !until.empty()) line += " until " + until;
  print(line + "\n");
  if (raised && answer.contains("opens")) print(follows(answer));
  return 0;
}

}  // namespace

int signal_raise(const SignalOptions& options) { return set(options, true); }
int signal_clear(const SignalOptions& options) { return set(options, false); }

}  // namespace drwatch::commands
