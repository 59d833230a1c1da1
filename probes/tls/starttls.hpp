// SPDX-License-Identifier: Apache-2.0
// The plain words after which TLS begins on a connection that began without.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// "postgres": an SSLRequest (PostgreSQL documentation, Message Flow: SSL Session Encryption). "smtp": greeting, EHLO, STARTTLS (RFC 3207).
// Reads not a byte more than the agreement: what is sent behind it in plain text may be an attacker's and must not be taken for the
// server's word (CVE-2011-0411). Fails with tls, code NO_TLS, when the server has no TLS; with protocol when it talks of something else.
// All reads are bounded. `stream` must outlive the task.
Task<Result<std::size_t>> agree_on_tls(Stream* stream, std::string protocol, std::string address);

}  // namespace drwatch
