// SPDX-License-Identifier: Apache-2.0
// Settings that every kind which opens connections shares: `tls = { verify, ca, certificate, key }` and `family`.
#pragma once

#include "config/rows/schema.hpp"
#include "probes/seams/world.hpp"

namespace drwatch {

// Reads such a table into `into`; what is wrong becomes problems.
void read_tls(TlsSettings& into, const config::Value& value, const config::Reading& reading);

inline constexpr const char* tls_type = "table: verify, ca, certificate, key";
inline constexpr const char* tls_doc =
    "TLS: `verify` (true) checks the certificate and the name, `ca` is a file of trusted certificates instead of the system's, "
    "`certificate` and `key` are the client's own.";

// The rows of that table, for a kind that is about nothing else.
const std::vector<config::Row>& tls_rows();

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
};
// Of a text that fits the pattern host:port.
HostPort host_port(std::string_view text);

// Of "any", "v4", "v6".
Family family_of(std::string_view text);

}  // namespace drwatch
