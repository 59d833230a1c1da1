// SPDX-License-Identifier: Apache-2.0
// The visible table of kinds. A new kind is a file, its line in kinds.hpp and its row here.
#include "probes/kinds.hpp"

namespace drwatch {

const std::vector<Kind>& catalog() {
  static const std::vector<Kind> kinds = {
      http_kind(), tcp_kind(), dns_kind(), postgres_kind(), heartbeat_kind(), backup_kind(),
  };
  return kinds;
}

}  // namespace drwatch
