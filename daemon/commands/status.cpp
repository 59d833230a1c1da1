// SPDX-License-Identifier: Apache-2.0
// drwatch status.
#include "daemon/commands/client.hpp"
#include "daemon/commands/render.hpp"
#include "daemon/commands/watching.hpp"

namespace drwatch::commands {

int status(const StatusOptions& options) {
  Client client(options.client);
  const Paint paint = Paint::for_output();
  if (!options.watch) {
    const Json document = client.get("/api/v1/status");
    if (!client.printed_as_json(document)) print(status_text(document, paint));
    return status_exit_code(document);
  }
  watch_text([&] {
    try {
      return status_text(client.get("/api/v1/status"), paint);
    } catch (const CommandRefused& refused) {
      return paint(Ink::bad, refused.what()) + "\n";
    }
  });
  return 0;
}

}  // namespace drwatch::commands
