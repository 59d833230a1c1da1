// SPDX-License-Identifier: Apache-2.0
// The visible table of kinds. A new kind is a file, its line in kinds.hpp and its row here.
#include "probes/kinds.hpp"

namespace drwatch {

const std::vector<Kind>& catalog() {
  // clang-format off: a row each
  static const std::vector<Kind> kinds = {
      http_kind(),
      tcp_kind(),
      tls_kind(),
      dns_kind(),
      icmp_kind(),
      postgres_kind(),
      auth_kind(),
      heartbeat_kind(),
      pg_cron_kind(),
      backup_kind(),
      statuspage_kind(),
      prometheus_kind(),
      command_kind(),
  };
  // clang-format on
  return kinds;
}

}  // namespace drwatch
