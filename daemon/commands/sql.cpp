// SPDX-License-Identifier: Apache-2.0
// drwatch sql: what an administrator runs once in the database that is watched.
#include "probes/parts/prepare_sql.hpp"

#include "daemon/commands/commands.hpp"
#include "daemon/commands/text.hpp"

namespace drwatch::commands {

int sql() {
  print(prepare_sql());
  return 0;
}

}  // namespace drwatch::commands
