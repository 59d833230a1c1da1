// SPDX-License-Identifier: Apache-2.0
// The plain words after which TLS begins on a connection that began without.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// "postgres": an SSLRequest (PostgreSQL's protocol, 55.2.10). "smtp": greeting, EHLO, STARTTLS (RFC 3207). Reads not a byte more than the
// agreement: what is sent behind it in plain text is not taken for the server's word. Fails with tls, code NO_TLS, when the server has no
// TLS; protocol when it talks of something else; both bounded. `stream` must outlive the task.
Task<Result<std::size_t>> agree_on_tls(Stream* stream, std::string protocol, std::string address);

}  // namespace drwatch
