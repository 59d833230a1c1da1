// SPDX-License-Identifier: Apache-2.0
// What every kind that opens connections reads: `tls = { verify, ca, certificate, key, server_name }` (config/tables), `family`, targets.
#pragma once

#include "config/tables/http_access.hpp"
#include "probes/seams/world.hpp"

namespace drwatch {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
// Of a text that fits the pattern host:port.
HostPort host_port(std::string_view text);

// Of "any", "v4", "v6".
Family family_of(std::string_view text);

}  // namespace drwatch
