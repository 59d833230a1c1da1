// SPDX-License-Identifier: Apache-2.0
// A connection string, with its names resolved before libpq (which would block on them) sees it.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

struct PgTarget {
  std::map<std::string, std::string> options;  // libpq's keywords
  std::string address;                         // "127.0.0.1:5432", "/run/postgresql": for messages
};

// `dsn` as libpq's options. Several hosts, and several addresses of one name, become a list that libpq tries in order. Fails with own-fault
// when the string cannot be read or used, or with what the resolver says.
Task<Result<PgTarget>> resolve_target(Secret dsn, Resolver& resolver);

}  // namespace drwatch
