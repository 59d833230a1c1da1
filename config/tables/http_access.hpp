// SPDX-License-Identifier: Apache-2.0
// The rows of HttpAccess and of its parts.
#pragma once

#include "config/http_access.hpp"
#include "config/rows/schema.hpp"

#include <string_view>

namespace drwatch {

// Reads such a table into `into`; what is wrong becomes problems.
void read_tls(TlsSettings& into, const config::Value& value, const config::Reading& reading);

inline constexpr const char* tls_type = "table: verify, ca, certificate, key, server_name";
inline constexpr const char* tls_doc =
    "TLS: `verify` (true) checks the certificate and the name, `ca` is a file of trusted certificates instead of the system's, "
    "`certificate` and `key` are the client's own, `server_name` is asked for (SNI) and verified instead of the target's name.";

// The rows of that table, for a kind that is about nothing else.
const std::vector<config::Row>& tls_rows();

void read_headers(std::map<std::string, Secret>& into, const config::Value& value, const config::Reading& reading);
// No line breaks and no control characters but the tab: they would end the header and begin another.
bool fit_for_a_header(std::string_view text);

// headers, basic, bearer, tls: of settings whose first base (or which itself) is HttpAccess.
std::vector<config::Row> access_rows();
// More than one of basic, bearer and an Authorization header.
void check_access(const HttpAccess& access, config::Place place, const config::Reading& reading);

}  // namespace drwatch
