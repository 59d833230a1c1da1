// SPDX-License-Identifier: Apache-2.0
// drwatch status.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"

#include <chrono>
#include <thread>

namespace drwatch::commands {

int status(const StatusOptions& options) {
  Client client(options.client);
  const Paint paint = Paint::for_output();
  if (!options.watch) {
    const Json document = client.get("/api/v1/status");
    if (!client.printed_as_json(document)) print(status_text(document, paint));
    return status_exit_code(document);
  }
  for (;;) {  // until interrupted
    std::string page;
    try {
      page = status_text(client.get("/api/v1/status"), paint);
    } catch (const CommandRefused& refused) {
      page = paint(Ink::bad, refused.what()) + "\n";
    }
    print("\x1b[H\x1b[2J" + page);
    std::this_thread::sleep_for(seconds{2});
  }
}

}  // namespace drwatch::commands
