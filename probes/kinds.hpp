// SPDX-License-Identifier: Apache-2.0
// The kinds that exist, one line each; every one is defined in the file of its name.
#pragma once

#include "probes/probe.hpp"

namespace drwatch {

Kind http_kind();
Kind tcp_kind();
Kind tls_kind();
Kind dns_kind();
Kind icmp_kind();
Kind postgres_kind();
Kind auth_kind();
Kind heartbeat_kind();
Kind pg_cron_kind();
Kind backup_kind();
Kind statuspage_kind();
Kind prometheus_kind();
Kind command_kind();

}  // namespace drwatch
