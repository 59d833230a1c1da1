// SPDX-License-Identifier: Apache-2.0
// drwatch signal raise | clear.
#include "daemon/commands/client.hpp"
#include "daemon/recovery/actions.hpp"

namespace drwatch::commands {

namespace {

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
  return 0;
}

}  // namespace

int signal_raise(const SignalOptions& options) { return set(options, true); }
int signal_clear(const SignalOptions& options) { return set(options, false); }

}  // namespace drwatch::commands
