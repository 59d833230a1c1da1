// SPDX-License-Identifier: Apache-2.0
// drwatch reload: what the unit's ExecReload calls, so that `systemctl reload` says when a configuration was refused.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <filesystem>

namespace drwatch::commands {

// The unit's socket needs no token, so it is tried first where no other address was given.
int reload(ClientOptions options) {
  const std::string socket = "/run/drwatch/control.sock";
  std::error_code unreadable;
  if (options.server == default_server && std::filesystem::exists(socket, unreadable)) options.server = "unix:" + socket;
  Client client(options);
  const Json answer = client.post("/api/v1/reload", Json::object());
  if (client.printed_as_json(answer)) return 0;
  print("the configuration was loaded: " + one_line(text_at(answer, "hash")) + "\n");
  return 0;
}

}  // namespace drwatch::commands
