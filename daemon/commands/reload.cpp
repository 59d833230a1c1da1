// SPDX-License-Identifier: Apache-2.0
// drwatch reload: what the unit's ExecReload calls, so that `systemctl reload` says when a configuration was refused.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <unistd.h>

namespace drwatch::commands {

// That it is there is not enough: it is root's and drwatch's own user's, and others have their token.
std::string reload_server(const std::string& server, const std::string& socket) {
  return server == default_server && access(socket.c_str(), W_OK) == 0 ? "unix:" + socket : server;
}

int reload(ClientOptions options) {
  options.server = reload_server(options.server, "/run/drwatch/control.sock");
  Client client(options);
  const Json answer = client.post("/api/v1/reload", Json::object());
  if (client.printed_as_json(answer)) return 0;
  print("the configuration was loaded: " + one_line(text_at(answer, "hash")) + "\n");
  return 0;
}

}  // namespace drwatch::commands
