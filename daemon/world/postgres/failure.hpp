// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL and libpq say, as a Failure.
#pragma once

#include "probes/seams/world.hpp"

namespace drwatch {

// `message` is libpq's, made with PQERRORS_VERBOSE: the only way to learn the SQLSTATE of a refused connection. `address` is named in the
// result.
Failure connection_failure(std::string_view message, const std::string& address);

// A statement that failed. `sqlstate` may be empty (libpq itself failed), `message` is the server's primary message or libpq's words.
// `lost`: the connection went with it, the reason is then connect whatever the server said; otherwise assertion, but for the classes 28 and
// 08.
Failure statement_failure(std::string_view sqlstate, std::string_view message, bool lost, const std::string& address);

}  // namespace drwatch
